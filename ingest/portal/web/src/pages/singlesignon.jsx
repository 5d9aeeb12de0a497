// Signing in by the organisation's own identity provider: who may, and by which provider. For owners.
import { useState } from "preact/hooks";
import { ADMIN, get, getAll, send } from "../api.js";
import { Badge, Dialog, Form, Input, Note, Section, Select, Table, Trouble, Value, useLoad } from "../ui.jsx";
import { T } from "../texts.js";

const S = T.settings.signIn, PATH = `${ADMIN}/sign-in`;

// What is sent of somebody who is on the list already.
const stripped = (p) => ({ ...(p.email ? { email: p.email } : { subject: p.subject }), owner: p.owner.id });

function Provider({ now, onSaved }) {
  const [issuer, setIssuer] = useState(now.issuer ?? ""), [client, setClient] = useState(now.clientId ?? ""), [secret, setSecret] = useState("");
  const changed = issuer.trim() !== (now.issuer ?? "") || client.trim() !== (now.clientId ?? "") || secret !== "";
  const submit = async () => {
    const saved = await send("PATCH", PATH, { issuer: issuer.trim(), clientId: client.trim(), ...(secret === "" ? {} : { clientSecret: secret.trim() }) });
    setSecret("");
    onSaved(saved);
  };
  return <Form submit={T.save} disabled={!changed || issuer.trim() === "" || client.trim() === ""} onSubmit={submit}>
    <div class="settings">
      <Input label={S.issuer} hint={S.issuerHint} value={issuer} onChange={setIssuer} type="url" maxLength={512} spellcheck={false} />
      <Input label={S.client} hint={S.clientHint} value={client} onChange={setClient} maxLength={255} spellcheck={false} />
      <Input label={S.secret} hint={now.hasSecret ? S.secretKept : S.secretHint} value={secret} onChange={setSecret} type="password" autocomplete="off" maxLength={1024} />
    </div>
  </Form>;
}

function AddPerson({ now, onClose, onSaved }) {
  const owners = useLoad((abort) => getAll(`${ADMIN}/owners`, 2000, { signal: abort }), []);
  const good = (owners.data ?? []).filter((o) => !o.revoked);
  const [kind, setKind] = useState("email"), [text, setText] = useState(""), [owner, setOwner] = useState("");
  const chosen = owner || good[0]?.id;
  const submit = async () => onSaved(await send("PATCH", PATH, { people: [...now.people.map(stripped), { [kind]: text.trim(), owner: chosen }] }));
  return <Dialog title={S.add} onClose={onClose}>
    <Form submit={S.addSubmit} disabled={text.trim() === "" || !chosen} extra={<button type="button" onClick={onClose}>{T.cancel}</button>} onSubmit={submit}>
      <p>{S.addIntro}</p>
      <Trouble error={owners.error} retry={owners.reload} />
      <Select label={S.by} value={kind} onChange={setKind} options={Object.entries(S.kinds)} />
      <Input label={S.kinds[kind]} hint={kind === "email" ? S.emailHint : S.subjectHint} value={text} onChange={setText} maxLength={254} spellcheck={false} />
      <Select label={S.is} value={chosen} onChange={setOwner} options={good.map((o) => [o.id, `${o.name}, ${T.kinds[o.role] ?? o.role}`])} />
    </Form></Dialog>;
}

function People({ now, onSaved }) {
  const [open, setOpen] = useState(false), [error, setError] = useState();
  const drop = (person) => async () => {
    setError(undefined);
    try {
      onSaved(await send("PATCH", PATH, { people: now.people.filter((p) => p !== person && !p.owner.revoked).map(stripped) }));
    } catch (e) {
      setError(e);
    }
  };
  const name = (p) => p.email ?? p.subject;
  const columns = [
    { key: "who", label: S.columns.who, show: (p) => <>{name(p)} {p.subject && <span class="quiet">{S.kinds.subject}</span>}</> },
    { key: "owner", label: S.columns.owner, show: (p) => <>{p.owner.name ?? p.owner.id} {p.owner.revoked && <Badge kind="off">{T.keys.health?.revoked ?? T.overview.health.revoked}</Badge>}</> },
    { key: "role", label: S.columns.role, show: (p) => T.kinds[p.owner.role] ?? "–" },
    { key: "drop", label: T.actionsColumn, show: (p) => <button type="button" class="small" aria-label={`${S.drop}: ${name(p)}`} onClick={drop(p)}>{S.drop}</button> },
  ];
  return <>
    <div class="sectionhead"><h3>{S.people}</h3><button type="button" onClick={() => setOpen(true)}>{S.add}</button></div>
    <Trouble error={error} />
    {now.people.length > 0 ? <Table caption={S.people} columns={columns} rows={now.people} rowKey={name} /> : <Note kind="warn">{S.nobody}</Note>}
    {open && <AddPerson now={now} onClose={() => setOpen(false)} onSaved={(saved) => { setOpen(false); onSaved(saved); }} />}
  </>;
}

function Off({ onClose, onDone }) {
  return <Dialog title={S.offTitle} onClose={onClose}>
    <Form danger submit={S.off} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("DELETE", PATH); onDone(); }}><p>{S.offIntro}</p></Form></Dialog>;
}

export function SignInSettings({ workspace }) {
  const loaded = useLoad((abort) => get(PATH, { signal: abort }), []), [saved, setSaved] = useState(), [off, setOff] = useState(false);
  const now = saved ?? loaded.data;
  return <Section title={S.title} actions={now?.issuer && <button type="button" onClick={() => setOff(true)}>{S.off}</button>}>
    <p class="quiet">{S.intro}</p>
    <Trouble error={loaded.error} retry={loaded.reload} />
    {now && <>
      <Value label={S.redirect} text={now.redirectUri} />
      {now.issuer && <Value label={S.link} text={`${now.redirectUri.replace(/\/oidc\/callback$/, "")}?workspace=${encodeURIComponent(workspace.name)}`} />}
      <Provider key={now.issuer ?? ""} now={now} onSaved={setSaved} />
      {now.issuer && <People now={now} onSaved={setSaved} />}
    </>}
    {off && <Off onClose={() => setOff(false)} onDone={() => { setOff(false); setSaved(undefined); loaded.reload(); }} />}
  </Section>;
}
