// The settings of a workspace: in which group, of which kind, and between which values.
export const SETTINGS = [
  { group: "seats", name: "seats", kind: "number", min: 0, empty: true },
  { group: "seats", name: "seatMode", kind: "choice", values: ["on_provision", "on_first_login"] },
  { group: "people", name: "defaultRole", kind: "choice", values: ["viewer", "editor"] },
  { group: "people", name: "defaultTransmit", kind: "switch" },
  { group: "people", name: "restoreRooms", kind: "switch" },
  { group: "people", name: "uniqueRooms", kind: "switch" },
  { group: "people", name: "linkByEmail", kind: "switch" },
  { group: "people", name: "managedLock", kind: "switch" },
  { group: "provider", name: "requireEmail", kind: "switch" },
  { group: "provider", name: "strictness", kind: "choice", values: ["standard", "strict", "interop"] },
  { group: "provider", name: "passwords", kind: "switch" },
  { group: "provider", name: "events", kind: "choice", values: ["notice", "full", "off"] },
  { group: "guard", name: "guardMode", kind: "choice", values: ["refuse", "hold", "off"] },
  { group: "guard", name: "guardShare", kind: "number", min: 1, max: 100 },
  { group: "guard", name: "guardWindow", kind: "number", min: 60, max: 604800 },
  { group: "guard", name: "guardMin", kind: "number", min: 0, max: 1000000 },
  { group: "rate", name: "rate", kind: "number", min: 1, max: 100000000 },
  { group: "sso", name: "requireSso", kind: "switch" },
  { group: "sso", name: "ssoReady", kind: "switch" },
];
const KNOWN = new Set(["id", "name", "seatsUsed", "created", ...SETTINGS.map((s) => s.name)]);

// Settings that this page does not know by name are shown all the same, as far as their values say what they are.
export function settingsOf(workspace) {
  const others = Object.keys(workspace).filter((name) => !KNOWN.has(name)).map((name) => ({
    group: "other", name, kind: typeof workspace[name] === "boolean" ? "switch" : typeof workspace[name] === "number" ? "number" : "text" }));
  return [...SETTINGS.filter((s) => s.name in workspace), ...others];
}
