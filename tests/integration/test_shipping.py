"""What is handed out beside the packages: the list of what is in the programs (SBOM), the OCI image, and the manifests for
Kubernetes. Each is held against the schema that its makers publish, and the image is unpacked and run. Needs no stack."""

import glob
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "ops", "build")]

import jsonschema  # noqa: E402
import linked  # noqa: E402
import pinned  # noqa: E402
import yaml  # noqa: E402

BIN = os.path.join(ROOT, "build", "release", "bin")
WEB = os.path.join(ROOT, "ingest", "portal", "web")
PROGRAMS = ["usher-ingest", "usher-livekit", "usher-worker", "usherctl"]
VERSION = re.search(r"(?m)^VERSION := (\S+)$", open(os.path.join(ROOT, "Makefile"), encoding="utf-8").read()).group(1)


def made(script, *words):
    env = dict(os.environ, SOURCE_DATE_EPOCH="1790000000", COMMIT="0" * 40)
    return subprocess.run([sys.executable, "-B", os.path.join(ROOT, "ops", "build", script), VERSION, BIN, *words], cwd=ROOT, env=env,
                          capture_output=True, text=True, check=True).stdout


def packages_folder(name, package):
    """Where a package of a file of pins lies, for its schemas alone."""
    return glob.glob(os.path.join(os.path.dirname(pinned.python(name)), "lib", "python*", "site-packages", package))[0]


class Owners(unittest.TestCase):
    def test_a_diversion_is_no_owner(self):
        """As Debian 13 answers where /usr was merged when the system was made."""
        loader = "/usr/lib64/ld-linux-x86-64.so.2"
        self.assertEqual(linked.found_by(("diversion by libc6 from: /lib64/ld-linux-x86-64.so.2",
                                          "diversion by libc6 to: /lib64/ld-linux-x86-64.so.2.usr-is-merged",
                                          "libc6:amd64: " + loader, "a, b: /etc/shared")),
                         {loader: "libc6:amd64", "/etc/shared": "a"})


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = made("sbom.py", os.path.join(WEB, "package-lock.json"))
        cls.sbom = json.loads(cls.text)
        folder = os.path.join(packages_folder("cyclonedx", "cyclonedx"), "schema", "_res")

        def read(name):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                return json.load(f)

        schema = read("bom-1.5.SNAPSHOT.schema.json")
        # The schemas name each other by address; all of them are here.
        store = {"http://cyclonedx.org/schema/" + name: read(name) for name in ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")}
        cls.validator = jsonschema.Draft7Validator(schema, resolver=jsonschema.RefResolver(schema["$id"], schema, store=store))

    def faults(self, sbom):
        return [e.message[:200] for e in self.validator.iter_errors(sbom)]

    def test_as_cyclonedx_has_it(self):
        self.assertEqual(self.faults(self.sbom), [])
        for break_ in (lambda s: s.update(bomFormat="SPDX"), lambda s: s["components"][0].update(type="thing"),
                       lambda s: s["components"][-1].update(licenses=[{"license": {"id": "No-Such-Licence"}}]),
                       lambda s: s.update(serialNumber="1")):
            broken = json.loads(self.text)
            break_(broken)
            self.assertNotEqual(self.faults(broken), [])

    def test_what_is_linked(self):
        names = {c["name"]: c for c in self.sbom["components"] if c["purl"].startswith("pkg:deb/")}
        for name in ("librdkafka1", "libjansson4", "libpq5", "libc6", "zlib1g"):
            self.assertIn(name, names)
            version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=True).stdout
            self.assertEqual(names[name]["version"], version)
        told = subprocess.run(["ldd", os.path.join(BIN, "usher-ingest")], capture_output=True, text=True, check=True).stdout
        self.assertGreaterEqual(len(names), 10)
        self.assertIn("librdkafka", told)

    def test_what_is_in_the_pages(self):
        with open(os.path.join(WEB, "package.json"), encoding="utf-8") as f:
            wanted = json.load(f)
        found = {"/".join(w for w in (c.get("group"), c["name"]) if w): c for c in self.sbom["components"] if c["purl"].startswith("pkg:npm/")}
        for name, version in wanted["dependencies"].items():
            self.assertEqual(found[name]["version"], version)
        for c in found.values():
            self.assertTrue(c["licenses"] and c["hashes"], c)
        self.assertEqual([n for n in found if "esbuild" in n], [], "what only builds is no part of it")

    def test_again_the_same(self):
        self.assertEqual(made("sbom.py", os.path.join(WEB, "package-lock.json")), self.text)


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "usher.tar")
        made("image.py", cls.path)
        with tarfile.open(cls.path) as tar:
            cls.files = {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
        index = json.loads(cls.files["index.json"])
        cls.manifest = json.loads(cls.blob(index["manifests"][0]))
        cls.config = json.loads(cls.blob(cls.manifest["config"]))
        cls.root = os.path.join(cls.folder.name, "root")
        os.mkdir(cls.root, 0o755)
        os.chmod(cls.folder.name, 0o755)
        cls.layers = [gzip.decompress(cls.blob(layer)) for layer in cls.manifest["layers"]]
        for layer in cls.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                tar.extractall(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def blob(cls, descriptor):
        """What a descriptor names, if it is what the descriptor says."""
        content = cls.files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert descriptor["digest"] == "sha256:" + hashlib.sha256(content).hexdigest(), descriptor
        assert descriptor["size"] == len(content), descriptor
        return content

    def run_in(self, *words, **env):
        """In the image, as its user, with nothing of this machine."""
        user = self.config["config"]["User"]
        way = ["chroot", "--userspec=" + user, self.root] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--root", self.root]
        return subprocess.run([*way, *words], capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **env})

    def test_a_layout(self):
        self.assertEqual(json.loads(self.files["oci-layout"]), {"imageLayoutVersion": "1.0.0"})
        self.assertEqual(self.config["rootfs"]["diff_ids"], ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in self.layers])
        known = {d["digest"].split(":")[1] for d in [self.manifest["config"], *self.manifest["layers"]]}
        blobs = {os.path.basename(name) for name in self.files if name.startswith("blobs/")}
        self.assertEqual(len(blobs - known), 1, "the manifest, and nothing that nobody names")

    def test_who_runs_it(self):
        config = self.config["config"]
        self.assertRegex(config["User"], r"^[1-9]\d*:[1-9]\d*$")
        self.assertEqual(config["Labels"]["org.opencontainers.image.version"], VERSION)
        self.assertEqual(self.config["created"], "2026-09-21T14:13:20Z")
        for name in ("/bin/sh", "/usr/bin/sh", "/usr/bin/dash", "/usr/bin/bash", "/usr/bin/usher-broker"):
            self.assertFalse(os.path.lexists(self.root + name), name)

    def test_each_program_runs(self):
        for name in PROGRAMS:
            done = self.run_in("/usr/bin/" + name, "--version")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn(VERSION, done.stdout)
        done = self.run_in("/usr/bin/usher-ingest", "--check-config", USHER_PG="postgresql://usher_ingest@db/usher")
        self.assertEqual((done.returncode, done.stdout), (0, "ok\n"), done.stderr)

    def test_health_check(self):
        """It says that nobody listens, rather than that it cannot be run."""
        command = self.config["config"]["Healthcheck"]["Test"]
        self.assertEqual(command[0], "CMD")
        done = self.run_in("/usr/bin/" + command[1], *command[2:], "--url", "http://127.0.0.1:1")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("cannot be reached", done.stderr)

    def test_scanners_find_the_packages(self):
        folder = os.path.join(self.root, "var", "lib", "dpkg", "status.d")
        self.assertLessEqual({"libc6", "librdkafka1", "ca-certificates"}, set(os.listdir(folder)))
        with open(os.path.join(folder, "librdkafka1"), encoding="utf-8") as f:
            self.assertRegex(f.read(), r"(?m)^Version: \S+$")

    def test_again_the_same(self):
        again = self.path + ".again"
        made("image.py", again)
        with open(self.path, "rb") as one, open(again, "rb") as two:
            self.assertEqual(hashlib.sha256(one.read()).digest(), hashlib.sha256(two.read()).digest())

    def test_no_path_of_the_build(self):
        for name in PROGRAMS:
            with open(os.path.join(BIN, name), "rb") as f:
                self.assertNotIn(ROOT.encode(), f.read(), name)


# What KEDA knows of the kinds and of the trigger that ops/kubernetes/keda uses; a name that is not here would be left unread.
KEDA = {"apiVersion": "keda.sh/v1alpha1",
        "ScaledObject": {"scaleTargetRef", "pollingInterval", "minReplicaCount", "maxReplicaCount", "fallback", "advanced", "triggers"},
        "TriggerAuthentication": {"secretTargetRef"},
        "trigger": {"type", "metadata", "authenticationRef"},
        "metadata": {"bootstrapServers", "consumerGroup", "topic", "lagThreshold", "offsetResetPolicy", "allowIdleConsumers"},
        "parameter": {"sasl", "username", "password", "tls", "ca"}}


def keda_faults(tree):
    """By these names; and by the definition that KEDA publishes with its Go module, where this machine has Go."""
    kind, spec = tree["kind"], tree["spec"]
    out = ["%s: %s" % (kind, name) for name in set(spec) - KEDA[kind]]
    for trigger in spec.get("triggers", []):
        out += ["trigger: " + name for name in set(trigger) - KEDA["trigger"]]
        out += ["metadata: " + name for name in set(trigger["metadata"]) - KEDA["metadata"]]
        out += ["metadata: %s is no text" % name for name, value in trigger["metadata"].items() if not isinstance(value, str)]
    out += ["parameter: " + s["parameter"] for s in spec.get("secretTargetRef", []) if s["parameter"] not in KEDA["parameter"]]
    folder = pinned.go_module("keda") if shutil.which("go") else None
    if folder:
        path = os.path.join(folder, "config", "crd", "bases", "keda.sh_%ss.yaml" % kind.lower())
        with open(path, encoding="utf-8") as f:
            versions = yaml.safe_load(f)["spec"]["versions"]
        schema, = (v["schema"]["openAPIV3Schema"] for v in versions if "keda.sh/" + v["name"] == tree["apiVersion"])
        out += ["%s: %s" % ("/".join(map(str, e.path)), e.message[:200])
                for e in jsonschema.Draft7Validator(strict(schema)).iter_errors(tree)]
    return out


def strict(schema):
    """The same, where a member that is not named is a fault: Kubernetes would drop it."""
    if isinstance(schema, list):
        return [strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if schema.get("properties") and "additionalProperties" not in schema else {}
    return {**closed, **{name: strict(value) for name, value in schema.items() if name != "description"}}


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manifests = []
        for folder in ("base", "autoscaling", "keda"):
            for path in sorted(glob.glob(os.path.join(ROOT, "ops", "kubernetes", folder, "*.yaml"))):
                if os.path.basename(path) not in ("kustomization.yaml", "adapter.yaml"):
                    with open(path, encoding="utf-8") as f:
                        cls.manifests += [(os.path.basename(path), tree) for tree in yaml.safe_load_all(f)]
        schemas = os.path.join(packages_folder("kubernetes", "kubernetes_validate"), "kubernetes-json-schema")
        # The strict ones, in which a member that nobody knows is a fault: Kubernetes would drop it.
        versions = sorted((n for n in os.listdir(schemas) if n.endswith("-strict")), key=lambda n: [int(x) for x in re.findall(r"\d+", n)])
        cls.schemas = {}
        for version in (versions[0], versions[-1]):
            with open(os.path.join(schemas, version, "_definitions.json"), encoding="utf-8") as f:
                cls.schemas[version] = json.load(f)["$defs"]

    def faults(self, tree):
        if tree["apiVersion"] == KEDA["apiVersion"]:
            return keda_faults(tree)
        group, _, version = tree["apiVersion"].rpartition("/")
        out = []
        for of, definitions in self.schemas.items():
            wanted = {"group": group, "kind": tree["kind"], "version": version}
            names = [name for name, schema in definitions.items() if wanted in schema.get("x-kubernetes-group-version-kind", [])]
            if not names:
                out.append("%s does not know %s %s" % (of, tree["apiVersion"], tree["kind"]))
                continue
            schema = {"$ref": "#/$defs/" + names[0], "$defs": definitions}
            out += ["%s: %s: %s" % (of, "/".join(map(str, e.path)), e.message[:200]) for e in jsonschema.Draft7Validator(schema).iter_errors(tree)]
        return out

    def of_kind(self, *kinds):
        return [tree for _, tree in self.manifests if tree["kind"] in kinds]

    def pods(self):
        return [(tree["metadata"]["name"], tree["spec"]["template"]) for tree in self.of_kind("Deployment", "Job")]

    def test_as_kubernetes_has_them(self):
        self.assertGreater(len(self.manifests), 12)
        for name, tree in self.manifests:
            with self.subTest(name, kind=tree["kind"]):
                self.assertEqual(self.faults(tree), [])

    def test_a_wrong_one_is_found(self):
        for break_ in (lambda t: t["spec"].update(replica=2), lambda t: t["spec"].update(replicas="two"),
                       lambda t: t["spec"]["template"]["spec"]["containers"][0]["livenessProbe"].update(httpget={})):
            tree = json.loads(json.dumps(self.of_kind("Deployment")[0]))
            break_(tree)
            self.assertNotEqual(self.faults(tree), [])

    def test_keda_does_what_the_other_autoscaler_does(self):
        """As many workers, as slowly; one of the two goes where both are named. And a wrong name is found."""
        scaled, = self.of_kind("ScaledObject")
        other, = (t for t in self.of_kind("HorizontalPodAutoscaler") if t["metadata"]["name"] == "usher-worker")
        spec, wanted = scaled["spec"], other["spec"]
        self.assertEqual((spec["scaleTargetRef"], spec["minReplicaCount"], spec["maxReplicaCount"]),
                         (wanted["scaleTargetRef"], wanted["minReplicas"], wanted["maxReplicas"]))
        self.assertEqual(spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"], wanted["behavior"])
        trigger, = spec["triggers"]
        self.assertEqual(trigger["metadata"]["lagThreshold"], wanted["metrics"][0]["external"]["target"]["averageValue"])
        authentication, = self.of_kind("TriggerAuthentication")
        self.assertEqual(trigger["authenticationRef"]["name"], authentication["metadata"]["name"])
        with open(os.path.join(ROOT, "ops", "kubernetes", "keda", "kustomization.yaml"), encoding="utf-8") as f:
            patch, = yaml.safe_load(f)["patches"]
        self.assertEqual(patch["target"], {"kind": "HorizontalPodAutoscaler", "name": "usher-worker"})
        self.assertEqual(yaml.safe_load(patch["patch"])["$patch"], "delete")
        for break_ in (lambda t: t["spec"].update(minReplicas=2), lambda t: t["spec"]["triggers"][0]["metadata"].update(lagTreshold="5"),
                       lambda t: t["spec"]["triggers"][0]["metadata"].update(lagThreshold=500)):
            tree = json.loads(json.dumps(scaled))
            break_(tree)
            self.assertNotEqual(self.faults(tree), [])

    def test_each_file_is_in_the_list(self):
        for folder in ("base", "autoscaling", "keda"):
            home = os.path.join(ROOT, "ops", "kubernetes", folder)
            with open(os.path.join(home, "kustomization.yaml"), encoding="utf-8") as f:
                listed = {name for name in yaml.safe_load(f)["resources"] if not name.startswith("..")}
            self.assertEqual(listed, set(os.listdir(home)) - {"kustomization.yaml", "adapter.yaml"})

    def test_restricted(self):
        """As the strictest of the Pod Security Standards asks, and with a root that cannot be written."""
        for name, pod in self.pods():
            spec = pod["spec"]
            self.assertFalse(spec["automountServiceAccountToken"], name)
            self.assertEqual((spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["seccompProfile"]), (True, {"type": "RuntimeDefault"}), name)
            for container in spec["containers"]:
                own = container["securityContext"]
                self.assertEqual((own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"], own["capabilities"]), (False, True, {"drop": ["ALL"]}), name)
                self.assertNotIn("cpu", container["resources"]["limits"], name)

    def test_what_they_name_exists(self):
        with open(os.path.join(ROOT, "ops", "settings.md"), encoding="utf-8") as f:
            settings = {"USHER_" + s.upper().replace("-", "_") for s in re.findall(r"(?m)^\| `([a-z-]+)` \|", f.read())}
        maps = {tree["metadata"]["name"]: tree["data"] for tree in self.of_kind("ConfigMap")}
        for name, pod in self.pods():
            for container in pod["spec"]["containers"]:
                self.assertIn(container["command"][0], PROGRAMS)
                values = {e["name"]: e["value"] for e in container.get("env", [])}
                for source in container.get("envFrom", []):
                    values.update(maps[source["configMapRef"]["name"]])
                self.assertEqual(set(values) - settings, set(), name)
        targets = {tree["metadata"]["name"]: tree["spec"]["template"]["metadata"]["labels"] for tree in self.of_kind("Deployment")}
        for tree in self.of_kind("PodDisruptionBudget"):
            self.assertIn(tree["spec"]["selector"]["matchLabels"], targets.values())
        for tree in self.of_kind("HorizontalPodAutoscaler"):
            self.assertIn(tree["spec"]["scaleTargetRef"]["name"], targets)
        self.assertEqual(len(self.of_kind("PodDisruptionBudget")), len(targets))
        with open(os.path.join(ROOT, "ops", "kubernetes", "autoscaling", "adapter.yaml"), encoding="utf-8") as f:
            rule = yaml.safe_load(f)["externalRules"][0]
        with open(os.path.join(ROOT, "ops", "metrics.md"), encoding="utf-8") as f:
            self.assertIn("| `%s` |" % re.match(r"\w+", rule["seriesQuery"]).group(0), f.read())
        wanted = [m["external"]["metric"]["name"] for tree in self.of_kind("HorizontalPodAutoscaler") for m in tree["spec"]["metrics"] if "external" in m]
        self.assertEqual(wanted, [rule["name"]["as"]])

    def test_probes(self):
        """An outage of PostgreSQL or Kafka takes pods out of the service, and restarts none."""
        for tree in self.of_kind("Deployment"):
            container = tree["spec"]["template"]["spec"]["containers"][0]
            self.assertEqual([container[p]["httpGet"]["path"] for p in ("readinessProbe", "livenessProbe", "startupProbe")], ["/readyz", "/healthz", "/healthz"])
            ports = {p["name"] for p in container["ports"]}
            self.assertIn(container["readinessProbe"]["httpGet"]["port"], ports)


if __name__ == "__main__":
    unittest.main()
