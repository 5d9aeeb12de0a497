// The page that shows openapi.json.
import { MODES, URL_, Visitor, call, check, equal, test, until, workspace } from "./harness.mjs";

const METHODS = ["get", "post", "put", "patch", "delete"];

test("docs: every operation is there, and the browser complains of nothing", async () => {
  const document = (await call("GET", "/api/v1/openapi.json")).body;
  const due = Object.entries(document.paths).flatMap(([path, item]) => METHODS.filter((m) => item[m]).map((m) => `${m.toUpperCase()} ${path}`));
  check(due.length > 30, "the document has operations");
  for (const mode of MODES) {
    const v = await Visitor.open(mode);
    await v.go("/api/v1/docs");
    const got = await v.page.$$eval(".opblock-summary", (all) => all.map((o) => `${o.querySelector(".opblock-summary-method").textContent} ${o.querySelector("[data-path]").dataset.path}`));
    equal(got.sort(), due.sort(), "the operations");
    await v.axe("docs");
    await v.shoot("docs");
    v.quiet();
    await v.close();
  }
});

test("docs: a request is tried with a token that is typed in, and shown as curl", async () => {
  const w = workspace(), v = await Visitor.open();
  await v.go("/api/v1/docs");
  await v.page.click(".btn.authorize");
  await v.page.fill(".auth-container:has-text('ownerBearer') input", w.owner);
  await v.page.click(".auth-container:has-text('ownerBearer') button[type=submit]");
  await v.page.click(".btn-done");
  const row = v.page.locator(".opblock", { has: v.page.locator("[data-path='/api/v1/admin/seats']") });
  await row.locator(".opblock-summary-control").click();
  await row.locator(".try-out__btn").click();
  await row.locator(".execute").click();
  await until(async () => (await row.innerText()).includes('"used": 0'), "the answer");
  check((await row.innerText()).includes("curl -X 'GET'"), "a curl sample");
  const kept = await v.page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
  check(!kept.includes("uso_"), "the token is kept nowhere");
  v.quiet();
  await v.page.reload();
  await v.settled();
  check(!(await v.page.content()).includes(w.owner), "the token is gone");
  await v.close();
});

test("docs: an opened operation can be read and used by everybody", async () => {
  for (const mode of MODES) {
    const v = await Visitor.open(mode);
    await v.go("/api/v1/docs");
    for (const [method, path] of [["get", "/api/v1/users"], ["post", "/api/v1/users"], ["patch", "/api/v1/admin/workspace"]]) {
      const row = v.page.locator(`.opblock-${method}`, { has: v.page.locator(`[data-path='${path}']`) });
      await row.locator(".opblock-summary-control").click();
      await row.locator(".responses-wrapper").waitFor();
      await row.locator(".try-out__btn").click();
      await row.locator(".execute").waitFor();
    }
    await v.axe("opened operations");
    await v.shoot("docs-opened");
    v.quiet();
    await v.close();
  }
});

test("docs: what stands in a document is never run", async () => {
  const evil = "<img src=x onerror=\"document.body.id='taken'\"><script>document.body.id='taken'</script><b>bold</b>";
  const v = await Visitor.open();
  await v.page.route(URL_ + "/api/v1/openapi.json", (route) => route.fulfill({ json: {
    openapi: "3.1.0", info: { title: evil, version: evil, description: evil }, tags: [{ name: "t", description: evil }],
    paths: { "/x": { get: { tags: ["t"], operationId: "x", summary: evil, description: evil, responses: { 200: { description: evil } } } } },
  } }));
  await v.go("/api/v1/docs");
  await v.page.click(".opblock-summary-control");
  await until(async () => (await v.text()).includes("bold"), "the description");
  check(await v.page.evaluate(() => document.body.id !== "taken" && document.querySelector("[onerror]") === null), "nothing was run");
  await v.close();
});

test("docs: the browser keeps the policy", async () => {
  const v = await Visitor.open();
  await v.go("/api/v1/docs");
  const taken = await v.page.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "document.body.id = 'taken'";
      document.head.append(script);
    } catch {
      // Trusted Types refuse the text
    }
    return document.body.id;
  });
  equal(taken, "", "a script that somebody puts in");
  await until(() => v.noted.some((n) => n.includes("CSP:")), "the browser to refuse it", 5000);
  await v.close();
});
