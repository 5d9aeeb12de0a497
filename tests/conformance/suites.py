"""Each suite as a function: runs the program against a workspace of its own and gives the results as judge.Result."""

import json
import os
import subprocess
import urllib.request
import xml.etree.ElementTree

import tools
from judge import Result
from waiting import SILENCE, run

HERE = os.path.dirname(os.path.abspath(__file__))


class Skip(Exception):
    """The suite cannot run here; the text says why."""


def _short(text, limit=400):
    text = " ".join(str(text).split())
    return text if len(text) <= limit else text[:limit] + "…"


def _numbered(results):
    """Checks of one name get a number behind it from the second on."""
    seen, out = {}, []
    for r in results:
        n = seen[r.check] = seen.get(r.check, 0) + 1
        out.append(r if n == 1 else r._replace(check="%s #%d" % (r.check, n)))
    return out


def _run(command, **how):
    """As long as it takes: the program is ended if it does nothing any more."""
    return run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **how)


def _json_lines(command, env):
    """A program of ours in a suite's environment, which prints one JSON object per check."""
    done = _run(command, env=dict(os.environ, **env))
    results = []
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            results.append(Result(said["check"], said["ok"], _short(said.get("detail") or "")))
    if done.returncode != 0:
        results.append(Result("the program ends well", False,
                              "exit %d: %s" % (done.returncode, _short(done.stderr[-1500:], 1500))))
    return _numbered(results)


# ---- Microsoft's Postman collections

TESTS = ["Endpoint tests", "User tests", "Group tests", "ComplexAttribute tests", "User tests with garbage",
         "Group tests with garbage", "Teardown garbage"]


def _newman(collection, folders, workspace, work):
    """Runs one collection; a check per assertion, and one more for each request that got no answer."""
    host, port = workspace.stack.host, workspace.stack.port
    report = os.path.join(work, "newman.json")
    command = [os.path.join(tools.node("newman"), "newman"), "run", collection, "--reporters", "json",
               "--reporter-json-export", report]
    for folder in folders:
        command += ["--folder", folder]
    for name, value in (("Protocol", "http"), ("Server", host), ("Port", ":%d" % port), ("Api", "scim/v2"),
                        ("token", workspace.token)):
        command += ["--env-var", "%s=%s" % (name, value)]
    done = _run(command)
    if not os.path.exists(report):
        return [Result("newman runs", False, _short(done.stdout + done.stderr))]
    with open(report) as f:
        executions = json.load(f)["run"]["executions"]
    results = []
    for e in executions:
        answer = e.get("response", {}).get("code")
        if answer is None:
            results.append(Result("%s: has an answer" % e["item"]["name"], False,
                                  _short(e.get("requestError", "none"))))
        for a in e.get("assertions") or ():
            error = a.get("error")
            detail = "" if not error else "%s (answer %s)" % (_short(error.get("message", "")), answer)
            results.append(Result("%s: %s" % (e["item"]["name"], a["assertion"]), not error, detail))
    return results


def _inbound(folder, work):
    """Entra's own queries. They come with a fixed host and https; here they go where the others go, and the step
    that fetches a token elsewhere is left out."""
    with open(os.path.join(folder, "scim-inbound.postman_collection.json")) as f:
        text = f.read().replace("https://{{endpoint}}/scim",
                                "http://{{Server}}{{Port}}/{{Api}}").replace("https://{{Server}}", "http://{{Server}}")
    collection = json.loads(text)
    collection["item"] = [i for i in collection["item"] if i["name"] != "Get Token"]

    def requests(items):
        for item in items:
            yield from requests(item.get("item", ()))
            if "request" in item:
                yield item["request"]

    for request in requests(collection["item"]):
        if isinstance(request["url"], dict):  # the parts beside `raw` still name the old host
            request["url"] = request["url"]["raw"]
        request["auth"] = {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]}
    path = os.path.join(work, "inbound.json")
    with open(path, "w") as f:
        json.dump(collection, f)
    return path


def postman(workspace, key, work):
    folder = os.environ.get("SCIM_POSTMAN")
    if not folder:
        raise Skip("SCIM_POSTMAN names no folder with Microsoft's collections")
    tests = os.path.join(folder, "scim-tests.postman_collection.json")
    if not os.path.exists(tests):
        raise Skip("%s is not there" % tests)
    return _numbered(_newman(tests, TESTS, workspace, work))


def inbound(workspace, key, work):
    folder = os.environ.get("SCIM_POSTMAN")
    if not folder or not os.path.exists(os.path.join(folder, "scim-inbound.postman_collection.json")):
        raise Skip("SCIM_POSTMAN names no folder with Microsoft's collections")
    return _numbered(_newman(_inbound(folder, work), [], workspace, work))


# ---- scim-sanity

def sanity(workspace, key, work):
    program = os.path.join(tools.python("scim"), "scim-sanity")
    done = _run([program, "probe", workspace.stack.url + "/scim/v2", "--token", workspace.token, "--strict",
                 "--i-accept-side-effects", "--json-output"])
    try:
        said = json.loads(done.stdout)["results"]
    except ValueError:
        return [Result("scim-sanity runs", False, _short(done.stdout + done.stderr))]
    # A warning is a failure here: strict means strict.
    return _numbered([Result("%s: %s" % (r["phase"], r["name"]), {"pass": True, "skip": None}.get(r["status"], False),
                             _short(r.get("message") or "")) for r in said])


# ---- scim2-tester, and scim2-client as a typed client

def _scim2(program, workspace, key):
    python = os.path.join(tools.python("scim"), "python")
    return _json_lines([python, "-B", os.path.join(HERE, program)],
                       {"SCIM_URL": workspace.stack.url + "/scim/v2", "SCIM_TOKEN": workspace.token,
                        "SCIM_DIALECT": key})


def tester(workspace, key, work):
    return _scim2("scim2_tester_run.py", workspace, key)


def client(workspace, key, work):
    return _scim2("scim2_client_run.py", workspace, key)


# ---- schemathesis

OPENAPI = "/api/v1/openapi.json"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


# Each class of endpoints under the credential that opens it. Owners have a rate of 600 a minute; a client that is wrong
# too often is slowed down.
PARTS = (
    ("key", ["--exclude-path-regex", "^/api/v1/admin|^/oauth2"],
     lambda w: ["--header", "Authorization: Bearer " + w.token], 100),
    ("owner", ["--include-path-regex", "^/api/v1/admin", "--rate-limit", "570/m"],
     lambda w: ["--header", "Authorization: Bearer " + _owner(w)], 25),
    ("client", ["--include-path-regex", "^/oauth2"], lambda w: ["--auth", "%s:%s" % (w.key_id, w.token)], 25),
)


def _owner(workspace):
    return workspace.stack.ctl("owner", "create", "--workspace", workspace.id, "--name", "schemathesis")["token"]


def _schemathesis(url, name, options, work):
    report = os.path.join(work, name + ".xml")
    command = [os.path.join(tools.python("openapi"), "st"), "run", url, "--checks", CHECKS, "--phases",
               "examples,coverage,fuzzing", "--seed", "1", "--continue-on-failure",
               "--report", "junit", "--report-junit-path", report, *options]
    done = _run(command, cwd=work)
    if not os.path.exists(report):
        return [Result("schemathesis runs (%s)" % name, False, _short(done.stdout[-2000:] + done.stderr[-2000:], 2000))]
    results = []
    for test in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        bad = [b for b in test if b.tag in ("failure", "error")]
        detail = " / ".join(_short(b.text or b.get("message") or "", 2500) for b in bad)
        results.append(Result(test.get("name"), None if test.find("skipped") is not None else not bad, detail))
    if done.returncode != 0 and all(r.ok is not False for r in results):
        results.append(Result("schemathesis ends well (%s)" % name, False,
                              "exit %d: %s" % (done.returncode, _short(done.stdout[-1500:], 1500))))
    return results


def openapi(workspace, key, work):
    url = workspace.stack.url + OPENAPI
    try:
        with urllib.request.urlopen(url, timeout=SILENCE) as answer:
            status = answer.status
    except urllib.error.HTTPError as e:
        status = e.code
    if status != 200:
        raise Skip("there is no OpenAPI document: %s answers %d" % (OPENAPI, status))
    results = []
    for name, options, credential, examples in PARTS:
        results += _schemathesis(url, name, [*options, *credential(workspace), "--max-examples", str(examples)], work)
    return _numbered(results)


ALL = {"postman": postman, "inbound": inbound, "sanity": sanity, "tester": tester, "client": client, "openapi": openapi}
KEYS = {name: ("rfc",) if name == "openapi" else ("rfc", "entra") for name in ALL}
