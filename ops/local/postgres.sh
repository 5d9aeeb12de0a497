# shellcheck shell=bash
# The private PostgreSQL cluster of one RUN_DIR. To be sourced by usher-local; uses run_dir and lib.sh.
#
# PostgreSQL refuses to run as root. Called by root, the cluster belongs to the system's `postgres` user, and lies where that user can reach
# it: in RUN_DIR/pg, or, where RUN_DIR is closed to him (below /root, for instance), in /var/tmp with RUN_DIR/pg as a link to it.
# It listens on 127.0.0.1 only and has no Unix socket (a deep RUN_DIR would exceed the length a socket's path may have).

# The programs of the version that made the cluster, or else of the newest one that is installed.
pg_newest() {
    local made=
    [ ! -e "$run_dir/pg/data/PG_VERSION" ] || made=$(cat "$run_dir/pg/data/PG_VERSION")
    [ -n "$made" ] && [ -d "/usr/lib/postgresql/$made/bin" ] && echo "/usr/lib/postgresql/$made/bin" && return
    find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1
}
pg_bin=${PG_BINDIR:-$(pg_newest)}
pg_user=$([ "$(id -u)" = 0 ] && echo postgres || id -un)
pg_pidfile=$run_dir/pid/postgres

as_pg() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && setpriv --reuid="$pg_user" --regid="$(id -g "$pg_user")" --init-groups -- "$@")
    else
        "$@"
    fi
}

# Sets pg_home, the folder of the cluster as the server's user sees it, and creates it if need be.
pg_place() {
    if [ -e "$run_dir/pg" ]; then
        pg_home=$(readlink -f "$run_dir/pg")
        return
    fi
    pg_home=$run_dir/pg
    if [ "$(id -u)" = 0 ]; then
        chmod 711 "$run_dir" # what is secret in it has a mode of its own
        as_pg test -x "$run_dir/." || pg_home=$(pg_place_outside)
    fi
    if [ "$pg_home" != "$run_dir/pg" ]; then
        # Left over from a RUN_DIR that was removed by hand: nothing refers to it any more.
        pg_remove_outside "$pg_home"
        mkdir "$pg_home" || die "cannot create $pg_home"
        ln -sfn "$pg_home" "$run_dir/pg"
    else
        mkdir "$pg_home"
    fi
    chmod 700 "$pg_home"
    [ "$(id -u)" != 0 ] || chown "$pg_user:" "$pg_home"
}

pg_place_outside() {
    printf '/var/tmp/usher-%s' "$(printf '%s' "$run_dir" | sha256sum | cut -c1-16)"
}

pg_remove_outside() { # FOLDER
    [ -e "$1" ] || return 0
    # Everybody may write to /var/tmp: only what is our own is removed.
    [ ! -L "$1" ] && [ "$(stat -c %U "$1")" = "$pg_user" ] || die "$1 is not ours"
    as_pg "$pg_bin/pg_ctl" -D "$1/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf --one-file-system "$1"
}

pg_init() {
    [ ! -e "$pg_home/data/PG_VERSION" ] || return 0
    say "creating a private PostgreSQL cluster in $run_dir/pg"
    rm -rf "$pg_home/init" "$pg_home/password"
    as_pg sh -c 'umask 077; cat >"$1"' - "$pg_home/password" <<<"$pg_admin_password"
    as_pg "$pg_bin/initdb" -D "$pg_home/init" -U usher_admin --pwfile="$pg_home/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C \
        >"$run_dir/log/initdb.log" 2>&1 </dev/null || {
        tail -n 20 "$run_dir/log/initdb.log" >&2
        die "initdb failed (log above)"
    }
    rm -f "$pg_home/password"
    as_pg sh -c 'cat >"$1/pg_hba.conf"; echo "include '\''usher.conf'\''" >>"$1/postgresql.conf"' - "$pg_home/init" \
        <<<"host all all 127.0.0.1/32 scram-sha-256"
    mv "$pg_home/init" "$pg_home/data" # only a finished cluster has this name
}

pg_write_conf() {
    as_pg sh -c 'cat >"$1"' - "$pg_home/data/usher.conf" <<-CONF
	listen_addresses = '127.0.0.1'
	port = $pg_port
	unix_socket_directories = ''
	max_connections = 200
	shared_buffers = 256MB
	max_wal_size = 2GB
	fsync = on
	synchronous_commit = on
	jit = off
	password_encryption = 'scram-sha-256'
	log_line_prefix = '%m [%p] %q%u@%d '
	log_checkpoints = off
	CONF
}

pg_sql() { # DATABASE, SQL on stdin
    PGPASSWORD=$pg_admin_password PGCONNECT_TIMEOUT=5 PGOPTIONS='-c client_min_messages=warning' \
        "$pg_bin/psql" -h 127.0.0.1 -p "$pg_port" -U usher_admin -d "$1" -XqtA -v ON_ERROR_STOP=1 -f -
}

pg_answers() {
    echo 'SELECT' | pg_sql postgres >/dev/null
}

# Starts the cluster if it is not running. Sets pg_port. One more try or two: after a kill -9 the server's orphans hold its shared memory for a moment.
pg_start() {
    local tries command
    pg_place
    if pid_alive "$pg_pidfile" >/dev/null; then
        pg_port=$(<"$run_dir/port/postgres")
        wait_for 120 "$pg_pidfile" pg_answers || die "PostgreSQL runs but does not answer (log: $run_dir/log/postgres.log)"
        return
    fi
    pg_init
    command=()
    [ "$(id -u)" != 0 ] || command=(setpriv "--reuid=$pg_user" "--regid=$(id -g "$pg_user")" --init-groups --)
    # Preloaded into the server alone, for measuring on a slower disk.
    [ -z "${PG_PRELOAD:-}" ] || command+=(env "LD_PRELOAD=$PG_PRELOAD")
    command+=("$pg_bin/postgres" -D "$pg_home/data")
    for tries in 1 2 3; do
        pg_port=$(port_keep "$run_dir/port/postgres")
        pg_write_conf
        detach "$run_dir/log/postgres.log" "$pg_pidfile" "${command[@]}"
        if wait_for 120 "$pg_pidfile" pg_answers; then
            return
        fi
        pg_stop
        sleep "$tries"
    done
    tail -n 20 "$run_dir/log/postgres.log" >&2
    die "PostgreSQL did not start (log above)"
}

# The database and the passwords. The roles come with the migrations.
pg_database() {
    [ "$(echo "SELECT 1 FROM pg_database WHERE datname = 'usher'" | pg_sql postgres)" = 1 ] ||
        echo 'CREATE DATABASE usher' | pg_sql postgres
    echo 'ALTER DATABASE usher SET search_path = usher, public' | pg_sql postgres # for people with psql; the programs set their own
}

pg_passwords() {
    pg_sql usher <<<"ALTER ROLE usher_ingest PASSWORD '$pg_ingest_password'; ALTER ROLE usher_worker PASSWORD '$pg_worker_password'"
}

pg_uri() { # USER PASSWORD
    printf 'postgresql://%s:%s@127.0.0.1:%s/usher' "$1" "$2" "$pg_port"
}

pg_stop() {
    pid_stop "$pg_pidfile" 30 INT # fast shutdown: no waiting for clients
}

pg_reset() {
    local home
    home=$(readlink -f "$run_dir/pg" 2>/dev/null) || return 0
    [ ! -L "$run_dir/pg" ] || pg_remove_outside "$home"
    rm -rf --one-file-system "$run_dir/pg"
}
