// The frame around the pages: who is signed in, where one can go, and the page of the address.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { askSession, ended, isOwner, session, signOut } from "./api.js";
import { A, hrefOf, place } from "./router.jsx";
import { Loading, Page, Trouble } from "./ui.jsx";
import { T } from "./texts.js";
import { SignIn } from "./pages/signin.jsx";
import { Overview } from "./pages/overview.jsx";
import { Keys } from "./pages/keys.jsx";
import { Key } from "./pages/key.jsx";
import { Requests, Request } from "./pages/requests.jsx";
import { People, Person } from "./pages/people.jsx";
import { Room, Rooms } from "./pages/rooms.jsx";
import { Changes } from "./pages/changes.jsx";
import { Audit } from "./pages/audit.jsx";
import { Deliveries, Delivery } from "./pages/deliveries.jsx";
import { Settings } from "./pages/settings.jsx";
import { Setup, SetupOnly } from "./pages/setup.jsx";
import "./style.css";

// Where one can go, in the order of the menu. one: the page of a single thing. For owners alone: what shows the audit.
const PAGES = [
  { name: "overview", page: Overview },
  { name: "keys", page: Keys, one: Key },
  { name: "requests", page: Requests, one: Request, owner: true },
  { name: "people", page: People, one: Person },
  { name: "rooms", page: Rooms, one: Room },
  { name: "changes", page: Changes, owner: true },
  { name: "deliveries", page: Deliveries, one: Delivery },
  { name: "audit", page: Audit, owner: true },
  { name: "settings", page: Settings },
  { name: "guide", page: Setup },
];

function Menu({ current }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [place.value]);
  return <nav aria-label={T.menu} class={open ? "open" : ""}>
    <button type="button" class="menubutton plain" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
      <span aria-hidden="true">☰</span> {T.menu}</button>
    <ul id="menu">
      {PAGES.filter((p) => !p.owner || isOwner()).map((p) => <li key={p.name}>
        <A href={hrefOf(p.name === "overview" ? undefined : p.name)} aria-current={p.name === current ? "page" : undefined}>{T.pages[p.name]}</A></li>)}
      <li class="apart"><a href="/api/v1/docs">{T.api}</a></li>
    </ul>
  </nav>;
}

function Missing() {
  return <Page title={T.errors.title}><p>{T.errors.missing}</p></Page>;
}

function Shell() {
  const { page, id, more } = place.value;
  const found = PAGES.find((p) => p.name === page);
  const Shown = (id ? found?.one : found?.page) ?? Missing;
  const s = session.value, only = s.kind === "setup";
  return <>
    <a class="skip" href="#content">{T.skip}</a>
    <header class="top">
      <A href={hrefOf()} class="brand"><span aria-hidden="true" class="logo">u</span>{T.product}</A>
      <span class="workspace">{s.workspace.name}</span>
      <span class="who quiet">{only ? T.kinds.setup : T.signedInAs(s.name, T.kinds[s.kind] ?? s.kind)}</span>
      <button type="button" class="small" onClick={() => signOut().catch(() => {})}>{T.signOut}</button>
    </header>
    <div class={only ? "" : "frame"}>
      {!only && <Menu current={page} />}
      <main id="content" tabIndex={-1}>{only ? <SetupOnly /> : <Shown key={`${page}/${id ?? ""}/${more ?? ""}`} id={id} more={more} />}
        <footer class="quiet"><a href={LICENCES}>{T.notices}</a></footer></main>
    </div>
  </>;
}

function App() {
  const [error, setError] = useState();
  useEffect(() => { askSession().catch(setError); }, []);
  if (error)
    return <main class="alone"><Trouble error={error} retry={() => location.reload()} /></main>;
  if (session.value === undefined)
    return <main class="alone"><Loading /></main>;
  if (session.value === null)
    return <SignIn note={ended.value ? T.errors.ended : undefined} />;
  return <Shell />;
}

render(<App />, document.getElementById("app"));
