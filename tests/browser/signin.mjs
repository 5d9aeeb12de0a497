// Who gets in, and how it ends.
import { URL_, Visitor, call, check, equal, test, until, usherctl, workspace } from "./harness.mjs";

test("sign-in: a wrong token is told what to do, a right one opens the pages and is kept nowhere", async () => {
  const w = workspace(), v = await Visitor.open();
  await v.go("/portal");
  await v.axe("sign-in");
  await v.shoot("sign-in");
  await v.page.fill("input[name=token]", "uso_nonsense");
  await v.page.click("form button[type=submit]");
  await v.sees("This token is not good", "sign-in");
  await v.page.fill("input[name=token]", w.owner);
  await v.page.click("form button[type=submit]");
  await v.page.waitForSelector("nav");
  await v.sees(w.name, "the top");
  const kept = await v.page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie, location.href]));
  check(!kept.includes("uso_") && !kept.includes("ush_"), `kept: ${kept}`);
  const cookies = await v.context.cookies();
  equal(cookies.map((c) => [c.httpOnly, c.sameSite, c.path]), [[true, "Strict", "/"]], "the cookie");
  check(!(await v.page.content()).includes(w.owner), "the token is not in the page");
  await v.page.reload();
  await v.page.waitForSelector("nav");
  await v.page.click("text=Sign out");
  await v.page.waitForSelector("input[name=token]");
  equal((await v.context.cookies()).length, 0, "cookies after signing out");
  v.quiet(/status of 401/);
  await v.close();
});

test("sign-in: the session ends while the page is open", async () => {
  const w = workspace(), second = usherctl("owner", "create", "--workspace", w.id, "--name", "Second", "--role", "owner");
  const v = await Visitor.open();
  await v.signIn(second.token);
  usherctl("owner", "revoke", second.owner.id);
  await v.page.click("nav >> text=Keys");
  await v.sees("Your session has ended", "the page");
  await v.page.waitForSelector("input[name=token]");
  v.quiet(/status of 401/);
  await v.close();
});

test("sign-in: another origin is refused, with the cookie and without", async () => {
  const w = workspace(), v = await Visitor.open();
  await v.signIn(w.owner);
  const [cookie] = await v.context.cookies(), headers = { Cookie: `${cookie.name}=${cookie.value}`, "Content-Type": "application/json" };
  const body = { name: "Stolen", scopes: ["scim:users:read"] };
  const tries = [
    { ...headers, "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" }, { ...headers, Origin: "https://evil.example" }, headers,
    { ...headers, "Sec-Fetch-Site": "same-site" }, { ...headers, "Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain" },
  ];
  for (const t of tries) {
    const answer = await call("POST", "/api/v1/admin/keys", { body: JSON.stringify(body), headers: t });
    check(answer.status >= 400 && answer.status < 500, `${JSON.stringify({ ...t, Cookie: "…" })}: ${answer.status}`);
  }
  const names = (await call("GET", "/api/v1/admin/keys", { token: w.owner })).body.items.map((k) => k.name);
  equal(names, ["Directory"], "the keys");
  const scim = await call("GET", "/scim/v2/Users", { headers: { Cookie: headers.Cookie, "Sec-Fetch-Site": "same-origin" } });
  equal(scim.status, 401, "the cookie at SCIM");
  await v.close();
});

test("sign-in: a link works once, and leaves nothing in the address bar", async () => {
  const w = workspace(), v = await Visitor.open();
  const made = (await call("POST", "/api/v1/admin/setup-links", { token: w.owner, body: { key: w.keyId, dialect: "entra" } })).body;
  check(made.link?.includes("#"), `a link: ${JSON.stringify(made)}`);
  const path = made.link.slice(made.link.indexOf("/portal"));
  await v.go(path);
  await v.sees("Microsoft Entra ID", "the set-up");
  equal(await v.page.evaluate(() => location.hash), "", "what stands behind #");
  check(await v.page.evaluate(() => document.querySelector("nav") === null), "no menu");
  await v.sees("It put somebody into a room", "the set-up");
  await v.page.click("text=Make a token");
  const token = await (await v.page.waitForSelector(".secret")).innerText();
  equal((await call("GET", "/scim/v2/Users", { token })).status, 200, "a request with the guest's token");
  await v.axe("set-up link");
  await v.shoot("setup-link");
  v.signedOut();
  v.quiet();
  const other = await Visitor.open();
  await other.go(path);
  await other.sees("not good any more", "the second time");
  await other.close();
  const keys = await v.page.evaluate(() => fetch("/api/v1/admin/keys").then((r) => r.status));
  check(keys === 401 || keys === 403, `a set-up link opens the keys: ${keys}`);
  await v.close();
});

test("sign-in: it cannot be framed", async () => {
  const v = await Visitor.open();
  await v.page.route(URL_ + "/frame", (r) => r.fulfill({ contentType: "text/html", body: '<title>frame</title><h1>x</h1><iframe src="/portal"></iframe>' }));
  await v.page.goto(URL_ + "/frame");
  await until(() => v.noted.some((n) => /frame-ancestors|refused to connect|Framing/i.test(n)), "the browser to refuse the frame", 10000);
  await v.close();
});
