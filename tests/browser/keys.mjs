// The life of a key, as an owner sees it.
import { Visitor, call, check, equal, test, until, workspace } from "./harness.mjs";

const read = (token) => call("GET", "/scim/v2/Users", { token }).then((a) => a.status);

test("keys: made, shown once, used, rotated, revoked", async () => {
  const w = workspace(), v = await Visitor.open();
  await v.signIn(w.owner);
  await v.go("/portal/keys");
  await v.page.click("text=Create a key");
  await v.page.check("input[value=entra]");
  equal(await v.page.inputValue("dialog input[required]"), "Entra ID", "the name");
  await v.axe("create a key");
  await v.shoot("key-create");
  await v.page.click("dialog >> text=Create the key");
  const secret = await v.page.waitForSelector("dialog .secret");
  const token = await secret.innerText();
  check(token.startsWith("ush_"), "the token");
  check((await v.text("dialog")).includes("/scim/v2"), "the base URL beside it");
  await v.axe("the token");
  await v.shoot("key-token");
  await v.page.keyboard.press("Escape");
  await v.sees("Did you copy the token?", "the dialog");
  await v.page.click("text=Back to the token");
  check((await v.text("dialog")).includes(token), "the token is still there");
  await v.page.click("dialog >> text=Done");
  await v.page.click("text=Yes, close");
  await v.page.waitForSelector("dialog", { state: "detached" });
  check(!(await v.page.content()).includes(token), "the token is gone");
  await v.page.reload();
  await v.settled();
  check(!(await v.page.content()).includes(token), "and stays gone");
  equal(await read(token), 200, "a request with the key");

  await v.page.click("a:has-text('Entra ID')");
  await v.page.click("button:has-text('Rotate')");
  await v.page.selectOption("dialog select", "3600");
  await v.page.click("dialog >> text=Make a new token");
  const next = await (await v.page.waitForSelector("dialog .secret")).innerText();
  await v.page.click("dialog >> text=Done");
  await v.page.click("text=Yes, close");
  await v.sees("The token before is good until", "the key");
  equal([await read(token), await read(next)], [200, 200], "both tokens");

  await v.page.click("button:has-text('Revoke')");
  check(await v.page.isDisabled("dialog button[type=submit]"), "revoking wants the name");
  await v.sees("in the last 24 hours", "the use of the key");
  await v.shoot("key-revoke");
  await v.page.fill("dialog input", "Entra ID");
  await v.page.click("dialog button[type=submit]");
  await v.sees("This key is revoked", "the key");
  equal([await read(token), await read(next)], [401, 401], "after revoking");
  v.quiet();
  await v.close();
});

test("keys: by keyboard alone, and the focus comes back", async () => {
  const w = workspace(), v = await Visitor.open();
  await v.signIn(w.owner);
  await v.go("/portal/keys");
  await v.page.focus("text=Create a key");
  await v.page.keyboard.press("Enter");
  await v.page.waitForSelector("dialog[open]");
  check(await v.page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)), "the focus is in the dialog");
  await v.page.keyboard.press("Escape");
  await v.page.waitForSelector("dialog", { state: "detached" });
  equal(await v.page.evaluate(() => document.activeElement.textContent), "Create a key", "where the focus is");
  v.quiet();
  await v.close();
});

test("keys: another workspace's key is not there", async () => {
  const w = workspace(), other = workspace(), v = await Visitor.open();
  await v.signIn(w.owner);
  await v.go(`/portal/keys/${other.keyId}`);
  await v.sees("It is not there", "the page");
  v.quiet(/status of 404/);
  await v.close();
});

test("keys: a first synchronisation is only tried, summed up, and let loose", async () => {
  const w = workspace(), v = await Visitor.open();
  const users = async () => (await call("GET", "/scim/v2/Users", { token: w.token })).body.totalResults;
  const create = (name) => call("POST", "/scim/v2/Users", { token: w.token, body: JSON.stringify({ schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: name }), headers: { "Content-Type": "application/scim+json" } });
  await v.signIn(w.owner);
  await v.go(`/portal/guide?idp=entra&key=${w.keyId}`);
  await v.axe("the offer");
  await v.page.click("button:has-text('Try it first')");
  await v.sees("No change has been asked for yet", "the dry run");
  equal([(await create("ana@example.com")).status, (await create("")).status, await users()], [201, 400, 0], "what the provider is answered, and what there is");
  await until(async () => (await v.text()).includes("2 changes were asked for, 1 of them refused"), "the sum on the page");
  await v.sees("user.created", "the sum");
  await v.sees("1 would be used", "the seats");
  await v.axe("the sum");
  await v.shoot("dry-run");
  await v.go(`/portal/keys/${w.keyId}`);
  await v.sees("This key is in dry-run mode", "the key");
  await v.page.click("button:has-text('Let it loose')");
  await v.page.click("dialog button[type=submit]");
  await v.sees("changes things", "the key");
  equal([(await create("ana@example.com")).status, await users()], [201, 1], "when it is loose");
  v.quiet();
  await v.close();
});

test("requests: refused for the common reasons, and what the page says of it", async () => {
  const w = workspace(), v = await Visitor.open();
  const scim = (body, token = w.token) => call("POST", "/scim/v2/Users", { token, body: JSON.stringify(body), headers: { "Content-Type": "application/scim+json" } });
  const user = { schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: "a@example.com" };
  const reader = (await call("POST", "/api/v1/admin/keys", { token: w.owner, body: { name: "Reader", scopes: ["scim:users:read"] } })).body.token;
  equal([(await scim(user)).status, (await scim(user)).status, (await scim({ ...user, userName: "" })).status, (await scim(user, reader)).status], [201, 409, 400, 403], "the answers");
  await until(async () => (await call("GET", "/api/v1/admin/audit?status=403", { token: w.owner })).body.items?.length > 0, "the archive");
  await v.signIn(w.owner);
  for (const [status, due] of [["409", "already in use"], ["400", "userName"], ["403", "lacks the scope"]]) {
    await v.go(`/portal/requests?status=${status}`);
    await v.sees(due, `the list of ${status}`);
    await v.page.click("tbody th a");
    await v.sees("wanted to create a user, and was refused", `the ${status}`);
    await v.sees(due, `the ${status}`);
  }
  v.quiet();
  await v.close();
});
