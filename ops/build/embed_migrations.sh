#!/bin/bash
# Prints the C source that holds the migrations given as arguments (files named NNNN_name.sql): see sql/migrations.h.
set -euo pipefail
export LC_ALL=C

printf '/* Generated from sql/migrations. */\n#include "sql/migrations.h"\n\nconst struct migration migrations[] = {\n'
for file in "$@"; do
    name=$(basename "$file" .sql)
    number=$((10#${name%%_*}))
    printf '    {%d, "%s",\n' "$number" "$name"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/     "/' -e 's/$/\\n"/' "$file"
    printf '     ""},\n'
done
# The end marker keeps the array from being empty, which C does not allow.
printf '    {0, 0, 0},\n};\nconst size_t nmigrations = %d;\n' $#
