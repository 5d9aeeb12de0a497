#!/usr/bin/python3
"""image.py VERSION PROGRAMS_FOLDER OUT.tar: an OCI image with all programs, as a layout in a tar file, without a daemon and
without root. Two layers: the libraries and what they read (certificates of authorities, the list of users), then the
programs. There is no shell in it; it runs under a user that owns nothing, on a root that may be read-only. The same input
gives the same bytes."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time

from linked import PROGRAMS, libraries, packages, release, when

USER = 65532
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
OPENSSL = "/usr/lib/ssl/openssl.cnf"
TEXTS = {"etc/passwd": "root:x:0:0:root:/:/usr/sbin/nologin\nusher:x:%d:%d:usher:/:/usr/sbin/nologin\n" % (USER, USER),
         "etc/group": "root:x:0:\nusher:x:%d:\n" % USER,
         "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n"}


class Layer:
    """A tar whose members are sorted, belong to root and have one time."""

    def __init__(self, seconds):
        self.seconds, self.members = seconds, {}

    def folder(self, path):
        while path and path not in self.members:
            self.members[path] = (tarfile.DIRTYPE, 0o755, b"", "")
            path = os.path.dirname(path)

    def file(self, path, content, mode=0o644):
        self.folder(os.path.dirname(path))
        self.members[path] = (tarfile.REGTYPE, mode, content, "")

    def link(self, path, to):
        self.folder(os.path.dirname(path))
        self.members[path] = (tarfile.SYMTYPE, 0o777, b"", to)

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path, (kind, mode, content, to) in sorted(self.members.items()):
                info = tarfile.TarInfo(path)
                info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, len(content), to, self.seconds
                tar.addfile(info, io.BytesIO(content))
        return out.getvalue()


def read(path):
    with open(path, "rb") as f:
        return f.read()


def put_library(layer, path):
    """Where it lies here. Folders that are links here (/lib, /lib64) are links there."""
    real = os.path.realpath(path)
    layer.file(real[1:], read(real), 0o755)
    if path == real:
        return
    folder, name = os.path.split(path)
    home = os.path.realpath(folder)
    if os.path.join(home, name) != real:
        layer.link(os.path.join(home, name)[1:], os.path.relpath(real, home))
    while folder != "/":
        if os.path.islink(folder):
            layer.link(folder[1:], os.readlink(folder).lstrip("/"))
        folder = os.path.dirname(folder)


def put_packages(layer, paths):
    """As scanners look for them in an image without dpkg: one file a package."""
    for package in packages(paths, more=["ca-certificates"]):
        layer.file("var/lib/dpkg/status.d/" + package["name"], package["status"].encode())


def base_layer(programs, seconds):
    layer = Layer(seconds)
    paths = libraries(programs)
    for path in paths:
        put_library(layer, path)
    layer.file(AUTHORITIES[1:], read(AUTHORITIES))
    if os.path.exists(OPENSSL):
        layer.file(OPENSSL[1:], read(os.path.realpath(OPENSSL)))
    for path, text in TEXTS.items():
        layer.file(path, text.encode())
    layer.file("etc/os-release", read("/etc/os-release"))
    layer.folder("tmp")
    layer.members["tmp"] = (tarfile.DIRTYPE, 0o1777, b"", "")
    put_packages(layer, paths)
    return layer


def program_layer(programs, seconds):
    layer = Layer(seconds)
    for path in programs:
        layer.file("usr/bin/" + os.path.basename(path), stripped(path), 0o755)
    return layer


def stripped(path):
    """Without what only a debugger reads, as in the packages."""
    out = path + ".stripped"
    subprocess.run(["strip", "--strip-unneeded", "--remove-section=.comment", "-o", out, path], check=True)
    content = read(out)
    os.unlink(out)
    return content


class Layout:
    def __init__(self, seconds):
        self.blobs, self.seconds = {}, seconds

    def blob(self, content, media):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": media, "digest": "sha256:" + digest, "size": len(content)}

    def json(self, tree, media):
        return self.blob(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode(), media)

    def write(self, path, manifest, name):
        layer = Layer(self.seconds)
        layer.file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                 "manifests": [{**manifest, "annotations": {"org.opencontainers.image.ref.name": name}}]}
        layer.file("index.json", json.dumps(index, sort_keys=True).encode())
        for digest, content in self.blobs.items():
            layer.file("blobs/sha256/" + digest, content)
        with open(path, "wb") as f:
            f.write(layer.tar())


def commit():
    if os.environ.get("COMMIT"):
        return os.environ["COMMIT"]
    done = subprocess.run(["git", "rev-parse", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip()


def labels(version, created):
    system = release()
    return {"org.opencontainers.image.title": "usher",
            "org.opencontainers.image.description": "Provisioning service over SCIM 2.0: " + ", ".join(PROGRAMS),
            "org.opencontainers.image.version": version, "org.opencontainers.image.revision": commit(),
            "org.opencontainers.image.created": created, "org.opencontainers.image.licenses": "Apache-2.0",
            "org.opencontainers.image.base.name": "%s:%s" % (system.get("ID", ""), system.get("VERSION_ID", ""))}


def main(version, folder, out):
    seconds = when()
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    programs = [os.path.join(folder, name) for name in PROGRAMS]
    layout, layers, diffs = Layout(seconds), [], []
    for layer in (base_layer(programs, seconds), program_layer(programs, seconds)):
        tar = layer.tar()
        diffs.append("sha256:" + hashlib.sha256(tar).hexdigest())
        layers.append(layout.blob(gzip.compress(tar, 9, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip"))
    machine = subprocess.run(["dpkg", "--print-architecture"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    config = layout.json({
        "created": created, "architecture": machine, "os": "linux",
        "config": {"User": "%d:%d" % (USER, USER), "Env": ["PATH=/usr/bin"], "Cmd": ["usher-ingest"], "WorkingDir": "/",
                   "ExposedPorts": {"8080/tcp": {}, "9101/tcp": {}}, "StopSignal": "SIGTERM", "Labels": labels(version, created),
                   # Docker's; Kubernetes has probes of its own.
                   "Healthcheck": {"Test": ["CMD", "usherctl", "ready"], "Interval": 10_000_000_000, "Timeout": 5_000_000_000}},
        "rootfs": {"type": "layers", "diff_ids": diffs},
        "history": [{"created": created, "created_by": what} for what in ("libraries of Debian", "programs of usher")]},
        "application/vnd.oci.image.config.v1+json")
    manifest = layout.json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
                            "layers": layers, "annotations": labels(version, created)}, "application/vnd.oci.image.manifest.v1+json")
    layout.write(out, manifest, version)
    print("%s: %.1f MB, %s" % (out, os.path.getsize(out) / 1e6, manifest["digest"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
