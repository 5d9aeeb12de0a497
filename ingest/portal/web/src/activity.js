// How keys are used, from the roll-ups of the archive.
import { useEffect, useState } from "preact/hooks";
import { ADMIN, get, query } from "./api.js";

// The sums of one key (or of all, key undefined) from `span` ms ago until now; step: minute, hour or day.
export async function activity({ key, span, step }, options) {
  const to = Date.now();
  return get(`${ADMIN}/activity` + query({ key, step, from: new Date(to - span).toISOString() }), options);
}

// {data: the total of one key, error}; while it loads neither.
export function useActivity(key, span, step) {
  const [state, setState] = useState({});
  useEffect(() => {
    const abort = new AbortController();
    activity({ key, span, step }, { signal: abort.signal }).then(
      (data) => setState({ data: data.keys.find((k) => k.id === key)?.total ?? { requests: 0 } }),
      (error) => { if (error.name !== "AbortError") setState({ error }); });
    return () => abort.abort();
  }, [key, span, step]);
  return state;
}

const STEP_S = { minute: 60, hour: 3600, day: 86400 };

// The steps of a key as rows of equal distance: where nothing was, zero requests and no latency.
export function series(key, step, from, to) {
  const width = STEP_S[step], first = Math.floor(Date.parse(from) / 1000 / width) * width, last = Math.floor(Date.parse(to) / 1000 / width) * width;
  const at = new Map((key?.steps ?? []).map((s) => [Math.floor(Date.parse(s.at) / 1000), s]));
  const times = [], rows = [];
  for (let t = first; t <= last; t += width) {
    times.push(t);
    rows.push(at.get(t));
  }
  const counts = (name) => rows.map((r) => r?.[name] ?? 0);
  const ms = (name) => rows.map((r) => (r?.latency?.[name] === undefined || r?.latency?.[name] === null ? null : r.latency[name] / 1000));
  return { times, counts, ms };
}

export const cadenceSeconds = (key) => key?.cadence?.everySeconds ?? null;

// Silent: nothing for three times the usual rhythm, and for ten minutes at least.
export function isSilent(key, now = Date.now()) {
  const every = cadenceSeconds(key);
  return every !== null && key.lastUse !== null && now - Date.parse(key.lastUse) > Math.max(every * 3000, 600000);
}
