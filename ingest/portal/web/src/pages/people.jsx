import { useState } from "preact/hooks";
import { ADMIN, get, isOwner, query, send } from "../api.js";
import { A, hrefOf, place, setQuery } from "../router.jsx";
import { Badge, Dialog, Empty, Facts, Form, Input, Loading, Page, Section, Select, Table, Time, Trouble, useList, useLoad } from "../ui.jsx";
import { CHANGE_COLUMNS } from "./records.jsx";
import { T } from "../texts.js";

const P = T.people;

// A text in a SCIM filter.
export const quoted = (text) => JSON.stringify(text);

export function Active({ user }) {
  return <Badge kind={user.active ? "good" : "off"}>{user.active ? P.active : P.inactive}</Badge>;
}

const COLUMNS = [
  { key: "userName", label: P.columns.userName, show: (u) => <A href={hrefOf("people", u.id)}>{u.userName}</A> },
  { key: "name", label: P.columns.name, show: (u) => u.displayName ?? <span class="quiet">–</span> },
  { key: "state", label: P.columns.state, show: (u) => <Active user={u} /> },
  { key: "seat", label: P.columns.seat, show: (u) => (u.seat ? P.seat : <span class="quiet">{P.noSeat}</span>) },
  { key: "role", label: P.columns.role, show: (u) => (u.editor ? P.editor : P.viewer) },
  { key: "managed", label: P.columns.managed, show: (u) => (u.managed ? P.provider : P.own) },
  { key: "changed", label: P.columns.changed, show: (u) => <Time at={u.modified} ago /> },
];

function filterOf({ find, state }) {
  const words = [];
  if (find)
    words.push(find.includes("@") ? `(userName sw ${quoted(find)} or emails.value eq ${quoted(find)})` : `userName sw ${quoted(find)}`);
  if (state)
    words.push(`active eq ${state === "active"}`);
  return words.join(" and ");
}

export function People() {
  const shown = place.value.query, [find, setFind] = useState(shown.find ?? "");
  const filter = filterOf(shown);
  const list = useList((cursor, abort) => get(`${ADMIN}/users` + query({ limit: 50, cursor, filter }), { signal: abort }), [filter]);
  return <Page title={P.title} intro={P.intro}>
    <form class="searchline" role="search" onSubmit={(e) => { e.preventDefault(); setQuery({ ...shown, find }); }}>
      <Input label={P.find} hint={P.findHint} type="search" value={find} onChange={setFind} />
      <div class="field narrow"><Select label={P.state} value={shown.state ?? ""} onChange={(state) => setQuery({ ...shown, state })} options={Object.entries(P.states)} /></div>
      <button type="submit">{T.search}</button>
    </form>
    <Trouble error={list.error} retry={list.reload} />
    {list.loading && !list.page ? <Loading /> : list.items.length > 0
      ? <Table caption={P.title} columns={COLUMNS} rows={list.items} rowKey={(u) => u.id} more={list.next ?? null} onMore={list.loadMore} />
      : list.page && <Empty action={!filter && <A href={hrefOf("guide")}>{T.overview.guide}</A>}>{filter ? P.empty : P.none}</Empty>}
  </Page>;
}

function Deactivate({ user, onClose, onDone }) {
  return <Dialog title={P.one.deactivateTitle(user.userName)} onClose={onClose}>
    <Form danger submit={P.one.deactivateSubmit} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("POST", `${ADMIN}/users/${user.id}/deactivate`, {}); onDone(); }}>
      <p>{P.one.deactivateIntro}</p>
    </Form></Dialog>;
}

const roomColumns = (user) => [
  { key: "name", label: T.rooms.columns.name, show: (r) => <A href={hrefOf("rooms", r.room)}>{r.displayName}</A> },
  { key: "state", label: T.rooms.columns.state, show: (r) => <Badge kind={r.held ? "warn" : "good"}>{r.held ? T.rooms.held : T.rooms.member}</Badge> },
  { key: "transmit", label: T.rooms.columns.transmit, show: (r) => (r.transmit ? T.rooms.transmit : T.rooms.listen) },
  { key: "since", label: T.rooms.columns.since, show: (r) => <Time at={r.since} ago none="–" /> },
  { key: "why", label: T.actionsColumn, show: (r) => <A href={hrefOf("rooms", r.room, user)}>{P.one.why}</A> },
];

// What the page of a person does not show by name.
const KNOWN = new Set(["id", "userName", "displayName", "active", "seat", "editor", "managed", "created", "modified", "version"]);
const said = (v) => (Array.isArray(v) ? v.map((x) => x?.value ?? x?.display ?? JSON.stringify(x)).join(", ") : typeof v === "object" && v !== null ? Object.values(v).filter((x) => typeof x !== "object").join(" ") : String(v));

export function Person({ id }) {
  const [open, setOpen] = useState(false);
  const user = useLoad((abort) => get(`${ADMIN}/users/${encodeURIComponent(id)}`, { signal: abort }), [id]);
  const rooms = useList((cursor, abort) => get(`${ADMIN}/users/${encodeURIComponent(id)}/rooms` + query({ limit: 50, cursor }), { signal: abort }), [id]);
  const past = useList((cursor, abort) => (isOwner() ? get(`${ADMIN}/audit` + query({ kind: "changes", target: id, limit: 20, cursor }), { signal: abort }) : Promise.resolve({ items: [], next: null })), [id]);
  const back = <p class="crumb"><A href={hrefOf("people")}>{P.one.back}</A></p>, u = user.data;
  if (!u)
    return <Page title={P.title} back={back}>{user.loading ? <Loading /> : <Trouble error={user.error} retry={user.reload} />}</Page>;
  return <Page title={u.displayName || u.userName} back={back} actions={isOwner() && u.active && <button type="button" class="danger" onClick={() => setOpen(true)}>{P.one.deactivate}</button>}>
    <Section title={P.one.facts}><Facts rows={[
      [P.columns.userName, u.userName], [P.columns.state, <Active user={u} />], [P.columns.seat, u.seat ? P.seat : P.noSeat],
      [P.columns.role, u.editor ? P.editor : P.viewer], [P.columns.managed, u.managed ? P.provider : P.own], [P.columns.changed, <Time at={u.modified} ago />],
      ...Object.entries(u).filter(([name]) => !KNOWN.has(name)).map(([name, v]) => [name, said(v)]), ["id", <code>{u.id}</code>],
    ]} /></Section>
    <Section title={P.one.rooms}>
      <Trouble error={rooms.error} retry={rooms.reload} />
      {rooms.items.length > 0 ? <Table caption={P.one.rooms} columns={roomColumns(id)} rows={rooms.items} rowKey={(r) => r.room} more={rooms.next ?? null} onMore={rooms.loadMore} />
        : rooms.page && <p class="quiet">{P.one.noRooms}</p>}
    </Section>
    {isOwner() && <Section title={P.one.history}>
      <Trouble error={past.error} retry={past.reload} />
      {past.items.length > 0 && <Table caption={P.one.history} columns={CHANGE_COLUMNS} rows={past.items.map((i) => i.record)} rowKey={(r) => r.seq} more={past.next ?? null} onMore={past.loadMore} />}
    </Section>}
    {open && <Deactivate user={u} onClose={() => setOpen(false)} onDone={() => { setOpen(false); user.reload(); rooms.reload(); }} />}
  </Page>;
}
