"""What runs where: the suites, in which order, on which broker. runner.py runs them.

A new suite is named in TOGETHER, or in ALONE where it disturbs others; and in BROKER if a real broker can make a
difference. The runner refuses to start while a suite is named nowhere."""

import glob
import os

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("embedded", "real")

# Suites that run at the same time, in so many processes: some of them wait most of their time (a rate window takes a
# minute). Each process takes the next one of the list, the long ones first, so that all end at about the same time.
PROCESSES = 6
TOGETHER = (
    "livekit", "mumble", "retry", "signals", "signal_events", "deliveries", "system_errors", "explain",
    "audit_explain", "lists", "rates", "paging", "bad_input", "custom", "devices", "diff_patch", "scopes",
    "diff_filter", "dialects_entra", "isolation", "settings", "admin", "rules_http", "http_edges", "habits",
    "rules_cases", "keys", "sessions", "sign_in", "changes", "dry_run", "dry_key", "schema_change", "etag_read",
    "api_users", "throttle", "door", "limits", "bounds", "oauth", "client_keys", "ipsie", "dialects_together",
    "guard", "events", "scim", "members", "memberships", "bulk", "okta_session", "interop", "interop_sessions",
    "dialects_okta", "dialects_governance", "migrate", "link", "search", "rules_data", "api_members",
    "dialects_directories", "dialects_entra_gallery", "equivalence", "roles", "storage", "tls", "preconditions",
    "sort", "prefer", "api_rooms", "client_sessions", "inputs", "entra_session", "readme", "portal_files", "traces",
    "statements", "days", "apply_cases", "voice_token", "audit_proofs", "admin_audit", "audit_export", "activity",
    "archive", "tool", "far", "sight")

# Suites that run one after the other when those have ended, in a process that has read all streams along. streams
# judges what all others wrote. seats and two add a second worker, which two ends. The rest stops and kills programs.
# whole judges everything once more.
ALONE = (
    "streams", "seats", "two", "whole", "admin_alone", "managed", "async", "revocation", "idempotency", "outage",
    "stop", "drain", "backup")

# After those, on real Kafka alone: bulk_alone breaks things off, and what is broken off is seen twice on the embedded
# broker, which knows no transactions.
LAST = ("bulk_alone", "changes_alone", "whole")

# At last, on real Kafka alone, in so many processes: suites with stacks of their own, which they spoil. Most of their
# time they wait for what a broken stack does. The long ones first.
OWN_PROCESSES = 3
OWN = (
    "health", "disk", "readers", "restore", "lost_topics", "offsets", "doctor", "rights", "refused",
    "archive_faults", "analytics", "librdkafka")

# Only when they are named: what they need is large.
NAMED = ("spark",)

# Suites for both brokers: about what the topics hold, in which order, and what happens while a program stands still or
# ends. All others judge HTTP, documents, plans and limits. These are decided in the programs and in PostgreSQL, by the
# same commands whichever broker carries them; so the broker that starts at once is enough for them.
BROKER = {
    "livekit", "streams", "changes", "dry_run", "archive", "events", "async", "members", "bulk", "client_sessions",
    "entra_session", "okta_session", "seats", "admin_alone", "revocation", "idempotency", "outage", "two", "drain",
    "whole", "bulk_alone", "changes_alone", "refused", "offsets", "deliveries", "signals", "signal_events",
    "health", "disk", "readers", "restore", "lost_topics", "doctor", "rights", "analytics", "archive_faults",
    "librdkafka"}

# Without a stack. First the tests of the tests: a judge that finds nothing, or a wait that never ends, would make all
# others worthless. They always run; contract only if it is wanted.
TESTS_OF_TESTS = ("waiting", "stream", "coverage", "lint_docs", "once_more", "upgrade_words", "pages")
FIRST = TESTS_OF_TESTS + ("contract", "units", "alerts", "manuals", "shipping")


def suites_here():
    return sorted(os.path.basename(path)[5:-3] for path in glob.glob(os.path.join(HERE, "test_*.py")))


def name_of(word):
    """"members.test_100" selects tests of the suite members, by a part of their names."""
    return word.partition(".")[0]


def forgotten():
    return set(suites_here()) - set(TOGETHER + ALONE + LAST + OWN + NAMED + FIRST)


def words_for(suite, wanted):
    """What of a suite is to run: nothing, all of it, or parts."""
    return [w for w in wanted if name_of(w) == suite] if wanted else [suite]


def first(wanted):
    """The suites without a stack."""
    return [s for s in FIRST if s in TESTS_OF_TESTS or words_for(s, wanted)]


def on_stack(kind, wanted, all_kinds):
    """(suites that run together, suites that run alone, suites with stacks of their own) of one broker. all_kinds: the
    real broker is there for the suites of BROKER; where it alone was asked for, for all that are wanted."""
    def due(suites):
        return [w for s in suites for w in words_for(s, wanted) if kind != "real" or not all_kinds or s in BROKER]

    last = kind == "real" or wanted
    return due(TOGETHER), due(ALONE + (LAST if last else ()) + (NAMED if wanted else ())), due(OWN if last else ())
