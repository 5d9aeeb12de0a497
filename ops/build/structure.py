#!/usr/bin/python3
"""structure.py --circles ROOM... --names ROOM...: what the compiler does not see of a room's structure.

circles: include circles between the modules of a room. A module is a .c file with its header and with the private
headers that belong to it: x_impl.h, x_private.h, and a header x_y.h that has no .c file and includes x.h belong to the
module x of their folder. A private header that includes the public one is therefore no circle.

names: static functions of one name in two files of a room. A backtrace or a search must say which one is meant.

Prints what is wrong; the exit code says whether anything is.
"""
import os
import re
import sys

INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
PRIVATE = re.compile(r"_(impl|private)$")
STATIC = re.compile(r"^static [^;={}()]*?\b(\w+)\([^;{}]*\)\s*\{", re.M)


def files_of(room):
    for folder, _, names in sorted(os.walk(room)):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    yield path, file.read()


def module_of(path, files):
    stem, extension = os.path.splitext(path)
    if PRIVATE.search(stem):
        return PRIVATE.sub("", stem)
    if extension == ".h" and stem + ".c" not in files:
        for target in INCLUDE.findall(files.get(path, "")):
            if stem.startswith(target[:-2] + "_"):
                return target[:-2]
    return stem


def read_room(room):
    """{module: {module it includes: the file that does}}"""
    files, graph = dict(files_of(room)), {}
    for path, text in files.items():
        module = module_of(path, files)
        edges = graph.setdefault(module, {})
        for target in INCLUDE.findall(text):
            other = module_of(target, files)
            if target.startswith(room + "/") and other != module:
                edges.setdefault(other, path)
    return graph


def reachable(graph, start):
    """All modules that start includes, by way of others too."""
    found, waiting = set(), [start]
    while waiting:
        for target in graph.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def circles(room):
    graph = read_room(room)
    reach = {module: reachable(graph, module) for module in graph}
    left = {module for module in graph if module in reach[module]}
    while left:
        first = min(left)
        group = sorted(module for module in left if module in reach[first] and first in reach[module])
        left.difference_update(group)
        yield f"{room}: {len(group)} modules include each other in a circle: {' '.join(group)}"
        for module in group:
            for target, path in sorted(graph[module].items()):
                if target in group:
                    yield f"    {path} includes {target}.h"


def names(room):
    where = {}
    for path, text in files_of(room):
        for name in STATIC.findall(text):
            where.setdefault(name, set()).add(path)
    for name, paths in sorted(where.items()):
        if len(paths) > 1:
            yield f"{room}: static {name}() stands in {', '.join(sorted(paths))}"


def main(arguments):
    check, bad = None, False
    for argument in arguments:
        if argument.startswith("--"):
            check = {"--circles": circles, "--names": names}[argument]
            continue
        for line in check(argument):
            print(line)
            bad = True
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
