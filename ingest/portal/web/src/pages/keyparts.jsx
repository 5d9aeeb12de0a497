// What the page of all keys and that of one share: dialogs, and what is said of a key.
import { useState } from "preact/hooks";
import { ADMIN, origin, scimBase, send } from "../api.js";
import { useActivity } from "../activity.js";
import { go, hrefOf } from "../router.jsx";
import { Dialog, Field, Form, Input, Note, Select, Time, Value, agoText } from "../ui.jsx";
import { T } from "../texts.js";

const K = T.keys;
export const DAY_MS = 86400000;
const SCIM = ["scim:users:read", "scim:users:write", "scim:rooms:read", "scim:rooms:write"];
const API = ["api:users:read", "api:users:write", "api:rooms:read", "api:rooms:write"];

export const PRESETS = {
  entra: { scopes: SCIM, dialect: "entra", rate: "1500", name: "Entra ID" },
  okta: { scopes: SCIM, dialect: "okta", rate: "", name: "Okta" },
  scim: { scopes: SCIM, dialect: "rfc", rate: "", name: "" },
  login: { scopes: ["api:users:write"], dialect: "rfc", rate: "", name: "" },
  tool: { scopes: API, dialect: "rfc", rate: "", name: "" },
  reader: { scopes: ["api:users:read", "api:rooms:read"], dialect: "rfc", rate: "", name: "" },
};

// state: good, expiring, expired, revoked, unused, stale, rotating. Which one counts most comes first.
export function keyState(key, now = Date.now()) {
  const expires = key.expires ? new Date(key.expires).getTime() : Infinity;
  if (key.revoked)
    return "revoked";
  if (expires <= now)
    return "expired";
  if (expires - now < 20 * DAY_MS)
    return "expiring";
  if (key.oldTokenUntil && new Date(key.oldTokenUntil).getTime() > now)
    return "rotating";
  if (!key.lastUsed)
    return now - new Date(key.created).getTime() > 90 * DAY_MS ? "stale" : "unused";
  return now - new Date(key.lastUsed).getTime() > 90 * DAY_MS ? "stale" : "good";
}
export const STATE_KINDS = { good: "good", quiet: "off", silent: "warn", failing: "bad", expiring: "warn", expired: "bad", revoked: "off", unused: "off", stale: "warn", rotating: "info" };

export const scopeText = (scope) => K.form.scopes[scope]?.[0] ?? scope;

// "SCIM: all" rather than four lines, where a key has all of an API.
export function scopesText(scopes) {
  const of = (all, name) => {
    const has = all.filter((s) => scopes.includes(s));
    return has.length === 0 ? [] : [`${name}: ${has.length === all.length ? "all" : has.map((s) => s.split(":").slice(1).join(" ")).join(", ")}`];
  };
  return [...of(SCIM, "SCIM"), ...of(API, "API")].join("; ");
}

function Scopes({ chosen, onChange }) {
  const toggle = (scope, on) => onChange(on ? [...chosen, scope] : chosen.filter((s) => s !== scope));
  return <fieldset><legend>{K.form.may}</legend>
    {[["scim", SCIM], ["api", API]].map(([name, scopes]) => <div key={name} class="scopes">
      <p class="quiet">{K.form.groups[name]}</p>
      {scopes.map((s) => <label key={s} class="check"><input type="checkbox" checked={chosen.includes(s)} onChange={(e) => toggle(s, e.currentTarget.checked)} />
        <span>{K.form.scopes[s][0]} <code>{s}</code></span></label>)}
    </div>)}
  </fieldset>;
}

export function CreateKey({ onDone, onClose, workspaceRate, preset = "scim" }) {
  const [kind, setKind] = useState(preset);
  const [values, setValues] = useState({ networks: "", expires: "", ...PRESETS[preset] });
  const set = (name) => (value) => setValues((v) => ({ ...v, [name]: value }));
  const choose = (next) => {
    setKind(next);
    setValues((v) => ({ ...v, ...PRESETS[next], name: v.name === "" || v.name === PRESETS[kind].name ? PRESETS[next].name : v.name }));
  };
  const submit = async () => {
    const body = { name: values.name.trim(), scopes: values.scopes, dialect: values.dialect };
    const networks = values.networks.split(/[\s,]+/).filter(Boolean);
    if (networks.length > 0)
      body.networks = networks;
    if (String(values.rate).trim() !== "")
      body.rate = Number(values.rate);
    if (values.expires !== "")
      body.expires = new Date(Date.now() + Number(values.expires) * DAY_MS).toISOString();
    if (values.dryRun)
      body.dryRun = true;
    onDone(await send("POST", `${ADMIN}/keys`, body));
  };
  return <Dialog title={K.form.title} onClose={onClose} wide>
    <Form onSubmit={submit} submit={K.form.submit} disabled={values.name.trim() === "" || values.scopes.length === 0}
      extra={<button type="button" onClick={onClose}>{T.cancel}</button>}>
      <fieldset class="choices"><legend>{K.form.preset}</legend>
        {Object.entries(K.form.presets).map(([name, [title, text]]) => <label key={name} class="choice">
          <input type="radio" name="preset" value={name} checked={kind === name} onChange={() => choose(name)} />
          <span><strong>{title}</strong><span class="quiet">{text}</span></span></label>)}
      </fieldset>
      <Input label={K.form.name} hint={K.form.nameHint} value={values.name} onChange={set("name")} maxLength={120} required />
      <Scopes chosen={values.scopes} onChange={set("scopes")} />
      {values.scopes.length === 0 && <p class="hint bad" role="alert">{K.form.noScope}</p>}
      <label class="check"><input type="checkbox" checked={values.dryRun ?? false} onChange={(e) => set("dryRun")(e.currentTarget.checked)} /><span>{K.form.dryRun}</span></label>
      <details><summary>{K.form.advanced}</summary>
        <Select label={K.form.dialect} value={values.dialect} onChange={set("dialect")} options={Object.entries(K.dialects)} />
        <Select label={K.form.expires} hint={K.form.expiresHint} value={values.expires} onChange={set("expires")}
          options={[["", K.form.expiries[""]], ...["30", "90", "365"].map((d) => [d, K.form.expiries[d]])]} />
        <Field label={K.form.networks} hint={K.form.networksHint}>{(props) =>
          <textarea rows={2} {...props} value={values.networks} onInput={(e) => set("networks")(e.currentTarget.value)} />}</Field>
        <Input label={K.form.rate} hint={K.form.rateHint(workspaceRate ?? 600)} type="number" min={1} value={values.rate} onChange={set("rate")} />
      </details>
    </Form>
  </Dialog>;
}

function SetupLink({ keyId, dialect }) {
  const [link, setLink] = useState();
  if (link)
    return <Value label={K.token.linkMade} text={link} secret />;
  return <Form submit={K.token.link} onSubmit={async () => setLink((await send("POST", `${ADMIN}/setup-links`, { key: keyId, dialect })).link)}>
    <p class="hint">{K.token.linkIntro}</p>
  </Form>;
}

export function LinkDialog({ row, onClose }) {
  return <Dialog title={K.one.link} onClose={onClose}><SetupLink keyId={row.id} dialect={row.dialect} /></Dialog>;
}

// The token is in the memory of this dialog alone, and gone with it. So closing asks.
export function TokenDialog({ made, onClose }) {
  const [asking, setAsking] = useState(false);
  const { key, token } = made, scim = key.scopes.some((s) => s.startsWith("scim:"));
  const ask = () => setAsking(true);
  return <Dialog title={K.token.title} onClose={ask} wide>
    <p>{K.token.intro}</p>
    {scim ? <Value label={K.token.base} text={scimBase()} /> : <Value label={K.token.api} text={origin() + "/api/v1"} />}
    <Value label={K.token.token} text={token} secret />
    {asking
      ? <div class="note warn" role="alertdialog" aria-label={K.token.ask}><p>{K.token.ask}</p>
        <div class="buttons"><button type="button" class="main" onClick={onClose}>{K.token.askYes}</button>
          <button type="button" ref={(b) => b?.focus()} onClick={() => setAsking(false)}>{K.token.askNo}</button></div></div>
      : <div class="buttons"><button type="button" class="main" onClick={ask}>{K.token.done}</button></div>}
  </Dialog>;
}

export function RotateKey({ row, onDone, onClose }) {
  const [overlap, setOverlap] = useState("86400");
  return <Dialog title={K.rotate.title(row.name)} onClose={onClose}>
    <Form submit={K.rotate.submit} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => onDone(await send("POST", `${ADMIN}/keys/${row.id}/rotate`, { overlapSeconds: Number(overlap) }))}>
      <p>{K.rotate.intro}</p>
      <Select label={K.rotate.overlap} value={overlap} onChange={setOverlap} options={["0", "3600", "86400", "604800", "2592000"].map((s) => [s, K.rotate.overlaps[s]])} />
    </Form>
  </Dialog>;
}

export function RevokeKey({ row, onDone, onClose }) {
  const [typed, setTyped] = useState("");
  const { data, error } = useActivity(row.id, DAY_MS, "hour");
  return <Dialog title={K.revoke.title(row.name)} onClose={onClose}>
    <Form danger submit={K.revoke.submit} disabled={typed.trim() !== row.name} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("DELETE", `${ADMIN}/keys/${row.id}`); onDone(); }}>
      <Note kind="warn"><p><strong>{error || !data ? K.revoke.useUnknown : K.revoke.use(data.requests)}</strong> {K.revoke.last(row.lastUsed ? agoText(new Date(row.lastUsed).getTime()) : T.never)}</p></Note>
      <p>{K.revoke.intro}</p>
      <Input label={K.revoke.type(row.name)} value={typed} onChange={setTyped} autocomplete="off" spellcheck={false} />
    </Form>
  </Dialog>;
}

export function DryRunKey({ row, onDone, onClose }) {
  return <Dialog title={row.dryRun ? K.one.letLoose : K.one.tryIt} onClose={onClose}>
    <Form submit={row.dryRun ? K.one.letLoose : K.one.tryIt} extra={<button type="button" onClick={onClose}>{T.cancel}</button>}
      onSubmit={async () => { await send("PATCH", `${ADMIN}/keys/${row.id}`, { dryRun: !row.dryRun }); onDone(); }}>
      <p>{row.dryRun ? T.setup.dry.looseIntro : T.setup.dry.offer}</p>
    </Form>
  </Dialog>;
}

// Dialogs of a key by name; null: none is open. After a token was shown the list is loaded again.
export function KeyDialogs({ open, setOpen, reload, workspaceRate }) {
  const close = () => setOpen(null);
  const closeAndLoad = () => { close(); reload(); };
  switch (open?.what) {
  case "create": return <CreateKey workspaceRate={workspaceRate} preset={open.preset} onClose={close} onDone={(made) => setOpen({ what: "token", made })} />;
  case "token": return <TokenDialog made={open.made} onClose={closeAndLoad} />;
  case "rotate": return <RotateKey row={open.row} onClose={close} onDone={(made) => setOpen({ what: "token", made })} />;
  case "revoke": return <RevokeKey row={open.row} onClose={close} onDone={closeAndLoad} />;
  case "dry": return <DryRunKey row={open.row} onClose={close} onDone={closeAndLoad} />;
  case "link": return <LinkDialog row={open.row} onClose={close} />;
  default: return null;
  }
}

export function Expires({ row }) {
  return row.expires ? <Time at={row.expires} ago /> : <span class="quiet">{T.never}</span>;
}
export const openKey = (row) => go(hrefOf("keys", row.id));
