import { useState } from "preact/hooks";
import { ADMIN, get, getAll, isOwner, query, send, session } from "../api.js";
import { actorOf } from "../meaning.js";
import { A, hrefOf } from "../router.jsx";
import { Badge, Dialog, Field, Form, Input, Loading, Note, Page, Section, Select, Table, Time, Trouble, Value, agoText, useLoad } from "../ui.jsx";
import { settingsOf } from "../settings.js";
import { SignInSettings } from "./singlesignon.jsx";
import { T } from "../texts.js";

const S = T.settings;

// Who changed each setting last, and when, as far as the newest hundred changes tell: name, record. For owners, who see the
// audit. A change stands there some seconds after it was made.
async function lastChanges(abort) {
  const found = {};
  if (!isOwner())
    return found;
  const page = await get(`${ADMIN}/audit` + query({ kind: "changes", action: "settings.changed", limit: 100 }), { signal: abort });
  for (const { record } of [...page.items].sort((a, b) => b.record.seq - a.record.seq))
    for (const change of record.changes ?? [])
      found[change.path] ??= record;
  return found;
}

const lastText = (record) => record && S.lastChange(agoText(Date.parse(record.time)), actorOf(record));

// A word is a choice, and "off" of guardMode is another one than that of a switch.
function Control({ setting, value, last, onChange }) {
  const [title, meaning, byDefault] = S.fields[setting.name] ?? [setting.name, "", undefined];
  const hint = [meaning, byDefault && `${S.byDefault(byDefault)}.`, lastText(last)].filter(Boolean).join(" ");
  if (setting.kind === "switch")
    return <Select label={title} hint={hint} value={String(value)} onChange={(v) => onChange(v === "true")} options={[["true", S.on], ["false", S.off]]} />;
  if (setting.kind === "choice")
    return <Select label={title} hint={hint} value={value} onChange={onChange} options={[...new Set([...setting.values, value])].map((v) => [v, S.values[v] ?? v])} />;
  return <Field label={title} hint={hint}>{(props) => <input type={setting.kind === "number" ? "number" : "text"} {...props} min={setting.min} max={setting.max} value={value ?? ""}
    placeholder={setting.empty ? S.noLimit : undefined} onInput={(e) => onChange(e.currentTarget.value === "" ? null : setting.kind === "number" ? Number(e.currentTarget.value) : e.currentTarget.value)} />}</Field>;
}

function Group({ name, settings, workspace, last, onSaved }) {
  const [changed, setChanged] = useState({}), [saved, setSaved] = useState(false);
  const dirty = Object.keys(changed).filter((n) => changed[n] !== workspace[n]);
  const submit = async () => {
    const now = await send("PATCH", `${ADMIN}/workspace`, Object.fromEntries(dirty.map((n) => [n, changed[n]])));
    setChanged({});
    setSaved(true);
    onSaved(now);
  };
  return <Section title={S.groups[name]}>
    <Form submit={T.save} disabled={dirty.length === 0} onSubmit={submit}>
      <div class="settings">{settings.map((s) => <Control key={s.name} setting={s} value={s.name in changed ? changed[s.name] : workspace[s.name]} last={last[s.name]}
        onChange={(v) => { setSaved(false); setChanged((c) => ({ ...c, [s.name]: v })); }} />)}</div>
      {saved && dirty.length === 0 && <Note kind="good">{S.changed}</Note>}
    </Form>
  </Section>;
}

function Release({ guard, onClose, onDone }) {
  return <Dialog title={S.guards.releaseTitle(guard.key.name)} onClose={onClose}>
    <Form submit={S.guards.release} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("POST", `${ADMIN}/guards/${guard.key.id}/release`, {}); onDone(); }}><p>{S.guards.releaseIntro}</p></Form></Dialog>;
}

function Guards() {
  const [open, setOpen] = useState(null), guards = useLoad((abort) => getAll(`${ADMIN}/guards`, 2000, { signal: abort }), []);
  const count = (c) => (c ? <>{S.guards.of(c.removed, c.base)}</> : <span class="quiet">–</span>);
  const tripped = (g) => Boolean(g.users?.tripped || g.members?.tripped);
  const columns = [
    { key: "key", label: S.guards.columns.key, show: (g) => <A href={hrefOf("keys", g.key.id)}>{g.key.name}</A> },
    { key: "users", label: S.guards.columns.users, show: (g) => count(g.users) },
    { key: "members", label: S.guards.columns.members, show: (g) => count(g.members) },
    { key: "state", label: S.guards.columns.state, show: (g) => <><Badge kind={tripped(g) ? "bad" : "good"}>{tripped(g) ? S.guards.tripped : S.guards.fine}</Badge>
      {tripped(g) && <> <button type="button" class="small" onClick={() => setOpen(g)}>{S.guards.release}</button></>}</> },
  ];
  return <Section title={S.guards.title}>
    <Trouble error={guards.error} retry={guards.reload} />
    {guards.data?.length > 0 ? <Table caption={S.guards.title} columns={columns} rows={guards.data} rowKey={(g) => g.key.id} /> : guards.data && <p class="quiet">{S.guards.empty}</p>}
    {open && <Release guard={open} onClose={() => setOpen(null)} onDone={() => { setOpen(null); guards.reload(); }} />}
  </Section>;
}

function CreateOwner({ onClose, onDone }) {
  const [name, setName] = useState(""), [role, setRole] = useState("administrator"), O = S.owners;
  return <Dialog title={O.create} onClose={onClose}>
    <Form submit={O.submit} disabled={name.trim() === ""} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => onDone((await send("POST", `${ADMIN}/owners`, { name: name.trim(), role })).token)}>
      <Input label={O.name} value={name} onChange={setName} maxLength={120} />
      <Select label={O.role} value={role} onChange={setRole} options={Object.entries(O.roles)} />
    </Form></Dialog>;
}

function OwnerToken({ token, onClose }) {
  const O = S.owners;
  return <Dialog title={O.tokenTitle} onClose={onClose}><p>{O.tokenIntro}</p><Value label={T.keys.token.token} text={token} secret />
    <div class="buttons"><button type="button" class="main" onClick={onClose}>{T.keys.token.done}</button></div></Dialog>;
}

function RevokeOwner({ row, onClose, onDone }) {
  const O = S.owners;
  return <Dialog title={O.revokeTitle(row.name)} onClose={onClose}>
    <Form danger submit={O.revoke} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("DELETE", `${ADMIN}/owners/${row.id}`); onDone(); }}><p>{O.revokeIntro}</p></Form></Dialog>;
}

function Owners() {
  const [open, setOpen] = useState(null), O = S.owners;
  const owners = useLoad((abort) => getAll(`${ADMIN}/owners`, 2000, { signal: abort }), []);
  const closeAndLoad = () => { setOpen(null); owners.reload(); };
  const columns = [
    { key: "name", label: O.columns.name, show: (o) => o.name },
    { key: "role", label: O.columns.role, show: (o) => O.roles[o.role] ?? o.role },
    { key: "used", label: O.columns.used, show: (o) => <Time at={o.lastUsed} ago /> },
    { key: "made", label: O.columns.made, show: (o) => <><Time at={o.created} ago /> <span class="quiet">{T.keys.one.by(o.createdBy)}</span></> },
    { key: "expires", label: O.columns.expires, show: (o) => <Time at={o.expires} ago /> },
    { key: "revoke", label: T.actionsColumn, show: (o) => <button type="button" class="small" aria-label={`${O.revoke}: ${o.name}`} onClick={() => setOpen({ what: "revoke", row: o })}>{O.revoke}</button> },
  ];
  return <Section title={O.title} actions={<button type="button" onClick={() => setOpen({ what: "create" })}>{O.create}</button>}>
    <p class="quiet">{O.intro}</p>
    <Trouble error={owners.error} retry={owners.reload} />
    {owners.data && <Table caption={O.title} columns={columns} rows={owners.data.filter((o) => !o.revoked)} rowKey={(o) => o.id} />}
    {open?.what === "create" && <CreateOwner onClose={() => setOpen(null)} onDone={(token) => setOpen({ what: "token", token })} />}
    {open?.what === "token" && <OwnerToken token={open.token} onClose={closeAndLoad} />}
    {open?.what === "revoke" && <RevokeOwner row={open.row} onClose={() => setOpen(null)} onDone={closeAndLoad} />}
  </Section>;
}

function Sessions() {
  const N = S.sessions, [error, setError] = useState();
  const sessions = useLoad((abort) => getAll(`${ADMIN}/sessions`, 2000, { signal: abort }), []);
  const act = (method, path) => async () => {
    setError(undefined);
    try {
      await send(method, path, method === "POST" ? {} : undefined);
      sessions.reload();
    } catch (e) {
      setError(e);
    }
  };
  const rows = (sessions.data ?? []).filter((s) => s.kind === "session" || s.kind === "setup"), mine = (s) => s.id === session.value?.id;
  const columns = [
    { key: "who", label: N.columns.who, show: (s) => <>{s.kind === "setup" ? `${T.kinds.setup}: ${s.key?.name}` : s.owner.name} {mine(s) && <Badge kind="info">{N.this}</Badge>}</> },
    { key: "kind", label: S.owners.columns.role, show: (s) => (s.kind === "setup" ? T.kinds.setup : T.kinds[s.owner.role] ?? s.owner.role) },
    { key: "made", label: N.columns.made, show: (s) => <><Time at={s.made} ago /> <span class="quiet">{N.ways[s.way] ?? s.way}</span></> },
    { key: "seen", label: N.columns.seen, show: (s) => <Time at={s.lastSeen} ago none="–" /> },
    { key: "from", label: N.columns.from, show: (s) => (s.source ? <code>{s.source}</code> : <span class="quiet">–</span>) },
    { key: "agent", label: N.columns.agent, show: (s) => <span class="quiet agent">{s.userAgent ?? "–"}</span> },
    { key: "end", label: T.actionsColumn, show: (s) => !mine(s) && <button type="button" class="small" aria-label={`${N.end}: ${s.owner.name}`} onClick={act("DELETE", `${ADMIN}/sessions/${s.id}`)}>{N.end}</button> },
  ];
  return <Section title={N.title} actions={rows.length > 1 && <button type="button" onClick={act("POST", `${ADMIN}/sessions/end-others`)}>{N.endOthers}</button>}>
    <p class="quiet">{N.intro}</p>
    <Trouble error={error ?? sessions.error} retry={sessions.reload} />
    {rows.length > 0 && <Table caption={N.title} columns={columns} rows={rows} rowKey={(s) => s.id} />}
  </Section>;
}

export function Settings() {
  const loaded = useLoad((abort) => get(`${ADMIN}/workspace`, { signal: abort }), []), [saved, setSaved] = useState();
  const last = useLoad(lastChanges, [saved]);
  const workspace = saved ?? loaded.data;
  if (!workspace)
    return <Page title={S.title}>{loaded.loading ? <Loading /> : <Trouble error={loaded.error} retry={loaded.reload} />}</Page>;
  const settings = settingsOf(workspace);
  return <Page title={S.title} intro={S.intro}>
    {Object.keys(S.groups).map((g) => [g, settings.filter((s) => s.group === g)]).filter(([, all]) => all.length > 0).map(([g, all]) =>
      <Group key={g} name={g} settings={all} workspace={workspace} last={last.data ?? {}} onSaved={setSaved} />)}
    <Guards />
    {isOwner() && <Owners />}
    {isOwner() && <SignInSettings workspace={workspace} />}
    <Sessions />
  </Page>;
}
