import { useState } from "preact/hooks";
import { ADMIN, get, query, saveAs } from "../api.js";
import { A, hrefOf, place, setQuery } from "../router.jsx";
import { Badge, Empty, Facts, Input, Loading, Note, Page, Section, Table, Time, Trouble, useList, useLoad } from "../ui.jsx";
import { meaningOf } from "../meaning.js";
import { quoted } from "./people.jsx";
import { CHANGE_COLUMNS } from "./records.jsx";
import { T } from "../texts.js";

const R = T.rooms;
const managedBy = (r) => (r.managed ? T.people.provider : T.people.own);

const COLUMNS = [
  { key: "name", label: R.columns.name, show: (r) => <A href={hrefOf("rooms", r.id)}>{r.displayName}</A> },
  { key: "externalId", label: R.columns.externalId, show: (r) => (r.externalId ? <code>{r.externalId}</code> : <span class="quiet">–</span>) },
  { key: "managed", label: T.people.columns.managed, show: (r) => managedBy(r) },
  { key: "changed", label: R.columns.changed, show: (r) => <Time at={r.modified} ago /> },
];

export function Rooms() {
  const shown = place.value.query, [find, setFind] = useState(shown.find ?? "");
  const filter = shown.find ? `displayName sw ${quoted(shown.find)}` : "";
  const list = useList((cursor, abort) => get(`${ADMIN}/rooms` + query({ limit: 50, cursor, filter }), { signal: abort }), [filter]);
  return <Page title={R.title} intro={R.intro}>
    <form class="searchline" role="search" onSubmit={(e) => { e.preventDefault(); setQuery({ find }); }}>
      <Input label={R.find} hint={R.findHint} type="search" value={find} onChange={setFind} />
      <button type="submit">{T.search}</button>
    </form>
    <Trouble error={list.error} retry={list.reload} />
    {list.loading && !list.page ? <Loading /> : list.items.length > 0
      ? <Table caption={R.title} columns={COLUMNS} rows={list.items} rowKey={(r) => r.id} more={list.next ?? null} onMore={list.loadMore} />
      : list.page && <Empty action={!filter && <A href={hrefOf("guide")}>{T.overview.guide}</A>}>{filter ? R.empty : R.none}</Empty>}
  </Page>;
}

const memberColumns = (room) => [
  { key: "member", label: R.columns.member, show: (m) => <A href={hrefOf("people", m.user)}>{m.userName ?? m.user}</A> },
  { key: "name", label: T.people.columns.name, show: (m) => m.displayName ?? <span class="quiet">–</span> },
  { key: "state", label: R.columns.state, show: (m) => <Badge kind={m.held ? "warn" : "good"}>{m.held ? R.held : R.member}</Badge> },
  { key: "transmit", label: R.columns.transmit, show: (m) => (m.transmit ? R.transmit : R.listen) },
  { key: "since", label: R.columns.since, show: (m) => <Time at={m.since} ago none="–" /> },
  { key: "why", label: T.actionsColumn, show: (m) => <A href={hrefOf("rooms", room, m.user)}>{R.one.why}</A> },
];

export function Room({ id, more }) {
  return more ? <Why room={id} user={more} key={more} /> : <OneRoom id={id} />;
}

function OneRoom({ id }) {
  const room = useLoad((abort) => get(`${ADMIN}/rooms/${encodeURIComponent(id)}`, { signal: abort }), [id]);
  const members = useList((cursor, abort) => get(`${ADMIN}/rooms/${encodeURIComponent(id)}/members` + query({ limit: 100, cursor }), { signal: abort }), [id]);
  const back = <p class="crumb"><A href={hrefOf("rooms")}>{R.one.back}</A></p>, r = room.data;
  if (!r)
    return <Page title={R.title} back={back}>{room.loading ? <Loading /> : <Trouble error={room.error} retry={room.reload} />}</Page>;
  return <Page title={r.displayName} back={back}>
    <Section title={T.people.one.facts}><Facts rows={[r.externalId && [R.columns.externalId, <code>{r.externalId}</code>], [T.people.columns.managed, managedBy(r)], [R.columns.changed, <Time at={r.modified} ago />], ["id", <code>{r.id}</code>]]} /></Section>
    <Section title={R.one.members}>
      <Trouble error={members.error} retry={members.reload} />
      {members.items.some((m) => m.held) && <p class="hint">{R.heldMeaning}</p>}
      {members.items.length > 0 ? <Table caption={R.one.members} columns={memberColumns(id)} rows={members.items} rowKey={(m) => m.user} more={members.next ?? null} onMore={members.loadMore} />
        : members.page && <p class="quiet">{R.one.noMembers}</p>}
    </Section>
  </Page>;
}

function Why({ room, user }) {
  const W = R.why, of = (path) => (abort) => get(`${ADMIN}/${path}`, { signal: abort }).catch((e) => { if (e.status === 404) return null; throw e; });
  const why = useLoad(of(`rooms/${encodeURIComponent(room)}/members/${encodeURIComponent(user)}/why`), [room, user]);
  const r = useLoad(of(`rooms/${encodeURIComponent(room)}`), [room]), u = useLoad(of(`users/${encodeURIComponent(user)}`), [user]);
  const d = why.data, back = <p class="crumb"><A href={hrefOf("rooms", room)}>{r.data?.displayName ?? R.title}</A></p>;
  const title = W.title(u.data?.userName ?? d?.because?.record.subject?.name ?? user, r.data?.displayName ?? d?.because?.record.target?.name ?? room);
  if (!d)
    return <Page title={title} back={back}>{why.loading ? <Loading /> : why.error ? <Trouble error={why.error} retry={why.reload} /> : <Empty>{T.errors.missing}</Empty>}</Page>;
  const through = R.through[d.through] ?? d.through ?? T.unknown;
  return <Page title={title} back={back}
    actions={d.proof && <button type="button" onClick={() => saveAs(`proof-${user}.txt`, "text/plain", d.proof)}>{W.proof}</button>}>
    <Note kind={d.member ? "good" : ""}><strong>{d.member ? W.isMember(through) : d.held ? W.isHeld : W.isNot}</strong>
      {d.since && <p>{W.since} <Time at={d.since} /></p>}</Note>
    <Section title={W.because}>{d.because ? <Table caption={W.because} columns={CHANGE_COLUMNS} rows={[d.because.record]} /> : <p class="quiet">{W.unknown}</p>}</Section>
    {d.request && <Section title={W.request}><p>{meaningOf(d.request.record)}</p>
      <p><A href={hrefOf("requests", d.request.record.txn)}>{T.details}</A> <span class="quiet"><Time at={d.request.record.time} />, <code>{d.request.record.sourceIp}</code></span></p></Section>}
    {d.past.length > 0 && <Section title={W.past}><Table caption={W.past} columns={CHANGE_COLUMNS} rows={d.past.map((p) => p.record)} rowKey={(p) => p.seq} /></Section>}
  </Page>;
}
