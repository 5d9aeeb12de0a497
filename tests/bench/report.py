"""The results of a benchmark as Markdown and for JSON. Shown are medians over the rounds."""

import statistics

NO_ARCHIVE = "no archive"  # usher with its workers' other roles alone
USHERS = ("usher", "base", NO_ARCHIVE)


def middle(found, name):
    return statistics.median(f[name] for f in found)


def cpu(found):
    """Microseconds of processor time per request, by process."""
    return {name: statistics.median(f["cpu_us"][name] for f in found) for name in found[0]["cpu_us"]}


def wrong(disk):
    return sum(f["errors"] + abs(f.get("missing", 0)) for by_name in disk.results.values() for found in by_name.values() for f in found)


def as_json(disk):
    return dict(disk.more, notes=disk.notes,
                results=[{"case": case, "conns": conns, "contestant": name, "rounds": found}
                         for (case, conns), by_name in disk.results.items() for name, found in by_name.items()])


def _row(case, conns, by_name, names):
    cells = [case, str(conns)]
    for name in names:
        found = by_name.get(name)
        if found is None:
            cells += ["", "", ""]
        else:
            cells += ["{:,.0f}".format(middle(found, "rate")),
                      "%.2f / %.2f" % (middle(found, "p50_us") / 1e3, middle(found, "p99_us") / 1e3),
                      "{:,.0f}".format(sum(cpu(found).values()))]
    for other in names[1:]:
        pair = by_name.get("usher"), by_name.get(other)
        cells.append("%.2f" % (middle(pair[0], "rate") / middle(pair[1], "rate")) if all(pair) and middle(pair[1], "rate") else "")
    return "| " + " | ".join(cells) + " |"


def _speed(title, disk):
    names = list(dict.fromkeys(n for by_name in disk.results.values() for n in by_name))
    names.sort(key=lambda n: n != "usher")
    head = [title, "in flight"] + [h for n in names for h in (n + " /s", "p50 / p99 ms", "us of processor")] + ["usher : " + n for n in names[1:]]
    return ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)] + [
        _row(case, conns, by_name, names) for (case, conns), by_name in disk.results.items()]


def _processes(disk):
    lines = ["| us of processor time per request, usher | in flight | ingest | worker | Kafka | PostgreSQL | sum |", "|---|" + "---:|" * 6]
    for (case, conns), by_name in disk.results.items():
        for name in USHERS:
            if name in by_name:
                parts = cpu(by_name[name])
                lines.append("| %s%s | %d | %s | %s |" % (case, "" if name == "usher" else " (%s)" % name, conns,
                             " | ".join("{:,.0f}".format(parts[p]) for p in ("ingest", "worker", "kafka", "postgres")),
                             "{:,.0f}".format(sum(parts.values()))))
    return lines


def _archive(disk):
    """What the archive costs: usher with it beside usher without it, by the records that it took meanwhile."""
    lines = ["| the archive | in flight | /s with it : without | records of one request | us of processor per record: worker | PostgreSQL | Kafka |"
             " all |", "|---|" + "---:|" * 7]
    for (case, conns), by_name in disk.results.items():
        having, without = by_name.get("usher"), by_name.get(NO_ARCHIVE)
        if not having or not without:
            continue
        records = statistics.median(f["records"] / max(1, f["answered"]) for f in having)
        if records == 0:
            continue
        parts, others = cpu(having), cpu(without)
        costs = [(parts[p] - others[p]) / records for p in ("worker", "postgres", "kafka")]
        lines.append("| %s | %d | %.2f | %.2f | %s | %.1f |" % (case, conns, middle(having, "rate") / max(1, middle(without, "rate")), records,
                     " | ".join("%.1f" % c for c in costs), (sum(parts.values()) - sum(others.values())) / records))
    return lines if len(lines) > 2 else []


def _latency(disk):
    lines = ["| request to event | events | read_uncommitted p50 ms | p99 ms | read_committed p50 ms | p99 ms | answer p50 ms |", "|---|" + "---:|" * 6]
    for name, found in disk.more.get("removal", {}).items():
        for what, r in found.items():
            u, c, a = (r[k] for k in ("read_uncommitted", "read_committed", "answer"))
            lines.append("| %s%s | %d | %.1f | %.1f | %.1f | %.1f | %.1f |" % (what, "" if name == "usher" else " (%s)" % name, c["n"], u["p50_us"] / 1e3,
                         u["p99_us"] / 1e3, c["p50_us"] / 1e3, c["p99_us"] / 1e3, a["p50_us"] / 1e3))
    return lines if len(lines) > 2 else []


def _memory(disk):
    lines = []
    for name, memory in disk.more.get("memory_mb", {}).items():
        parts = ["%s %d, at most %d, %d" % (p, memory["before"][p][0], memory["after"][p][1], memory["after"][p][0])
                 for p in ("ingest", "worker", "kafka")]
        lines.append("Memory of %s before, at the top and after all this, MB: %s." % (name, "; ".join(parts)))
    for name, percent in disk.more.get("idle_percent", {}).items():
        lines.append("Idle, all processes of %s use %.1f %% of a core together." % (name, percent))
    return lines


def tables(disks):
    lines = []
    for name, disk in disks.items():
        lines += _speed("a disk whose flush takes 1 ms more" if name == "slow" else "case", disk) + [""] + _processes(disk) + [""]
        for more in (_archive(disk), _latency(disk), _memory(disk), disk.notes):
            lines += more + [""] if more else []
        lines.append("Errors and acknowledged changes that are not in the store: %d." % wrong(disk))
        lines.append("")
    return "\n".join(lines)
