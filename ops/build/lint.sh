#!/bin/bash
# lint.sh FLAGS FILE...: format, file size, what each room may include, warnings as errors, clang-tidy, cppcheck, documents. Says everything that is wrong,
# fails if anything is. LINT_FAST=1 leaves out the two slow ones.
set -uo pipefail
flags=$1
shift
bad=0

complain() {
    echo "lint: $*"
    bad=1
}

# may FOLDER REGEX: the root-relative includes of FOLDER's files (or of one file) must begin with REGEX, to the end of a folder or a file.
may() {
    local found
    found=$(grep -rnE '^#include "' "$1" --include='*.[ch]' | grep -vE "#include \"($2)[/\"]")
    [ -z "$found" ] || complain "$1 may include only $2:"$'\n'"$found"
}

# only HEADER FILES...: a library's header stays behind its seam.
only() {
    local header=$1 found
    shift
    found=$(grep -rlE "^#include <$header>" ingest workers schemas sql ops --include='*.[ch]' | grep -vxE "$(IFS='|'; echo "$*")")
    [ -z "$found" ] || complain "$header belongs in $* alone, not in:"$'\n'"$found"
}

for file in "$@"; do
    clang-format --dry-run -Werror "$file" 2>/dev/null || complain "$file is not formatted (make format)"
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || complain "$file has $lines lines, more than 600"
done

may ops/runtime 'ops/runtime'
may ops/broker 'ops/(runtime|broker)'
may ops/ctl 'ops/(runtime|ctl)|schemas|sql'
may schemas/text 'schemas/text|ops/runtime'
may schemas/proof 'schemas/proof|ops/runtime'
may schemas/export 'schemas/export|ops/runtime'
may schemas/types 'schemas/(text|types)|ops/runtime'
may schemas/resource 'schemas/(text|types|resource)|ops/runtime'
may schemas/filter 'schemas/(text|types|filter)|ops/runtime'
may schemas/patch 'schemas/(text|types|resource|filter|patch)|ops/runtime'
may schemas/stream 'schemas/(text|types|resource|filter|patch|stream)|ops/runtime'
may schemas/voice 'schemas/voice|ops/runtime'
may schemas/api 'schemas/(text|types|resource|filter|patch|api)|ops/runtime'
# What a stranger would write: it knows the streams, and nothing of ours.
may schemas/readers 'schemas/readers'
# sql/: filter, ask and unit stand beside each other; ask uses filter. The files on top of them know none of the three.
for file in sql/*.[ch]; do may "$file" 'sql/[a-z_]+\.h|build/gen/statements\.h|ops/runtime'; done
may sql/filter 'sql/filter|sql/statement\.h|schemas|ops/runtime'
may sql/ask 'sql/(ask|filter)|sql/[a-z_]+\.h|schemas|ops/runtime'
may sql/unit 'sql/unit|sql/[a-z_]+\.h|schemas|ops/runtime'
may ingest 'ingest|sql|schemas|ops/runtime'
# The folders of ingest/ from below (ingest/README.md): each may use those before it; main and ticker stand on top of all.
below='ingest/(ingest|settings|stats)\.h|sql|schemas|ops/runtime'
for file in ingest/ingest.h ingest/settings.[ch] ingest/stats.[ch]; do may "$file" "$below"; done
for folder in request log gate scim api portal http; do
    below="ingest/$folder|$below"
    may "ingest/$folder" "$below"
done
# The bridge is a program of its own, and knows neither the worker nor PostgreSQL.
may workers/livekit 'workers/livekit|schemas/(voice|readers)|ops/runtime'
may workers 'workers|sql|schemas|ops/runtime'
# Who decides knows nothing of Kafka and of emitting, who emits nothing of deciding.
may workers/apply 'workers/apply|workers/(delivery|rows)\.h|sql|schemas|ops/runtime'
may workers/emit 'workers/(emit|rows\.h|stats\.h)|sql|schemas|ops/runtime'
only 'libpq-fe\.h' 'sql/db(_impl\.h|_uri\.c)'
only 'openssl/.*' 'ops/runtime/((jw[ks]|hs256|ed25519|sha256|cert)\.c|pkey\.[ch])'
only 'curl/.*' 'ops/runtime/fetch\.c' 'ops/runtime/outward\.[ch]' 'ops/runtime/post\.c' 'ops/ctl/ctl_http\.c' 'workers/livekit/twirp\.c'
only 'microhttpd\.h' 'ingest/http/[a-z_]+\.[ch]' 'ops/runtime/metrics_http\.c' 'workers/livekit/hook\.c'
only 'librdkafka/rdkafka\.h' 'schemas/readers/[a-z_]+\.c' 'ingest/log/[a-z_]+\.[ch]' 'workers/((emit|livekit)/)?[a-z_]+\.[ch]' 'ops/(runtime|ctl|broker)/[a-z_]+\.[ch]'
only 'librdkafka/rdkafka_mock\.h' 'ops/broker/[a-z_]+\.[ch]'
# SQL stands in sql/statements and sql/functions. C puts parts of it together, with operators and names.
found=$(grep -rnE "\"[^\"]*\b(SELECT |INSERT INTO|DELETE FROM|UPDATE [a-z_.]+ |FROM [a-z]|WHERE |JOIN |LATERAL |UNION |ORDER BY|RETURNING |(CREATE|ALTER|DROP) [A-Z]+ |GRANT |BEGIN([\";]| (ISOLATION|READ|TRANSACTION|WORK))|COMMIT|SET LOCAL|set_config)" \
    ingest workers schemas sql ops --include='*.[ch]')
[ -z "$found" ] || complain "SQL in C:"$'\n'"$found"
# Threads do not survive a fork after a Kafka client has been made.
found=$(grep -rnE '\b(system|popen|fork|vfork|setlocale)\(' ingest workers schemas sql ops/runtime ops/ctl --include='*.c')
[ -z "$found" ] || complain "no fork, no locale:"$'\n'"$found"

# An error that is dropped must be a warning (USHER_MUST_CHECK).
drop=$(mktemp --suffix=.c)
printf '#include "ops/runtime/err.h"\nvoid drop(struct err *e);\nvoid drop(struct err *e) { err_set(e, ERR_OK, " "); }\n' >"$drop"
# shellcheck disable=SC2086
${CC:-cc} $flags -fsyntax-only "$drop" 2>&1 | grep 'nodiscard\|warn_unused_result' >/dev/null || complain "an enum err_code can be ignored"
rm -f "$drop"

/usr/bin/python3 -B ops/build/structure.py --circles ingest workers schemas sql ops/runtime ops/ctl ops/broker --names schemas workers sql/unit ops/runtime ops/ctl ops/broker || complain "structure"
found=$(grep -rn '"ops/runtime/kafka_conf\.h"' ingest/{request,gate,scim,api,portal,http})
[ -z "$found" ] || complain "in ingest/ only log/ talks to Kafka:"$'\n'"$found"
found=$(grep -rn '"ops/runtime/kafka_conf\.h"' workers/apply)
[ -z "$found" ] || complain "workers/apply decides without Kafka:"$'\n'"$found"

/usr/bin/python3 -B ops/build/lint_docs.py || complain "documents"

sources=()
for file in "$@"; do
    case $file in *.c) sources+=("$file") ;; esac
done
for file in "${sources[@]}"; do
    # shellcheck disable=SC2086
    ${CC:-cc} $flags -O1 -Werror -fsyntax-only "$file" || complain "warnings in $file"
done
if [ -z "${LINT_FAST:-}" ]; then
    # shellcheck disable=SC2016
    printf '%s\0' "${sources[@]}" | xargs -0 -n 8 -P "$(nproc)" sh -c 'flags=$1; shift; clang-tidy --quiet "$@" -- $flags 2>/dev/null' sh "$flags" ||
        complain "clang-tidy"
    # The mark that clang is given on enum err_code, cppcheck cannot read: it is told that this is no clang.
    cppcheck --quiet --std=c11 -U__clang__ --inline-suppr --suppress=missingIncludeSystem --error-exitcode=1 -j "$(nproc)" -I. "${sources[@]}" ||
        complain "cppcheck"
fi
[ "$bad" = 0 ] && echo "lint: nothing to complain of"
exit "$bad"
