#!/bin/bash
# Installs the Debian packages that are missing, and says which. For Debian 12 and 13. Instant when nothing is missing.
# Usage: deps.sh GROUP...   groups: build run test browser kafka newest analytics voice mumble spark conformance bench fuzz model image package lint
set -euo pipefail

# Debian 12 has PostgreSQL 15 and OpenJDK 17, Debian 13 has 17 and 21. A later one says itself which PostgreSQL it has.
postgresql=postgresql-17 java=openjdk-21-jre-headless
case $([ ! -r /etc/os-release ] || (. /etc/os-release && echo "${VERSION_ID:-}")) in
12) postgresql=postgresql-15 java=openjdk-17-jre-headless ;;
13) ;;
*)
    its=$(apt-cache depends postgresql 2>/dev/null | grep -o -m 1 'postgresql-[0-9]*' || true)
    postgresql=${its:-$postgresql}
    ;;
esac

declare -A packages=(
    [build]="gcc libc6-dev make pkg-config librdkafka-dev libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev libjansson-dev libpq-dev libsodium-dev
             libssl-dev libunistring-dev zlib1g-dev libcmocka-dev python3 nodejs npm"
    [run]="$postgresql curl openssl util-linux jq kcat"
    [test]="libcmocka-dev kcat python3 python3-confluent-kafka python3-cryptography python3-jsonschema python3-psycopg2 python3-yaml
            python3-authlib python3-jwt python3-requests nginx systemd prometheus groff-base mandoc zsh
            binutils ca-certificates python3-venv"
    [browser]="chromium-headless-shell"
    [kafka]="$java maven util-linux"
    [conformance]="python3-venv nodejs npm maven"
    [newest]="python3-pip"
    [analytics]="python3-venv"
    [voice]="python3-venv"
    [mumble]="mumble-server python3-zeroc-ice zeroc-ice-slice python3-confluent-kafka"
    [spark]="$java maven python3-venv"
    [bench]="wrk $postgresql python3 python3-psycopg2"
    [fuzz]="clang"
    [model]="spin gcc libc6-dev"
    [image]="ca-certificates binutils python3"
    [package]="dpkg-dev debhelper fakeroot lintian debootstrap"
    [lint]="clang-format clang-tidy cppcheck shellcheck"
)

# npm may have come with a nodejs from elsewhere, with which Debian's package cannot stand.
if command -v npm >/dev/null; then
    packages[build]=${packages[build]/ nodejs npm/}
    packages[conformance]="python3-venv maven"
fi

die() {
    printf 'deps: %s\n' "$*" >&2
    exit 1
}

wanted=()
for group in "$@"; do
    [ -n "${packages[$group]:-}" ] || die "unknown group '$group' (groups: ${!packages[*]})"
    read -r -d '' -a more <<<"${packages[$group]}" || true
    wanted+=("${more[@]}")
done
[ ${#wanted[@]} -gt 0 ] || die "usage: deps.sh GROUP... (groups: ${!packages[*]})"

# Sets `missing` to the wanted packages that are not installed, each once.
find_missing() {
    local -A installed=()
    local name status package
    while read -r name status; do
        [ "$status" = installed ] && installed[$name]=1
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
    missing=()
    for package in "${wanted[@]}"; do
        if [ -z "${installed[$package]:-}" ]; then
            missing+=("$package")
            installed[$package]=1
        fi
    done
}

command -v dpkg-query >/dev/null || die "this is no Debian: install the counterparts of: ${wanted[*]}"
find_missing
[ ${#missing[@]} -gt 0 ] || exit 0
echo "deps: missing Debian packages: ${missing[*]}"

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo here; as root run: apt-get install -y ${missing[*]}"
    as_root=(sudo)
fi
root() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 "$@"
}

# The package would create and start a cluster of the system's own; usher brings its private one. An existing file is the operator's.
if [[ " ${missing[*]} " = *" $postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    root sh -c 'mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf' ||
        die "cannot write /etc/postgresql-common/createcluster.conf"
fi

apt_get() {
    root apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}
# No service of the system's is started by an installation (nginx would take port 80).
install() {
    local policy=/usr/sbin/policy-rc.d code=0
    if [ ! -e "$policy" ]; then
        root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" && trap 'root rm -f /usr/sbin/policy-rc.d; rm -f "$log"' EXIT
        install_now || code=$?
        root rm -f "$policy"
        return "$code"
    fi
    install_now
}
install_now() {
    apt_get install -y --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
fresh_lists=$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 -print -quit 2>/dev/null || true)
if [ -z "$fresh_lists" ]; then
    apt_get update </dev/null >"$log" 2>&1 || {
        cat "$log" >&2
        echo "deps: the package lists could not be refreshed; trying with the old ones" >&2
    }
fi
# A list that names a superseded version fails to download: refresh and try once more.
install || { apt_get update </dev/null >>"$log" 2>&1 && install; } || {
    cat "$log" >&2
    die "apt-get could not install: ${missing[*]}"
}
find_missing
[ ${#missing[@]} -eq 0 ] || die "still missing after apt-get: ${missing[*]}"
echo "deps: installed"
