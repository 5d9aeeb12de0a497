#!/bin/bash
# Runs the test stages given as arguments (shell commands), one after the other, all of them even if one fails. Each
# prints its totals as its last line, "N passed, N failed". A stage that prints none, or ends badly without having
# counted a failure, counts as one failure. At the end: what failed, with the lines that follow it, what passed only when
# it ran alone, how long each stage took, and as the last line the sum. So who sees only the end of a long log sees the
# reason.
set -uo pipefail
unset MAKEFLAGS MAKELEVEL MFLAGS # a stage's make is its own master

out=$(mktemp)
trap 'rm -f "$out" "$out.failed" "$out.alone"' EXIT
passed=0 failed=0
summary=()
for stage in "$@"; do
    echo "=== $stage"
    began=$SECONDS
    bash -c "$stage" 2>&1 | tee "$out"
    code=${PIPESTATUS[0]}
    took=$((SECONDS - began))
    total=$(sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed$/\1 \2/p' "$out" | tail -n 1)
    read -r ok bad <<<"${total:-0 0}"
    if [ "$bad" = 0 ] && { [ "$code" != 0 ] || [ -z "$total" ]; }; then
        echo "stage ended with code $code and ${total:-no} totals: $stage"
        bad=1
    fi
    if [ "$bad" != 0 ]; then
        echo "--- $stage"
        grep -E -A 12 '^FAIL|^\[  FAILED  \] |^\[  ERROR|  FAIL$|^not built|^ended with code' "$out" | head -n 80
    fi >>"$out.failed"
    grep '^ALONE ' "$out" >>"$out.alone"
    printf -v line '%2d min %02d s  %5d passed  %4d failed  %s' $((took / 60)) $((took % 60)) "$ok" "$bad" "$stage"
    echo "=== took $((took / 60)) min $((took % 60)) s: $stage"
    summary+=("$line")
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo
if [ -s "$out.failed" ]; then
    echo "What failed:"
    cut -c 1-300 "$out.failed"
    echo
fi
if [ -s "$out.alone" ]; then
    echo "What failed beside other suites and passed when it ran alone:"
    sed 's/^ALONE /  /' "$out.alone"
    echo
fi
echo "How long each stage took:"
printf '  %s\n' "${summary[@]}"
printf '  %2d min %02d s in all\n' $((SECONDS / 60)) $((SECONDS % 60))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
