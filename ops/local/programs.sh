# shellcheck shell=bash
# Broker and programs of one RUN_DIR, the demo workspace, and RUN_DIR/env. To be sourced by usher-local.

ctl() {
    USHER_PG=$(pg_uri usher_admin "$pg_admin_password") USHER_KAFKA=$bootstrap USHER_PARTITIONS=$partitions "$bin/usherctl" "$@" 9>&-
}

# ---- the broker: sets bootstrap

broker_start() {
    if [ "$kind" = real ]; then
        kafka_start
    else
        embedded_start
    fi
}

kafka_start() {
    local kafka_port
    mkdir -p "$run_dir/kafka"
    if pid_alive "$run_dir/kafka/node-1/pid" >/dev/null; then
        kafka_port=$(<"$run_dir/port/kafka")
    else
        say "starting Apache Kafka"
        kafka_port=$(port_keep "$run_dir/port/kafka")
    fi
    "$root/ops/kafka/kafka-local" start "$run_dir/kafka" "$kafka_port" 9>&- || die "no Apache Kafka; KAFKA=embedded needs none"
    bootstrap=$(<"$run_dir/kafka/bootstrap")
    # One name for what is the broker, whichever kind.
    ln -sfn ../kafka/node-1/pid "$run_dir/pid/broker"
}

embedded_start() {
    if ! pid_alive "$run_dir/pid/broker" >/dev/null; then
        say "starting usher-broker: for trying things out only, it keeps nothing when it ends and proves nothing about exactly-once"
        rm -f "$run_dir/port/broker.bootstrap"
        detach "$run_dir/log/broker.log" "$run_dir/pid/broker" \
            "$bin/usher-broker" --partitions "$partitions" --bootstrap-file "$run_dir/port/broker.bootstrap"
    fi
    wait_for 20 "$run_dir/pid/broker" test -s "$run_dir/port/broker.bootstrap" || {
        tail -n 20 "$run_dir/log/broker.log" >&2
        die "usher-broker did not start (log above)"
    }
    bootstrap=$(<"$run_dir/port/broker.bootstrap")
}

# ---- worker and ingest

# The key that outcomes of asynchronous requests are signed with; /.well-known/jwks.json shows its public half.
signing_key() {
    [ ! -s "$run_dir/signing.pem" ] || return 0
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$run_dir/signing.pem.part" 2>/dev/null ||
        die "openssl made no signing key"
    mv "$run_dir/signing.pem.part" "$run_dir/signing.pem"
}

# The key that the heads of the archive's trees are signed with.
audit_key() {
    [ ! -s "$run_dir/audit.pem" ] || return 0
    openssl genpkey -algorithm ED25519 -out "$run_dir/audit.pem.part" 2>/dev/null || die "openssl made no audit key"
    mv "$run_dir/audit.pem.part" "$run_dir/audit.pem"
}

# Writes RUN_DIR/conf/NAME from stdin. A program that runs with other settings (the broker came back on another port, say) is ended, so that it is
# started again with these.
conf_write() { # NAME
    local file=$run_dir/conf/$1
    mkdir -p "$run_dir/conf"
    {
        cat
        echo "partitions = $partitions"
        # The mock broker sleeps all of this time in an empty fetch.
        [ "$kind" = real ] || echo "kafka.fetch.wait.max.ms = 5"
    } >"$file.part"
    if pid_alive "$run_dir/pid/$1" >/dev/null && ! cmp -s "$file" "$file.part"; then
        say "$1 is started anew with changed settings"
        pid_stop "$run_dir/pid/$1" 25
    fi
    mv "$file.part" "$file"
}

answers_ok() { # URL
    curl -fsS -o /dev/null --noproxy '*' --max-time 5 "$1"
}

# Starts a program with its settings file unless it runs, and waits until it says that it is ready.
program_start() { # NAME PROGRAM URL FAILPOINT ARGUMENTS...
    local name=$1 program=$2 url=$3 failpoint=$4
    shift 4
    if ! pid_alive "$run_dir/pid/$name" >/dev/null; then
        detach_failpoint=$failpoint detach "$run_dir/log/$name.log" "$run_dir/pid/$name" \
            "$bin/$program" --config "$run_dir/conf/$name" "$@"
    fi
    wait_for 120 "$run_dir/pid/$name" answers_ok "$url" || {
        tail -n 20 "$run_dir/log/$name.log" >&2
        die "$program did not get ready (end of $run_dir/log/$name.log above)"
    }
}

worker_start() { # NAME
    local name=$1 metrics args
    read -r -a args <<<"${WORKER_ARGS:-}"
    if pid_alive "$run_dir/pid/$name" >/dev/null; then
        metrics=$(<"$run_dir/port/$name")
    else
        metrics=$(port_keep "$run_dir/port/$name")
    fi
    conf_write "$name" <<-CONF
	pg = $(pg_uri usher_worker "$pg_worker_password")
	kafka = $bootstrap
	replication = $(cat "$run_dir/kafka/nodes" 2>/dev/null || echo 1)
	metrics-listen = 127.0.0.1:$metrics
	events-issuer = http://127.0.0.1:$port
	schema-dir = $schema_dir
	audit-key = $run_dir/audit.pem
	CONF
    program_start "$name" usher-worker "http://127.0.0.1:$metrics/readyz" "${USHER_FAILPOINT_WORKER:-}" "${args[@]}"
}

ingest_start() { # NAME PORT
    local name=$1 at=$2 args
    read -r -a args <<<"${INGEST_ARGS:-}"
    conf_write "$name" <<-CONF
	listen = 127.0.0.1:$at
	signing-key = $run_dir/signing.pem
	pg = $(pg_uri usher_ingest "$pg_ingest_password")
	kafka = $bootstrap
	schema-dir = $schema_dir
	livekit-url = ${LIVEKIT_URL:-}
	livekit-key = ${LIVEKIT_KEY:-}
	livekit-secret-file = ${LIVEKIT_SECRET_FILE:-}
	drain-seconds = ${DRAIN_SECONDS:-0}
	${INGEST_SETTINGS:-}
	CONF
    pid_alive "$run_dir/pid/$name" >/dev/null || port_free "$at" || die "port $at is taken; choose another with PORT="
    echo "$at" >"$run_dir/port/$name"
    program_start "$name" usher-ingest "http://127.0.0.1:$at/readyz" "${USHER_FAILPOINT_INGEST:-}" "${args[@]}"
}

# The bridge, where a LiveKit is named. It is ready when that server answers and was compared.
livekit_start() {
    local metrics args
    [ -n "${LIVEKIT_URL:-}" ] || return 0
    read -r -a args <<<"${LIVEKIT_ARGS:-}"
    if pid_alive "$run_dir/pid/livekit" >/dev/null; then
        metrics=$(<"$run_dir/port/livekit")
    else
        metrics=$(port_keep "$run_dir/port/livekit")
    fi
    conf_write livekit <<-CONF
	kafka = $bootstrap
	livekit-url = $LIVEKIT_URL
	livekit-key = ${LIVEKIT_KEY:-}
	livekit-secret-file = ${LIVEKIT_SECRET_FILE:-}
	webhook-listen = ${LIVEKIT_WEBHOOK:-127.0.0.1:7890}
	metrics-listen = 127.0.0.1:$metrics
	CONF
    program_start livekit usher-livekit "http://127.0.0.1:$metrics/readyz" "" "${args[@]}"
}

extra() { # worker NAME | ingest NAME PORT
    local what=$1 name=$2
    [[ $name =~ ^[a-z0-9][a-z0-9-]*$ ]] || die "a name is made of a-z, 0-9 and -"
    [ -s "$run_dir/env" ] || die "nothing runs in $run_dir; start it first"
    lock
    kafka_kind
    secrets
    signing_key
    audit_key
    port=$(<"$run_dir/port/ingest") pg_port=$(<"$run_dir/port/postgres")
    bootstrap=$(sed -n 's/^USHER_KAFKA=//p' "$run_dir/env")
    "${what}_start" "$what-$name" "${@:3}"
    write_env
    unlock
    pid_alive "$run_dir/pid/$what-$name"
    echo
}

# ---- the demo workspace and RUN_DIR/env

json_text() { # KEY, JSON on stdin: the first string under that key
    grep -o "\"$1\" *: *\"[^\"]*\"" | head -n 1 | sed 's/.*"\([^"]*\)"$/\1/'
}

# Once per RUN_DIR. A start that was cut short in between finds the workspace there and only makes what is missing.
demo() {
    local made id token owner flags=()
    ! grep -qs '^USHER_OWNER_TOKEN=.' "$run_dir/demo" || return 0
    [ -z "${RATE:-}" ] || flags+=(--rate "$RATE")
    [ -z "${SEATS:-}" ] || flags+=(--seats "$SEATS")
    id=$(ctl workspace list --json | tr '{' '\n' | grep '"name" *: *"demo"' | json_text id) || true
    if [ -z "$id" ]; then
        made=$(ctl workspace create demo "${flags[@]}" --json) || die "the demo workspace could not be created"
        id=$(json_text id <<<"$made")
    fi
    made=$(ctl key create --workspace "$id" --name demo --scopes "$scopes" --json) || die "the demo key could not be created"
    token=$(json_text token <<<"$made")
    made=$(ctl owner create --workspace "$id" --name demo --json) || die "the demo workspace got no owner"
    owner=$(json_text token <<<"$made")
    [ -n "$id" ] && [ -n "$token" ] && [ -n "$owner" ] || die "usherctl gave no workspace id or token"
    printf 'USHER_WORKSPACE=%s\nUSHER_TOKEN=%s\nUSHER_OWNER_TOKEN=%s\n' "$id" "$token" "$owner" >"$run_dir/demo.part"
    mv "$run_dir/demo.part" "$run_dir/demo"
}

# Plain NAME=value lines, so that other languages can read them too, and one export for shells.
write_env() {
    local name pid upper line
    {
        echo "USHER_URL=http://127.0.0.1:$port"
        cat "$run_dir/demo"
        echo "USHER_PORTAL=http://127.0.0.1:$port/portal"
        echo "USHER_PG=$(pg_uri usher_admin "$pg_admin_password")"
        echo "USHER_KAFKA=$bootstrap"
        echo "USHER_PARTITIONS=$partitions"
        printf 'USHER_BIN=%q\n' "$bin"
        for name in "$run_dir"/pid/*; do
            name=${name##*/} upper=${name^^} upper=${upper//-/_}
            ! pid=$(pid_alive "$run_dir/pid/$name") || echo "USHER_PID_$upper=$pid"
            # Both roles of a worker are one process.
            [ "$name" != worker ] || [ -z "$pid" ] || echo "USHER_PID_ARCHIVE=$pid"
            case $name in
            worker* | livekit) echo "USHER_URL_$upper=http://127.0.0.1:$(<"$run_dir/port/$name")" ;;
            ingest-*) echo "USHER_URL_$upper=http://127.0.0.1:$(<"$run_dir/port/$name")" ;;
            esac
        done
    } >"$run_dir/env.part"
    line=$(sed 's/=.*//' "$run_dir/env.part" | tr '\n' ' ')
    echo "export ${line% }" >>"$run_dir/env.part"
    mv "$run_dir/env.part" "$run_dir/env"
}

# ---- the end

part_alive() { # NAME
    pid_alive "$run_dir/pid/$1" >/dev/null
}

part_stop() { # NAME
    case $1 in
    postgres) pg_stop ;;
    broker)
        if [ -d "$run_dir/kafka" ]; then
            "$root/ops/kafka/kafka-local" stop "$run_dir/kafka"
            rm -f "$run_dir/pid/broker"
        else
            pid_stop "$run_dir/pid/broker" 5
        fi
        ;;
    # Longer than their own watchdogs.
    ingest | ingest-* | worker | worker-* | livekit) pid_stop "$run_dir/pid/$1" 25 ;;
    *) die "no part is called '$1'" ;;
    esac
}

# First who takes requests in, then who works them off, then what both stand on. What it cannot stop must not keep it from the rest.
all_stop() {
    local name
    for name in "$run_dir"/pid/{ingest-*,ingest,livekit,worker-*,worker,broker,postgres}; do
        name=${name##*/}
        case $name in
        *'*') ;;
        broker | postgres) part_stop "$name" ;;
        *) [ ! -e "$run_dir/pid/$name" ] || part_stop "$name" ;;
        esac
    done
}
