// The address bar says what is shown: /portal/{page}/{id}?filter. Deep links work, and so does going back.
import { signal } from "@preact/signals";

const BASE = "/portal";

function read() {
  const parts = location.pathname.slice(BASE.length).split("/").filter(Boolean).map(decodeURIComponent);
  return { page: parts[0] ?? "overview", id: parts[1], more: parts[2], query: Object.fromEntries(new URLSearchParams(location.search)) };
}

export const place = signal(read());
addEventListener("popstate", () => { place.value = read(); });

export const hrefOf = (page, id, more) => [BASE, ...[page, id, more].filter(Boolean).map(encodeURIComponent)].join("/");

export function go(href, { replace = false } = {}) {
  const before = place.value;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  place.value = read();
  if (!replace && (before.page !== place.value.page || before.id !== place.value.id))
    scrollTo(0, 0);
}

// Keeps what a filter says in the address bar.
export function setQuery(values) {
  const found = Object.entries(values).filter(([, v]) => v !== undefined && v !== "");
  const text = new URLSearchParams(found).toString();
  go(location.pathname + (text === "" ? "" : "?" + text), { replace: true });
}

export function A({ href, children, ...rest }) {
  const follow = (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    event.preventDefault();
    go(href);
  };
  return <a href={href} onClick={follow} {...rest}>{children}</a>;
}
