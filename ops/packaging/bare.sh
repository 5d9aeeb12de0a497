# shellcheck shell=bash
# A bare Debian in a folder, in which packages and the documents are tried. To be sourced; needs root and debootstrap.

# shellcheck disable=SC2034 # for whoever sources this
host_suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

# Makes a bare system once; whoever wants one copies it.
bare_base() { # SUITE FOLDER
    local mirror
    [ ! -e "$2/etc/debian_version" ] || return 0
    echo "making a bare $1"
    mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/*.sources 2>/dev/null || true)
    mkdir -p "$(dirname "$2")"
    chmod 755 "$(dirname "$2")"
    rm -rf --one-file-system "$2" "$2.part"
    debootstrap --variant=minbase --include=ca-certificates "$1" "$2.part" "${mirror:-http://deb.debian.org/debian}" >"$2.log" || {
        tail -n 5 "$2.log" >&2
        return 1
    }
    mv "$2.part" "$2"
}

# A copy that reaches the package sources as this machine does, and in which no installation starts a service.
bare_copy() { # FROM TO
    local file
    rm -rf --one-file-system "$2"
    cp -a "$1" "$2"
    cp /etc/resolv.conf /etc/hosts "$2/etc/"
    # What somebody has set here, a proxy for one. What a package has brought is left out: its copy there would ask whose to keep.
    for file in /etc/apt/apt.conf.d/*; do
        [ -e "$2$file" ] || dpkg-query --search "$file" >/dev/null 2>&1 || cp "$file" "$2$file"
    done
    cp -a /etc/ssl/certs/. "$2/etc/ssl/certs/"
    [ ! -d /usr/local/share/ca-certificates ] || cp -a /usr/local/share/ca-certificates "$2/usr/local/share/"
    printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
    chmod 755 "$2/usr/sbin/policy-rc.d"
}

# Runs a command in there, with a process table of its own: what it has started ends with it.
# bare_network=none: with no network but a loopback of its own.
bare_enter() { # FOLDER COMMAND...
    local root=$1 more=()
    shift
    [ "${bare_network:-}" != none ] || more=(--net)
    # shellcheck disable=SC2016 # expanded in there
    unshare --mount --pid --fork --kill-child "${more[@]}" bash -c '
        root=$1 && shift && mount --make-rprivate / && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
        exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 ${http_proxy:+http_proxy=$http_proxy} \
            ${https_proxy:+https_proxy=$https_proxy} "$@"' bash "$root" "$@"
}
