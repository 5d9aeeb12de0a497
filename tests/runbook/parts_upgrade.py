"""Restarts and upgrades while somebody sends, alerts, certificates."""

import glob
import json
import os
import subprocess
import urllib.request

import machines
from load import Load
from parts_first import NETWORK, RUNBOOK

PROMETHEUS = "/run/walk/prometheus"


def token(walk):
    return walk.quiet('echo "$new"').strip()


def restart(walk):
    """Both machines are restarted, one after the other, while somebody sends"""
    with Load(token(walk)) as load:
        for machine in ("a", "b"):
            walk.shell.block(RUNBOOK, "restart", machine)
            load.works(20)
    walk.say(load.told())
    assert not load.failed, load.failed[:5]


def asked(path):
    with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/" + path) as answer:
        return json.load(answer)["data"]


def alerts(walk):
    """Prometheus with the rules of the package; a worker ends, and the alert fires"""
    os.makedirs(PROMETHEUS, exist_ok=True)
    machines.write(PROMETHEUS + "/prometheus.yml", walk.shell.text(RUNBOOK, "prometheus"))
    walk.shell.run("promtool check config %s/prometheus.yml" % PROMETHEUS)
    with open(PROMETHEUS + "/log", "wb") as log:
        server = subprocess.Popen(["prometheus", "--config.file=%s/prometheus.yml" % PROMETHEUS, "--storage.tsdb.path=%s/data" % PROMETHEUS,
                                   "--web.listen-address=127.0.0.1:9090"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        machines.until(lambda: machines.listens("127.0.0.1", 9090), "Prometheus to listen")
        up = machines.until(lambda: (lambda t: t if len(t) == 4 and all(x["health"] == "up" for x in t) else None)(
            asked("targets")["activeTargets"]), "all four to be up")
        walk.say("Prometheus sees " + ", ".join(sorted("%s %s" % (t["labels"]["job"], t["labels"]["instance"]) for t in up)))
        walk.shell.run("systemctl stop usher-worker.service", "b")
        machines.until(lambda: "firing" in [a["state"] for a in asked("alerts")["alerts"] if a["labels"]["alertname"] == "UsherWorkerDown"],
                       "the alert to fire")
        walk.say("UsherWorkerDown fires")
        walk.shell.run("systemctl start usher-worker.service", "b")
        machines.until(lambda: not [a for a in asked("alerts")["alerts"] if a["labels"]["alertname"] == "UsherWorkerDown"], "the alert to end")
        walk.say("and ends when the worker is back; others: %s" % sorted({a["labels"]["alertname"] for a in asked("alerts")["alerts"]}))
    finally:
        server.terminate()
        server.wait()


def newer(walk):
    """This version's packages under a higher number: of 0.3.0 and before there are none."""
    walk.say("the packages of this version once more, with a higher number")
    os.makedirs("/newer", exist_ok=True)
    for deb in sorted(glob.glob("/packages/usher-*_*.deb") + glob.glob("/packages/usherctl_*.deb")):
        machines.run("rm", "-rf", "/run/walk/deb")
        machines.run("dpkg-deb", "-R", deb, "/run/walk/deb")
        machines.run("sed", "-i", "-E", r"s/^(Version: .*)/\1+upgrade/; s/(usherctl \(>= [^)]*)\)/\1+upgrade)/", "/run/walk/deb/DEBIAN/control")
        machines.run("dpkg-deb", "--root-owner-group", "-b", "/run/walk/deb", "/newer")
    return "/newer"


def restarted(walk, unit, machine):
    walk.say("systemd would have restarted %s now, as the package asks" % unit)
    walk.shell.run("systemctl try-restart %s.service" % unit, machine)


def upgrade(walk):
    """Upgrade by packages, while somebody sends"""
    walk.shell.run("cd " + newer(walk))
    with Load(token(walk)) as load:
        walk.shell.block(RUNBOOK, "upgrade-schema")
        for unit, name in (("usher-worker", "upgrade-worker"), ("usher-ingest", "upgrade-ingest")):
            for machine in ("a", "b"):
                # Both machines have one system here, so the second time the package is there already.
                lines = walk.shell.text(RUNBOOK, name).splitlines()
                walk.shell.run(lines[0], machine)
                restarted(walk, unit, machine)
                walk.shell.run(lines[1].replace("10.0.0.5", machines.ADDRESSES[machine]), machine)
                load.works(20)
        walk.shell.block(RUNBOOK, "upgrade-finish")
        load.works(20)
    walk.say(load.told())
    assert not load.failed, load.failed[:5]
    walk.shell.run("dpkg-query -W 'usher*'; usherctl --version; cd ~/usher")


def certificate(walk):
    """usher's own certificate, and its renewal"""
    where = {"scim.pem": machines.AUTHORITY + "/scim.example.com.pem", "scim.key": machines.AUTHORITY + "/scim.example.com.key"}
    walk.shell.run("cd %s && ln -sf scim.example.com.pem scim.pem && ln -sf scim.example.com.key scim.key" % os.path.dirname(where["scim.pem"]))
    walk.shell.block(NETWORK, "certificate")
    walk.shell.run("until usherctl ready --url https://10.0.0.5:8080; do sleep 1; done")
    serial = "echo | openssl s_client -connect 10.0.0.5:8080 2>/dev/null | openssl x509 -noout -serial -enddate"
    before = walk.shell.run(serial)
    walk.say("another certificate comes")
    machines.certificate("scim.example.com", 180)
    walk.shell.block(NETWORK, "renewal")
    machines.until(lambda: walk.quiet(serial) != before, "the new certificate")
    walk.shell.run(serial + "; curl -fsS https://10.0.0.5:8080/metrics | grep tls_expires; cd ~/usher")
    walk.shell.run("usherctl doctor | grep files")


PARTS = (restart, alerts, upgrade, certificate)
