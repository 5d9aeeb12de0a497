#!/usr/bin/python3
"""Embeds SQL into the programs, so that an installed one needs no files.

    embed_sql.py OUT statements FILE...    OUT/statements.c and .h, and OUT/sql/*.sql with their parts put in
    embed_sql.py OUT migrations FILE...    OUT/migrations.c: see sql/migrations.h
    embed_sql.py OUT functions FILE...     OUT/functions.c: see sql/functions.h

A file of statements is cut at its markers: `-- name: X` begins a statement, `-- part: X` a piece of one. The comment
below a marker says what it is, and has a line `-- $1 type: what it is` for each parameter, or `-- parameters as X`. A statement, and a part, may
take in a part of the same file: {X}. A part may have other holes, which the C code fills (sql/statement.h)."""

import hashlib
import os
import re
import sys

MARKER = re.compile(r"-- (name|part): ([a-z][a-z0-9_]*)$")
PARAMETER = re.compile(r"-- \$(\d+) ([a-z0-9_ \[\]]+): \S")
SAME = re.compile(r"-- parameters as ([a-z][a-z0-9_]*)$")
HOLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
TEXT = re.compile(r"'(?:[^']|'')*'|--[^\n]*")  # where a $1 is no parameter


class Wrong(Exception):
    pass


class Piece:
    def __init__(self, file, kind, name, line):
        self.file, self.kind, self.name, self.line = file, kind, name, line
        self.doc, self.types, self.body, self.same = [], [], [], None

    def wrong(self, what):
        return Wrong("%s:%d: %s: %s" % (self.file, self.line, self.name, what))

    def take(self, line):
        """One line below the marker: of the comment on top, or of the text."""
        parameter, same = PARAMETER.match(line), SAME.match(line)
        if self.body or not line.startswith("--"):
            self.body.append(line)
        elif same:
            self.same = same[1]
            self.doc.append(line)
        elif not parameter:
            self.doc.append(line)
        elif int(parameter[1]) != len(self.types) + 1:
            raise self.wrong("$%s is not the next parameter" % parameter[1])
        else:
            self.types.append(parameter[2])
            self.doc.append(line)

    def text(self):
        text = "\n".join(self.body).strip("\n").rstrip()
        return text[:-1].rstrip() if text.endswith(";") else text


def read_pieces(path):
    pieces = []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip()
            marker = MARKER.match(line)
            if marker:
                pieces.append(Piece(path, marker[1], marker[2], number))
            elif pieces:
                pieces[-1].take(line)
            elif line and not line.startswith("--"):
                raise Wrong("%s:%d: text before the first marker" % (path, number))
    return pieces


def fill(piece, parts, within=()):
    """The text with the parts of its file, each line of them as far to the right as the hole stands in its line."""
    if piece.name in within:
        raise piece.wrong("takes in itself")

    def put(hole):
        if hole[1] not in parts:
            if piece.kind == "name":
                raise piece.wrong("there is no part %s" % hole[1])
            return hole[0]
        before = hole.string[:hole.start()].rpartition("\n")[2]
        indent = before[:len(before) - len(before.lstrip())]
        return fill(parts[hole[1]], parts, (*within, piece.name)).replace("\n", "\n" + indent)

    return HOLE.sub(put, piece.text())


def check(piece, text, pieces):
    if not text:
        raise piece.wrong("has no text")
    if piece.same:
        if piece.same not in pieces or piece.types:
            raise piece.wrong("has no parameters such as those of %s" % piece.same)
        piece.types = pieces[piece.same].types
    used = {int(n) for n in re.findall(r"\$(\d+)", TEXT.sub("", text))}
    if piece.kind == "name" and used != set(range(1, len(piece.types) + 1)):
        raise piece.wrong("the comment tells of %d parameters, the text uses %s" % (len(piece.types), sorted(used)))


def literal(text):
    lines = text.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    return "\n".join('    "%s%s"' % (line, "\\n" if i < len(lines) - 1 else "") for i, line in enumerate(lines))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    """A header that says the same already is left alone: what includes it need not be compiled again."""
    if path.endswith(".h") and os.path.exists(path) and read(path) == text:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def statements(out, files):
    names, rows, declared, parts_c, shown = [], [], [], [], {}
    for path in files:
        subject = os.path.basename(path)[:-len(".sql")]
        pieces = read_pieces(path)
        by_name = {p.name: p for p in pieces}
        parts = {p.name: p for p in pieces if p.kind == "part"}
        if len(by_name) != len(pieces):
            raise Wrong("%s: a name stands there twice" % path)
        names.append("\n    /* %s.sql */" % subject)
        shown[subject] = []
        for p in pieces:
            text = fill(p, parts)
            check(p, text, by_name)
            if p.kind == "name":
                names.append("    SQL_%s_%s," % (subject.upper(), p.name.upper()))
                rows.append('    {"%s.%s", %d, "%s",\n%s},' % (subject, p.name, len(p.types), ",".join(p.types), literal(text)))
                shown[subject].append("\n".join(["-- name: " + p.name, *p.doc, text + ";\n"]))
            else:
                declared.append("extern const char sql_part_%s_%s[];" % (subject, p.name))
                parts_c.append("const char sql_part_%s_%s[] =\n%s;" % (subject, p.name, literal(text)))
    for subject, texts in shown.items():
        write(os.path.join(out, "sql", subject + ".sql"), "-- Generated from sql/statements: its statements with their parts.\n\n" + "\n".join(texts))
    write(os.path.join(out, "statements.h"),
          "/* Generated from sql/statements. SUBJECT.sql has under `-- name: x` what is SQL_SUBJECT_X here. */\n"
          "#ifndef USHER_BUILD_STATEMENTS_H\n#define USHER_BUILD_STATEMENTS_H\n\nenum statement {%s\n\n    SQL_STATEMENTS\n};\n\n%s\n\n#endif\n"
          % ("\n".join(names), "\n".join(declared)))
    write(os.path.join(out, "statements.c"),
          '/* Generated from sql/statements. */\n#include "sql/statement.h"\n\nconst struct statement_text statement_texts[SQL_STATEMENTS] = {\n%s\n};\n\n%s\n'
          % ("\n".join(rows), "\n\n".join(parts_c)))


def migrations(out, files):
    numbers = [int(os.path.basename(path)[:4]) for path in files]
    if numbers != list(range(1, len(files) + 1)):  # else one of two would never run
        raise Wrong("migrations are numbered %s" % numbers)
    rows = "".join('    {%d, "%s",\n%s},\n' % (int(os.path.basename(path)[:4]), os.path.basename(path)[:-len(".sql")], literal(read(path))) for path in files)
    # The end row keeps the array from being empty, which C does not allow.
    write(os.path.join(out, "migrations.c"),
          '/* Generated from sql/migrations. */\n#include "sql/migrations.h"\n\nconst struct migration migrations[] = {\n%s    {0, 0, 0},\n};\nconst size_t nmigrations = %d;\n'
          % (rows, len(files)))


def functions(out, files):
    text = "\n".join(read(path) for path in files)
    write(os.path.join(out, "functions.c"),
          '/* Generated from sql/functions. */\n#include "sql/functions.h"\n\nconst char functions_hash[] = "%s";\nconst char functions_text[] =\n%s;\n'
          % (hashlib.sha256(text.encode()).hexdigest(), literal(text)))


def main():
    out, kind, *files = sys.argv[1:]
    try:
        {"statements": statements, "migrations": migrations, "functions": functions}[kind](out, files)
    except Wrong as wrong:
        sys.exit("embed_sql: %s" % wrong)


main()
