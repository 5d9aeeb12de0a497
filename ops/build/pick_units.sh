#!/bin/bash
# pick_units.sh WHAT UNIT...: prints which of the unit tests WHAT means, one a line; all where WHAT is empty. Fails, and says which tests
# there are, where it means none. WHAT is a room (schemas), a folder (ingest/gate) or a test, with or without its folder and "test_":
# ingest/gate/test_seal, ingest/seal, seal. Where no test has that name, those whose names begin with it are meant.
set -euo pipefail
what=${1#tests/}
shift
what=${what%.c}
what=${what%/}

plain() { # the path below tests/, without "test_" or "fuzz_"
    local path=${1#tests/} name
    name=${path##*/}
    name=${name#test_}
    name=${name#fuzz_}
    case $path in */*) echo "${path%/*}/$name" ;; *) echo "$name" ;; esac
}

# named UNIT WHAT: a folder or room; the test itself; the test without its folder; its name alone.
named() {
    case $1 in "$2"/* | "$2") return 0 ;; esac
    [ "${1##*/}" = "${2##*/}" ] || return 1
    [ "$2" = "${2##*/}" ] || [ "${2%/*}" = "${1%%/*}" ]
}

# begins UNIT WHAT: as above, but only the beginning of the name is given.
begins() {
    local name=${1##*/} given=${2##*/}
    [ "${name#"$given"}" != "$name" ] || return 1
    named "${1%/*}/$given" "$2"
}

[ -n "$what" ] || { printf '%s\n' "$@"; exit; }
what=$(plain "$what")
for how in named begins; do
    found=()
    for unit in "$@"; do
        "$how" "$(plain "$unit")" "$what" && found+=("$unit")
    done
    [ "${#found[@]}" = 0 ] || { printf '%s\n' "${found[@]}"; exit; }
done
{
    echo "T=$what means no unit test. There are:"
    for unit in "$@"; do
        plain "$unit"
    done | awk '{ i = match($0, /\/[^\/]*$/); room = substr($0, 1, i - 1); names[room] = names[room] " " substr($0, i + 1); if (!(room in seen)) { seen[room] = 1; order[++n] = room } }
        END { for (k = 1; k <= n; k++) print "  " order[k] ":" names[order[k]] }'
} >&2
exit 1
