#!/usr/bin/python3
"""Facts that stand in the code and in documents: settings, metrics, commands, audit actions, errors, the version.

    facts.py PRINT            writes what can be written: the tables in schemas/README.md, the lists in schemas/json, ops/*.conf, ops/man, ops/grafana (make facts)
    facts.py PRINT --check    writes nothing; says what is missing, wrong or out of date, and ends with 1 (make check)

PRINT is the program of print.c, which knows the tables of the code. What needs words of its own (ops/settings.md, ops/metrics.md) is written by hand and only
checked: each row against the code, and each row of the code against the page."""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap

import dashboard
from manuals import manuals

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROTOCOL = "schemas/README.md"
PAGES = ["README.md", "CONTRIBUTING.md", PROTOCOL] + sorted(
    "ops/" + n for n in os.listdir(os.path.join(ROOT, "ops")) if n.endswith(".md"))
# A setting without a default, as a sample file shows it.
REQUIRED = {("usher-ingest", "pg"): "postgresql://usher_ingest@localhost/usher",
            ("usher-worker", "pg"): "postgresql://usher_worker@localhost/usher"}
# Names of PostgreSQL objects and the like that look like a metric's; variables that are no setting's.
NO_METRIC = {"usher_owner", "usher_gate", "usher_ingest", "usher_worker"}
NO_SETTING = {"USHER_BIN", "USHER_TOKEN", "USHER_OWNER_TOKEN", "USHER_CONFIG", "USHER_READY_FD", "USHER_FAILPOINT", "USHER_CACHE", "USHER_ENV", "USHER_UPDATE_EXAMPLES", "USHER_MUST_CHECK"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def pages():
    return [p for p in PAGES if os.path.exists(os.path.join(ROOT, p))]


def metrics_of(text):
    """{name: (type, labels)} of a scrape."""
    out = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            out[name] = (kind, [])
        elif not line.startswith("#"):
            name = re.match(r"\w+", line).group(0)
            name = name if name in out else re.sub(r"_(bucket|sum|count)$", "", name)
            out[name][1].extend(k for k in re.findall(r'(\w+)="', line) if k != "le" and k not in out[name][1])
    return out


def ctl_of(program):
    """usherctl of the same build: build/asan/tests/facts/print, build/asan/bin/usherctl."""
    return os.path.join(os.path.dirname(os.path.abspath(program)), "..", "..", "bin", "usherctl")


def load(program):
    facts = json.loads(subprocess.run([program], check=True, stdout=subprocess.PIPE).stdout)
    facts["metrics"] = {name: metrics_of(text) for name, text in facts["metrics"].items()}
    facts["ctl"] = json.loads(subprocess.run([ctl_of(program), "help", "--json"], check=True, stdout=subprocess.PIPE).stdout)
    return facts


# ---- what is written


def table(head, rows):
    lines = [re.sub(r"  +", " ", "| %s |" % " | ".join(row)) for row in [head] + list(rows)]
    return "\n".join(lines[:1] + ["|" + "---|" * len(head)] + lines[1:])


def subject(action):
    """What is about no kind in particular has its subject only sometimes."""
    if action["subject"] is None:
        return "null"
    return action["subject"] + (", or null" if action["target"] == "what it was about" else "")


def action_rows(facts):
    """Neighbours that differ in nothing but the name share a row."""
    rows = []
    for a in facts["actions"]:
        name, rest = "`%s`" % a["name"], [a["target"], subject(a), a["words"]]
        if rows and rows[-1][1:] == rest:
            rows[-1][0] += ", " + name
        else:
            rows.append([name] + rest)
    return rows


def command_rows(facts):
    settings = ", ".join("`%s`" % name for name in facts["workspaceSettings"])
    return [("`%s`" % c["name"], c["target"], c["words"].replace("{settings}", settings), "[example](examples/commands.%s.json)" % c["name"].replace(".", "-")) for c in facts["commands"]]


def error_rows(facts):
    return [("`%s`" % e["name"], e["class"], str(e["status"]), "`%s`" % e["scimType"] if e["scimType"] else "", e["text"]) for e in facts["errors"]]


def protocol(text, facts):
    for name, made in (("actions", table(("`action`", "target", "subject", "notes"), action_rows(facts))),
                       ("commands", table(("type", "`id` is", "carries", ""), command_rows(facts))),
                       ("errors", table(("name", "class", "HTTP", "scimType", "says"), error_rows(facts)))):
        begin, end = "<!-- %s: written by `make facts` -->\n" % name, "\n<!-- end of %s -->" % name
        assert text.count(begin) == 1 and text.count(end) == 1, "%s: no place for %s" % (PROTOCOL, name)
        text = text[:text.index(begin) + len(begin)] + made + text[text.index(end):]
    return text


def dump(tree):
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def audit_schema(text, facts):
    tree = json.loads(text)
    tree["properties"]["action"]["enum"] = [a["name"] for a in facts["actions"]]
    return dump(tree)


def command_schema(text, facts):
    """The list of types, and the rules that say which types must have, or may not have, a member."""
    tree = json.loads(text)
    tree["properties"]["type"]["enum"] = [c["name"] for c in facts["commands"]]
    for rule in tree["allOf"]:
        then = rule["then"]
        must, no = then.get("required", []), then.get("not", {}).get("required", [])
        if len(must) == 1 and set(then) == {"required"}:
            rule["if"]["properties"]["type"]["enum"] = [c["name"] for c in facts["commands"] if c[must[0]]]
        elif len(no) == 1 and set(then) == {"not"}:
            may = "mayResourceType" if no == ["resourceType"] else no[0]
            rule["if"]["properties"]["type"]["enum"] = [c["name"] for c in facts["commands"] if not c[may]]
    return dump(tree)


def sample(program, settings):
    lines = ["# Settings of %s, each with its default. Take the # away where you want another value." % program,
             "# Written by `make facts`. ops/settings.md says what each does, and when to change it.", "#",
             "#     %s --config %s.conf --check-config" % (program, program)]
    if any(s["key"] == "kafka" for s in settings):
        lines += ["#", "# Further lines `kafka.NAME = VALUE` go to the Kafka library as they are (TLS, SASL, time-outs)."]
    for s in settings:
        lines += [""] + textwrap.wrap(s["help"], 100, initial_indent="# ", subsequent_indent="# ")
        if s["default"] is None:
            lines += ["# It has no default.", "%s = %s" % (s["key"], REQUIRED[program, s["key"]])]
        else:
            lines.append(("#%s = %s" % (s["key"], s["default"])).rstrip())
    return "\n".join(lines) + "\n"


def written(facts):
    """{path: text as it should be}."""
    out = {PROTOCOL: protocol(read(PROTOCOL), facts)}
    for path, make in (("schemas/json/audit-change.json", audit_schema), ("schemas/json/command.json", command_schema)):
        out[path] = make(read(path), facts)
    for program, settings in facts["settings"].items():
        out["ops/%s.conf" % program] = sample(program, settings)
    out.update(manuals(facts, sections("ops/settings.md")))
    out["ops/grafana/usher.json"] = dashboard.dashboard(facts)
    return out


# ---- what is checked


def sections(path):
    """{title: {first cell without backticks: other cells}} of the tables below each "## title"."""
    out, rows = {}, {}
    for line in read(path).splitlines():
        if line.startswith("## "):
            rows = out.setdefault(line[3:].strip(" `"), {})
        elif line.startswith("| `"):
            first, *rest = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            rows[first.strip("`")] = rest
    return out


def setting_cells(s):
    default = "none: required" if s["default"] is None else "empty" if s["default"] == "" else "`%s`" % s["default"]
    values = {"text": "text", "bool": "`true`, `false`", "number": "%d to %d" % (s["min"], s["max"])}[s["type"]]
    return [default, values]


def compare(path, found, due, what):
    """found: {name: cells}, due: {name: first cells}; every row of both, and some words in the last cell."""
    faults = ["%s: %s %s is not in the table: | `%s` | %s | … |" % (path, what, name, name, " | ".join(cells))
              for name, cells in due.items() if name not in found]
    faults += ["%s: there is no %s %s" % (path, what, name) for name in found if name not in due]
    for name in (n for n in due if n in found):
        if found[name][:len(due[name])] != due[name]:
            faults.append("%s: %s %s: the row says %s, the code %s" % (path, what, name, found[name][:len(due[name])], due[name]))
        elif not found[name][-1]:
            faults.append("%s: %s %s has no words" % (path, what, name))
    return faults


def check_settings(facts):
    path, faults = "ops/settings.md", []
    page = sections(path)
    for program, settings in facts["settings"].items():
        faults += compare(path, page.get(program, {}), {s["key"]: setting_cells(s) for s in settings}, "setting of %s" % program)
    return faults


def check_metrics(facts):
    path, faults = "ops/metrics.md", []
    page = sections(path)
    for program, metrics in facts["metrics"].items():
        due = {name: [kind, ", ".join("`%s`" % label for label in labels)] for name, (kind, labels) in metrics.items()}
        faults += compare(path, page.get(program, {}), due, "metric of %s" % program)
    return faults


def check_samples(facts, program_of_c):
    """Each sample file is read as the program reads it: as it is, and with every line in force."""
    faults = []
    for program in facts["settings"]:
        text = written(facts)["ops/%s.conf" % program]
        for content in (text, re.sub(r"(?m)^#(?=[a-z])", "", text)):
            with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as f:
                f.write(content)
                f.flush()
                env = {k: v for k, v in os.environ.items() if not k.startswith("USHER_")}
                done = subprocess.run([program_of_c, program, f.name], stdout=subprocess.PIPE, text=True, env=env)
            if done.returncode != 0:
                faults.append("ops/%s.conf: %s" % (program, done.stdout.strip()))
    return faults


def check_mentions(facts):
    """What pages name in passing must exist."""
    metrics = {name for of in facts["metrics"].values() for name in of}
    known = {x["name"] for x in facts["actions"] + facts["commands"]}
    first = {name.split(".")[0] for name in known}
    settings = {s["key"] for of in facts["settings"].values() for s in of}
    variables = {"USHER_" + k.upper().replace("-", "_").replace(".", "_") for k in settings} | NO_SETTING
    faults = []
    for path in pages():
        text = read(path)
        for name in set(re.findall(r"`(usher_[a-z_]+)", text)):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            if base not in metrics and name not in metrics | NO_METRIC:
                faults.append("%s names the metric %s, which does not exist" % (path, name))
        for name in set(re.findall(r"`([a-z]+\.[a-z_]+)`", text)):
            if name.split(".")[0] in first and name not in known:
                faults.append("%s names %s, which is neither an audit action nor a command" % (path, name))
        for name in set(re.findall(r"\bUSHER_[A-Z_]+\b", text)) if path.startswith("ops/") else ():
            if name not in variables:
                faults.append("%s names %s, which is no setting" % (path, name))
        for name in set(re.findall(r"(?m)^    ([a-z][a-z-]+) = ", text)) if path.startswith("ops/") else ():
            if name not in settings:
                faults.append("%s shows the setting %s, which does not exist" % (path, name))
    errors = {e["name"] for e in facts["errors"]} | {"RETRY", "REJECT", "FATAL"}
    for name in set(re.findall(r"`([A-Z]{2,}_[A-Z_]+)`", read(PROTOCOL))) - errors:
        if not name.startswith("USHER_"):
            faults.append("%s names the error %s, which does not exist" % (PROTOCOL, name))
    return faults


def check_version(facts):
    made = re.search(r"(?m)^VERSION := (\S+)$", read("Makefile")).group(1)
    faults = [] if made == facts["version"] else ["the programs say %s, the Makefile %s" % (facts["version"], made)]
    if json.loads(read("schemas/openapi.json"))["info"]["version"] != "@VERSION@":
        faults.append("schemas/openapi.json: the version is filled in from the Makefile and stays \"@VERSION@\" in the file")
    newest = re.search(r"(?m)^## \[?([0-9][^\]\s]*)", read("CHANGELOG.md"))
    if newest is None or newest.group(1) != made:
        faults.append("CHANGELOG.md: the newest version is %s, the Makefile has %s" % (newest and newest.group(1), made))
    return faults


def main(argv):
    program, check = argv[0], argv[1:] == ["--check"]
    facts = load(program)
    faults = []
    for path, text in written(facts).items():
        if os.path.exists(os.path.join(ROOT, path)) and read(path) == text:
            continue
        if check:
            faults.append("%s is out of date: run `make facts`" % path)
            continue
        os.makedirs(os.path.dirname(os.path.join(ROOT, path)), exist_ok=True)
        with open(os.path.join(ROOT, path), "w", encoding="utf-8") as f:
            f.write(text)
        print("written: " + path)
    faults += check_settings(facts) + check_metrics(facts) + check_samples(facts, program) + check_mentions(facts) + check_version(facts)
    faults += dashboard.faults(written(facts)["ops/grafana/usher.json"], facts)
    print("%d settings, %d metrics, %d commands, %d audit actions, %d errors" % (
        sum(map(len, facts["settings"].values())), sum(map(len, facts["metrics"].values())),
        len(facts["commands"]), len(facts["actions"]), len(facts["errors"])))
    for fault in faults:
        print("  " + fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
