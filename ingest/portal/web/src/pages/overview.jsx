import { useEffect, useState } from "preact/hooks";
import { activity, cadenceSeconds, isSilent } from "../activity.js";
import { ADMIN, get, getAll, isOwner } from "../api.js";
import { A, hrefOf } from "../router.jsx";
import { Badge, Empty, Loading, Note, Page, Section, Table, Time, Trouble, agoText, useLoad } from "../ui.jsx";
import { useChanges } from "./changes.jsx";
import { CHANGE_COLUMNS } from "./records.jsx";
import { DAY_MS, STATE_KINDS, keyState } from "./keyparts.jsx";
import { T } from "../texts.js";

const O = T.overview;

async function loadAll(abort) {
  const options = { signal: abort };
  const [workspace, seats, keys, guards, use] = await Promise.all([
    get(`${ADMIN}/workspace`, options), get(`${ADMIN}/seats`, options), getAll(`${ADMIN}/keys`, 2000, options),
    get(`${ADMIN}/guards`, options), activity({ span: DAY_MS, step: "hour" }, options),
  ]);
  const uses = new Map(use.keys.map((k) => [k.id, k]));
  const rows = keys.filter((k) => !k.revoked).map((k) => ({ ...k, use: uses.get(k.id), refusal: use.refusals?.find((r) => r.key?.id === k.id) }));
  return { workspace, seats, guards: guards.items, rows };
}

// What keyState says of the key alone, and what its use says besides.
export function healthOf(row) {
  const state = keyState(row), total = row.use?.total;
  if (state !== "good" && state !== "rotating")
    return state;
  if (total?.requests > 0 && total.refused + total.limited + total.failed > total.requests / 2)
    return "failing";
  if (isSilent(row.use))
    return "silent";
  return state;
}

function Seats({ seats }) {
  const share = seats.limit ? Math.min(1, seats.used / seats.limit) : 0, left = seats.limit === null ? null : seats.limit - seats.used;
  const kind = left === null || share < 0.9 ? "" : left <= 0 ? "bad" : "warn";
  return <Section title={O.seats}>
    <p class="big">{O.seatsOf(seats.used, seats.limit)}</p>
    {seats.limit !== null && <div class={`bar ${kind}`} role="img" aria-label={O.seatsOf(seats.used, seats.limit)}>
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width={share * 100} height="1" /></svg></div>}
    {left !== null && left <= 0 ? <p class="error">{O.seatsFull}</p> : kind === "warn" && <p>{O.seatsLow(left)}</p>}
    <p class="quiet">{O.seatMeaning[seats.mode]}</p>
  </Section>;
}

const tripped = (g) => Boolean(g.users?.tripped || g.members?.tripped);

// What somebody should look at, the worst first.
function warnings({ rows, guards, seats }) {
  const found = guards.filter(tripped).map((g) => ["bad", O.warnHeld(g.key.name), hrefOf("settings")]);
  if (seats.limit !== null && seats.used >= seats.limit)
    found.push(["bad", O.seatsFull, hrefOf("settings")]);
  for (const row of rows) {
    const health = healthOf(row), href = hrefOf("keys", row.id), total = row.use?.total;
    if (health === "expired")
      found.push(["bad", O.warnExpired(row.name), href]);
    else if (health === "failing")
      found.push(["bad", O.warnRefused(row.name, total.refused + total.limited + total.failed, total.requests), href]);
    else if (health === "expiring")
      found.push(["warn", O.warnExpires(row.name, agoText(Date.parse(row.expires))), href]);
    else if (health === "silent")
      found.push(["warn", `${row.name}: ${O.silent(T.span(cadenceSeconds(row.use)))}`, href]);
    else if (health === "stale")
      found.push(["warn", O.warnStale(row.name), href]);
  }
  return found.sort((a, b) => (a[0] === b[0] ? 0 : a[0] === "bad" ? -1 : 1));
}

const KEY_COLUMNS = [
  { key: "name", label: T.keys.columns.name, show: (k) => <A href={hrefOf("keys", k.id)}>{k.name}</A> },
  { key: "state", label: T.keys.columns.state, show: (k) => <Badge kind={STATE_KINDS[healthOf(k)]}>{O.health[healthOf(k)]}</Badge> },
  { key: "used", label: O.lastRequest, show: (k) => <Time at={k.use?.lastUse ?? k.lastUsed} ago /> },
  { key: "write", label: O.lastWrite, show: (k) => <Time at={k.use?.lastWrite} ago none="–" /> },
  { key: "rhythm", label: O.rhythm, show: (k) => (cadenceSeconds(k.use) === null ? <span class="quiet">–</span> : T.span(cadenceSeconds(k.use))) },
  { key: "requests", label: O.requestsDay, number: true, show: (k) => (k.use?.total.requests ?? 0).toLocaleString() },
  { key: "refused", label: O.refusedDay, number: true, show: (k) => ((k.use?.total.refused ?? 0) + (k.use?.total.limited ?? 0)).toLocaleString() },
  { key: "refusal", label: O.lastRefused, show: (k) => (k.refusal ? <><Time at={k.refusal.time} ago /> <span class="quiet">{k.refusal.detail ?? k.refusal.code}</span></> : <span class="quiet">–</span>) },
];

// What changed last, as it happens. The audit is for owners.
function Last() {
  const { rows, state, error } = useChanges(false, 8);
  return <Section title={O.last} actions={<span class="buttons inline"><Badge kind={state === "live" ? "good" : "warn"}>{T.changes.state[state]}</Badge><A href={hrefOf("changes")}>{O.allChanges}</A></span>}>
    <Trouble error={error} />
    {rows.length > 0 ? <Table caption={O.last} columns={CHANGE_COLUMNS} rows={rows.slice(0, 8)} rowKey={(r) => `${r.epoch}/${r.seq}`} /> : !error && <p class="quiet">{O.noChanges}</p>}
  </Section>;
}

function Guards({ guards }) {
  return <Section title={O.guards}>
    {guards.length === 0 ? <p class="quiet">{O.guardsQuiet}</p> : <ul class="list">{guards.map((g) => <li key={g.key.id}>
      <A href={hrefOf("keys", g.key.id)}>{g.key.name}</A> <Badge kind={tripped(g) ? "bad" : "good"}>{tripped(g) ? T.settings.guards.tripped : T.settings.guards.fine}</Badge>
      <span class="quiet">{[["users", T.settings.guards.columns.users], ["members", T.settings.guards.columns.members]].filter(([n]) => g[n])
        .map(([n, label]) => ` ${label}: ${T.settings.guards.of(g[n].removed, g[n].base)}`).join(",")}</span></li>)}</ul>}
  </Section>;
}

const REFRESH_MS = 30000;

export function Overview() {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setTurn((t) => t + 1); }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const { data, error, reload } = useLoad(loadAll, [turn]);
  const found = data ? warnings(data) : [];
  return <Page title={O.title}>
    <Trouble error={error} retry={reload} />
    {!data ? !error && <Loading /> : <>
      {found.map(([kind, text, href]) => <Note key={text} kind={kind}>{text} <A href={href}>{T.details}</A></Note>)}
      {found.length === 0 && data.rows.length > 0 && <Note kind="good"><Badge kind="good">{O.fine}</Badge></Note>}
      <div class="grid"><Seats seats={data.seats} /><Guards guards={data.guards} /></div>
      <Section title={O.keys} actions={<A href={hrefOf("keys")}>{T.keys.one.back}</A>}>
        {data.rows.length > 0 ? <Table caption={O.keys} columns={KEY_COLUMNS} rows={data.rows} rowKey={(k) => k.id} />
          : <Empty action={<A href={hrefOf("keys") + "?create=scim"}>{O.makeKey}</A>}>{O.noKeys}</Empty>}
      </Section>
      {isOwner() && <Last />}
    </>}
  </Page>;
}
