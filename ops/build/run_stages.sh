#!/bin/bash
# Runs the test stages given as arguments (shell commands), one after the other, all of them even if one fails, and sums the totals that each
# prints as its last line ("N passed, N failed"). A stage that ends badly without having counted a failure counts as one.
set -uo pipefail

out=$(mktemp)
trap 'rm -f "$out"' EXIT
passed=0 failed=0
for stage in "$@"; do
    echo "=== $stage"
    bash -c "$stage" 2>&1 | tee "$out"
    code=${PIPESTATUS[0]}
    read -r ok bad < <(sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed$/\1 \2/p' "$out" | tail -n 1) || ok=0 bad=0
    if [ "$code" != 0 ] && [ "$bad" = 0 ]; then
        echo "stage ended with code $code: $stage"
        bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
