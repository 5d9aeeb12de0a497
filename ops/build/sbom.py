#!/usr/bin/python3
"""sbom.py VERSION PROGRAMS_FOLDER LOCK_FILE: what is in the programs, as CycloneDX 1.5 in JSON on standard output: the Debian
packages whose libraries they are linked with, and the npm packages of the portal's pages. The same input gives the same
bytes. Build tools are no part of it."""

import base64
import json
import os
import sys
import time
import uuid

from linked import PROGRAMS, libraries, packages, release, when

US = "pkg:generic/usher@%s"


def quoted(text):
    """A part of a package URL."""
    return "".join(c if c.isalnum() or c in "-._" else "%%%02X" % ord(c) for c in text)


def debian(package, os_release):
    purl = "pkg:deb/debian/%s@%s?arch=%s&distro=debian-%s" % (
        quoted(package["name"]), quoted(package["version"]), quoted(package["architecture"]), quoted(os_release.get("VERSION_ID", "")))
    return {"type": "library", "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl,
            "properties": [{"name": "debian:source", "value": "%s %s" % (package["source"], package["source version"])}]}


def licences(text):
    """An expression, or the name of one licence, as SPDX has them."""
    if any(word in text for word in (" OR ", " AND ", "(")):
        return [{"expression": text}]
    return [{"license": {"id": text}}]


def npm(path, entry):
    name = path.rpartition("node_modules/")[2]
    scope, _, plain = name.rpartition("/")
    purl = "pkg:npm/%s%s@%s" % ("%%40%s/" % scope[1:] if scope else "", plain, entry["version"])
    kind, _, digest = entry["integrity"].partition("-")
    made = {"type": "library", "bom-ref": purl, "name": plain, "version": entry["version"]}
    if scope:
        made["group"] = scope
    made.update({"hashes": [{"alg": {"sha512": "SHA-512", "sha256": "SHA-256"}[kind], "content": base64.b64decode(digest).hex()}],
                 "licenses": licences(entry["license"]), "purl": purl})
    return made


def of_pages(lock_file):
    """What is in the pages: the packages that are needed to run them. What only builds them (dev), and what another
    package may do without (optional), is not there."""
    with open(lock_file, encoding="utf-8") as f:
        entries = json.load(f)["packages"]
    return [npm(path, entry) for path, entry in sorted(entries.items())
            if path and not entry.get("dev") and not entry.get("optional")]


def document(version, folder, lock_file):
    system = release()
    programs = [os.path.join(folder, name) for name in PROGRAMS]
    components = [debian(p, system) for p in packages(libraries(programs))] + of_pages(lock_file)
    ref = US % version
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when())),
            "component": {"type": "application", "bom-ref": ref, "name": "usher", "version": version, "purl": ref,
                          "licenses": [{"license": {"id": "Apache-2.0"}}],
                          "description": "Provisioning service over SCIM 2.0: " + ", ".join(PROGRAMS)}},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(c["bom-ref"] for c in components)}]}


def main(version, folder, lock_file):
    made = document(version, folder, lock_file)
    # Named by what it says, so that a build that repeats has the same number.
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made, sort_keys=True))
    made = {"bomFormat": made.pop("bomFormat"), "specVersion": made.pop("specVersion"), "serialNumber": "urn:uuid:%s" % number, **made}
    json.dump(made, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
