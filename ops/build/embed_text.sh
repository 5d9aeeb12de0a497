#!/bin/bash
# embed_text.sh HEADER NAME FILE: prints the C source that holds the file's text as `const char NAME[]`, which HEADER declares.
set -euo pipefail
export LC_ALL=C

printf '/* Generated from %s. */\n#include "%s"\n\nconst char %s[] =\n' "$3" "$1" "$2"
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$3"
printf '    "";\n'
