// The live view goes on through the end of a worker and of an ingest, without a gap and without a double.
import { readFileSync } from "node:fs";
import { Visitor, call, check, env, equal, test, until, usherLocal, workspace } from "./harness.mjs";
import { scim } from "./data.mjs";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const alive = (pid) => {
  try {
    // A zombie is dead: its parent may be slow to look.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

async function kill(pid) {
  process.kill(pid, "SIGKILL");
  await until(() => !alive(pid), `process ${pid} to end`);
}

test("live: every change is shown once, through the kill of a worker and of an ingest", async () => {
  const w = workspace(), v = await Visitor.open();
  await v.signIn(w.owner);
  await v.go("/portal/changes");
  await v.sees("Live", "the changes");
  let n = 0;
  const create = async (times) => {
    for (let i = 0; i < times; i++) {
      const answer = await scim(w, "POST", "/Users", { schemas: [USER], userName: `live${n}@example.com` });
      check(answer.status === 201, `user ${n}: ${answer.status} ${JSON.stringify(answer.body)}`);
      n++;
    }
  };
  const shown = () => v.page.$$eval("tbody tr", (all) => all.filter((r) => r.innerText.includes("User created")).map((r) => /live\d+@/.exec(r.innerText)?.[0]));
  await create(3);
  await until(async () => (await shown()).length === 3, "three changes");
  await kill(Number(env().USHER_PID_WORKER));
  usherLocal("start");
  await create(3);
  await until(async () => (await shown()).length >= 6, "the changes after the worker's end");
  await kill(Number(env().USHER_PID_INGEST));
  await v.sees("Connecting again", "the changes");
  usherLocal("start");
  await create(3);
  await until(async () => (await shown()).length >= 9, "the changes after the ingest's end");
  equal((await shown()).sort(), Array.from({ length: 9 }, (_, i) => `live${i}@`), "each once");
  const numbers = await v.page.$$eval("tbody tr td.number", (all) => all.map((c) => Number(c.innerText)));
  equal(numbers, numbers.map((_, i) => numbers[0] - i), "numbers without a gap");
  check(!(await v.text()).includes("are missing here"), "no gap is told");
  v.quiet(/Failed to load resource|ERR_/);
  await v.close();
});

test("live: stopped, nothing is shown; going on, nothing is missing", async () => {
  const w = workspace(), v = await Visitor.open();
  await v.signIn(w.owner);
  await v.go("/portal/changes");
  await v.sees("Live", "the changes");
  await v.page.click("button:text-is('Stop')");
  await v.sees("Stopped", "the changes");
  equal((await scim(w, "POST", "/Users", { schemas: [USER], userName: "quiet@example.com" })).status, 201, "a user");
  await until(async () => (await call("GET", "/api/v1/admin/audit?action=user.created", { token: w.owner })).body.items?.length > 0, "the archive");
  check(!(await v.text()).includes("quiet@example.com"), "nothing is shown");
  await v.page.click("button:text-is('Go on')");
  await v.sees("quiet@example.com", "the changes");
  v.quiet();
  await v.close();
});
