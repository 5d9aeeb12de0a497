"""Plans of the statements that usher-ingest sends, as they were carried out: PostgreSQL's auto_explain writes them into
its log. For suites with a stack of their own."""

import json
import os
import re

LINE = re.compile(r"^\S+ \S+ \S+ \[\d+\] (?:usher_ingest@\S+ )?LOG:  duration: .* plan:$")


class PlanLog:
    """plans = PlanLog(stack); plans.begin(); …; plans.since() are those of what was asked since then."""

    def __init__(self, stack):
        self.stack = stack
        self.path = os.path.join(stack.run_dir, "log", "postgres.log")
        self.at = 0
        for name, value in (("session_preload_libraries", "auto_explain"), ("auto_explain.log_min_duration", "0"),
                            ("auto_explain.log_analyze", "on"), ("auto_explain.log_timing", "off"),
                            ("auto_explain.log_format", "json"), ("auto_explain.log_triggers", "off")):
            stack.sql("LOAD 'auto_explain'") if name.startswith("auto") else None
            stack.sql("ALTER ROLE usher_ingest SET %s = '%s'" % (name, value))

    def new_connections(self):
        """Ends those of the ingest. The next ones write plans, and have prepared nothing."""
        self.stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'usher_ingest'")

    def begin(self):
        self.at = os.path.getsize(self.path)

    def since(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            f.seek(self.at)
            lines = f.read().splitlines()
        found, text = [], None
        for line in lines + ["end"]:
            if line.startswith("\t") and text is not None:
                text.append(line)
                continue
            if text:
                found.append(json.loads("".join(text)))
            text = [] if LINE.match(line) else None
        return found


def nodes(node):
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def scans(plan):
    """The nodes that have read a table."""
    return [n for n in nodes(plan["Plan"]) if "Relation Name" in n and n["Actual Loops"] > 0]


def rows_of(scan):
    """So many rows it took from the table, whether they were wanted or not."""
    return (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
            + scan.get("Rows Removed by Index Recheck", 0)) * scan["Actual Loops"]


def read(plan):
    """(rows that it took from tables, tables that it read from one end to the other)"""
    return (sum(rows_of(n) for n in scans(plan)),
            [n["Relation Name"] for n in scans(plan) if n["Node Type"] == "Seq Scan"])


def shown(plan):
    return " / ".join("%s %s %s*%s" % (n["Node Type"], n.get("Index Name", n["Relation Name"]), n["Actual Rows"]
                                       + n.get("Rows Removed by Filter", 0), n["Actual Loops"])
                      for n in nodes(plan["Plan"]) if "Relation Name" in n)
