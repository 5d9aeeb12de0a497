#!/bin/bash
# Runs the unit test programs given as arguments and prints one line at the end, "N passed, N failed", summed over all.
# A program that is not there, crashes, leaks or holds no test counts as one failure. With $FACTS set, the program that
# prints the tables of the code, three more tests count: that each rule has a test (tests/COVERAGE.md), that documents
# say what the code says, and that the cases can still be made into inputs of the fuzz targets.
set -uo pipefail
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
export CMOCKA_MESSAGE_OUTPUT=STDOUT
unset USHER_FAILPOINT

out=$(mktemp)
trap 'rm -f "$out"' EXIT
passed=0 failed=0
for program in "$@"; do
    echo "== ${program#build/*/}"
    if [ ! -x "$program" ]; then
        echo "not built: $program"
        failed=$((failed + 1))
        continue
    fi
    # An endless loop is ended by the limit of processor time, which means the same on a busy machine. The other limit,
    # of time, is for a program that waits for something that never comes.
    (ulimit -t "${TEST_PROCESSOR_SECONDS:-120}" && exec timeout 900 "$program") >"$out" 2>&1 </dev/null
    code=$?
    cat "$out"
    ok=$(grep -c '^\[       OK \]' "$out")
    bad=$(sed -n 's/^\[  FAILED  \] \([0-9][0-9]*\) test(s).*/\1/p' "$out" | awk '{ n += $1 } END { print n + 0 }')
    if [ "$bad" = 0 ] && { [ "$code" != 0 ] || [ "$ok" = 0 ]; }; then
        echo "ended with code $code after $ok tests: $program"
        bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
judge() { # TITLE COMMAND...
    echo "== $1"
    shift
    if /usr/bin/python3 -B "$@" --check; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}
if [ -n "${FACTS:-}" ]; then
    judge "rules and clauses" tests/support/coverage.py
    judge "facts in documents" tests/facts/facts.py "$FACTS"
    judge "first inputs of the fuzz targets" tests/fuzz/seed.py
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
