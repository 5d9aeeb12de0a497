#!/usr/bin/python3
"""Are the documents in order? Part of `make lint`.

Prints what is wrong and fails if anything is:
 * a line of a document over 120 columns, outside of tables and code;
 * a link to a file or a heading that does not exist;
 * a document, or a comment of the code, that cites a file or a heading of ops/DESIGN.md that does not exist."""

import fnmatch
import os
import re
import subprocess
import sys

COLUMNS = 120
ROOMS = "ingest|workers|schemas|sql|tests|ops"
# Examples, and texts of earlier versions.
MADE_UP = ("tests/support/test_coverage.py", "tests/support/test_lint_docs.py", "tests/cases/sql/")
TEXTS = (".c", ".h", ".py", ".sh", ".sql", ".md")
PATH = re.compile(r"(?<![\w./<>*-])(?:%s)/[\w./*-]+\.(?:c|h|py|sh|sql|md|json|txt|conf)\b" % ROOMS)
NAME = re.compile(r"(?<![\w./<*-])[a-z][a-z0-9_*]*\.[ch]\b")
DESIGN = re.compile(r'ops/DESIGN\.md, "([^"]+)"')


def files():
    """Everything in the repository, and what is about to be added to it."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if os.path.exists(name)]


def read(name):
    with open(name, encoding="utf-8", errors="replace") as f:
        return f.read()


def prose(text):
    """(line number, line) of what is neither a table nor code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    ") and not line.lstrip().startswith("|"):
            yield number, line


def anchors(text):
    """As GitHub makes them of the headings."""
    seen = {}
    for _, line in prose(text):
        heading = re.match(r"#+ +(.*?) *$", line)
        if heading:
            slug = re.sub(r"[^\w -]", "", heading[1].replace("`", "").lower()).replace(" ", "-")
            count = seen[slug] = seen.get(slug, -1) + 1
            yield "%s-%d" % (slug, count) if count else slug


def long_lines(name, text):
    for number, line in prose(text):
        if len(line) > COLUMNS:
            yield "%s:%d has %d columns" % (name, number, len(line))


def dead_links(name, text):
    fenced = re.sub(r"(?ms)^```.*?^```$", "", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", fenced)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = os.path.normpath(os.path.join(os.path.dirname(name), path))
        if path and not os.path.exists(file):
            yield "%s links to %s, which does not exist" % (name, target)
        elif anchor and anchor not in anchors(read(file) if path else text):
            yield "%s links to %s, which has no such heading" % (name, target)


def comments(name, text):
    """The words of a file in which it may cite another, in one line."""
    if name.endswith((".c", ".h")):
        text = " ".join(re.findall(r"(?s)/\*.*?\*/|//[^\n]*", text))
    return re.sub(r"\s+", " ", re.sub(r"(?m)^\s*(\*|#|--) ?", " ", text))


def dead_citations(name, text, known, names, headings):
    words = comments(name, text)
    for path in PATH.findall(words):
        beside = os.path.normpath(os.path.join(os.path.dirname(name), path))
        if not fnmatch.filter(known, path) and not fnmatch.filter(known, beside):
            yield "%s cites %s, which does not exist" % (name, path)
    for file in NAME.findall(words) if name.endswith((".c", ".h", ".md")) else ():
        if not fnmatch.filter(names, file):
            yield "%s cites %s, which does not exist" % (name, file)
    for heading in DESIGN.findall(words):
        if heading not in headings:
            yield "%s cites ops/DESIGN.md, \"%s\", which is no heading there" % (name, heading)


def main():
    known = files()
    texts = [name for name in known if name.endswith(TEXTS) and not name.startswith(MADE_UP)]
    names = {os.path.basename(name) for name in known}
    names |= {os.path.basename(h) for name in texts if name.endswith((".c", ".h")) for h in re.findall(r"#include <([^>]+)>", read(name))}
    headings = set(re.findall(r"(?m)^#+ +(.*?) *$", read("ops/DESIGN.md")))
    wrong = []
    for name in texts:
        text = read(name)
        if name.endswith(".md"):
            wrong += [*long_lines(name, text), *dead_links(name, text)]
        wrong += dead_citations(name, text, known, names, headings)
    for fault in dict.fromkeys(wrong):
        print("lint: " + fault)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
