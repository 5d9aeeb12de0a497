// The life of an endpoint that events are delivered to, as an owner sees it.
import { Visitor, call, check, equal, test, until, workspace } from "./harness.mjs";
import { receiver } from "./receiver.mjs";

test("deliveries: made, secret shown once, tested, paused, enabled, rotated, sent again, deleted", async () => {
  const w = workspace(), v = await Visitor.open(), r = await receiver();
  await v.signIn(w.owner);
  await v.go("/portal/deliveries");
  await v.sees("There is no endpoint yet", "the empty page");
  await v.page.click("text=Create an endpoint");
  await v.page.fill("dialog input >> nth=0", "App");
  await v.page.fill("dialog input[type=url]", r.url);
  await v.axe("create an endpoint");
  await v.shoot("delivery-create");
  await v.page.click("dialog >> text=Create the endpoint");
  const secret = await (await v.page.waitForSelector("dialog .secret")).innerText();
  check(secret.startsWith("whsec_"), "the secret");
  await v.axe("the secret of an endpoint");
  await v.shoot("delivery-secret");
  await v.page.keyboard.press("Escape");
  await v.sees("Did you copy the secret?", "the dialog");
  await v.page.click("text=Yes, close");
  await v.page.waitForSelector("dialog", { state: "detached" });
  check(!(await v.page.content()).includes(secret), "the secret is gone");
  await v.page.click("a:has-text('App')");
  await v.sees("Nothing was sent to it yet", "the endpoint");
  await v.page.click("text=Send a test");
  await v.sees("A test message is on its way", "the endpoint");
  await until(() => r.came.length > 0, "the test message");
  await until(async () => { await v.page.click("text=Load again"); return (await v.text()).includes("thanks"); }, "its attempt");

  await v.page.click("button:has-text('Pause')");
  await v.sees("messages wait, and are sent when it is enabled", "the endpoint");
  await v.page.click("button:has-text('Enable')");
  await v.sees("What waits is sent now", "the endpoint");

  await v.page.click("button:has-text('New secret')");
  await v.page.click("dialog >> text=Make a new secret");
  const next = await (await v.page.waitForSelector("dialog .secret")).innerText();
  check(next !== secret && next.startsWith("whsec_"), "another secret");
  await v.page.click("dialog >> text=Done");
  await v.page.click("text=Yes, close");
  await v.sees("signed with the secret before too", "the endpoint");

  const before = r.came.length;
  await call("POST", "/api/v1/users", { token: w.token, body: { userName: "again@example.com" } });
  await until(() => r.came.some((m, n) => n >= before && m.includes("create")), "the event");
  const sent = r.came.length;
  await v.page.click("button:has-text('Send again')");
  check(await v.page.isDisabled("dialog button[type=submit]"), "sending again wants a moment");
  await v.page.fill("dialog input[type=datetime-local]", "2020-01-01T00:00");
  await v.shoot("delivery-replay");
  await v.page.click("dialog button[type=submit]");
  await until(() => r.came.length > sent, "the event once more");

  await v.page.click("button:has-text('Delete')");
  check(await v.page.isDisabled("dialog button[type=submit]"), "deleting wants the name");
  await v.page.fill("dialog input", "App");
  await v.page.click("dialog button[type=submit]");
  await v.sees("There is no endpoint yet", "the list");
  equal((await call("GET", "/api/v1/admin/deliveries", { token: w.owner })).body.items, [], "the endpoints");
  v.quiet();
  r.close();
  await v.close();
});

test("deliveries: another workspace's endpoint is not there", async () => {
  const w = workspace(), other = workspace(), v = await Visitor.open();
  const made = await call("POST", "/api/v1/admin/deliveries", { token: other.owner, body: { name: "Other", url: "https://app.example.com/" } });
  equal(made.status, 201, "the endpoint");
  await v.signIn(w.owner);
  await v.go(`/portal/deliveries/${made.body.delivery.id}`);
  await v.sees("It is not there", "the page");
  v.quiet(/status of 404/);
  await v.close();
});
