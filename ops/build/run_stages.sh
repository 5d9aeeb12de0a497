#!/bin/bash
# Runs the test stages given as arguments (shell commands), one after the other, all of them even if one fails. Between
# "[" and "]" stand rows of stages that run beside each other, with "|" between two rows: most of the time they wait for
# what they have stopped or killed, so two rows take little longer than the longer one.
# Each stage prints its totals as its last line, "N passed, N failed". A stage that prints none, or ends badly without
# having counted a failure, counts as one failure. At the end: what failed, with the lines that follow it, what passed
# only when it ran alone, how long each stage took, and as the last line the sum. So who sees only the end of a long log
# sees the reason.
set -uo pipefail
unset MAKEFLAGS MAKELEVEL MFLAGS # a stage's make is its own master

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'pkill -TERM -P $$; exit 143' TERM INT

# NAME STAGE: runs it; what is to be said at the end goes into files of that name.
run() {
    local name=$dir/$1 stage=$2 began=$SECONDS code took total ok bad
    echo "=== $stage"
    bash -c "$stage" 2>&1 | sed -u '' | tee "$name.out"
    code=${PIPESTATUS[0]}
    took=$((SECONDS - began))
    total=$(sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed$/\1 \2/p' "$name.out" | tail -n 1)
    read -r ok bad <<<"${total:-0 0}"
    if [ "$bad" = 0 ] && { [ "$code" != 0 ] || [ -z "$total" ]; }; then
        echo "stage ended with code $code and ${total:-no} totals: $stage"
        bad=1
    fi
    if [ "$bad" != 0 ]; then
        echo "--- $stage"
        grep -E -A 12 '^FAIL|^\[  FAILED  \] |^\[  ERROR|  FAIL$|^not built|^ended with code' "$name.out" | head -n 80
    fi >"$name.failed"
    grep '^ALONE ' "$name.out" >"$name.alone"
    echo "=== took $((took / 60)) min $((took % 60)) s: $stage"
    printf '%2d min %02d s  %5d passed  %4d failed  %s\n' $((took / 60)) $((took % 60)) "$ok" "$bad" "$stage" >"$name.took"
    echo "$ok $bad" >"$name.count"
}

n=0 row=() rows=0 inside=no
# Begins the stages of the row that has been read, one after the other, beside other rows.
begin_row() {
    local from=$((n - ${#row[@]})) stages=("${row[@]}")
    (for i in "${!stages[@]}"; do run "$(printf %03d $((from + i + 1)))" "${stages[$i]}"; done) &
    row=() rows=$((rows + 1))
}
for word in "$@"; do
    case $word in
    "[") inside=yes ;;
    "|") begin_row ;;
    "]")
        begin_row
        wait
        inside=no
        ;;
    *)
        n=$((n + 1))
        if [ $inside = yes ]; then row+=("$word"); else run "$(printf %03d $n)" "$word"; fi
        ;;
    esac
done

passed=0 failed=0
while read -r ok bad; do
    passed=$((passed + ok)) failed=$((failed + bad))
done < <(cat "$dir"/*.count)
echo
if cat "$dir"/*.failed | grep -q .; then
    echo "What failed:"
    cat "$dir"/*.failed | cut -c 1-300
    echo
fi
if cat "$dir"/*.alone | grep -q .; then
    echo "What failed beside other suites and passed when it ran alone:"
    cat "$dir"/*.alone | sed 's/^ALONE /  /'
    echo
fi
echo "How long each stage took:"
cat "$dir"/*.took | sed 's/^/  /'
printf '  %2d min %02d s in all\n' $((SECONDS / 60)) $((SECONDS % 60))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ] && [ "$(cat "$dir"/*.count | wc -l)" = "$n" ]
