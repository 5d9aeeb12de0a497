// Signing in by a real OpenID provider: npm's oidc-provider, on this machine, with a certificate that the ingest trusts.
import https from "node:https";
import { readFileSync } from "node:fs";
import { MODES, RUN_DIR, URL_, Visitor, call, check, equal, test, until, usherctl, workspace } from "./harness.mjs";

const CLIENT = { client_id: "usher", client_secret: "a-secret-of-the-tests" };

let signsIn = "nobody"; // who is signed in at the provider when a browser comes there
let provider;

const PEOPLE = {
  olga: { email: "olga@example.com", email_verified: true },
  mallory: { email: "olga@example.com", email_verified: false },
  eve: { email: "eve@example.com", email_verified: true },
};

async function start() {
  const { default: Provider } = await import(`${process.env.BROWSER_NPM}/node_modules/oidc-provider/lib/index.js`);
  const server = https.createServer({ key: readFileSync(`${RUN_DIR}/idp.key`), cert: readFileSync(`${RUN_DIR}/idp.crt`) });
  await new Promise((done) => server.listen(0, "localhost", done));
  const issuer = `https://localhost:${server.address().port}`;
  const made = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [`${URL_}/portal/oidc/callback`] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    features: { devInteractions: { enabled: false }, claimsParameter: { enabled: true } },
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
    loadExistingGrant: async (context) => {
      const grant = new made.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
      grant.addOIDCScope("openid email");
      grant.addOIDCClaims(["email", "email_verified"]);
      await grant.save();
      return grant;
    },
    cookies: { keys: ["of the tests"] },
    pkce: { required: () => true },
  });
  const answer = made.callback();
  server.on("request", (asked, given) => {
    if (!asked.url.startsWith("/interaction/"))
      return answer(asked, given);
    const result = signsIn === "nobody" ? { error: "access_denied" } : { login: { accountId: signsIn } };
    return made.interactionFinished(asked, given, result, { mergeWithLastSubmission: false });
  });
  server.unref();
  return issuer;
}

// A workspace whose owner may sign in by the provider.
async function prepared() {
  provider ??= await start();
  const w = workspace();
  const set = await call("PATCH", "/api/v1/admin/sign-in", { token: w.owner, body: {
    issuer: provider, clientId: CLIENT.client_id, clientSecret: CLIENT.client_secret,
    people: [{ email: "Olga@example.com", owner: w.ownerId }] } });
  equal(set.status, 200, "the settings");
  return w;
}

async function begin(v, w) {
  await v.page.context().clearCookies();
  await v.go(`/portal?workspace=${encodeURIComponent(w.name)}`);
  equal(await v.page.inputValue("input[name=workspace]"), w.name, "the workspace of the link");
  await v.page.click("text=Sign in with your organisation");
}

const EXPECTED = (name) => new RegExp(`elsewhere: ${provider}/|status of (401|403) .*/portal/(session|oidc/callback)|${name}`);

test("oidc: who is on the list gets in, under his own name, and out again when he is revoked", async () => {
  const w = await prepared(), v = await Visitor.open();
  signsIn = "olga";
  await begin(v, w);
  await v.page.waitForSelector("nav");
  await v.settled();
  equal(new URL(v.page.url()).pathname + new URL(v.page.url()).search, "/portal", "where it ends");
  await v.sees("Olga Owner", "the portal");
  await v.go("/portal/settings");
  await v.sees("by single sign-on", "the list of sessions");
  const kept = await v.page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
  equal(kept, '[{},{},""]', "what a script can read");
  v.quiet(EXPECTED("none"));
  const second = usherctl("owner", "create", "--workspace", w.id, "--name", "Second", "--role", "owner");
  usherctl("owner", "revoke", w.ownerId, "--yes");
  await v.page.click("nav >> text=Keys");
  await v.sees("Your session has ended", "the portal");
  await begin(v, w);
  await v.sees("The identity provider has not let you in", "the sign-in");
  check(second.token.startsWith("uso_"), "another owner is left");
  v.quiet(EXPECTED("status of 401"));
  await v.close();
});

test("oidc: who is not on the list, is not verified, or is refused, is told what to do", async () => {
  const w = await prepared(), v = await Visitor.open(MODES[2]);
  for (const [who, due] of [["eve", "not on the list"], ["mallory", "has not verified your e-mail address"], ["nobody", "has not let you in"]]) {
    signsIn = who;
    await begin(v, w);
    await v.sees(due, `the sign-in of ${who}`);
    equal(new URL(v.page.url()).search, "", "the address");
    check(!(await v.page.context().cookies(URL_)).some((c) => c.name === "usher-session" && c.value !== ""), "no session");
    await v.axe(`the sign-in of ${who}`);
    await v.fits(`the sign-in of ${who}`);
    v.quiet(EXPECTED("none"));
  }
  await v.shoot("sign-in-refused");
  await v.go("/portal");
  await v.page.fill("input[name=workspace]", "no such workspace");
  await v.page.click("text=Sign in with your organisation");
  await v.sees("no sign-in by an identity provider", "the sign-in");
  await v.close();
});

test("oidc: a state of another browser, and a code that was used, open nothing", async () => {
  const w = await prepared(), v = await Visitor.open(), other = await Visitor.open();
  let back;
  signsIn = "olga";
  v.page.on("request", (r) => { if (r.url().includes("/portal/oidc/callback")) back = r.url(); });
  await begin(v, w);
  await v.page.waitForSelector("nav");
  await other.page.goto(back);
  await other.sees("was not begun in this browser", "another browser");
  for (const used of [back, `${URL_}/portal/oidc/callback?code=x&state=y`]) {
    await v.page.goto(used); // a page that leads on by itself, so the next visit waits for where it leads
    await v.page.waitForSelector("nav"); // who is signed in stays so
  }
  const forged = await call("GET", "/portal/oidc/callback?code=x&state=y", { headers: { Cookie: "usher-oidc=AAAA" } });
  equal(forged.status, 401, "a forged cookie");
  check(!forged.headers.location && forged.body.includes("url=/portal?signin=state"), "it leads to the sign-in and nowhere else");
  await other.close();
  await v.close();
});
