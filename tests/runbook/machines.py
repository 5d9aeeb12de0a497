"""What stands around usher, as an operator has it: names and addresses of machines, an authority, PostgreSQL with TLS and
SCRAM, three nodes of Apache Kafka with SASL over TLS and ACLs, nginx. All on the loopback of a network of its own."""

import os
import socket
import subprocess

from waiting import processor_time, wait_until

ADDRESSES = {"db": "10.0.0.2", "scim.example.com": "10.0.0.4", "a": "10.0.0.5", "b": "10.0.0.6", "k1": "10.0.0.11",
             "k2": "10.0.0.12", "k3": "10.0.0.13"}
NODES = ("k1", "k2", "k3")
HOME = "/root/usher"
AUTHORITY = "/root/authority"
KAFKA = "/var/lib/kafka"
JAVA = ["java", "-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
        "-Dlog4j2.configurationFile=file:/opt/kafka/log4j2.properties"]
HBA = """local   all  postgres                 peer
hostssl all  all       10.0.0.0/24    scram-sha-256
"""
PROPERTIES = """process.roles=broker,controller
node.id={node}
controller.quorum.voters=1@k1:9094,2@k2:9094,3@k3:9094
listeners=SASL_SSL://{name}:9093,INTERNAL://{name}:9092,CONTROLLER://{name}:9094
advertised.listeners=SASL_SSL://{name}:9093,INTERNAL://{name}:9092
listener.security.protocol.map=SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
log.dirs={home}/{name}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={home}/{name}.pem
listener.name.sasl_ssl.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.num.partitions=5
transaction.state.log.num.partitions=5
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
replica.fetch.max.bytes=16842752
# as ops/topics.md has it
offsets.retention.minutes=20160
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
"""
ADMIN = """security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="{password}";
ssl.truststore.type=PEM
ssl.truststore.location={authority}/ca.pem
"""


def run(*words, **more):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise SystemExit("runbook-test: %s: %s" % (" ".join(words), (done.stdout + done.stderr)[-2000:]))
    return done.stdout


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def network():
    run("ip", "link", "set", "lo", "up")
    for address in ADDRESSES.values():
        run("ip", "address", "add", address + "/32", "dev", "lo")
    write("/etc/hosts", "127.0.0.1 localhost\n" + "".join("%s %s\n" % (ADDRESSES[n], n) for n in ADDRESSES))


def certificate(name, days=90):
    """name.pem and name.key in the authority's folder; gives their paths."""
    os.makedirs(AUTHORITY, exist_ok=True)
    ca, path = os.path.join(AUTHORITY, "ca"), os.path.join(AUTHORITY, name)
    if not os.path.exists(ca + ".pem"):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority", "-days", "3650", "-keyout",
            ca + ".key", "-out", ca + ".pem", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    write(path + ".ext", "subjectAltName=DNS:%s,IP:10.0.0.5\nextendedKeyUsage=serverAuth\n" % name)
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", path + ".key", "-out", path + ".csr")
    run("openssl", "x509", "-req", "-in", path + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-days", str(days),
        "-extfile", path + ".ext", "-out", path + ".pem")
    return path + ".pem", path + ".key"


def authority():
    certificate("db")
    write("/usr/local/share/ca-certificates/authority.crt", open(os.path.join(AUTHORITY, "ca.pem"), encoding="utf-8").read())
    run("update-ca-certificates")


def postgres():
    """A cluster of Debian's; only with TLS, only with SCRAM, but for its superuser on the machine itself."""
    version, = os.listdir("/usr/lib/postgresql")
    run("pg_createcluster", version, "main")
    folder = "/etc/postgresql/%s/main" % version
    for path in certificate("db"):
        run("install", "-m", "600", "-o", "postgres", path, folder)
    write(os.path.join(folder, "pg_hba.conf"), HBA, 0o644)
    write(os.path.join(folder, "conf.d", "usher.conf"), "listen_addresses = '10.0.0.2'\nssl = on\nssl_cert_file = '%s/db.pem'\n"
          "ssl_key_file = '%s/db.key'\nmax_connections = 200\n" % (folder, folder))
    run("pg_ctlcluster", "--skip-systemctl-redirect", version, "main", "start")
    return "PostgreSQL %s" % version


def kafka():
    password = run("openssl", "rand", "-hex", "24").strip()
    identity = "usher-runbook-test-0000"[:22]
    started = []
    for number, name in enumerate(NODES, 1):
        pem, key = certificate(name)
        write("%s/%s.pem" % (KAFKA, name), open(key, encoding="utf-8").read() + open(pem, encoding="utf-8").read(), 0o600)
        settings = "%s/%s.properties" % (KAFKA, name)
        write(settings, PROPERTIES.format(node=number, name=name, home=KAFKA), 0o600)
        run(*JAVA, "-Dusher.kafka.log=%s/%s.format.log" % (KAFKA, name), "-cp", "/opt/kafka/libs/*", "kafka.tools.StorageTool", "format",
            "--cluster-id=" + identity, "-c", settings, "--add-scram", "SCRAM-SHA-512=[name=admin,password=%s]" % password)
        started.append([*JAVA, "-Dusher.kafka.log=%s/%s.log" % (KAFKA, name), "-cp", "/opt/kafka/libs/*", "kafka.Kafka", settings])
    for name, words in zip(NODES, started):
        with open("%s/%s.out" % (KAFKA, name), "wb") as out:
            subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    write(os.path.join(HOME, "admin.properties"), ADMIN.format(password=password, authority=AUTHORITY), 0o600)
    for name in NODES:
        until(lambda name=name: listens(ADDRESSES[name], 9093), "Kafka's node %s to listen" % name)


def nginx(lines):
    """The lines of ops/network.md."""
    for path, to in zip(certificate("scim.example.com"), ("scim.pem", "scim.key")):
        run("install", "-D", "-m", "600", path, "/etc/ssl/" + to)
    # From an address that the ingests know for their proxy.
    write("/etc/nginx/sites-enabled/default", lines.replace("proxy_pass ", "proxy_bind 10.0.0.4;\n        proxy_pass ")
          .replace("listen 443 ssl;", "listen 10.0.0.4:443 ssl;"))
    run("nginx")


def listens(address, port):
    try:
        socket.create_connection((address, port), 5).close()
        return True
    except OSError:
        return False


def until(condition, what):
    """What the condition gives, once that is true. While anything here works, it waits."""
    return wait_until(condition, what, lambda: processor_time(os.getppid()))
