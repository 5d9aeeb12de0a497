# shellcheck shell=bash
# What the starters share: messages, processes that are known by pid and start time, free ports. To be sourced.

say() {
    printf '%s\n' "$*" >&2
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The start time of a living process in clock ticks since boot; nothing for one that is gone or only waits to be reaped. Pid and start
# time together name a process for good: a pid alone may have been handed to a stranger.
proc_start() { # PID
    local line fields
    { line=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
    # The second field is the program's name in parentheses and may hold anything.
    read -r -a fields <<<"${line##*) }"
    case ${fields[0]} in Z | X) return 0 ;; esac
    printf '%s' "${fields[19]}"
}

# Prints the pid recorded in the file if that very process still lives, else fails.
pid_alive() { # PIDFILE
    local pid start
    [ -s "$1" ] && read -r pid start <"$1" && [ -n "$start" ] && [ "$(proc_start "$pid")" = "$start" ] && printf '%s' "$pid"
}

# Starts a program in a session of its own, with nothing of ours but its log: no terminal, no inherited descriptors (a lock held by a
# child would never end), no USHER_* or PG* settings of the caller's shell, which would override the settings file.
detach() { # LOGFILE PIDFILE COMMAND...
    local log=$1 pidfile=$2 pid fd name
    shift 2
    (
        trap - INT QUIT TERM HUP EXIT
        for name in "${!USHER_@}" "${!PG@}"; do unset "$name"; done
        [ -z "${detach_failpoint:-}" ] || export USHER_FAILPOINT=$detach_failpoint
        unset MAKEFLAGS MFLAGS MAKELEVEL
        for fd in "/proc/$BASHPID/fd/"*; do
            fd=${fd##*/}
            [ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
        done
        cd /
        exec setsid "$@" </dev/null >>"$log" 2>&1
    ) &
    pid=$!
    disown "$pid" 2>/dev/null || true
    printf '%s %s\n' "$pid" "$(proc_start "$pid")" >"$pidfile"
}

# Ends the recorded process: the polite signal, a bounded wait, then SIGKILL. A stopped process gets SIGCONT, or it would never hear it.
# Never touches a pid whose start time is another one than recorded.
pid_stop() { # PIDFILE SECONDS [SIGNAL]
    local pidfile=$1 ticks=$(($2 * 20)) signal=${3:-TERM} pid
    if pid=$(pid_alive "$pidfile"); then
        kill -s "$signal" "$pid" 2>/dev/null || true
        kill -s CONT "$pid" 2>/dev/null || true
        while [ "$ticks" -gt 0 ] && pid_alive "$pidfile" >/dev/null; do
            sleep 0.05
            ticks=$((ticks - 1))
        done
        if pid_alive "$pidfile" >/dev/null; then
            say "pid $pid did not end within $2 s: killed"
            kill -s KILL "$pid" 2>/dev/null || true
            ticks=200
            while [ "$ticks" -gt 0 ] && pid_alive "$pidfile" >/dev/null; do
                sleep 0.05
                ticks=$((ticks - 1))
            done
        fi
    fi
    rm -f "$pidfile"
}

# True if nobody listens on the TCP port (state 0A; what lingers in TIME_WAIT does not stop a server from binding).
port_free() { # PORT
    local hex
    printf -v hex ':%04X' "$1"
    ! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v p="$hex" '$4 == "0A" && $2 ~ p "$" { found = 1 } END { exit !found }'
}

# A free port, below the range that outgoing connections use.
port_pick() {
    local port tries
    for tries in {1..200}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if port_free "$port"; then
            printf '%s' "$port"
            return
        fi
    done
    die "no free port found after $tries tries"
}

# The port a part had last time if it is still free, else a new one; remembered in the file.
port_keep() { # FILE
    local port=
    [ -s "$1" ] && port=$(<"$1")
    if [ -z "$port" ] || ! port_free "$port"; then
        port=$(port_pick)
        printf '%s\n' "$port" >"$1"
    fi
    printf '%s' "$port"
}

random_hex() { # BYTES
    od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

# Runs the command every 0.1 s until it succeeds; fails after SECONDS, or as soon as the recorded process is gone.
wait_for() { # SECONDS PIDFILE COMMAND...
    local until=$((SECONDS + $1)) pidfile=$2
    shift 2
    while ! "$@" 2>/dev/null; do
        [ "$SECONDS" -lt "$until" ] && pid_alive "$pidfile" >/dev/null || return 1
        sleep 0.1
    done
}
