#!/usr/bin/python3
"""embed_portal.py BUNDLE: prints the C source that holds the pages of the portal (ingest/portal/bundle.h). BUNDLE is what
ops/build/portal.sh has built: page.html, docs.html, and files.json, which lists what they load. The assembler puts the
compressed files in (.incbin), so that the source stays small."""

import gzip
import hashlib
import json
import os
import sys


def quoted(text):
    return "\n".join('    "%s\\n"' % line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines()) or '    ""'


def main(bundle):
    with open(os.path.join(bundle, "files.json"), encoding="utf-8") as f:
        files = json.load(f)["files"]
    print('/* Generated from %s. */\n#include "ingest/portal/bundle.h"\n' % bundle)
    rows = []
    for n, file in enumerate(files):
        path = os.path.join(bundle, file["name"] + ".gz")
        with open(path, "rb") as f:
            packed = f.read()
        content = gzip.decompress(packed)
        etag = hashlib.sha256(content).hexdigest()[:20]
        # The hash stands in the name of the symbol, so that changed bytes are changed C: ccache and make see it.
        symbol = "portal_file_%d_%s" % (n, hashlib.sha256(packed).hexdigest()[:16])
        print('__asm__(".section .rodata\\n.balign 16\\n%s:\\n.incbin \\"%s\\"\\n.previous\\n");' % (symbol, path))
        print('extern const unsigned char %s[];' % symbol)
        rows.append('    {"%s", "%s", "\\"%s\\"", %s, %d, %d},' % (file["name"], file["type"], etag, symbol, len(packed), len(content)))
    print("\nconst struct portal_file portal_files[] = {\n%s\n};" % "\n".join(rows + ['    {"", "", "", (const unsigned char *)"", 0, 0},']))
    print("const size_t portal_files_n = %d;\n" % len(rows))
    for name in ("page", "docs"):
        with open(os.path.join(bundle, name + ".html"), encoding="utf-8") as f:
            print("const char portal_%s_html[] =\n%s;\n" % (name, quoted(f.read())))


main(sys.argv[1])
