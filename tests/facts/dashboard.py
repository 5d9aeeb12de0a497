"""The dashboard for Grafana: what an operator looks at first, chosen by hand, and below it, folded, every metric of every
program, out of their tables. facts.py writes it to ops/grafana/usher.json and finds it out of date."""

import json
import re

UID = "usher-overview"
WIDE, HIGH, COLUMNS = 8, 8, 24
SUM = "sum by (%s) (rate(%s[$__rate_interval]))"
P99 = "histogram_quantile(0.99, sum by (le) (rate(%s_bucket[$__rate_interval])))"
P50 = "histogram_quantile(0.50, sum by (le) (rate(%s_bucket[$__rate_interval])))"

# (title, unit, [(legend, expression)])
FIRST = [
    ("Ready", "short", [("{{job}} {{instance}}", "usher_ready")]),
    ("Requests by class of status", "reqps", [("{{status}}", SUM % ("status", "usher_http_requests_total"))]),
    ("Time of a request", "s", [("p50", P50 % "usher_http_request_duration_seconds"), ("p99", P99 % "usher_http_request_duration_seconds")]),
    ("Commands that wait", "short", [("all workers", "sum(usher_worker_lag)"), ("the worst partition", "max(usher_worker_lag_max)")]),
    ("Commands applied", "ops", [("commands", "sum(rate(usher_worker_commands_total[$__rate_interval]))")]),
    ("Time of a batch in PostgreSQL", "s", [("p50", P50 % "usher_worker_apply_seconds"), ("p99", P99 % "usher_worker_apply_seconds")]),
    ("Oldest change that is not on the streams", "s", [("{{instance}}", "usher_emit_oldest_seconds")]),
    ("Commands without a reply in time", "ops", [("{{result}}", SUM % ("result", "usher_deadlines_total"))]),
    ("Refused for too many", "ops", [("429", "sum(rate(usher_rate_limited_total[$__rate_interval]))"),
                                     ("without credential", "sum(rate(usher_unauthorized_total[$__rate_interval]))")]),
    ("What should stay 0", "short", [("dead letters", "sum(usher_worker_poison_total)"), ("lost commands", "sum(usher_worker_commands_gone_total)"),
                                     ("answers without record", "sum(usher_audit_dropped_total)"), ("trees that stopped", "sum(usher_archive_stopped_trees)"),
                                     ("dead slots", "max(usher_worker_dead_slots)")]),
    ("Archive and deliveries behind", "short", [("archive", "sum(usher_archive_lag)"), ("deliveries", "max(usher_deliver_waiting_messages)")]),
    ("Certificate expires in", "s", [("{{instance}}", "usher_tls_expires_timestamp_seconds - time() and usher_tls_expires_timestamp_seconds > 0")]),
    ("Fullest workspaces: seats taken of the limit", "percentunit",
     [("{{name}}", "max by (name) (usher_workspace_seats_used) / max by (name) (usher_workspace_seats_limit)")]),
    ("Workspaces with more than 95 % of their seats taken", "short", [("all workspaces", "max(usher_seats_full_workspaces)")]),
    ("Credentials that expire within 20 days", "short", [("{{kind}}", "max by (kind) (usher_expiring_credentials)")]),
    ("Memory", "bytes", [("{{job}} {{instance}}", 'process_resident_memory_bytes{job=~"usher-.*"}')]),
    ("Processors", "short", [("{{job}} {{instance}}", 'rate(process_cpu_seconds_total{job=~"usher-.*"}[$__rate_interval])')]),
    ("Versions", "short", [("{{version}}", "count by (version) (usher_build_info)")]),
]


def unit_of(name):
    for end, unit in (("timestamp_seconds", "short"), ("_seconds", "s"), ("_bytes", "bytes"), ("_milliseconds", "ms")):
        if name.endswith(end):
            return unit
    return "short"


def every(name, kind, labels):
    """A panel of any metric: of a counter its rate, of a histogram two quantiles."""
    legend = " ".join("{{%s}}" % label for label in labels) or "{{instance}}"
    by = ", ".join(labels) or "instance"
    if kind == "counter":
        return name, "ops", [(legend, SUM % (by, name))]
    if kind == "histogram":
        return name, "s", [("p50", P50 % name), ("p99", P99 % name)]
    return name, unit_of(name), [(legend, name)]


def panel(number, place, title, unit, targets):
    return {"id": number, "type": "timeseries", "title": title, "datasource": {"type": "prometheus", "uid": "${source}"},
            "gridPos": {"h": HIGH, "w": WIDE, **place},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []}, "options": {"legend": {"displayMode": "list"}},
            "targets": [{"refId": chr(ord("A") + i), "expr": expr, "legendFormat": legend} for i, (legend, expr) in enumerate(targets)]}


def dashboard(facts):
    number, y, panels = 0, 0, []

    def grid(rows, top):
        nonlocal number
        out = []
        for i, row in enumerate(rows):
            number += 1
            out.append(panel(number, {"x": i * WIDE % COLUMNS, "y": top + i * WIDE // COLUMNS * HIGH}, *row))
        return out

    panels += grid(FIRST, y)
    y += -(-len(FIRST) * WIDE // COLUMNS) * HIGH
    for program, metrics in facts["metrics"].items():
        number += 1
        row = {"id": number, "type": "row", "title": program, "collapsed": True, "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y}}
        row["panels"] = grid([every(name, kind, labels) for name, (kind, labels) in metrics.items()], y + 1)
        panels.append(row)
        y += 1
    return json.dumps({
        "uid": UID, "title": "usher", "tags": ["usher"], "schemaVersion": 38, "version": 1, "refresh": "30s", "timezone": "browser",
        "time": {"from": "now-3h", "to": "now"}, "editable": True, "panels": panels,
        "templating": {"list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]}}, indent=1) + "\n"


def faults(text, facts):
    """What a dashboard names must exist, and what exists must be in it."""
    known = {name for of in facts["metrics"].values() for name in of}
    named, places = set(), []

    def walk(panels):
        for p in panels:
            places.append(p["id"])
            walk(p.get("panels", []))
            for target in p.get("targets", []):
                named.update(re.sub(r"_(bucket|sum|count)$", "", n) if n not in known else n
                             for n in re.findall(r"\b(?:usher|process)_\w+", target["expr"]))
    walk(json.loads(text)["panels"])
    out = ["the dashboard shows %s, which does not exist" % n for n in sorted(named - known)]
    out += ["the dashboard does not show %s" % n for n in sorted(known - named)]
    return out + (["the dashboard has two panels of one number"] if len(set(places)) != len(places) else [])
