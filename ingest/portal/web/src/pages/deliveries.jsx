// Endpoints that events are delivered to: how each does, what it has answered, and what can be done about it.
import { useState } from "preact/hooks";
import { ADMIN, get, getAll, send } from "../api.js";
import { A, go, hrefOf } from "../router.jsx";
import { Badge, Dialog, Empty, Facts, Field, Form, Input, Loading, Note, Page, Section, Select, StatusBadge, Table, Time, Trouble, Value, agoText, useLoad } from "../ui.jsx";
import { T } from "../texts.js";

const D = T.deliveries, O = D.one;
const KINDS = { good: "good", failing: "bad", behind: "warn", paused: "off", disabled: "bad", fresh: "off" };
const pathOf = (id) => `${ADMIN}/deliveries/${encodeURIComponent(id)}`;
const backlog = (d) => Math.max(0, d.newest - d.delivered);

// good, failing, behind, paused, disabled, fresh. What needs somebody comes first.
function stateOf(d) {
  if (d.state !== "enabled")
    return d.state;
  if (d.failures > 0)
    return "failing";
  if (backlog(d) > 0)
    return "behind";
  return d.lastSuccess ? "good" : "fresh";
}

const State = ({ of }) => <Badge kind={KINDS[stateOf(of)] ?? "info"}>{D.states[stateOf(of)] ?? of.state}</Badge>;

// ---- dialogs

const splitTypes = (text) => text.split(/[\s,]+/).filter(Boolean);

function Endpoint({ row, onClose, onDone }) {
  const [name, setName] = useState(row?.name ?? ""), [url, setUrl] = useState(row?.url ?? ""), [signature, setSignature] = useState("hmac");
  const [types, setTypes] = useState((row?.events ?? []).join("\n"));
  const submit = async () => {
    const events = splitTypes(types), body = { name: name.trim(), url: url.trim(), events: events.length > 0 ? events : null };
    onDone(row ? await send("PATCH", pathOf(row.id), body) : await send("POST", `${ADMIN}/deliveries`, { ...body, signature }));
  };
  return <Dialog title={row ? D.change.title(row.name) : D.create.title} onClose={onClose} wide>
    <Form submit={row ? T.save : D.create.submit} disabled={name.trim() === "" || url.trim() === ""} onSubmit={submit}
      extra={<button type="button" onClick={onClose}>{T.cancel}</button>}>
      <Input label={D.create.name} value={name} onChange={setName} maxLength={120} required />
      <Input label={D.create.url} hint={D.create.urlHint} value={url} onChange={setUrl} type="url" maxLength={2048} required spellcheck={false} />
      <Field label={D.create.events} hint={D.create.eventsHint}>{(props) =>
        <textarea rows={3} {...props} spellcheck={false} value={types} onInput={(e) => setTypes(e.currentTarget.value)} />}</Field>
      {!row && <Select label={D.create.signature} value={signature} onChange={setSignature} options={Object.entries(D.create.signatures)} />}
    </Form>
  </Dialog>;
}

// The secret is in the memory of this dialog alone, and gone with it. So closing asks. A public key is no secret.
function Secret({ made, onClose }) {
  const [asking, setAsking] = useState(false), ask = () => (made.secret ? setAsking(true) : onClose());
  return <Dialog title={made.secret ? D.secret.title : D.secret.keyTitle} onClose={ask} wide>
    <p>{made.secret ? D.secret.intro : D.secret.keyIntro}</p>
    <Value label={D.columns.url} text={made.delivery.url} />
    {made.secret ? <Value label={D.secret.secret} text={made.secret} secret /> : <Value label={D.secret.key} text={made.delivery.publicKey} />}
    {asking
      ? <div class="note warn" role="alertdialog" aria-label={D.secret.ask}><p>{D.secret.ask}</p>
        <div class="buttons"><button type="button" class="main" onClick={onClose}>{T.keys.token.askYes}</button>
          <button type="button" ref={(b) => b?.focus()} onClick={() => setAsking(false)}>{D.secret.askNo}</button></div></div>
      : <div class="buttons"><button type="button" class="main" onClick={ask}>{T.keys.token.done}</button></div>}
  </Dialog>;
}

function Rotate({ row, onClose, onDone }) {
  const [overlap, setOverlap] = useState("86400");
  return <Dialog title={D.rotate.title(row.name)} onClose={onClose}>
    <Form submit={D.rotate.submit} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => onDone(await send("POST", `${pathOf(row.id)}/rotate`, { overlapSeconds: Number(overlap) }))}>
      <p>{D.rotate.intro}</p>
      <Select label={D.rotate.overlap} value={overlap} onChange={setOverlap} options={["0", "3600", "86400", "604800", "2592000"].map((s) => [s, T.keys.rotate.overlaps[s]])} />
    </Form></Dialog>;
}

// What was chosen in local time, as the service takes it.
const momentOf = (text) => new Date(text);

function Replay({ row, onClose, onDone }) {
  const [since, setSince] = useState("");
  const good = since !== "" && !Number.isNaN(momentOf(since).getTime());
  return <Dialog title={D.replay.title(row.name)} onClose={onClose}>
    <Form submit={D.replay.submit} disabled={!good} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("POST", `${pathOf(row.id)}/replay`, { since: momentOf(since).toISOString() }); onDone(); }}>
      <p>{D.replay.intro}</p>
      <Input label={D.replay.since} hint={good ? T.utc(momentOf(since).toISOString().replace("T", " ").slice(0, 16)) : D.replay.sinceHint} type="datetime-local" value={since} onChange={setSince} />
    </Form></Dialog>;
}

function Remove({ row, onClose, onDone }) {
  const [typed, setTyped] = useState("");
  return <Dialog title={D.remove.title(row.name)} onClose={onClose}>
    <Form danger submit={D.remove.submit} disabled={typed.trim() !== row.name.trim()} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("DELETE", pathOf(row.id)); onDone(); }}>
      {backlog(row) > 0 && <Note kind="warn"><p>{D.remove.waits(backlog(row))}</p></Note>}
      <p>{D.remove.intro}</p>
      <Input label={T.keys.revoke.type(row.name)} value={typed} onChange={setTyped} autocomplete="off" spellcheck={false} />
    </Form></Dialog>;
}

function Dialogs({ open, setOpen, reload }) {
  const close = () => setOpen(null), closeAndLoad = () => { close(); reload(); };
  switch (open?.what) {
  case "create": return <Endpoint onClose={close} onDone={(made) => setOpen({ what: "secret", made })} />;
  case "change": return <Endpoint row={open.row} onClose={close} onDone={closeAndLoad} />;
  case "secret": return <Secret made={open.made} onClose={closeAndLoad} />;
  case "rotate": return <Rotate row={open.row} onClose={close} onDone={(made) => setOpen({ what: "secret", made })} />;
  case "replay": return <Replay row={open.row} onClose={close} onDone={closeAndLoad} />;
  case "remove": return <Remove row={open.row} onClose={close} onDone={() => { close(); go(hrefOf("deliveries")); }} />;
  default: return null;
  }
}

// ---- pages

export function Deliveries() {
  const [open, setOpen] = useState(null);
  const list = useLoad((abort) => getAll(`${ADMIN}/deliveries`, 2000, { signal: abort }), []);
  const columns = [
    { key: "name", label: D.columns.name, show: (d) => <A href={hrefOf("deliveries", d.id)}>{d.name}</A> },
    { key: "state", label: D.columns.state, show: (d) => <State of={d} /> },
    { key: "behind", label: D.columns.behind, number: true, show: (d) => backlog(d).toLocaleString() },
    { key: "last", label: D.columns.last, show: (d) => <Time at={d.lastSuccess} ago /> },
    { key: "failures", label: D.columns.failures, number: true, show: (d) => d.failures.toLocaleString() },
    { key: "url", label: D.columns.url, show: (d) => <code class="url">{d.url}</code> },
    { key: "events", label: D.columns.events, show: (d) => (d.events ? T.count(d.events.length, D.type, D.types) : D.all) },
  ];
  const create = <button type="button" class="main" onClick={() => setOpen({ what: "create" })}>{D.create.button}</button>;
  return <Page title={D.title} intro={D.intro} actions={create}>
    <Trouble error={list.error} retry={list.reload} />
    {list.loading && !list.data ? <Loading />
      : list.data?.length > 0 ? <Table caption={D.title} columns={columns} rows={list.data} rowKey={(d) => d.id} />
        : list.data && <Empty action={create}>{D.empty}</Empty>}
    <Dialogs open={open} setOpen={setOpen} reload={list.reload} />
  </Page>;
}

const ATTEMPT_COLUMNS = [
  { key: "time", label: O.attempt.time, show: (a) => <Time at={a.time} ago /> },
  { key: "what", label: O.attempt.what, show: (a) => (a.number === 0 ? O.trial : <>{a.type} <span class="quiet">{O.number(a.number)}</span></>) },
  { key: "outcome", label: O.attempt.outcome, show: (a) => (a.status > 0 ? <StatusBadge status={a.status} /> : <Badge kind="bad">{O.noAnswer}</Badge>) },
  { key: "took", label: O.attempt.took, number: true, show: (a) => `${Math.round(a.durationUs / 1000).toLocaleString()} ms` },
  { key: "said", label: O.attempt.said, show: (a) => <>{a.error && <span>{a.error} </span>}{a.answer && <code class="answer">{a.answer}</code>}{!a.error && !a.answer && <span class="quiet">–</span>}</> },
  { key: "next", label: O.attempt.next, show: (a) => <Time at={Date.parse(a.nextTry) > Date.now() ? a.nextTry : null} ago none="–" /> },
];

function Attempts({ id, turn }) {
  const list = useLoad((abort) => get(`${pathOf(id)}/attempts`, { signal: abort }), [id, turn]);
  return <Section title={O.attempts} actions={<button type="button" onClick={list.reload}>{O.again}</button>}>
    <p class="quiet">{O.attemptsIntro}</p>
    <Trouble error={list.error} retry={list.reload} />
    {list.data?.items.length > 0 ? <Table caption={O.attempts} columns={ATTEMPT_COLUMNS} rows={list.data.items} rowKey={(a) => a.attempt} />
      : list.data && <p class="quiet">{O.noAttempts}</p>}
  </Section>;
}

function About({ d }) {
  return <>
    {d.state === "disabled" && <Note kind="bad"><p>{O.disabled(d.reason)}</p></Note>}
    {d.state === "paused" && <Note><p>{O.paused}</p></Note>}
    {d.state === "enabled" && d.failures > 0 && <Note kind="warn"><p>{O.failing(d.failures.toLocaleString(), d.failingSince ? agoText(Date.parse(d.failingSince)) : T.unknown)}</p></Note>}
    {d.lost > 0 && <Note kind="bad"><p>{O.lost(d.lost.toLocaleString())}</p></Note>}
    {d.oldSecretUntil && <Note><p>{O.oldSecret(new Date(d.oldSecretUntil).toLocaleString())}</p></Note>}
    <Section title={O.facts}>
      <Facts rows={[
        [D.columns.state, <State of={d} />],
        [D.columns.behind, <>{backlog(d).toLocaleString()} <span class="quiet">{O.of(d.delivered.toLocaleString(), d.newest.toLocaleString())}</span></>],
        [D.columns.last, <Time at={d.lastSuccess} ago />],
        d.waitingSince && [O.waiting, <Time at={d.waitingSince} ago />],
        d.nextTry && [O.nextTry, <Time at={d.nextTry} ago />],
        [O.signature, <>{D.create.signatures[d.signature] ?? d.signature} {d.prefix && d.signature === "hmac" && <code>{d.prefix}…</code>}</>],
        [O.made, <><Time at={d.created} /> {d.createdBy && T.keys.one.by(d.createdBy)}</>],
        [D.columns.url, <code class="url">{d.url}</code>, true],
        [D.columns.events, d.events ? <ul class="scopelist">{d.events.map((e) => <li key={e}><code>{e}</code></li>)}</ul> : D.all, true],
      ]} />
      {d.publicKey && <Value label={D.secret.key} text={d.publicKey} />}
    </Section>
  </>;
}

export function Delivery({ id }) {
  const [open, setOpen] = useState(null), [error, setError] = useState(), [turn, setTurn] = useState(0), [said, setSaid] = useState();
  const loaded = useLoad((abort) => get(pathOf(id), { signal: abort }), [id]);
  const d = loaded.data, back = <p class="crumb"><A href={hrefOf("deliveries")}>{O.back}</A></p>;
  if (!d)
    return <Page title={D.title} back={back}>{loaded.loading ? <Loading /> : <Trouble error={loaded.error} retry={loaded.reload} />}</Page>;
  const reload = () => { loaded.reload(); setTurn((t) => t + 1); };
  const act = (words, method, path, body) => async () => {
    setError(undefined);
    setSaid(undefined);
    try {
      await send(method, path, body);
      setSaid(words);
      reload();
    } catch (e) {
      setError(e);
    }
  };
  const show = (what) => () => { setSaid(undefined); setOpen({ what, row: d }); };
  const actions = <>
    <button type="button" onClick={act(O.tested, "POST", `${pathOf(id)}/test`, {})}>{O.test}</button>
    {d.state === "enabled"
      ? <button type="button" onClick={act(O.isPaused, "PATCH", pathOf(id), { state: "paused" })}>{O.pause}</button>
      : <button type="button" onClick={act(O.isEnabled, "PATCH", pathOf(id), { state: "enabled" })}>{O.enable}</button>}
    <button type="button" onClick={show("change")}>{O.change}</button>
    <button type="button" onClick={show("replay")}>{O.replay}</button>
    <button type="button" onClick={show("rotate")}>{O.rotate}</button>
    <button type="button" class="danger" onClick={show("remove")}>{O.remove}</button></>;
  return <Page title={d.name} back={back} actions={actions}>
    <Trouble error={error ?? loaded.error} />
    {said && <Note kind="good">{said}</Note>}
    <About d={d} />
    <Attempts id={id} turn={turn} />
    <Dialogs open={open} setOpen={setOpen} reload={reload} />
  </Page>;
}
