import { useMemo, useState } from "preact/hooks";
import { activity, cadenceSeconds, series } from "../activity.js";
import { ADMIN, get, isOwner } from "../api.js";
import { Chart } from "../chart.jsx";
import { A, hrefOf, place, setQuery } from "../router.jsx";
import { Badge, Facts, Loading, Note, Page, Section, Select, StatusBadge, Table, Time, Trouble, agoText, useLoad } from "../ui.jsx";
import { DAY_MS, Expires, KeyDialogs, STATE_KINDS, keyState, scopeText } from "./keyparts.jsx";
import { T } from "../texts.js";

const K = T.keys, O = T.keys.one;
const RANGES = { "24h": { span: DAY_MS, step: "hour" }, "7d": { span: 7 * DAY_MS, step: "hour" }, "30d": { span: 30 * DAY_MS, step: "day" } };

const SOURCE_COLUMNS = [
  { key: "source", label: K.columns.networks, show: (s) => <code>{s.source}</code> },
  { key: "requests", label: O.count, number: true, show: (s) => s.requests.toLocaleString() },
  { key: "last", label: K.columns.used, show: (s) => <Time at={s.lastUse} ago /> },
];
const REFUSAL_COLUMNS = [
  { key: "time", label: T.requests.columns.time, show: (r) => <Time at={r.time} ago /> },
  { key: "what", label: T.requests.columns.what, show: (r) => <code>{r.method} {r.path}</code> },
  { key: "status", label: T.requests.columns.status, show: (r) => <StatusBadge status={r.status} /> },
  { key: "detail", label: T.requests.one.asSent, show: (r) => r.detail ?? r.code },
];

function Charts({ use, step, from, to }) {
  const s = useMemo(() => {
    const found = series(use, step, from, to);
    return {
      times: found.times,
      requests: [
        { label: O.classes.ok, color: "--c4", values: found.counts("ok") },
        { label: O.classes.refused, color: "--c2", values: found.counts("refused") },
        { label: O.classes.limited, color: "--c3", values: found.counts("limited") },
        { label: O.classes.failed, color: "--c5", values: found.counts("failed") },
      ],
      latency: [{ label: O.p50, color: "--c1", values: found.ms("p50Us") }, { label: O.p99, color: "--c5", values: found.ms("p99Us") }],
    };
  }, [use, step, from, to]);
  return <div class="grid">
    <section><Chart title={O.requests} times={s.times} series={s.requests} /></section>
    <section><Chart title={O.latency} times={s.times} series={s.latency} unit=" ms" /></section>
  </div>;
}

function Activity({ id }) {
  const range = RANGES[place.value.query.range] ? place.value.query.range : "24h", { span, step } = RANGES[range];
  const { data, error, loading, reload } = useLoad((abort) => activity({ key: id, span, step }, { signal: abort }), [id, range]);
  const use = data?.keys.find((k) => k.id === id), refused = (data?.refusals ?? []).slice(0, 20);
  return <>
    <div class="sectionhead"><h2>{O.activity}</h2>
      <Select label={O.range} value={range} onChange={(v) => setQuery({ range: v === "24h" ? "" : v })} options={Object.entries(O.ranges)} /></div>
    <Trouble error={error} retry={reload} />
    {loading && !data ? <Loading /> : data && (use ? <>
      <Charts use={use} step={data.step ?? step} from={data.from} to={data.to} />
      <Section title={O.sources}><Table caption={O.sources} columns={SOURCE_COLUMNS} rows={use.sources ?? []} rowKey={(s) => s.source} /></Section>
      <Section title={O.refused} actions={isOwner() && <A href={`${hrefOf("requests")}?key=${id}`}>{O.allRequests}</A>}>
        {refused.length > 0 ? <Table caption={O.refused} columns={REFUSAL_COLUMNS} rows={refused} rowKey={(r) => r.id} /> : <p class="quiet">{O.noRefused}</p>}
      </Section></> : <section><p class="quiet">{O.noActivity}</p></section>)}
  </>;
}

export function Key({ id }) {
  const [open, setOpen] = useState(null);
  const key = useLoad((abort) => get(`${ADMIN}/keys/${encodeURIComponent(id)}`, { signal: abort }), [id]);
  const workspace = useLoad((abort) => get(`${ADMIN}/workspace`, { signal: abort }), []);
  const row = key.data, back = <p class="crumb"><A href={hrefOf("keys")}>{O.back}</A></p>;
  if (!row)
    return <Page title={K.title} back={back}>{key.loading ? <Loading /> : <Trouble error={key.error} retry={key.reload} />}</Page>;
  const state = keyState(row), show = (what) => () => setOpen({ what, row });
  const actions = !row.revoked && <>
    <button type="button" onClick={show("link")}>{O.link}</button>
    <button type="button" onClick={show("dry")}>{row.dryRun ? O.letLoose : O.tryIt}</button>
    <button type="button" onClick={show("rotate")}>{K.rotate.button}</button>
    <button type="button" class="danger" onClick={show("revoke")}>{K.revoke.button}</button></>;
  return <Page title={row.name} back={back} actions={actions}>
    {row.revoked && <Note>{O.ending} <Time at={row.revoked} /> {row.revokedBy && O.by(row.revokedBy)}</Note>}
    {state === "expiring" && <Note kind="warn">{T.overview.warnExpires(row.name, agoText(Date.parse(row.expires)))}</Note>}
    {row.dryRun && !row.revoked && <Note kind="warn">{O.dryNote}</Note>}
    {state === "rotating" && <Note>{K.oldToken(new Date(row.oldTokenUntil).toLocaleString())}</Note>}
    <Section title={O.facts}>
      <Facts rows={[
        [K.columns.state, <Badge kind={STATE_KINDS[state]}>{T.overview.health[state]}</Badge>],
        [K.columns.prefix, <code>{row.prefix}…</code>],
        [K.columns.used, <Time at={row.lastUsed} ago />],
        [K.columns.expires, <Expires row={row} />],
        [K.columns.dialect, K.dialects[row.dialect] ?? row.dialect],
        [O.dry, row.dryRun ? <Badge kind="warn">{O.dryOn}</Badge> : O.dryOff],
        [O.rate, row.rate ? row.rate.toLocaleString() : workspace.data ? O.rateOf(workspace.data.rate) : T.unknown],
        [K.columns.networks, row.networks ? row.networks.join(", ") : K.anywhere],
        [O.made, <><Time at={row.created} /> {row.createdBy && O.by(row.createdBy)}</>],
        [K.columns.scopes, <ul class="scopelist">{row.scopes.map((s) => <li key={s}>{scopeText(s)} <code class="quiet">{s}</code></li>)}</ul>, true],
        row.jwksUri && [O.jwks, <code>{row.jwksUri}</code>],
      ]} />
    </Section>
    <Activity id={id} />
    <KeyDialogs open={open} setOpen={setOpen} reload={key.reload} workspaceRate={workspace.data?.rate} />
  </Page>;
}
