import { useState } from "preact/hooks";
import { ADMIN, Failure, get, getAll, query, saveAs } from "../api.js";
import { A, hrefOf, place, setQuery } from "../router.jsx";
import { Copy, Empty, FilterBox, Form, Input, Loading, Page, Section, Select, StatusBadge, Table, Time, Trouble, Value, useList, useLoad } from "../ui.jsx";
import { actorOf, meaningOf } from "../meaning.js";
import { About, Outcome, Proof, What } from "./records.jsx";
import { When } from "./requests.jsx";
import { T } from "../texts.js";

const U = T.audit;
const FILTERS = ["kind", "action", "actor", "from", "to", "target", "subject", "txn"];

function Filters({ keys }) {
  const shown = place.value.query, [values, setValues] = useState(shown);
  const set = (name) => (value) => setValues((v) => ({ ...v, [name]: value }));
  const now = (name) => (value) => { set(name)(value); setQuery({ ...values, [name]: value }); };
  return <FilterBox onSubmit={() => setQuery(values)}>
    <Select label={U.filters.kind} value={values.kind ?? "changes"} onChange={now("kind")} options={Object.entries(U.kinds)} />
    <Select label={U.filters.action} value={values.action ?? ""} onChange={now("action")} options={[["", T.any], ...Object.entries(T.actions)]} />
    <Select label={U.filters.actor} value={values.actor ?? ""} onChange={now("actor")} options={[["", T.any], ...keys.map((k) => [k.id, k.name])]} />
    <Input label={U.filters.target} value={values.target ?? ""} onChange={set("target")} />
    <Input label={U.filters.txn} value={values.txn ?? ""} onChange={set("txn")} />
    <When label={U.filters.from} value={values.from} onChange={set("from")} />
    <When label={U.filters.to} value={values.to} onChange={set("to")} />
    <div class="buttons"><button type="submit" class="main">{T.requests.apply}</button>
      {Object.keys(shown).length > 0 && <button type="button" onClick={() => { setValues({}); setQuery({}); }}>{T.requests.clear}</button>}</div>
  </FilterBox>;
}

const COLUMNS = [
  { key: "time", label: U.columns.time, show: (i) => <A href={hrefOf("requests", i.record.txn)}><Time at={i.record.time} ago /></A> },
  { key: "seq", label: U.columns.seq, number: true, show: (i) => i.record.seq ?? i.record.n },
  { key: "what", label: U.columns.what, show: (i) => (i.record.kind === "request" ? meaningOf(i.record) : <What record={i.record} />) },
  { key: "about", label: U.columns.about, show: (i) => <About record={i.record} /> },
  { key: "actor", label: U.columns.actor, show: (i) => actorOf(i.record) },
  { key: "outcome", label: U.columns.outcome, show: (i) => (i.record.kind === "request" ? <StatusBadge status={i.record.status} /> : <Outcome record={i.record} />) },
  { key: "proof", label: U.columns.proof, show: (i) => <Proof id={i.id} /> },
];

const TYPES = { ndjson: "application/x-ndjson", csv: "text/csv", ocsf: "application/x-ndjson" };

function Export() {
  const [format, setFormat] = useState("ndjson"), [from, setFrom] = useState(""), [to, setTo] = useState("");
  const load = async () => {
    let response;
    try {
      response = await fetch(`${ADMIN}/audit/export` + query({ format, from, to }), { credentials: "same-origin", cache: "no-store" });
    } catch {
      throw new Failure(0);
    }
    if (!response.ok)
      throw new Failure(response.status, await response.json().catch(() => null), Number(response.headers.get("Retry-After")));
    saveAs(`audit-${new Date().toISOString().slice(0, 10)}.${format === "csv" ? "csv" : "ndjson"}`, TYPES[format], await response.blob());
  };
  return <Section title={U.export.title}><p class="quiet">{U.export.intro}</p>
    <Form submit={U.export.submit} onSubmit={load}>
      <div class="settings"><Select label={U.export.format} value={format} onChange={setFormat} options={Object.entries(U.export.formats)} />
        <When label={U.filters.from} value={from} onChange={setFrom} /><When label={U.filters.to} value={to} onChange={setTo} /></div>
    </Form></Section>;
}

function Checkpoints() {
  const C = U.checkpoints, { data, error, loading, reload } = useLoad((abort) => get(`${ADMIN}/checkpoints`, { signal: abort }), []);
  const rows = data?.checkpoints ?? [], keys = [...new Set(rows.flatMap((c) => c.keys))];
  const columns = [
    { key: "tree", label: C.columns.tree, show: (c) => U.kinds[c.tree] ?? c.tree },
    { key: "size", label: C.columns.size, number: true, show: (c) => c.size.toLocaleString() },
    { key: "time", label: C.columns.time, show: (c) => <Time at={c.time} ago /> },
    { key: "text", label: C.columns.text, show: (c) => <Copy text={c.note} label={`${C.columns.text}, ${c.tree}`} /> },
  ];
  return <Section title={C.title}><p class="quiet">{C.intro}</p>
    <Trouble error={error} retry={reload} />
    {keys.map((k) => <Value key={k} label={C.vkey} text={k} />)}
    {rows.length > 0 ? <Table caption={C.title} columns={columns} rows={rows} /> : data ? <p class="quiet">{C.empty}</p> : loading && <Loading />}
  </Section>;
}

export function Audit() {
  const filter = Object.fromEntries(FILTERS.filter((f) => place.value.query[f]).map((f) => [f, place.value.query[f]]));
  const actors = useLoad(async (abort) => [...await getAll(`${ADMIN}/keys`, 2000, { signal: abort }), ...await getAll(`${ADMIN}/owners`, 2000, { signal: abort })], []);
  const list = useList((cursor, abort) => get(`${ADMIN}/audit` + query({ kind: "changes", limit: 50, cursor, ...filter }), { signal: abort }), [JSON.stringify(filter)]);
  return <Page title={U.title} intro={U.intro}>
    <Filters keys={actors.data ?? []} />
    <Trouble error={list.error} retry={list.reload} />
    {list.loading && !list.page ? <Loading /> : list.items.length > 0 || list.next
      ? <Table caption={U.title} columns={COLUMNS} rows={list.items} rowKey={(i) => i.id} more={list.next ?? null} onMore={list.loadMore} />
      : list.page && <Empty>{U.empty}</Empty>}
    <div class="grid after"><Export /><Checkpoints /></div>
    <Section title={U.verify.title}><ol class="steps">{U.verify.steps.map((s) => <li key={s}>{s}</li>)}</ol><p class="quiet">{U.verify.tail}</p></Section>
  </Page>;
}
