import { useState } from "preact/hooks";
import { ADMIN, get, getAll } from "../api.js";
import { A, hrefOf, place, setQuery } from "../router.jsx";
import { Badge, Empty, Loading, Page, Table, Time, Trouble, useLoad } from "../ui.jsx";
import { Expires, KeyDialogs, STATE_KINDS, keyState, scopesText } from "./keyparts.jsx";
import { T } from "../texts.js";

const K = T.keys;

export function Keys() {
  const [open, setOpen] = useState(place.value.query.create ? { what: "create", preset: place.value.query.create } : null);
  const revoked = place.value.query.revoked === "yes";
  const keys = useLoad((abort) => getAll(`${ADMIN}/keys`, 2000, { signal: abort }), []);
  const workspace = useLoad((abort) => get(`${ADMIN}/workspace`, { signal: abort }), []);
  const rows = (keys.data ?? []).filter((k) => revoked || !k.revoked).reverse();
  const some = (keys.data ?? []).some((k) => k.revoked);
  const columns = [
    { key: "name", label: K.columns.name, show: (k) => <A href={hrefOf("keys", k.id)}>{k.name}</A> },
    { key: "state", label: K.columns.state, show: (k) => <><Badge kind={STATE_KINDS[keyState(k)]}>{T.overview.health[keyState(k)]}</Badge>{k.dryRun && !k.revoked && <> <Badge kind="warn">{K.one.dryOn}</Badge></>}</> },
    { key: "used", label: K.columns.used, show: (k) => <Time at={k.lastUsed} ago /> },
    { key: "scopes", label: K.columns.scopes, show: (k) => scopesText(k.scopes) },
    { key: "dialect", label: K.columns.dialect, show: (k) => K.dialects[k.dialect] ?? k.dialect },
    { key: "networks", label: K.columns.networks, show: (k) => k.networks ? k.networks.join(", ") : <span class="quiet">{K.anywhere}</span> },
    { key: "expires", label: K.columns.expires, show: (k) => <Expires row={k} /> },
    { key: "prefix", label: K.columns.prefix, show: (k) => <code>{k.prefix}…</code> },
    { key: "made", label: K.columns.made, show: (k) => <><Time at={k.created} ago /> {k.createdBy && <span class="quiet">{K.one.by(k.createdBy)}</span>}</> },
  ];
  const create = <button type="button" class="main" onClick={() => setOpen({ what: "create" })}>{K.create}</button>;
  return <Page title={K.title} intro={K.intro} actions={create}>
    <Trouble error={keys.error} retry={keys.reload} />
    {some && <label class="check"><input type="checkbox" checked={revoked} onChange={(e) => setQuery({ revoked: e.currentTarget.checked ? "yes" : "" })} />{K.showRevoked}</label>}
    {keys.loading && !keys.data ? <Loading />
      : rows.length > 0 ? <Table caption={K.title} columns={columns} rows={rows} rowKey={(k) => k.id} />
        : keys.data && <Empty action={create}>{K.empty}</Empty>}
    <KeyDialogs open={open} setOpen={setOpen} reload={keys.reload} workspaceRate={workspace.data?.rate} />
  </Page>;
}
