"""Each suite as a function: runs the program against a workspace of its own and gives the results as judge.Result."""

import json
import os
import urllib.request
import xml.etree.ElementTree

import clients
import contracts
import pinned
import proofs
from judge import Result, Skip
from programs import json_lines, numbered, run_quietly, short
from waiting import SILENCE

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- Microsoft's Postman collections

TESTS = ["Endpoint tests", "User tests", "Group tests", "ComplexAttribute tests", "User tests with garbage",
         "Group tests with garbage", "Teardown garbage"]


def _newman(collection, folders, workspace, work):
    """Runs one collection; a check per assertion, and one more for each request that got no answer."""
    host, port = workspace.stack.host, workspace.stack.port
    report = os.path.join(work, "newman.json")
    command = [os.path.join(pinned.node("newman"), ".bin", "newman"), "run", collection, "--reporters", "json",
               "--reporter-json-export", report]
    for folder in folders:
        command += ["--folder", folder]
    for name, value in (("Protocol", "http"), ("Server", host), ("Port", ":%d" % port), ("Api", "scim/v2"),
                        ("token", workspace.token)):
        command += ["--env-var", "%s=%s" % (name, value)]
    done = run_quietly(command)
    if not os.path.exists(report):
        return [Result("newman runs", False, short(done.stdout + done.stderr))]
    with open(report) as f:
        executions = json.load(f)["run"]["executions"]
    results = []
    for e in executions:
        answer = e.get("response", {}).get("code")
        if answer is None:
            results.append(Result("%s: has an answer" % e["item"]["name"], False,
                                  short(e.get("requestError", "none"))))
        for a in e.get("assertions") or ():
            error = a.get("error")
            detail = "" if not error else "%s (answer %s)" % (short(error.get("message", "")), answer)
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
    return numbered(_newman(tests, TESTS, workspace, work))


def inbound(workspace, key, work):
    folder = os.environ.get("SCIM_POSTMAN")
    if not folder or not os.path.exists(os.path.join(folder, "scim-inbound.postman_collection.json")):
        raise Skip("SCIM_POSTMAN names no folder with Microsoft's collections")
    return numbered(_newman(_inbound(folder, work), [], workspace, work))


# ---- scim-sanity

def sanity(workspace, key, work):
    program = os.path.join(pinned.python("scim"), "scim-sanity")
    done = run_quietly([program, "probe", workspace.stack.url + "/scim/v2", "--token", workspace.token, "--strict",
                 "--i-accept-side-effects", "--json-output"])
    try:
        said = json.loads(done.stdout)["results"]
    except ValueError:
        return [Result("scim-sanity runs", False, short(done.stdout + done.stderr))]
    # A warning is a failure here: strict means strict.
    return numbered([Result("%s: %s" % (r["phase"], r["name"]), {"pass": True, "skip": None}.get(r["status"], False),
                             short(r.get("message") or "")) for r in said])


# ---- scim2-tester, and scim2-client as a typed client

def _scim2(program, workspace, key):
    python = os.path.join(pinned.python("scim"), "python")
    return json_lines([python, "-B", os.path.join(HERE, program)],
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
    command = [os.path.join(pinned.python("openapi"), "st"), "run", url, "--checks", CHECKS, "--phases",
               "examples,coverage,fuzzing", "--seed", "1", "--continue-on-failure",
               "--report", "junit", "--report-junit-path", report, *options]
    done = run_quietly(command, cwd=work)
    if not os.path.exists(report):
        return [Result("schemathesis runs (%s)" % name, False, short(done.stdout[-2000:] + done.stderr[-2000:], 2000))]
    results = []
    for test in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        bad = [b for b in test if b.tag in ("failure", "error")]
        detail = " / ".join(short(b.text or b.get("message") or "", 2500) for b in bad)
        results.append(Result(test.get("name"), None if test.find("skipped") is not None else not bad, detail))
    if done.returncode != 0 and all(r.ok is not False for r in results):
        results.append(Result("schemathesis ends well (%s)" % name, False,
                              "exit %d: %s" % (done.returncode, short(done.stdout[-1500:], 1500))))
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
    return numbered(results)


ALL = {"postman": postman, "inbound": inbound, "sanity": sanity, "tester": tester, "client": client,
       "scimsdk": clients.scim_sdk, "ping": clients.ping, "openapi": openapi, "go": clients.go,
       "typescript": clients.typescript, "python": clients.python, "asyncapi": contracts.asyncapi,
       "cloudevents": contracts.cloudevents, "proof": proofs.proof, "ocsf": proofs.ocsf}
KEYS = {name: ("rfc", "entra") if name in ("postman", "inbound", "sanity", "tester", "client", "scimsdk", "ping")
        else ("rfc",) for name in ALL}
