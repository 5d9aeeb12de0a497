"""What the recorded sessions of identity providers (tests/cases/sessions) would lose in a workspace of strictness
`interop`: each request is sent there first. Where it is refused, it is sent once more under `standard`, so that the session
goes on. The table in ops/identity-providers.md must say what comes of it."""

import os
import re

from case import Case
from session import Replay, load

SESSIONS = (("Microsoft Entra ID", "entra"), ("Okta", "okta"), ("Keycloak", "keycloak"), ("authentik", "authentik"),
            ("scimgateway", "scimgateway"))
DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "ops", "identity-providers.md")
BEGIN, END = "<!-- interop: what tests/integration/test_interop_sessions.py found -->\n", "<!-- end of interop -->\n"
# what a refusal says: what was refused, in the words of the table
REASONS = ((r'needs a "path"', "operations without a path"),
           (r"The body must be", "bodies as `application/json`"),
           (r"is no attribute in this workspace", "`password`"),
           (r"must be (true or false|a number), not a text", "texts for booleans and numbers"),
           (r"must be .*, not a list", "lists of one for single values"),
           (r"needs a sub-attribute", "elements by a filter, without a sub-attribute"),
           (r"more than one value", "filters that match several elements"),
           (r"is no schema of this resource type", "URNs in `schemas` that are not defined"),
           (r"'([^']*)' is no attribute; ", "what is not defined"))


class Careful:
    """A client that sends each request to the workspace as it is first, and once more under `standard` where the recorded
    answer would have been another one."""

    def __init__(self, ws, client, steps):
        self.ws, self.client, self.steps, self.lost = ws, client, list(steps), []

    def request(self, method, path, body=None, headers=None):
        step = self.steps.pop(0)
        got = self.client.request(method, path, body, headers=headers)
        if got.status < 400 or step["answer"].get("error", "") == got.json.get("scimType"):
            return got
        if step["answer"]["status"] < 400:
            self.lost.append((step["step"], reason_of(got.json["detail"])))
        self.ws.set(strictness="standard", passwords="true")
        got = self.client.request(method, path, body, headers=headers)
        self.ws.set(strictness="interop", passwords="false")
        return got


def reason_of(detail):
    for pattern, words in REASONS:
        found = re.search(pattern, detail)
        if found:
            return words + (": `%s`" % found[1] if found.groups() and words == "what is not defined" else "")
    return detail


def row(provider, steps, lost):
    """"| Okta | 47 | 12 | operations without a path (9); `password` (3) |"."""
    reasons = [reason for _, reason in lost]
    told = "; ".join("%s (%d)" % (r, reasons.count(r)) for r in sorted(set(reasons), key=lambda r: (-reasons.count(r), r)))
    return "| %s | %d | %d | %s |" % (provider, steps, len(lost), told or "nothing")


class Sessions(Case):
    def replay(self, name):
        session = load(name)
        ws = self.stack.workspace("interop-" + name, dialect=session["dialect"], seats=20, strictness="interop")
        careful = Careful(ws, ws.open(check=False), session["steps"])
        replay = Replay(session, ws, careful)
        self.none_wrong(["%s: %s" % (name, wrong) for wrong in replay.play()])
        return len(session["steps"]), careful.lost

    def test_the_table_is_true(self):
        """And what is not refused has the recorded result (IO01 would be worth little otherwise)."""
        due = BEGIN + "| provider | requests | refused | what |\n|---|---:|---:|---|\n"
        for provider, name in SESSIONS:
            due += row(provider, *self.replay(name)) + "\n"
        with open(DOCUMENT, encoding="utf-8") as f:
            text = f.read()
        told = text[text.index(BEGIN):text.index(END)] if BEGIN in text and END in text else ""
        self.assertEqual(told, due, "ops/identity-providers.md should say:\n" + due)
