#!/bin/bash
# embed_text.sh HEADER NAME FILE [KEY=VALUE ...]: prints the C source that holds the file's text as `const char NAME[]`, which HEADER
# declares. Each @KEY@ in the text becomes VALUE.
set -euo pipefail
export LC_ALL=C
header=$1 name=$2 file=$3
shift 3
fill=()
for pair in "$@"; do
    fill+=(-e "s|@${pair%%=*}@|${pair#*=}|g")
done

printf '/* Generated from %s. */\n#include "%s"\n\nconst char %s[] =\n' "$file" "$header" "$name"
sed "${fill[@]}" -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
printf '    "";\n'
