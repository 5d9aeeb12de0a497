// What a request meant, in one sentence; and what a change record is about, in a few words.
import { T } from "./texts.js";

const M = T.meaning;
const NOUNS = { Users: ["user", "users"], users: ["user", "users"], Groups: ["room", "rooms"], rooms: ["room", "rooms"], GroupMemberships: ["member", "members"] };

// The path without "/w/{workspace}" and the API's prefix, in parts.
function parts(path) {
  const p = path.split("?")[0].split("/").filter(Boolean);
  if (p[0] === "w")
    p.splice(0, 2);
  const api = p[0] === "api" ? "api" : p[0] === "scim" ? "scim" : p[0];
  return { api, rest: p.slice(2), all: p };
}

function sentence(r, who) {
  const { api, rest, all } = parts(r.path);
  if (r.requests)
    return M.many(r.requests);
  if (all[0] === "oauth2")
    return M.token(who);
  if (api === "api" && rest[0] === "admin")
    return M.admin(who, r.method, "/" + rest.slice(1).join("/"));
  if (rest[0] === "Bulk" || rest[1] === "import")
    return M.bulk(who, r.operations);
  if (rest[0] === "logins")
    return M.login(who);
  if (["Schemas", "ResourceTypes", "ServiceProviderConfig"].includes(rest[0]))
    return M.discovery(who);
  const nouns = NOUNS[rest[0]];
  if (nouns === undefined)
    return M.other(who, r.method, r.path);
  const ofMembers = rest[2] === "members";
  const one = M[ofMembers ? "member" : nouns[0]], many = M[ofMembers ? "members" : nouns[1]];
  const named = rest.length > (ofMembers ? 3 : 1) && rest[1] !== ".search";
  const filter = new URLSearchParams(r.query ?? "").get("filter");
  switch (r.method) {
  case "GET": case "HEAD":
    return named ? M.read(who, one) : filter ? M.lookup(who, many, filter) : M.list(who, many);
  case "POST":
    if (rest[1] === ".search")
      return M.list(who, many);
    return named ? M.change(who, one) : M.create(who, one);
  case "PUT": return ofMembers ? M.change(who, one) : M.replace(who, one);
  case "PATCH": return M.change(who, one);
  case "DELETE": return M.remove(who, one);
  default: return M.other(who, r.method, r.path);
  }
}

// "Entra created a user" of what was refused is untrue: it wanted to.
function wanted(text) {
  return text.replace(/ (created|changed|deleted|sent|read|listed) /, (_, verb) =>
    ` wanted to ${{ created: "create", changed: "change", deleted: "delete", sent: "send", read: "read", listed: "list" }[verb]} `);
}

export function meaningOf(record) {
  const who = record.key?.name ?? record.owner?.name ?? record.actor?.name ?? M.somebody;
  const text = sentence(record, who);
  if (record.status >= 500)
    return M.failed(wanted(text));
  if (record.status >= 400)
    return M.refused(wanted(text), record.error?.detail ?? String(record.status));
  return text;
}

export const actionText = (action) => T.actions[action] ?? action;

// A change of a user may have taken or freed a seat: then it is both. Records of older versions are one or the other.
export const actionsOf = (record) => [record.action, ...(record.seat ? [`seat.${record.seat}`] : [])];

const nameOf = (x) => x?.name ?? x?.userName ?? x?.displayName ?? x?.id;

// Who or what a change record is about.
export function aboutOf(record) {
  return [record.target, record.subject].filter((x) => x && (x.name || x.id)).map((x) => ({ type: x.type, id: x.id, name: nameOf(x) }));
}

export function actorOf(record) {
  const a = record.actor;
  return a ? nameOf(a) ?? a.type : record.key?.name ?? "";
}
