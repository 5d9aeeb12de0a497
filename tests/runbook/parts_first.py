"""Installing usher for the first time, and what one does with it when all is well."""

import os
import subprocess

import machines

README, TOPICS, NETWORK, RUNBOOK, WORKSPACES = "README.md", "topics.md", "network.md", "runbook.md", "workspaces.md"
SECOND = "/run/walk/machine-b"
WORST = 1.5  # of systemd-analyze security


def around(walk):
    """What an operator has already: names, an authority, PostgreSQL, Kafka"""
    machines.network()
    machines.authority()
    walk.say("%s with TLS and SCRAM on db" % machines.postgres())
    machines.kafka()
    walk.say("three nodes of Apache Kafka: SASL over TLS (SCRAM-SHA-512) on k1:9093 to k3:9093, StandardAuthorizer")
    with open("/etc/debian_version", encoding="utf-8") as f:
        walk.say("Debian " + f.read().strip() + "; no systemd runs: tests/runbook/systemctl stands in and says so")


def packages(walk):
    """The programs: Debian packages"""
    walk.shell.run("cd /packages")
    walk.shell.block(README, "packages")
    walk.say("machine b has the same programs, and settings of its own")
    second_machine(walk)
    walk.say("the units, which nothing runs here")
    walk.shell.run("systemd-analyze verify --man=no usher-worker.service usher-ingest.service usher-ingest.socket usher.target && echo well formed")
    told = walk.shell.run("systemd-analyze security --offline=true --no-pager /usr/lib/systemd/system/usher-worker.service "
                          "/usr/lib/systemd/system/usher-ingest.service | grep Overall")
    levels = [float(line.split(": ")[1].split()[0]) for line in told.splitlines() if "Overall" in line]
    assert len(levels) == 2 and max(levels) <= WORST, told


def second_machine(walk):
    """Another /etc/usher, and another place for what runs."""
    for folder in ("etc", "units", "credentials"):
        os.makedirs("/machines/b/" + folder, exist_ok=True)
    for folder in ("/run/usher-units", "/run/credentials"):
        os.makedirs(folder, exist_ok=True)
    subprocess.run(["cp", "-a", "/etc/usher/.", "/machines/b/etc/"], check=True)
    keeper = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", "mount --bind /machines/b/etc /etc/usher && mount --bind /machines/b/units /run/usher-units &&"
         " mount --bind /machines/b/credentials /run/credentials && echo there && exec sleep infinity"], stdout=subprocess.PIPE, text=True)
    assert keeper.stdout.readline() == "there\n"
    machines.write(SECOND, str(keeper.pid))
    walk.shell.machines["b"] = into(keeper.pid)


def into(pid):
    return ["nsenter", "--target", str(pid), "--mount", "--root", "--wd=/"]


def database(walk):
    """PostgreSQL: database, administrator, schema, roles"""
    for name in ("database", "migrate", "roles"):
        told = walk.shell.block(README, name)
        if name == "migrate":
            assert "applied, the database is at" in told, told
    walk.shell.run("usherctl migrate    # again: nothing to do")


def topics(walk):
    """Kafka: users, rights, topics"""
    for name in ("kafka-users", "acls", "topics"):
        walk.shell.block(TOPICS, name)


def settings(walk):
    """Settings of both machines, and the key of the audit"""
    walk.both(README, "settings")
    walk.shell.block(README, "usherctl")
    walk.shell.block(RUNBOOK, "audit-key")
    walk.say("the same key goes to machine b")
    walk.shell.run("install -m 640 -g usher-worker /etc/usher/audit.pem /machines/b/etc/audit.pem")
    walk.shell.run("echo 'audit-key = /etc/usher/audit.pem' >>/etc/usher/worker.conf", "b")


def start(walk):
    """The services are started"""
    walk.both(README, "start")
    walk.quiet("until usherctl ready --url http://10.0.0.5:9101 && usherctl ready --url http://10.0.0.6:9101; do sleep 1; done")


def first_workspace(walk):
    """A workspace, a key, a user who is created and read"""
    walk.shell.block(README, "workspace")
    told = walk.shell.block(README, "try")
    assert '"userName": "ana@example.com"' in told and told.rstrip().endswith("\n1"), told


def proxy(walk):
    """nginx in front"""
    machines.nginx(walk.shell.text(NETWORK, "proxy"))
    walk.say("nginx with the lines of network.md")
    walk.shell.run("curl -fsS https://scim.example.com/readyz")


def rotation(walk):
    """A key is rotated without downtime"""
    told = walk.shell.block(WORKSPACES, "rotate")
    walk.shell.run("new=$(grep -o 'ush_[A-Za-z0-9_-]*' <<'END'\n%sEND\n)" % told)
    walk.shell.run('for each in "$token" "$new"; do curl -fsS -o /dev/null -w "%{http_code}\\n" -H "Authorization: Bearer $each" '
                   "https://scim.example.com/scim/v2/Users; done")


def questions(walk):
    """SQL of the pages"""
    for name in ("old-transactions", "stopped-trees"):
        walk.shell.sql(RUNBOOK, name)
    told = walk.shell.sql(RUNBOOK, "left")
    assert "ERROR" not in told, told


PARTS = (around, packages, database, topics, settings, start, first_workspace, proxy, rotation, questions)
