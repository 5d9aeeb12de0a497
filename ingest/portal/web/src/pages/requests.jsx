import { useState } from "preact/hooks";
import { ADMIN, get, getAll, query } from "../api.js";
import { A, hrefOf, place, setQuery } from "../router.jsx";
import { Empty, FilterBox, Facts, Field, Input, Loading, Note, Page, Section, Select, StatusBadge, Table, Time, Trouble, useList, useLoad } from "../ui.jsx";
import { meaningOf } from "../meaning.js";
import { CHANGE_COLUMNS, Proof } from "./records.jsx";
import { T } from "../texts.js";

const R = T.requests;
const METHODS = ["", "GET", "POST", "PUT", "PATCH", "DELETE"];
const FILTERS = ["status", "method", "key", "path", "source", "txn", "from", "to", "limited"];

export const toUtc = (local) => (local ? new Date(local).toISOString() : undefined);
export const toLocal = (utc) => {
  const t = utc ? new Date(utc) : null;
  return t && !Number.isNaN(t.getTime()) ? new Date(t.getTime() - t.getTimezoneOffset() * 60000).toISOString().slice(0, 16) : "";
};

export function When({ label, value, onChange }) {
  return <Field label={label}>{(props) => <input type="datetime-local" {...props} value={toLocal(value)} onChange={(e) => onChange(toUtc(e.currentTarget.value) ?? "")} />}</Field>;
}

function Filters({ keys }) {
  const shown = place.value.query, [values, setValues] = useState(shown);
  const set = (name) => (value) => setValues((v) => ({ ...v, [name]: value }));
  const now = (name) => (value) => { set(name)(value); setQuery({ ...values, [name]: value }); };
  return <FilterBox onSubmit={() => setQuery(values)}>
    <Select label={R.filters.status} value={values.status ?? ""} onChange={now("status")} options={Object.entries(R.statuses).sort(([a], [b]) => (a === "" ? -1 : b === "" ? 1 : 0))} />
    <Select label={R.filters.method} value={values.method ?? ""} onChange={now("method")} options={METHODS.map((m) => [m, m || T.any])} />
    <Select label={R.filters.key} value={values.key ?? ""} onChange={now("key")} options={[["", T.any], ...keys.map((k) => [k.id, k.name])]} />
    <Input label={R.filters.path} placeholder="/scim/v2/Users*" title={R.pathHint} value={values.path ?? ""} onChange={set("path")} />
    <Input label={R.filters.source} value={values.source ?? ""} onChange={set("source")} />
    <Input label={R.filters.txn} value={values.txn ?? ""} onChange={set("txn")} />
    <When label={R.filters.from} value={values.from} onChange={set("from")} />
    <When label={R.filters.to} value={values.to} onChange={set("to")} />
    <div class="buttons"><button type="submit" class="main">{R.apply}</button>
      {Object.keys(shown).length > 0 && <button type="button" onClick={() => { setValues({}); setQuery({}); }}>{R.clear}</button>}</div>
  </FilterBox>;
}

const COLUMNS = [
  { key: "time", label: R.columns.time, show: (i) => <A href={hrefOf("requests", i.record.txn)}><Time at={i.record.time} ago /></A> },
  { key: "key", label: R.columns.key, show: (i) => i.record.key?.name ?? <span class="quiet">{R.nobody}</span> },
  { key: "status", label: R.columns.status, show: (i) => <StatusBadge status={i.record.status} /> },
  { key: "what", label: R.columns.what, show: (i) => <span class="what"><code>{i.record.method} {i.record.path}{i.record.query?.includes("=") ? `?${i.record.query}` : ""}</code>
    {i.record.error && <span class="error"> {i.record.error.detail}</span>}</span> },
  { key: "took", label: R.columns.took, number: true, show: (i) => R.ms(i.record.durationUs) },
  { key: "source", label: R.columns.source, show: (i) => <code>{i.record.sourceIp}</code> },
];

// What the portal asks for its own pages would hide everything else, so it is left out unless it is asked for.
const OWN = /^\/(portal|api\/v1\/admin)(\/|$)/, ENOUGH = 30, ROUNDS = 5;

async function fetchPage(filter, own, cursor, abort) {
  const items = [];
  for (let round = 0; ; round++) {
    const page = await get(`${ADMIN}/audit` + query({ kind: "requests", limit: 100, cursor, ...filter }), { signal: abort });
    items.push(...page.items.filter((i) => own || !OWN.test(i.record.path)));
    cursor = page.next;
    if (!cursor || items.length >= ENOUGH || round + 1 >= ROUNDS)
      return { items, next: cursor ?? null };
  }
}

export function Requests() {
  const filter = Object.fromEntries(FILTERS.filter((f) => place.value.query[f]).map((f) => [f, place.value.query[f]]));
  const keys = useLoad((abort) => getAll(`${ADMIN}/keys`, 2000, { signal: abort }), []);
  const own = place.value.query.own === "yes" || OWN.test(filter.path ?? "") || Boolean(filter.txn);
  const list = useList((cursor, abort) => fetchPage(filter, own, cursor, abort), [JSON.stringify(filter), own]);
  return <Page title={R.title} intro={R.intro}>
    <Filters key={place.value.query.key} keys={keys.data ?? []} />
    <label class="check"><input type="checkbox" checked={own} onChange={(e) => setQuery({ ...place.value.query, own: e.currentTarget.checked ? "yes" : "" })} />{R.own}</label>
    <Trouble error={list.error} retry={list.reload} />
    {list.loading && !list.page ? <Loading /> : list.items.length > 0 || list.next
      ? <Table caption={R.title} columns={COLUMNS} rows={list.items} rowKey={(i) => i.id} more={list.next ?? null} onMore={list.loadMore} />
      : list.page && <Empty action={Object.keys(filter).length === 0 && <A href={hrefOf("guide")}>{T.overview.guide}</A>}>{Object.keys(filter).length > 0 ? R.empty : R.none}</Empty>}
  </Page>;
}

async function loadOne(txn, abort) {
  const of = (kind) => get(`${ADMIN}/audit` + query({ kind, txn, limit: 200 }), { signal: abort });
  const [requests, changes] = await Promise.all([of("requests"), of("changes")]);
  return { item: requests.items[0], changes: changes.items.map((i) => i.record), more: changes.next };
}

export function Request({ id }) {
  const { data, error, loading, reload } = useLoad((abort) => loadOne(id, abort), [id]);
  const back = <p class="crumb"><A href={hrefOf("requests")}>{R.one.back}</A></p>, F = R.one.facts;
  if (!data?.item)
    return <Page title={R.one.title} back={back}>{loading ? <Loading /> : error ? <Trouble error={error} retry={reload} /> : <Empty>{T.errors.missing}</Empty>}</Page>;
  const r = data.item.record;
  return <Page title={R.one.title} back={back} actions={<Proof id={data.item.id} label={R.one.proof} />}>
    <Section title={R.one.meant}><p>{meaningOf(r)}</p></Section>
    <Section title={R.one.answer}>
      <p><StatusBadge status={r.status} /> <span class="quiet">{R.ms(r.durationUs)}</span></p>
      {r.error && <><h3>{R.one.asSent}</h3><pre>{r.error.detail}</pre><p class="quiet"><code>{r.error.code}</code> {r.scimType && <>scimType <code>{r.scimType}</code></>}</p></>}
    </Section>
    <Section title={R.one.changes}>
      {data.changes.length > 0 ? <Table caption={R.one.changes} columns={CHANGE_COLUMNS} rows={data.changes} rowKey={(c) => c.seq} more={data.more ?? null} />
        : <p class="quiet">{r.status < 300 && r.method !== "GET" ? R.one.notYet : R.one.noChanges}</p>}
    </Section>
    <Section title={T.details}>
      <div class="lines"><Facts rows={[
        [F.time, <Time at={r.time} />],
        [F.key, r.key ? (r.key.class === "scim" || r.key.class === "api" ? <A href={hrefOf("keys", r.key.id)}>{r.key.name}</A> : r.key.name) : R.nobody],
        [F.method, r.method], [F.path, <code>{r.path}</code>],
        r.query && [F.query, <code>{r.query}</code>],
        [F.source, <code>{r.sourceIp}</code>], r.userAgent && [F.agent, r.userAgent],
        [F.bytesIn, r.bytesIn?.toLocaleString()], [F.bytesOut, r.bytesOut?.toLocaleString()],
        r.operations > 1 && [F.operations, r.operations],
        r.bulk && [F.bulk, <A href={hrefOf("requests", r.bulk)}>{r.bulk}</A>],
        r.ignored && [F.ignored, r.ignored.join(", ")],
        [F.txn, <code>{r.txn}</code>],
      ]} /></div>
      <p class="hint">{R.one.lacks}</p>
    </Section>
  </Page>;
}
