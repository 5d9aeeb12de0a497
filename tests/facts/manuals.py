"""Manual pages, made of the tables of the programs (settings, commands) and of the words in ops/settings.md. facts.py
writes them to ops/man and finds those that are out of date."""

import re

# Of the form of the pages; a page without a date is a fault to those who check manuals.
DATE = "2026-11-30"
PAGES = {
    "usher-ingest": (8, "takes provisioning requests in over HTTP", [
        "usher-ingest serves SCIM 2.0, the Management API, the admin API and the portal of usher over HTTP. It validates"
        " each change, publishes it on Kafka, and answers when a worker has applied it. It keeps no state: any number of"
        " them run side by side.",
        "/healthz says that it runs, /readyz whether it can serve and what is missing, /metrics has the metrics."], [
        ("SIGTERM, SIGINT", "Drain and end: /readyz says 503 and connections end with their answer for drain-seconds, then"
         " the socket closes. A second signal cuts the wait short."),
        ("SIGHUP", "Read the certificate and its key again.")]),
    "usher-worker": (8, "applies provisioning commands, tells the streams, keeps the audit", [
        "usher-worker takes commands from Kafka, applies them to PostgreSQL, and puts what changed on the streams of Kafka,"
        " exactly once and in order. By its setting roles it also keeps the archive of the audit and delivers events over"
        " HTTP. From one up to the setting partitions of them run side by side.",
        "With metrics-listen, /healthz says that it runs, /readyz whether it works and what is missing, /metrics has the"
        " metrics."], [
        ("SIGTERM, SIGINT", "Finish what is under way, leave the group, and end.")]),
    "usher-livekit": (8, "keeps the rooms of a LiveKit server equal to usher's", [
        "usher-livekit follows the streams of usher and makes a LiveKit server follow: who is taken out of a room is taken"
        " out there, and who may transmit may publish. It knows neither PostgreSQL nor the workers."], [
        ("SIGTERM, SIGINT", "End.")]),
    "usher-broker": (8, "stands in for Kafka while usher is tried out", [
        "usher-broker keeps topics in memory, and forgets them when it ends. It knows no transactions: events can be doubled"
        " or lost. It is for trying usher out and for tests, and for nothing else."], [
        ("SIGTERM, SIGINT", "End.")]),
}
COMMON = [
    ("config \\fIFILE\\fR", "Read settings from FILE; see usher.conf(5)."),
    ("check\\-config", "Judge all settings, open the files that are named, and end: 0 and ok, or 1 and what is wrong."),
    ("help", "Show all settings with their defaults, and end."),
    ("version", "Show the version, and end."),
]
EXITS = [("0", "An orderly end."), ("1", "Something failed, or --check-config has found something wrong."),
         ("2", "A wrong setting: starting again will not help.")]
CTL_EXITS = [("0", "Done."), ("1", "Refused, or something is not in order; nothing was changed."),
             ("2", "Wrong usage or setting."), ("3", "PostgreSQL, Kafka, the workers or the address of a login cannot be reached; the text says why.")]
REACH = {"near": "Needs PostgreSQL.", "far": "Needs a login.", "both": "Needs PostgreSQL, or a login.", "anywhere": "Needs neither PostgreSQL nor a login."}
SEE = {"usher-ingest": ["usher-worker(8)"], "usher-worker": ["usher-ingest(8)"], "usher-livekit": ["usher-worker(8)"],
       "usher-broker": ["usher-worker(8)"]}
LONGEST = 78


def escape(text):
    """Characters that roff reads otherwise; a point or an apostrophe at the beginning of a line is no request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti").replace("…", "...").replace("×", "x").replace("→", "\\->")
    assert text.isascii(), "a character that a manual page cannot show: %r" % [c for c in text if ord(c) > 127]
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def wrapped(text):
    """Long lines are broken between words, so that the file can be read and compared."""
    lines = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < LONGEST and not word.startswith("."):
            lines[-1] += " " + word
        else:
            lines.append(("\\&" if word.startswith(".") else "") + word)
    return "\n".join(lines)


def words(markdown):
    """Words of a page of ours: links keep their text, code is bold."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown.replace("\\|", "|"))
    parts = re.split(r"`([^`]*)`", text)
    return wrapped("".join("\\fB%s\\fR" % escape(p) if i % 2 else escape(p) for i, p in enumerate(parts)))


def sentence(text):
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def head(name, section, what, version):
    return ['.\\" Written by `make facts` out of the tables of the programs; not to be edited.',
            '.TH %s %d %s "usher %s" "usher"' % (escape(name.upper()), section, DATE, version),
            ".SH NAME", "%s \\- %s" % (escape(name), escape(what))]


def items(pairs):
    out = []
    for term, text in pairs:
        out += [".TP", term, text]
    return out


def variable(key):
    return "USHER_" + key.upper().replace("-", "_").replace(".", "_")


def of_program(name, settings, version):
    section, what, paragraphs, signals = PAGES[name]
    out = head(name, section, what, version)
    out += [".SH SYNOPSIS", ".B %s" % escape(name), "[\\fB\\-\\-config\\fR \\fIFILE\\fR] [\\fB\\-\\-\\fISETTING VALUE\\fR ...]"]
    out.append(".SH DESCRIPTION")
    for i, paragraph in enumerate(paragraphs):
        out += [".PP"] * (i > 0) + [wrapped(escape(paragraph))]
    out += [".SH OPTIONS", wrapped(escape("Each setting is a flag, a variable of the environment, or a line of the file; ")
                                   + "\\fBusher.conf\\fR(5) says more of each.")]
    out += items([("\\fB\\-\\-%s\\fR" % flag, wrapped(escape(text))) for flag, text in COMMON])
    out += items([("\\fB\\-\\-%s\\fR \\fI%s\\fR" % (escape(s["key"]), "VALUE"), wrapped(escape(sentence(s["help"]))) + "\n"
                   + default_of(s)) for s in settings])
    if any(s["key"] == "kafka" for s in settings):
        out += items([("\\fB\\-\\-kafka.\\fINAME VALUE\\fR", wrapped(escape("Give NAME to the Kafka library as it is.")))])
    out += [".SH SIGNALS"] + items([("\\fB%s\\fR" % escape(n), wrapped(escape(t))) for n, t in signals])
    out += [".SH ENVIRONMENT"] + items([
        ("\\fBUSHER_CONFIG\\fR", wrapped(escape("The file of settings, where --config is not given."))),
        ("\\fBUSHER_\\fISETTING\\fR", wrapped(escape("A setting in capitals, with _ for -: %s." % variable(settings[0]["key"])))),
        ("\\fBNOTIFY_SOCKET\\fR, \\fBWATCHDOG_USEC\\fR", wrapped(escape("Set by systemd: it is told when the program is ready"
                                                                         " and that it is alive.")))])
    out += [".SH EXIT STATUS"] + items([(n, wrapped(escape(t))) for n, t in EXITS])
    see = sorted(SEE[name]) + ["usherctl(1)", "usher.conf(5)"]
    out += [".SH SEE ALSO"] + see_also(sorted(see, key=lambda s: (s[-2], s)))
    return "\n".join(out) + "\n"


def see_also(names):
    return [".BR %s (%s)%s" % (escape(n[:-3]), n[-2], "," if i + 1 < len(names) else "") for i, n in enumerate(names)]


def default_of(s):
    if s["default"] is None:
        return "It has no default."
    return "The default is empty." if s["default"] == "" else "The default is \\fB%s\\fR." % escape(s["default"])


def of_file(settings, page, version):
    """usher.conf(5). page: the sections of ops/settings.md."""
    out = head("usher.conf", 5, "settings of the programs of usher", version)
    out += [".SH DESCRIPTION", wrapped(escape(
        "Each program of usher reads one file of settings, which --config or the variable USHER_CONFIG names. The services"
        " of the packages read /etc/usher/ingest.conf, /etc/usher/worker.conf and /etc/usher/livekit.conf. A file that holds"
        " a password belongs to root, with mode 0600.")), ".PP", wrapped(escape(
            "A line is KEY = VALUE. What follows a # at the beginning of a line is a comment. The same setting can be given in"
            " the environment (USHER_ and the key in capitals, with _ for -), which wins over the file, and as a flag"
            " (--KEY VALUE), which wins over both. An unknown key is an error.")), ".PP", wrapped(escape(
                "Lines kafka.NAME = VALUE go to the Kafka library as they are (TLS, SASL, time-outs). Those that the promises of"
                " usher rest on are refused by name."))]
    for program, rows in settings.items():
        out.append(".SH SETTINGS OF %s" % escape(program.upper()))
        cells = page.get(program, {})
        for s in rows:
            text = cells.get(s["key"], [None])[-1]
            out += [".TP", "\\fB%s\\fR" % escape(s["key"]), words(sentence(text)) if text else wrapped(escape(sentence(s["help"]))),
                    default_of(s)]
            if s["type"] == "number":
                out.append("From %d to %d." % (s["min"], s["max"]))
    out += [".SH FILES"] + items([("\\fI/etc/usher/\\fR", wrapped(escape("Settings of the services that the packages install.")))])
    out += [".SH SEE ALSO"] + see_also(["usherctl(1)", "usher-ingest(8)", "usher-livekit(8)", "usher-worker(8)"])
    return "\n".join(out) + "\n"


def usage_of(command):
    """One line, flags and words as the usage has them."""
    return "\\fBusherctl\\fR " + escape(" ".join(command["usage"].split()))


def of_ctl(facts, version):
    out = head("usherctl", 1, "the operator's tool of usher", version)
    out += [".SH SYNOPSIS", ".B usherctl", "\\fICOMMAND\\fR [\\fIWORD\\fR ...] [\\fB\\-\\-\\fIFLAG VALUE\\fR ...]"]
    out += [".SH DESCRIPTION", wrapped(escape(
        "usherctl makes workspaces, keys and owners of an usher installation, and looks after it. It reads PostgreSQL, and changes"
        " workspaces through Kafka like everybody else, so that there is one order and one audit. Where no PostgreSQL is configured and"
        " usherctl login has kept a token, it asks the admin API instead; then --workspace may be left out. W, KEY, OWNER and DELIVERY are"
        " an id or a name. A command that cannot be undone asks first at a terminal."))]
    out.append(".SH COMMANDS")
    for c in facts["ctl"]["commands"]:
        text = wrapped(escape(sentence(c["words"] or "") + " " + REACH[c["reach"]]))
        out += [".TP", "\n".join(usage_of(c).splitlines()), text + ("\nIt asks first." if c["asks"] else "")]
    out += [".TP", "\\fBusherctl\\fR help [COMMAND]", "Show the help of all commands, or of one."]
    out.append(".SH SETTINGS OF A WORKSPACE")
    out += items([("\\fB\\-\\-%s\\fR" % escape(s["flag"]), wrapped(escape(sentence(s["words"])))) for s in facts["ctl"]["settings"]])
    out.append(".SH OPTIONS")
    out += items([("\\fB\\-o\\fR \\fBtable\\fR|\\fBjson\\fR|\\fBjsonl\\fR", wrapped(escape(
        "Text, one JSON object (as --json), or one object a line where the result is a list."))),
        ("\\fB\\-\\-yes\\fR", "Do not ask."),
        ("\\fB\\-\\-far\\fR", "Over the admin API, though PostgreSQL is configured."), ("\\fB\\-\\-help\\fR", "Show the help of the command.")])
    out += items([("\\fB\\-\\-%s\\fR" % flag, wrapped(escape(text))) for flag, text in COMMON if flag != "help"])
    out += items([("\\fB\\-\\-%s\\fR \\fIVALUE\\fR" % escape(s["key"]), wrapped(escape(sentence(s["help"]))) + "\n" + default_of(s))
                  for s in facts["settings"]["usherctl"]])
    out += [".SH ENVIRONMENT"] + items([("\\fBUSHER_\\fISETTING\\fR", wrapped(escape(
        "A setting in capitals, with _ for -: USHER_PG, USHER_KAFKA."))),
        ("\\fBUSHER_OWNER_TOKEN\\fR", wrapped(escape("With USHER_URL or --url: the token of an owner or administrator, in place of a login."))),
        ("\\fBXDG_CONFIG_HOME\\fR", wrapped(escape("Where usher/logins.json lies, the file of logins; else ~/.config.")))])
    out += [".SH EXIT STATUS"] + items([(n, wrapped(escape(t))) for n, t in CTL_EXITS])
    out += [".SH SEE ALSO"] + see_also(["usher.conf(5)", "usher-ingest(8)", "usher-worker(8)"])
    return "\n".join(out) + "\n"


def manuals(facts, page):
    """{path: text} of all pages. page: the sections of ops/settings.md."""
    version, made = facts["version"], {}
    for program, settings in facts["settings"].items():
        if program in PAGES:
            made["%s.%d" % (program, PAGES[program][0])] = of_program(program, settings, version)
    made["usherctl.1"] = of_ctl(facts, version)
    made["usher.conf.5"] = of_file(facts["settings"], page, version)
    return {"ops/man/" + name: text for name, text in made.items()}
