// The portal's only way to the service: the session routes, and the admin API that anybody with a token can use too. The
// session is a cookie that no script can read.
import { signal } from "@preact/signals";
import { T } from "./texts.js";

export const session = signal(undefined); // undefined: not asked yet; null: signed out
export const ended = signal(false); // it ended by itself

export const ADMIN = "/api/v1/admin";

// What went wrong, in words that say what to do. status 0: no answer came.
export class Failure extends Error {
  constructor(status, problem, retryAfter) {
    super(Failure.words(status, problem, retryAfter));
    this.status = status;
    this.type = (problem?.type ?? "").replace("urn:usher:problem:", "");
    this.detail = problem?.detail;
    this.txn = problem?.instance?.replace("urn:uuid:", "");
  }

  static words(status, problem, retryAfter) {
    const type = problem?.type ?? "";
    if (status === 0)
      return T.errors.network;
    if (status === 401)
      return T.errors.ended;
    if (status === 404)
      return T.errors.missing;
    if (status === 429)
      return T.errors.limited(retryAfter || 1);
    if (type.endsWith(":outcome-unknown"))
      return T.errors.outcome;
    if (status >= 500)
      return T.errors.unavailable;
    if (status === 412)
      return T.errors.conflict;
    if (status === 403 && type.endsWith(":forbidden"))
      return T.errors.forbidden;
    return problem?.detail ?? problem?.title ?? T.errors.title;
  }
}

async function readBody(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const text = await response.text();
  if (text === "" || !type.includes("json"))
    return text === "" ? null : text;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// The whole answer: status, headers, body. Throws a Failure for anything but a 2xx.
export async function request(method, url, body, { signal: abort, headers = {} } = {}) {
  const writes = method !== "GET";
  let response, answer;
  try {
    response = await fetch(url, {
      method, signal: abort, credentials: "same-origin", cache: "no-store", redirect: "error",
      headers: { Accept: "application/json", ...(writes ? { "Content-Type": "application/json" } : {}), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    answer = await readBody(response);
  } catch (error) {
    if (error.name === "AbortError")
      throw error;
    throw new Failure(0);
  }
  if (response.ok)
    return { status: response.status, headers: response.headers, body: answer };
  if (response.status === 401 && session.value) {
    ended.value = true;
    session.value = null;
  }
  throw new Failure(response.status, typeof answer === "object" ? answer : null,
    Number(response.headers.get("Retry-After")));
}

export const get = async (path, options) => (await request("GET", path, undefined, options)).body;
export const send = async (method, path, body, options) => (await request(method, path, body, options)).body;

// "?a=1&b=2" of what has a value; "" of nothing.
export function query(values) {
  const found = Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== "");
  return found.length === 0 ? "" : "?" + new URLSearchParams(found).toString();
}

// All pages of a list, up to `most` items.
export async function getAll(path, most = 2000, options) {
  const items = [];
  let cursor;
  do {
    const page = await get(path + query({ limit: 200, cursor }), options);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return items;
}

export async function askSession() {
  try {
    const found = await get("/portal/session");
    session.value = found !== null && typeof found === "object" ? found : null;
  } catch (error) {
    session.value = null;
    if (error.status !== 401)
      throw error;
  }
}

export async function signIn(credential) {
  const made = await send("POST", "/portal/session", credential);
  ended.value = false;
  session.value = made;
}

export async function signOut() {
  try {
    await send("DELETE", "/portal/session");
  } finally {
    session.value = null;
  }
}

// Saves what the service answers as a file. The answer becomes a blob of this page, so nothing is left in a URL.
export function saveAs(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// Addresses that are given to others.
export const origin = () => session.value?.scim?.replace(/\/scim\/v2\/?$/, "") ?? location.origin;
export const scimBase = () => origin() + "/scim/v2";
export const isOwner = () => session.value?.kind === "owner";
