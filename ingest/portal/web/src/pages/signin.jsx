import { useEffect, useState } from "preact/hooks";
import { get, signIn } from "../api.js";
import { Form, Input, Loading, Note } from "../ui.jsx";
import { T } from "../texts.js";

// The token behind # of a link: taken out of the address bar before anything else, so that it stays nowhere.
function takeLink() {
  const text = location.hash.replace(/^#(link=)?/, "");
  if (text === "" || text === "content")
    return undefined;
  history.replaceState(null, "", location.pathname + location.search);
  return text;
}
const link = takeLink();
let linkUsed = false;

export const hasLink = () => link !== undefined && !linkUsed;

// What the service says of a token is meant for programs; here it is said what to do.
async function signInWith(credential, words) {
  try {
    await signIn(credential);
  } catch (error) {
    if (error.status === 401 || error.status === 403 || error.status === 410)
      error.message = words;
    throw error;
  }
}

// What the address says: the workspace of a link to this page, and why signing in by a provider has failed.
function takeQuery() {
  const given = new URLSearchParams(location.search), reason = given.get("signin");
  if (reason === null)
    return { workspace: given.get("workspace") ?? "" };
  history.replaceState(null, "", location.pathname);
  return { workspace: "", failed: T.signIn.failed[reason] ?? T.signIn.failed.refused };
}
const asked = takeQuery();

function Oidc({ start }) {
  const [workspace, setWorkspace] = useState(asked.workspace);
  const go = (event) => {
    event.preventDefault();
    location.assign(start + encodeURIComponent(workspace.trim()));
  };
  return <form onSubmit={go}>
    <p class="or quiet"><span>{T.signIn.or}</span></p>
    <Input label={T.signIn.workspace} hint={T.signIn.workspaceHint} name="workspace" value={workspace} onChange={setWorkspace} autocomplete="organization" spellcheck={false} />
    <button type="submit" class="full" disabled={workspace.trim() === ""}>{T.signIn.oidc}</button>
  </form>;
}

export function SignIn({ note }) {
  const [token, setToken] = useState(""), [ways, setWays] = useState({}), [problem, setProblem] = useState();
  const [checking, setChecking] = useState(hasLink());
  useEffect(() => {
    document.title = `${T.signIn.title} · ${T.product}`;
    get("/portal/sign-in").then(setWays, () => {});
    if (!hasLink())
      return;
    linkUsed = true;
    signInWith({ link }, T.signIn.badLink).catch((error) => { setProblem(error.message); setChecking(false); });
  }, []);
  if (checking)
    return <main class="alone"><h1>{T.product}</h1><p role="status">{T.signIn.link}</p><Loading /></main>;
  return <main class="alone">
    <div class="card">
      <h1><span aria-hidden="true" class="logo">u</span>{T.signIn.title}</h1>
      <p class="quiet">{T.signIn.intro}</p>
      {(problem ?? note ?? asked.failed) && <Note kind="warn">{problem ?? note ?? asked.failed}</Note>}
      <Form submit={T.signIn.button} disabled={token.trim() === ""} onSubmit={async () => {
        await signInWith({ token: token.trim() }, T.signIn.wrong);
      }}>
        <Input label={T.signIn.token} hint={T.signIn.tokenHint} type="password" name="token" autocomplete="current-password" spellcheck={false} value={token} onChange={setToken} />
      </Form>
      {ways.oidc && <Oidc start={ways.oidc.start} />}
      {location.protocol === "http:" && <p class="hint">{T.signIn.plain}</p>}
    </div>
  </main>;
}
