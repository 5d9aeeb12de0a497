"""Expected values with places to fill: how the session files (tests/cases/sessions/README.md) say what an answer or
a record must be.

    "${name}"          the value bound to name; where nothing is bound yet, binds any string
    "…${name}…"        the text with bound names filled in
    "${*uuid}" "${*time}" "${*etag}" "${*text}" "${*int}"   anything of that form
    {"...": true, …}   an object that may have more members; otherwise exactly the members named
    ["${*any order}", …]   a list in any order
"""

import re

from scimhttp import ROLE, plain

FORMS = {
    "uuid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"),
    "etag": re.compile(r'W/"[^"]+"$'),
    "text": re.compile(r".+$", re.S),
}
NAME = re.compile(r"\$\{([a-zA-Z][\w.-]*)\}")
WHOLE = re.compile(r"\$\{(\*?)([a-zA-Z][\w. -]*)\}$")
ANY_ORDER = "${*any order}"


def fill(value, names):
    """value with every ${name} replaced; an unbound name is an error of the session file."""
    if isinstance(value, str):
        return NAME.sub(lambda m: names[m.group(1)], value)
    if isinstance(value, list):
        return [fill(v, names) for v in value]
    if isinstance(value, dict):
        return {fill(k, names): fill(v, names) for k, v in value.items()}
    return value


def match(want, have, names, path="$"):
    """Gives the list of differences; binds names in passing."""
    if isinstance(want, str):
        return _match_text(want, have, names, path)
    if isinstance(want, dict):
        if not isinstance(have, dict):
            return ["%s: %r is no object" % (path, have)]
        want = {fill(k, names): v for k, v in want.items()}
        if ROLE not in want:
            have = plain(have)
        more = want.pop("...", False)
        wrong = ["%s.%s is missing" % (path, k) for k in want if k not in have]
        if not more:
            wrong += ["%s.%s should not be there: %r" % (path, k, have[k]) for k in have if k not in want]
        for k in want:
            if k in have:
                wrong += match(want[k], have[k], names, "%s.%s" % (path, k))
        return wrong
    if isinstance(want, list):
        if not isinstance(have, list):
            return ["%s: %r is no list" % (path, have)]
        if want[:1] == [ANY_ORDER]:
            return _match_any_order(want[1:], have, names, path)
        if len(want) != len(have):
            return ["%s has %d elements, should have %d: %r" % (path, len(have), len(want), have)]
        return [w for i, (a, b) in enumerate(zip(want, have)) for w in match(a, b, names, "%s[%d]" % (path, i))]
    if type(want) is not type(have) or want != have:
        return ["%s is %r, should be %r" % (path, have, want)]
    return []


def _match_text(want, have, names, path):
    whole = WHOLE.match(want)
    if whole and whole.group(1):
        form = whole.group(2)
        if form == "int":
            good = isinstance(have, int) and not isinstance(have, bool)
        else:
            good = isinstance(have, str) and FORMS[form].match(have)
        return [] if good else ["%s: %r is no %s" % (path, have, form)]
    if whole and whole.group(2) not in names:
        if not isinstance(have, str):
            return ["%s: %r is no string" % (path, have)]
        names[whole.group(2)] = have
        return []
    due = fill(want, names)
    return [] if have == due else ["%s is %r, should be %r" % (path, have, due)]


def _match_any_order(want, have, names, path):
    if len(want) != len(have):
        return ["%s has %d elements, should have %d: %r" % (path, len(have), len(want), have)]
    left = list(have)
    for w in want:
        for candidate in left:
            trial = dict(names)
            if not match(w, candidate, trial, path):
                names.update(trial)
                left.remove(candidate)
                break
        else:
            return ["%s: nothing matches %r among %r" % (path, fill_or_same(w, names), left)]
    return []


def fill_or_same(value, names):
    try:
        return fill(value, names)
    except KeyError:
        return value
