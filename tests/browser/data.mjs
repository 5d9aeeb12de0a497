// A workspace as an identity provider leaves it: people and rooms through SCIM, refusals, hostile texts.
import { call, check, env, until, workspace } from "./harness.mjs";
import { receiver } from "./receiver.mjs";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User", GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

// What must be shown as text wherever it comes from.
export const EVIL = "\"'><img src=x onerror=\"document.body.id='taken'\"><script>document.body.id='taken'</script>{{7*7}}";

export const EVIL_ANSWER = "<img src=x onerror=alert(1)> no";

let made;
export async function data() {
  made ??= await make();
  return made;
}

export const scim = (w, method, path, body, headers) => call(method, "/scim/v2" + path, {
  token: w.token, body, headers: { "User-Agent": `Microsoft.SCIM/1.0 ${EVIL.replace(/[^\x20-\x7e]/g, "")}`, "Content-Type": "application/scim+json", ...headers } });

async function make() {
  const w = workspace();
  const people = [];
  for (const [n, name] of ["Ana", "Ben", "Cleo", "Dora", EVIL].entries()) {
    const answer = await scim(w, "POST", "/Users", { schemas: [USER], userName: n === 4 ? `evil${n}${EVIL}` : `${name.toLowerCase()}@example.com`, displayName: name, title: EVIL, emails: [{ value: `p${n}@example.com`, type: "work" }] });
    check(answer.status === 201, `a user is made: ${JSON.stringify(answer.body)}`);
    people.push(answer.body.id);
  }
  const rooms = [];
  for (const displayName of ["Dispatch", EVIL]) {
    const answer = await scim(w, "POST", "/Groups", { schemas: [GROUP], displayName, members: people.map((value) => ({ value })) });
    check(answer.status === 201, `a room is made: ${JSON.stringify(answer.body)}`);
    rooms.push(answer.body.id);
  }
  const off = await scim(w, "PATCH", `/Users/${people[3]}`, { schemas: [PATCH], Operations: [{ op: "replace", path: "active", value: false }] });
  check(off.status === 200, "Dora is deactivated");
  await scim(w, "PATCH", `/Groups/${rooms[0]}`, { schemas: [PATCH], Operations: [{ op: "add", path: "members", value: [{ value: people[3] }] }] });
  await scim(w, "GET", `/Users?filter=${encodeURIComponent('userName eq "ana@example.com"')}`);
  // refused for the common reasons
  const twice = await scim(w, "POST", "/Users", { schemas: [USER], userName: "ana@example.com" });
  check(twice.status === 409, "the same name again");
  await scim(w, "POST", "/Users", { schemas: [USER], displayName: EVIL });
  await scim(w, "PATCH", `/Users/${people[0]}`, { schemas: [PATCH], Operations: [] }, { "If-Match": 'W/"1"' });
  await scim(w, "GET", `/Users/00000000-0000-7000-8000-000000000000`);
  await scim(w, "GET", `/Nothing/${encodeURIComponent(EVIL)}`);
  await call("POST", "/api/v1/admin/keys", { token: w.owner, body: { name: "Soon over <b>", scopes: ["scim:users:read"], expires: new Date(Date.now() + 5 * 86400000).toISOString() } });
  const hook = await receiver(500, EVIL_ANSWER);
  const endpoint = await call("POST", "/api/v1/admin/deliveries", { token: w.owner, body: { name: "Hook <b>", url: `${hook.url}?<b>`.replaceAll(/[<>]/g, ""), events: ["usher.member.*", "urn:ietf:params:scim:event:prov:*"] } });
  check(endpoint.status === 201, `an endpoint is made: ${JSON.stringify(endpoint.body)}`);
  const delivery = endpoint.body.delivery.id;
  await scim(w, "PATCH", `/Users/${people[0]}`, { schemas: [PATCH], Operations: [{ op: "replace", path: "title", value: "x" }] });
  const failed = async () => (await call("GET", `/api/v1/admin/deliveries/${delivery}`, { token: w.owner })).body.failures > 0;
  await until(failed, "an endpoint that fails");
  const signIn = await call("PATCH", "/api/v1/admin/sign-in", { token: w.owner, body: { issuer: "https://idp.example.com", clientId: "usher",
    people: [{ email: "evil@example.com", owner: w.ownerId }, { subject: "<img/src=x/onerror=alert(1)>", owner: w.ownerId }] } });
  check(signIn.status === 200, `signing in is set: ${JSON.stringify(signIn.body)}`);
  const changed = await call("PATCH", "/api/v1/admin/workspace", { token: w.owner, body: { defaultRole: "editor" } });
  check(changed.status === 200, "a setting is changed");
  const told = async () => (await call("GET", "/api/v1/admin/audit?kind=changes&action=settings.changed", { token: w.owner })).body.items?.some((i) => i.record.changes.some((c) => c.path === "defaultRole"));
  await until(told, "the archive to have the change");
  const archived = async () => (await call("GET", "/api/v1/admin/audit?status=409", { token: w.owner })).body.items?.length > 0;
  await until(archived, "the archive to have it");
  const why = `/portal/rooms/${rooms[0]}/${people[0]}`;
  const request = (await call("GET", "/api/v1/admin/audit?status=409", { token: w.owner })).body.items[0].record.txn;
  return { ...w, delivery, people, rooms, why, request, url: env().USHER_URL };
}
