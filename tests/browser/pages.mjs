// Every page, at every width and in both themes: nothing to complain of, and every stored text is shown as text.
import { MODES, Visitor, check, test } from "./harness.mjs";
import { EVIL, EVIL_ANSWER, data } from "./data.mjs";

// name, address, what must be read on it
export const PAGES = (d) => [
  ["overview", "/portal", ["Directory", "A seat is an active user"]],
  ["keys", "/portal/keys", ["Directory", "Soon over <b>", "expires soon"]],
  ["key", `/portal/keys/${d.keyId}`, ["Requests by answer", "127.0.0.1", "already in use"]],
  ["requests", "/portal/requests", ["409", "already in use"]],
  ["requests-filtered", "/portal/requests?status=409", ["already in use"]],
  ["request", `/portal/requests/${d.request}`, ["wanted to create a user, and was refused", "uniqueness"]],
  ["people", "/portal/people", ["ana@example.com", EVIL, "not active"]],
  ["person", `/portal/people/${d.people[4]}`, [EVIL, "Dispatch"]],
  ["rooms", "/portal/rooms", ["Dispatch", EVIL]],
  ["room", `/portal/rooms/${d.rooms[0]}`, ["ana@example.com", "held", EVIL]],
  ["why", d.why, ["Is a member", "Directory"]],
  ["changes", "/portal/changes", ["Member added"]],
  ["deliveries", "/portal/deliveries", ["Hook <b>", "fails"]],
  ["delivery", `/portal/deliveries/${d.delivery}`, ["Hook <b>", "Attempts", "500", EVIL_ANSWER]],
  ["audit", "/portal/audit", ["Member added", "How to verify a proof"]],
  ["settings", "/portal/settings", ["Guard against mass changes", "Olga Owner", "this one", "Sign-in by your organisation", "evil@example.com", "by Olga Owner."]],
  ["setup", "/portal/guide?idp=entra", ["Tenant URL", "What has arrived", "It put somebody into a room"]],
  ["missing", "/portal/nowhere", ["not there"]],
];

for (const mode of MODES)
  test(`pages: all of them, ${mode.name}`, async () => {
    const d = await data(), v = await Visitor.open(mode);
    await v.signIn(d.owner);
    for (const [name, path, due] of PAGES(d)) {
      await v.go(path);
      for (const text of due)
        await v.sees(text, name);
      check(await v.page.evaluate(() => document.body.id === "" && document.querySelector("#app img, #app script, [onerror]") === null), `${name}: a stored text became markup`);
      await v.fits(name);
      await v.axe(name);
      await v.shoot(name);
      v.quiet();
    }
    await v.close();
  });
