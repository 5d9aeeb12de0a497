"""Clients of other people: those of SCIM for Java, and those that generators make of usher's OpenAPI document. Each
has a program here, which creates, changes and reads with it, and says whether what the client gives is right."""

import os
import shutil
import urllib.request

import pinned
from judge import Result
from programs import json_lines, run_quietly, short
from waiting import SILENCE

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- SCIM, in Java

def _java(program, workspace, work):
    path = pinned.javac("java", os.path.join(work, "classes"))
    # (Ping's client speaks over Jersey and HttpURLConnection, which knows no PATCH: Jersey sets the method by reflection.)
    opened = ["--add-opens", "java.base/java.net=ALL-UNNAMED", "--add-opens",
              "java.base/sun.net.www.protocol.http=ALL-UNNAMED"]
    return json_lines(["java", *opened, "-cp", path, program],
                      {"SCIM_URL": workspace.stack.url + "/scim/v2", "SCIM_TOKEN": workspace.token})


def scim_sdk(workspace, key, work):
    return _java("ScimSdkRun", workspace, work)


def ping(workspace, key, work):
    return _java("PingRun", workspace, work)


# ---- the Management API, generated

def _document(workspace, work):
    """The OpenAPI document as this usher serves it."""
    path = os.path.join(work, "openapi.json")
    with urllib.request.urlopen(workspace.stack.url + "/api/v1/openapi.json", timeout=SILENCE) as answer:
        with open(path, "wb") as f:
            f.write(answer.read())
    return path


def _copy(name, work):
    return shutil.copytree(os.path.join(HERE, "generated", name), os.path.join(work, name))


def _where(workspace):
    return {"USHER_URL": workspace.stack.url, "USHER_TOKEN": workspace.token}


def _made(name, command, cwd):
    """What a generator or a compiler says. None: nothing to complain of. It finds what lies beside it."""
    beside = os.path.dirname(command[0])
    done = run_quietly(command, cwd=cwd, env=dict(os.environ, PATH=beside + os.pathsep + os.environ["PATH"]))
    return None if done.returncode == 0 else [Result(name, False, short(done.stdout + done.stderr, 2000))]


def go(workspace, key, work):
    generator, document, folder = pinned.go_command("oapi-codegen"), _document(workspace, work), _copy("go", work)
    os.mkdir(os.path.join(folder, "usher"))
    wrong = _made("oapi-codegen makes a client", [generator, "-config", "oapi-codegen.yaml", "-o", "usher/usher.go",
                                                  document], folder)
    return wrong or json_lines([pinned.go_build(folder)], _where(workspace))


def typescript(workspace, key, work):
    modules, document, folder = pinned.node("typescript"), _document(workspace, work), _copy("typescript", work)
    os.symlink(modules, os.path.join(folder, "node_modules"))
    with open(os.path.join(folder, "package.json"), "w") as f:
        f.write('{"type": "module"}')
    commands = os.path.join(modules, ".bin")
    return (_made("openapi-typescript makes types", [os.path.join(commands, "openapi-typescript"), document, "-o",
                                                     "usher.d.ts"], folder)
            or _made("the types fit the program", [os.path.join(commands, "tsc"), "-p", "."], folder)
            or json_lines(["node", "out/main.js"], _where(workspace), cwd=folder))


def python(workspace, key, work):
    programs, document = pinned.python("python-client"), _document(workspace, work)
    folder = os.path.join(work, "client")
    wrong = _made("openapi-python-client makes a client",
                  [os.path.join(programs, "openapi-python-client"), "generate", "--path", document, "--output-path",
                   folder, "--fail-on-warning"], work)
    return wrong or json_lines([os.path.join(programs, "python"), "-B", os.path.join(HERE, "generated",
                                                                                     "python_client.py")],
                               dict(_where(workspace), CLIENT=folder))
