// What an owner takes away from the audit: a proof that the tool accepts, an export, a checkpoint.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Visitor, call, check, env, equal, test, until, workspace } from "./harness.mjs";
import { scim } from "./data.mjs";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";

async function download(v, click) {
  const [file] = await Promise.all([v.page.waitForEvent("download"), click()]);
  return { name: file.suggestedFilename(), path: await file.path() };
}

test("audit: a proof is downloaded, and the tool accepts it", async () => {
  const w = workspace(), v = await Visitor.open();
  equal((await scim(w, "POST", "/Users", { schemas: [USER], userName: "proved@example.com" })).status, 201, "a user");
  const signed = async () => (await call("GET", "/api/v1/admin/checkpoints", { token: w.owner })).body.checkpoints?.some((c) => c.tree === "changes" && c.size >= 4);
  await until(signed, "a checkpoint");
  await v.signIn(w.owner);
  await v.go("/portal/audit?action=user.created");
  await v.sees("proved@example.com", "the audit");
  const proof = await download(v, () => v.page.click("tbody button:has-text('Proof')"));
  const [key] = (await call("GET", "/api/v1/admin/checkpoints", { token: w.owner })).body.checkpoints.flatMap((c) => c.keys);
  await v.sees(key, "the audit");
  await v.go("/portal/audit?action=seat.taken");
  await v.sees("User created · Seat taken", "the seat");
  const done = spawnSync(`${env().USHER_BIN}/usherctl`, ["audit", "check", proof.path, "--key", key], { encoding: "utf8", env: { PATH: process.env.PATH } });
  equal(done.status, 0, `usherctl audit check: ${done.stdout}${done.stderr}`);
  v.quiet();
  await v.close();
});

test("audit: an export is downloaded, and is on record", async () => {
  const w = workspace(), v = await Visitor.open();
  equal((await scim(w, "POST", "/Users", { schemas: [USER], userName: "exported@example.com" })).status, 201, "a user");
  const signed = async () => (await call("GET", "/api/v1/admin/checkpoints", { token: w.owner })).body.checkpoints?.some((c) => c.tree === "changes" && c.size >= 4);
  await until(signed, "a checkpoint");
  await v.signIn(w.owner);
  await v.go("/portal/audit");
  const file = await download(v, () => v.page.click("button:text-is('Download')"));
  check(file.name.endsWith(".ndjson"), file.name);
  check(readFileSync(file.path, "utf8").includes("exported@example.com"), "the user is in it");
  await until(async () => (await call("GET", "/api/v1/admin/audit?action=audit.exported", { token: w.owner })).body.items?.length === 1, "the record of the export");
  v.quiet();
  await v.close();
});
