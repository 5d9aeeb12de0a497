import { useEffect, useState } from "preact/hooks";
import { ADMIN, get, getAll, scimBase, send, session } from "../api.js";
import { A, hrefOf, place, setQuery } from "../router.jsx";
import { GUIDES } from "../guides.js";
import { Badge, Empty, Form, Loading, Note, Page, Section, Select, StatusBadge, Table, Time, Trouble, Value, useLoad } from "../ui.jsx";
import { T } from "../texts.js";

const P = T.setup, CHECK_MS = 10000;

// A step with this workspace's own values in it.
export function Step({ text, values }) {
  return <>{text.split(/(\{\w+\})/).map((part, n) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    return name === "token" ? <em key={n}>{values.token}</em> : name && values[name] ? <code key={n} class="copyable">{values[name]}</code> : part;
  })}</>;
}

export function Guide({ guide, row, scim }) {
  const base = scim ?? scimBase();
  const values = { base, token: P.tokenOnce, key: row?.id ?? P.key, oauth: base.replace(/\/scim\/v2$/, "/oauth2/token") };
  return <>
    <Section title={P.values}><Value label={T.keys.token.base} text={base} />
      {row && <Value label={`${P.key} “${row.name}”, client id`} text={row.id} />}</Section>
    <Section title={P.steps}><p class="quiet">{guide.rhythm}</p>
      <ol class="steps">{guide.steps.map((s) => <li key={s}><Step text={s} values={values} /></li>)}</ol>
      {guide.notes.map((n) => <Note key={n}><Step text={n} values={values} /></Note>)}</Section>
  </>;
}

// What has arrived through a key, as the service has it: steps with the time when each was seen, or null.
export function Checks({ found }) {
  const refusal = found.refusals[0];
  return <Section title={P.check}><p class="quiet">{P.checkIntro}</p>
    <ul class="checks" aria-live="polite">{found.steps.map(({ step, seen }) => {
      const [title, help] = P.checks[step] ?? [step, ""];
      return <li key={step}>
        <span>{seen ? <Badge kind="good">{P.seen} <Time at={seen} ago /></Badge> : <Badge kind="off">{P.missing}</Badge>}</span>
        <span><strong>{title}</strong>{!seen && <p class="hint">{help}</p>}</span></li>;
    })}</ul>
    <p class="quiet">{P.counted(found.requests, found.refused)}</p>
    <h3>{P.refusedLast}</h3>
    {refusal ? <p><StatusBadge status={refusal.status} /> <code>{refusal.method} {refusal.path}</code>, <Time at={refusal.time} ago /><br /><span class="error">{refusal.detail}</span></p>
      : <p class="quiet">{P.refusedNone}</p>}
  </Section>;
}

// Looks again by itself; a page that nobody sees does not ask.
function LiveChecks({ path }) {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setTurn((t) => t + 1); }, CHECK_MS);
    return () => clearInterval(timer);
  }, []);
  const { data, error } = useLoad((abort) => get(path, { signal: abort }), [path, turn]);
  return <>{error && <Trouble error={error} />}{data ? <Checks found={data} /> : !error && <Loading />}</>;
}

const DRY = P.dry;
const COUNT_COLUMNS = [
  { key: "action", label: DRY.action, show: (c) => <code>{c.action}</code> },
  { key: "n", label: DRY.times, number: true, show: (c) => c.n.toLocaleString() },
];
const REFUSAL_COLUMNS = [
  { key: "status", label: T.requests.columns.status, show: (r) => <StatusBadge status={r.status} /> },
  { key: "detail", label: DRY.why, show: (r) => r.detail ?? r.code },
  { key: "count", label: DRY.times, number: true, show: (r) => r.count.toLocaleString() },
];

// What the key has tried so far.
export function Tried({ found }) {
  const rows = Object.entries(found.counts).map(([action, n]) => ({ action, n }));
  if (found.requests === 0)
    return <p class="quiet">{DRY.none}</p>;
  return <>
    <p aria-live="polite">{DRY.requests(found.requests, found.refused)} {DRY.seats(found.seats)} {found.more && DRY.more}</p>
    {found.seats.limit !== null && found.seats.needed > found.seats.limit && <Note kind="warn">{DRY.tooMany}</Note>}
    {rows.length > 0 && <Table caption={DRY.action} columns={COUNT_COLUMNS} rows={rows} rowKey={(c) => c.action} />}
    {found.refusals.length > 0 && <Table caption={DRY.why} columns={REFUSAL_COLUMNS} rows={found.refusals} rowKey={(r) => `${r.status} ${r.detail}`} />}
  </>;
}

// Offers a dry run of the first synchronisation, shows what it comes to, and lets the key loose.
function DryRun({ row, reload }) {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (row.dryRun && !document.hidden) setTurn((t) => t + 1); }, CHECK_MS);
    return () => clearInterval(timer);
  }, [row.dryRun]);
  const { data, error } = useLoad((abort) => get(`${ADMIN}/keys/${row.id}/dry-run`, { signal: abort }), [row.id, row.dryRun, turn]);
  const turnTo = (dryRun) => async () => { await send("PATCH", `${ADMIN}/keys/${row.id}`, { dryRun }); reload(); };
  return <Section title={DRY.title}>
    {error && <Trouble error={error} />}
    {row.dryRun ? <><p>{DRY.running}</p>{data?.dryRun ? <Tried found={data} /> : !error && <Loading />}
      <Form submit={DRY.loose} onSubmit={turnTo(false)}><p class="hint">{DRY.looseIntro}</p></Form></>
      : <Form submit={DRY.start} onSubmit={turnTo(true)}><p>{DRY.offer}</p></Form>}
  </Section>;
}

export function Setup() {
  const { idp, key } = place.value.query, guide = GUIDES[idp];
  const keys = useLoad((abort) => getAll(`${ADMIN}/keys`, 2000, { signal: abort }), []);
  const rows = (keys.data ?? []).filter((k) => !k.revoked && k.scopes.some((s) => s.startsWith("scim:")));
  const row = rows.find((k) => k.id === key) ?? rows.find((k) => guide && k.dialect === guide.dialect) ?? rows[0];
  return <Page title={P.title} intro={P.intro}>
    <Trouble error={keys.error} retry={keys.reload} />
    <fieldset class="choices"><legend>{P.choose}</legend>
      {Object.entries(GUIDES).map(([name, g]) => <label key={name} class="choice"><input type="radio" name="idp" checked={idp === name} onChange={() => setQuery({ idp: name, key })} /><span><strong>{g.name}</strong></span></label>)}
    </fieldset>
    {guide && keys.data && (row ? <div class="narrowbox"><Select label={P.chooseKey} value={row.id} onChange={(k) => setQuery({ idp, key: k })} options={rows.map((k) => [k.id, `${k.name} (${T.keys.dialects[k.dialect] ?? k.dialect})`])} />
      <p class="hint"><A href={`${hrefOf("keys")}?create=${guide.preset}`}>{P.makeKey}</A></p></div>
      : <Empty action={<A href={`${hrefOf("keys")}?create=${guide.preset}`}>{P.makeKey}</A>}>{P.noKey}</Empty>)}
    {guide && <div class="twothirds"><div><Guide guide={guide} row={row} /></div>
      <div>{row && <><DryRun key={row.id} row={row} reload={keys.reload} /><LiveChecks key={row.id} path={`${ADMIN}/keys/${row.id}/setup`} /></>}</div></div>}
  </Page>;
}

// A new token for the guest's key. It replaces the one before, and is shown this once.
function GuestToken({ name, token, onToken }) {
  if (token)
    return <Section title={T.keys.token.title}><p>{T.keys.token.intro}</p><Value label={T.keys.token.token} text={token} secret /></Section>;
  return <Section title={T.keys.token.token}>
    <Form submit={P.guestSubmit} onSubmit={async () => onToken((await send("POST", "/portal/setup/token", {})).token)}><p>{P.guestToken(name)}</p></Form></Section>;
}

// What a set-up link shows: the guide of one key, and nothing else of the workspace.
export function SetupOnly() {
  const s = session.value, [idp, setIdp] = useState(GUIDES[s.dialect] ? s.dialect : "generic"), [token, setToken] = useState();
  return <Page title={P.titleOf(GUIDES[idp].name)} intro={P.only}>
    <div class="narrowbox"><Select label={P.choose} value={idp} onChange={setIdp} options={Object.entries(GUIDES).map(([name, g]) => [name, g.name])} /></div>
    <div class="twothirds"><div><GuestToken name={s.key.name} token={token} onToken={setToken} /><Guide guide={GUIDES[idp]} row={s.key} scim={s.scim} /></div>
      <div><LiveChecks path="/portal/setup" /></div></div>
  </Page>;
}
