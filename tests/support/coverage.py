#!/usr/bin/python3
"""Which test proves which rule: schemas/RULES.md and the clauses of schemas/PROFILES.md against the names, docstrings
and comments of the tests. Writes tests/COVERAGE.md and tests/PROFILES.md.

    coverage.py            writes the tables, and takes rules that are tested now off the list of exceptions (make coverage)
    coverage.py --check    writes nothing; says what is missing or out of date, and ends with 1 (make check)

A rule counts as tested where its id stands as a word of its own: in a Python test file in the name of a test, its
docstring or a comment, or the text of a sub-test; in a C test file in the name of a test or a comment; in case data
(tests/cases) in a member name, rule, rules, shows, step or why. Rules 0.1 to 0.13 are written "rule 0.1". A rule
that comments of the program name must exist too. rules/exceptions.txt lists what no test can name, and what is not
tested yet. A clause of a profile has two letters, and its row says how usher stands: what is met needs a test."""

import ast
import io
import json
import os
import re
import sys
import tokenize

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TESTS)
RULES, EXCEPTIONS, TABLE = os.path.join(ROOT, "schemas",
                                        "RULES.md"), os.path.join(TESTS, "rules", "exceptions.txt"), os.path.join(
                                            TESTS, "COVERAGE.md")
PROFILES, CLAUSES = os.path.join(ROOT, "schemas", "PROFILES.md"), os.path.join(TESTS, "PROFILES.md")
CLAUSE = r"(?:AL|IO|GM|SG)[0-9]{2}"
ID = r"(?:[A-Z][0-9]{1,2}a?|0\.[0-9]{1,2})"
WORD = re.compile(
    r"(?<![A-Za-z0-9.#\"/-])([A-Z][0-9]{1,2}a?|" + CLAUSE +
    r")(?![A-Za-z0-9\"-]|\.[0-9A-Za-z])|\b[Rr]ules? (0\.[0-9]{1,2})(?![0-9])")
SENT = r"Q[0-4][0-9]|0\..*"  # what identity providers send and rely on: proved over HTTP alone
SAID_IN = ("name", "rule", "rules", "shows", "step", "why")  # members of case data that say what a case proves
# Tests of one file that the table names; further ones are "…", so that one more test rarely changes the table.
SHOWN = 3


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def listed(path):
    """[(section, [(id, text)])] of a file with "= section" lines, "id text" lines and # comments."""
    sections = []
    for line in read(path).splitlines():
        line = line.strip()
        if line.startswith("= "):
            sections.append((line[2:], []))
        elif line and not line.startswith("#"):
            rule, _, text = line.partition(" ")
            assert re.fullmatch(ID, rule) and text.strip() and sections, "%s: %r" % (path, line)
            sections[-1][1].append((rule, text.strip()))
    return sections


def ruled(path):
    """The same of a document: "## section", and tables of "| id | text |"."""
    sections = []
    for line in read(path).splitlines():
        row = re.fullmatch(r"\| (%s) \| (.+) \|" % ID, line)
        if line.startswith("## "):
            sections.append((line[3:], []))
        elif row:
            sections[-1][1].append((row[1], row[2].replace("\\|", "|")))
    assert all(group for _, group in sections), "%s: a section without rules" % path
    return sections


def claused(path):
    """[(section, [(id, clause, how usher stands)])] of schemas/PROFILES.md."""
    sections = []
    for line in read(path).splitlines():
        row = re.fullmatch(r"\| (%s) \| (.+?) \| (.+) \|" % CLAUSE, line)
        if line.startswith("## "):
            sections.append((line[3:], []))
        elif row:
            sections[-1][1].append(row.groups())
    assert all(group for _, group in sections), "%s: a section without clauses" % path
    return sections


def words(text):
    """The ids in a text, as they are written; test_Q01_x has Q01."""
    return {a or b for a, b in WORD.findall(text.replace("_", " "))}


# ---- what the tests say


def in_python(path):
    """Yields (test, text)."""
    source = read(path)
    tree, spans = ast.parse(source), []
    yield "", ast.get_docstring(tree) or ""

    def walk(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                test = prefix + child.name if isinstance(child, ast.ClassDef) or child.name.startswith(
                    "test") else prefix.rstrip(".")
                spans.append((child.lineno, child.end_lineno, test))
                yield test, ast.get_docstring(child) or ""
                if child.name.startswith("test"):
                    yield test, child.name
                yield from walk(child, prefix + child.name + "." if isinstance(child, ast.ClassDef) else test + ".")

    yield from walk(tree, "")
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "subTest":
            for a in call.args:
                if isinstance(a, ast.Constant) and isinstance(a.value, str):
                    yield _at(spans, call.lineno), a.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield _at(spans, token.start[0]), token.string


def _at(spans, line):
    """The innermost of the spans that holds a line."""
    return min((s for s in spans if s[0] <= line <= s[1]), key=lambda s: s[1] - s[0], default=(0, 0, ""))[2]


C_TOKEN = re.compile(
    r'/\*(?P<long>.*?)\*/|//(?P<short>[^\n]*)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^static void (?P<test>\w+)\(void \*\*\w+\) \{|^\}', re.S | re.M)


def in_c(path):
    """Yields (test, text). A comment outside of functions belongs to the test that follows it directly, else to the
    whole file."""
    source = read(path)
    test, waiting, waiting_end = "", None, 0
    for m in C_TOKEN.finditer(source):
        comment = m.group("long") or m.group("short")
        if m.group("test"):
            test = m.group("test")
            yield test, test
            if waiting is not None:
                yield (test if not source[waiting_end:m.start()].strip() else ""), waiting
                waiting = None
        elif m.group(0) == "}":
            test = ""
        elif comment is not None and test:
            yield test, comment
        elif comment is not None:
            if waiting is not None:
                yield "", waiting
            waiting, waiting_end = comment, m.end()
    if waiting is not None:
        yield "", waiting


def in_json(path):
    """Yields (case, text) of a file of case data."""

    def walk(value, case):
        if isinstance(value, dict):
            case = next((value[k] for k in ("name", "step") if isinstance(value.get(k), str)), case)
            for k, v in value.items():
                if k in SAID_IN:
                    for text in v if isinstance(v, list) else [v]:
                        if isinstance(text, str):
                            yield case, text
                yield from walk(v, case)
        elif isinstance(value, list):
            for v in value:
                yield from walk(v, case)

    yield from walk(json.loads(read(path)), "")


def tests():
    """Yields (file below tests/, test, text) for everything that tests say of themselves."""
    for folder, folders, files in os.walk(TESTS):
        folders.sort()
        folders[:] = [f for f in folders if f not in ("__pycache__", "rules", "bench")]
        for name in sorted(files):
            path = os.path.join(folder, name)
            below = os.path.relpath(path, TESTS)
            if name.startswith("test_") and name.endswith(".py"):
                found = in_python(path)
            elif name.startswith("test_") and name.endswith(".c"):
                found = in_c(path)
            elif below.startswith("cases" + os.sep) and name.endswith(".json"):
                found = in_json(path)
            else:
                continue
            for test, text in found:
                yield below, test, text


ROOMS = ("ingest", "workers", "schemas", "sql", "ops")


def cited():
    """{id: file} of the rules that comments of the program's C code name."""
    out = {}
    for room in ROOMS:
        for folder, _, files in os.walk(os.path.join(ROOT, room)):
            for name in sorted(files):
                path = os.path.join(folder, name)
                if not name.endswith((".c", ".h")):
                    continue
                for m in C_TOKEN.finditer(read(path)):
                    for rule in words(m.group("long") or m.group("short") or ""):
                        out.setdefault(rule, os.path.relpath(path, ROOT))
    return out


# ---- the table


def family(rule):
    """"P" of P12, "AL" of AL02."""
    return re.match(r"[A-Z]*", rule)[0] or rule[0]


def proofs(rules):
    """{id: {file: [test, …]}} in the order of the files, and the ids that are no rule: {id: file}."""
    found, unknown = {r: {} for r in rules}, {}
    letters = {family(r) for r in rules}
    for below, test, text in tests():
        for rule in words(text):
            if rule in found:
                named = found[rule].setdefault(below, [])
                if test not in named:
                    named.append(test)
            elif family(rule) in letters and below.startswith("integration"):
                unknown.setdefault(rule, "tests/" + below)
    unknown.update((rule, path) for rule, path in cited().items() if rule not in found)
    return found, unknown


def cell(places):
    out = []
    for below, named in places.items():
        shown = [" ".join(t.split()).replace("|", "\\|") for t in named if t]
        text = ", ".join(shown[:SHOWN]) + (", …" if len(shown) > SHOWN else "")
        out.append("`%s`%s" % (below, ": " + text if text else ""))
    return "<br>".join(out)


def table(sections, found, excepted):
    lines = ["# Which test proves which rule", "",
             "Generated by `make coverage` from [rules](../schemas/RULES.md), [exceptions](rules/exceptions.txt) and what the tests",
             "say of themselves. `make check` fails where a rule has no test, or this table is out of date.", ""]
    for title, rules in sections:
        lines += ["## " + title, "", "| rule | | tests |", "|---|---|---|"]
        for rule, text in rules:
            proof = cell(found[rule]) if found[rule] else "*%s*" % excepted.get(rule, "**none**")
            lines.append("| %s | %s | %s |" % (rule, text, proof))
        lines.append("")
    return "\n".join(lines)


def profiles(sections, found):
    """The text of tests/PROFILES.md."""
    lines = ["# Which test proves which clause of the profiles", "",
             "Generated by `make coverage` from [the clauses](../schemas/PROFILES.md) and what the tests say of themselves. `make",
             "check` fails where a clause that is met has no test, or this table is out of date.", "",
             "| profile | clauses | met | met with a switch | deviates | not yet |", "|---|---|---|---|---|---|"]
    for title, clauses in sections:
        stands = [s for _, _, s in clauses]
        counts = [sum(1 for s in stands if fits(s)) for fits in (
            lambda s: is_met(s) and not s.startswith("met with"), lambda s: s.startswith("met with"),
            lambda s: s.startswith("deviates"), lambda s: s == "not yet")]
        lines.append("| %s | %d | %s |" % (title, len(clauses), " | ".join(map(str, counts))))
    lines.append("")
    for title, clauses in sections:
        lines += ["## " + title, "", "| clause | | how usher stands | tests |", "|---|---|---|---|"]
        lines += ["| %s | %s | %s | %s |" % (c, text, stands, cell(found[c])) for c, text, stands in clauses]
        lines.append("")
    return "\n".join(lines)


def is_met(stands):
    return re.match(r"met(?: with `[^`]+`|:|$)", stands) is not None


def clause_faults(sections, found):
    out = []
    for clause, text, stands in (row for _, clauses in sections for row in clauses):
        if is_met(stands) and not found[clause]:
            out.append("clause %s (%s) is met and named by no test" % (clause, text))
        if not is_met(stands) and stands != "not yet" and not stands.startswith("deviates: "):
            out.append("clause %s: \"%s\" says not how usher stands" % (clause, stands))
        if stands == "not yet" and found[clause]:
            out.append("clause %s is not met yet, but %s names it" % (clause, next(iter(found[clause]))))
    return out


def faults(rules, found, unknown, exceptions):
    excepted = {r: text for _, group in exceptions for r, text in group}
    out = [
        "rule %s (%s) is named by no test: name it in one, or list it with the reason in tests/rules/exceptions.txt" % (
            r, rules[r])
           for r in rules if not found[r] and r not in excepted]
    out += ["rule %s (%s) is what a provider sends: it needs an integration test" % (r, rules[r])
            for r in rules if re.fullmatch(SENT, r) and found[r]
            and not any(below.startswith("integration") for below in found[r])]
    out += ["tests/rules/exceptions.txt lists %s, which is no rule" % r for r in excepted if r not in rules]
    out += ["tests/rules/exceptions.txt lists %s, but %s names it: take it off the list" % (r, next(iter(found[r])))
            for r in excepted if found.get(r)]
    return out + ["%s names %s, which is no rule" % (path, r) for r, path in sorted(unknown.items())]


def settle(tested):
    """Takes the rules that have a test now off the lists of exceptions."""
    lines = [line for line in read(EXCEPTIONS).splitlines(keepends=True) if line.split(" ", 1)[0] not in tested]
    with open(EXCEPTIONS, "w", encoding="utf-8") as f:
        f.writelines(lines)


def main(argv):
    sections, exceptions, clauses = ruled(RULES), listed(EXCEPTIONS), claused(PROFILES)
    rules = {r: text for _, group in sections for r, text in group}
    asked = {c: text for _, group in clauses for c, text, _ in group}
    assert len(rules) == sum(len(group) for _, group in sections), "a rule is listed twice"
    assert len(asked) == sum(len(group) for _, group in clauses), "a clause is listed twice"
    found, unknown = proofs({**rules, **asked})
    if argv != ["--check"]:
        settle({r for r in rules if found[r]})
        exceptions = listed(EXCEPTIONS)
    wrong = faults(rules, found, unknown, exceptions) + clause_faults(clauses, found)
    for path, text in ((TABLE, table(sections, found, {r: t for _, group in exceptions for r, t in group})),
                       (CLAUSES, profiles(clauses, found))):
        if argv != ["--check"]:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        elif not os.path.exists(path) or read(path) != text:
            wrong.append("%s is out of date: run `make coverage`" % os.path.relpath(path, ROOT))
    later = [r for title, group in exceptions if title.startswith("not yet") for r, _ in group]
    later += [c for _, group in clauses for c, _, stands in group if stands == "not yet"]
    named = sum(1 for r in list(rules) + list(asked) if found[r])
    print("%d of %d rules and clauses are named by tests; not yet: %s" % (named, len(rules) + len(asked),
                                                                          ", ".join(later) or "none"))
    for w in wrong:
        print("  " + w)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
