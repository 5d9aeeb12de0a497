// What the tests share: the stack, the browser, pages that are watched, and the runner.
import { spawnSync } from "node:child_process";
import http from "node:http";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";

const require = createRequire(process.env.BROWSER_NPM + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const RUN_DIR = process.env.RUN_DIR;
const SHOTS = process.env.SHOTS;
if (SHOTS)
  mkdirSync(SHOTS, { recursive: true });

// RUN_DIR/env as it is now: a restart changes it.
export function env() {
  const lines = readFileSync(`${RUN_DIR}/env`, "utf8").split("\n");
  return Object.fromEntries(lines.map((l) => /^(?:export )?(\w+)=(.*)$/.exec(l)).filter(Boolean).map((m) => [m[1], m[2].replace(/^(['"])(.*)\1$/, "$2")]));
}
export const URL_ = env().USHER_URL;

export class Failed extends Error {}
export function check(condition, what) {
  if (!condition)
    throw new Failed(what);
}
export function equal(got, due, what) {
  check(JSON.stringify(got) === JSON.stringify(due), `${what}: got ${JSON.stringify(got)}, due ${JSON.stringify(due)}`);
}

// ---- the service, without a browser

export function usherctl(...words) {
  const done = spawnSync(`${env().USHER_BIN}/usherctl`, [...words, "--json"], { env: { ...process.env, ...env() }, encoding: "utf8" });
  check(done.status === 0, `usherctl ${words.join(" ")}: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

export function usherLocal(word) {
  const done = spawnSync("ops/local/usher-local", [word], { encoding: "utf8", env: process.env, stdio: ["ignore", "ignore", "inherit"] });
  check(done.status === 0, `usher-local ${word} failed`);
}

// A request with a token, on a connection of its own; gives {status, headers, body}.
export function call(method, path, { token, body, headers = {} } = {}) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const all = { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(text ? { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) } : {}), ...headers };
  return new Promise((done, fail) => {
    const asked = http.request(URL_ + path, { method, headers: all, agent: false }, (answer) => {
      let got = "";
      answer.setEncoding("utf8").on("data", (part) => { got += part; }).on("error", fail).on("end", () => {
        let parsed = got;
        try {
          parsed = JSON.parse(got);
        } catch {
          // not all bodies are JSON
        }
        done({ status: answer.statusCode, headers: answer.headers, body: parsed });
      });
    });
    asked.on("error", fail).end(text);
  });
}

// Waits until something is true, as long as it takes within a minute; a busy machine makes it slow and not red.
export async function until(condition, what, ms = 60000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await condition();
    if (found)
      return found;
    check(Date.now() < end, `waited for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

// A workspace with an owner, an administrator and a key of all scopes.
export function workspace(name = "w" + randomBytes(5).toString("hex"), ...flags) {
  const id = usherctl("workspace", "create", name, ...flags).workspace.id;
  const owner = usherctl("owner", "create", "--workspace", id, "--name", "Olga Owner", "--role", "owner");
  const scopes = ["scim", "api"].flatMap((a) => ["users", "rooms"].flatMap((w) => [`${a}:${w}:read`, `${a}:${w}:write`])).join(",");
  const key = usherctl("key", "create", "--workspace", id, "--name", "Directory", "--scopes", scopes, "--dialect", "entra");
  return { id, name, owner: owner.token, ownerId: owner.owner.id, token: key.token, keyId: key.key.id };
}

// ---- the browser

let browser;
export const MODES = [
  { name: "desktop-light", viewport: { width: 1360, height: 860 }, colorScheme: "light" },
  { name: "desktop-dark", viewport: { width: 1360, height: 860 }, colorScheme: "dark" },
  { name: "phone-light", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { name: "phone-dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
];

export async function launch() {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
export const closeBrowser = () => browser?.close();

// A browser of one person. Everything that a page complains of, or asks elsewhere, is noted in `noted`. A failed answer
// is among it; a test that wants one says so by `expected`, a regular expression.
export class Visitor {
  static async open(mode = MODES[0]) {
    const v = new Visitor();
    v.context = await browser.newContext({ viewport: mode.viewport, colorScheme: mode.colorScheme, reducedMotion: "reduce", ignoreHTTPSErrors: true });
    v.mode = mode;
    v.noted = [];
    await v.context.addInitScript(() => document.addEventListener("securitypolicyviolation", (e) => console.error("CSP: " + e.violatedDirective + " " + e.blockedURI + " " + e.sample)));
    v.page = await v.context.newPage();
    v.watch(v.page);
    return v;
  }

  watch(page) {
    page.on("console", (m) => this.noted.push(`console ${m.type()}: ${m.text()} ${m.location()?.url ?? ""}`));
    page.on("pageerror", (e) => this.noted.push(`error: ${e.stack}`));
    page.on("dialog", (d) => { this.noted.push(`dialog: ${d.message()}`); d.dismiss(); });
    page.on("request", (r) => {
      if (!r.url().startsWith(URL_ + "/") && !/^(data|blob):/.test(r.url()))
        this.noted.push(`elsewhere: ${r.url()}`);
    });
  }

  quiet(expected) {
    const bad = this.noted.filter((n) => !expected?.test(n));
    this.noted = [];
    equal(bad, [], "what the page complains of");
  }

  async go(path) {
    await this.page.goto(URL_ + path);
    await this.settled();
  }

  // Nothing is being loaded and the page says so.
  async settled() {
    await this.page.waitForLoadState("load");
    await until(() => this.page.evaluate(() => document.querySelector("h1, .swagger-ui .opblock") !== null && document.querySelector(".loading") === null), `${this.page.url()} to have loaded`, 15000);
  }

  async signIn(token) {
    await this.go("/portal");
    await this.page.fill("input[name=token]", token);
    await this.page.click("form button[type=submit]");
    await this.page.waitForSelector("nav");
    await this.settled();
    this.signedOut();
  }

  // Whether somebody is signed in is asked first, and the browser notes the 401.
  signedOut() {
    this.noted = this.noted.filter((n) => !/status of 401 .*\/portal\/session$/.test(n));
  }

  text(selector = "body") {
    return this.page.innerText(selector);
  }

  // Waits until a text stands on the page.
  async sees(text, where) {
    try {
      await until(async () => (await this.text()).includes(text), "", 15000);
    } catch {
      throw new Failed(`no "${text}" on ${where}; there is: ${(await this.text()).slice(0, 1500)}`);
    }
  }

  async axe(what) {
    await this.page.evaluate(axe);
    const found = await this.page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations
      .filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).slice(0, 3).join(" | ")}`)));
    equal(found, [], `axe on ${what}, ${this.mode.name}`);
  }

  async fits(what) {
    const over = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(over <= 0, `${what} is ${over} pixels wider than the window, ${this.mode.name}`);
  }

  async shoot(name) {
    if (SHOTS)
      await this.page.screenshot({ path: `${SHOTS}/${name}-${this.mode.name}.png`, fullPage: true });
  }

  close() {
    return this.context.close();
  }
}

// ---- the runner

const tests = [];
export const test = (name, body) => tests.push({ name, body });

export async function runTests(words) {
  let passed = 0, failed = 0;
  for (const { name, body } of tests.filter((t) => words.length === 0 || words.some((w) => t.name.includes(w)))) {
    const began = Date.now();
    try {
      await body();
      passed++;
      console.log(`ok    ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}\n      ${error instanceof Failed ? error.message : error.stack}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0;
}
