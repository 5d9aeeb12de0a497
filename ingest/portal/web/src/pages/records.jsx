// Records of the audit as parts of pages: changes in a table, one change in words, a proof to download.
import { useState } from "preact/hooks";
import { ADMIN, get, saveAs } from "../api.js";
import { A, hrefOf } from "../router.jsx";
import { Badge, Time, Trouble } from "../ui.jsx";
import { aboutOf, actionText, actionsOf, actorOf } from "../meaning.js";
import { T } from "../texts.js";

const PAGE_OF = { User: "people", Room: "rooms", Key: "keys" };

export function About({ record }) {
  const all = aboutOf(record);
  return all.length === 0 ? <span class="quiet">–</span> : <span class="about">{all.map((x, n) => <span key={x.id ?? n}>{n > 0 && ", "}
    {PAGE_OF[x.type] && x.id ? <A href={hrefOf(PAGE_OF[x.type], x.id)}>{x.name ?? x.id}</A> : x.name ?? x.id}</span>)}</span>;
}

// "title: – → Lead; active: true → false". Whatever the values are, they become text.
const said = (v) => (v === null || v === undefined ? "–" : typeof v === "object" ? JSON.stringify(v) : String(v));
// Of a membership, target and subject say it all.
function changesText(record) {
  return record.action?.startsWith("member.") ? "" : (record.changes ?? []).map((c) => `${c.path}: ${said(c.from)} → ${said(c.to)}`).join("; ");
}

// "User created · Seat taken", and what it changed.
export function What({ record }) {
  const changes = changesText(record);
  return <>{actionsOf(record).map(actionText).join(" · ")}{changes && <span class="quiet changed"> {shortened(changes)}</span>}</>;
}

const MOST = 180;
const shortened = (text) => (text.length > MOST ? text.slice(0, MOST) + "…" : text);

export function Outcome({ record }) {
  return record.outcome === "refused" ? <Badge kind="bad">{T.actions["command.refused"]}{record.reason ? `: ${record.reason.replaceAll("_", " ")}` : ""}</Badge>
    : record.reason ? <span class="quiet">{record.reason.replaceAll("_", " ")}</span> : <span class="quiet">–</span>;
}

export const CHANGE_COLUMNS = [
  { key: "time", label: T.changes.columns.time, show: (r) => <Time at={r.time} ago /> },
  { key: "seq", label: T.changes.columns.seq, number: true, show: (r) => r.seq },
  { key: "action", label: T.changes.columns.action, show: (r) => <What record={r} /> },
  { key: "about", label: T.changes.columns.about, show: (r) => <About record={r} /> },
  { key: "actor", label: T.changes.columns.actor, show: (r) => actorOf(r) },
  { key: "reason", label: T.changes.columns.reason, show: (r) => <Outcome record={r} /> },
];

export function Proof({ id, label }) {
  const [error, setError] = useState();
  const load = async () => {
    setError(undefined);
    try {
      const proof = await get(`${ADMIN}/audit/proof/${id.split("/").map(encodeURIComponent).join("/")}`);
      saveAs(`proof-${id.replaceAll("/", "-")}.txt`, "text/plain", proof);
    } catch (e) {
      if (e.status === 404)
        e.message = T.audit.proofPending;
      setError(e);
    }
  };
  return <><button type="button" class="small" onClick={load} aria-label={`${label ?? T.audit.proof}: ${id}`}>{label ?? T.audit.proof}</button><Trouble error={error} /></>;
}
