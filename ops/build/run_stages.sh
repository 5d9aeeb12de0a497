#!/bin/bash
# Runs the test stages given as arguments (shell commands), one after the other, all of them even if one fails, and sums the totals that each
# prints as its last line ("N passed, N failed"). A stage that prints none, or ends badly without having counted a failure, counts as one failure.
set -uo pipefail
unset MAKEFLAGS MAKELEVEL MFLAGS # a stage's make is its own master

out=$(mktemp)
trap 'rm -f "$out"' EXIT
passed=0 failed=0
for stage in "$@"; do
    echo "=== $stage"
    bash -c "$stage" 2>&1 | tee "$out"
    code=${PIPESTATUS[0]}
    total=$(sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed$/\1 \2/p' "$out" | tail -n 1)
    read -r ok bad <<<"${total:-0 0}"
    if [ "$bad" = 0 ] && { [ "$code" != 0 ] || [ -z "$total" ]; }; then
        echo "stage ended with code $code and ${total:-no} totals: $stage"
        bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
