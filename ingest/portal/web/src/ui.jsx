// The parts that all pages are made of.
import { useCallback, useEffect, useId, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { T } from "./texts.js";

// ---- time: local, with UTC on hover

const now = signal(Date.now());
setInterval(() => { now.value = Date.now(); }, 20000);

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function agoText(then, at = now.value) {
  const s = Math.round((at - then) / 1000);
  if (s < -86400) return T.ago.inDays(Math.round(-s / 86400));
  if (s < -3600) return T.ago.inHours(Math.round(-s / 3600));
  if (s < -60) return T.ago.inMinutes(Math.round(-s / 60));
  if (s < 10) return T.ago.now;
  if (s < 60) return T.ago.seconds(s);
  if (s < 3600) return T.ago.minutes(Math.floor(s / 60));
  if (s < 86400) return T.ago.hours(Math.floor(s / 3600));
  return T.ago.days(Math.floor(s / 86400));
}

export function Time({ at, ago = false, none = T.never }) {
  const then = at ? new Date(at) : null;
  if (then === null || Number.isNaN(then.getTime()))
    return <span class="quiet">{none}</span>;
  const utc = T.utc(then.toISOString().replace("T", " ").replace("Z", "")), local = LOCAL.format(then);
  return <time dateTime={then.toISOString()} title={ago ? `${local}\n${utc}` : utc}>{ago ? agoText(then.getTime()) : local}</time>;
}

// ---- loading

// What a function gives; loads again when `on` changes, and by reload(). The function gets an AbortSignal.
export function useLoad(load, on) {
  const [state, setState] = useState({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((s) => ({ ...s, loading: true }));
    load(abort.signal).then((data) => setState({ data, loading: false }), (error) => {
      if (error.name !== "AbortError")
        setState((s) => ({ data: s.data, error, loading: false }));
    });
    return () => abort.abort();
  }, [...on, turn]);
  return { ...state, reload: useCallback(() => setTurn((t) => t + 1), []) };
}

// A list that comes in pages.
export function useList(fetchPage, on) {
  const [more, setMore] = useState({ items: [], next: undefined });
  const first = useLoad((abort) => fetchPage(undefined, abort), on);
  useEffect(() => setMore({ items: [], next: undefined }), [first.data]);
  const next = more.next === undefined ? first.data?.next : more.next;
  const loadMore = async () => {
    try {
      const page = await fetchPage(next);
      setMore((m) => ({ items: [...m.items, ...page.items], next: page.next ?? null }));
    } catch (error) {
      setMore((m) => ({ ...m, error }));
    }
  };
  return { items: first.data ? [...first.data.items, ...more.items] : [], page: first.data, next, loadMore, error: first.error ?? more.error, loading: first.loading, reload: first.reload };
}

export function Loading() {
  return <p class="quiet loading" role="status">{T.loading}</p>;
}

export function Trouble({ error, retry }) {
  if (!error)
    return null;
  return <div class="note bad" role="alert">
    <strong>{T.errors.title}</strong>
    <p>{error.message}</p>
    {error.detail && error.detail !== error.message && <p class="quiet">{error.detail}</p>}
    {error.txn && <p class="quiet mono">{T.errors.txn(error.txn)}</p>}
    {retry && <button type="button" onClick={retry}>{T.reload}</button>}
  </div>;
}

export function Empty({ children, action }) {
  return <div class="empty"><p>{children}</p>{action}</div>;
}

export function Note({ kind = "", children }) {
  return <div class={`note ${kind}`} role={kind === "good" ? "status" : undefined}>{children}</div>;
}

// Shape and word say what the colour says.
const MARKS = { good: "✓", warn: "▲", bad: "✕", off: "○", info: "●" };
export function Badge({ kind = "info", children }) {
  return <span class={`badge ${kind}`}><span class="mark" aria-hidden="true">{MARKS[kind]}</span>{children}</span>;
}

export function StatusBadge({ status }) {
  const kind = status < 400 ? "good" : status === 429 ? "warn" : status < 500 ? "bad" : "warn";
  return <Badge kind={kind}>{status}</Badge>;
}

// ---- copying

export function Copy({ text, label }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // over plain HTTP there is no clipboard: the old way
      const area = document.createElement("textarea");
      area.value = text;
      (document.querySelector("dialog[open]") ?? document.body).append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 2000);
  };
  return <button type="button" class="small" onClick={copy} aria-label={label ? `${T.copy}: ${label}` : undefined}>
    <span aria-live="polite">{done ? T.copied : T.copy}</span>
  </button>;
}

export function Value({ label, text, secret = false }) {
  return <div class="value">
    <span class="label">{label}</span>
    <code class={secret ? "secret" : ""}>{text}</code>
    <Copy text={text} label={label} />
  </div>;
}

// ---- dialogs: the browser's own, which keep the focus and give it back

export function Dialog({ title, onClose, children, wide = false }) {
  const ref = useRef(), heading = useId(), before = useRef(document.activeElement);
  useEffect(() => {
    ref.current.showModal();
    const dialog = ref.current, back = before.current;
    return () => {
      if (dialog.open)
        dialog.close();
      if (back?.isConnected)
        back.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return <dialog ref={ref} aria-labelledby={heading} class={wide ? "wide" : ""} onCancel={cancel}>
    <header><h2 id={heading}>{title}</h2>
      <button type="button" class="plain" aria-label={T.close} onClick={onClose}>✕</button></header>
    {children}
  </dialog>;
}

// A form whose button waits for what it does, and that shows what went wrong.
export function Form({ onSubmit, submit, children, danger = false, disabled = false, extra }) {
  const [state, setState] = useState({});
  const run = async (event) => {
    event.preventDefault();
    setState({ busy: true });
    try {
      await onSubmit();
      setState({});
    } catch (error) {
      setState({ error });
    }
  };
  return <form onSubmit={run}>
    {children}
    <Trouble error={state.error} />
    <div class="buttons">
      <button type="submit" class={danger ? "danger" : "main"} disabled={disabled || state.busy}>{submit}</button>
      {extra}
    </div>
  </form>;
}

export function Field({ label, hint, children }) {
  const id = useId(), hintId = useId();
  return <div class="field">
    <label for={id}>{label}</label>
    {children({ id, ...(hint ? { "aria-describedby": hintId } : {}) })}
    {hint && <p class="hint" id={hintId}>{hint}</p>}
  </div>;
}

export function Select({ label, value, options, onChange, hint }) {
  return <Field label={label} hint={hint}>{(props) =>
    <select {...props} value={value} onChange={(e) => onChange(e.currentTarget.value)}>
      {options.map(([v, text]) => <option key={v} value={v} selected={v === value}>{text}</option>)}
    </select>}</Field>;
}

export function Input({ label, value, onChange, hint, ...rest }) {
  return <Field label={label} hint={hint}>{(props) =>
    <input type="text" {...props} {...rest} value={value} onInput={(e) => onChange(e.currentTarget.value)} />}</Field>;
}

// ---- tables

// columns: [{key, label, show(row), wide}]. On a phone each row becomes a card, and each cell says its column.
export function Table({ caption, columns, rows, rowKey, onMore, more }) {
  return <div class="tablebox">
    <table>
      <caption class="hidden">{caption}</caption>
      <thead><tr>{columns.map((c) => <th key={c.key} scope="col">{c.label}</th>)}</tr></thead>
      <tbody>{rows.map((row, i) => <tr key={rowKey ? rowKey(row) : i} class={row.revoked ? "gone" : ""}>
        {columns.map((c, n) => n === 0
          ? <th key={c.key} scope="row" data-label={c.label}><span>{c.show(row)}</span></th>
          : <td key={c.key} data-label={c.label} class={c.number ? "number" : ""}><span>{c.show(row)}</span></td>)}
      </tr>)}</tbody>
    </table>
    {more !== undefined && <p class="tablefoot quiet"><span role="status">{T.rows(rows.length, Boolean(more))}</span>
      {more && <button type="button" onClick={onMore}>{T.more}</button>}</p>}
  </div>;
}

// Filters: open where there is room for them.
export function FilterBox({ onSubmit, children }) {
  return <details class="filterbox" open={!matchMedia("(max-width: 52rem)").matches}><summary>{T.filter}</summary>
    <form class="filters" onSubmit={(e) => { e.preventDefault(); onSubmit(); }}>{children}</form></details>;
}

export function Facts({ rows }) {
  return <dl class="facts">{rows.filter(Boolean).map(([name, value, whole]) =>
    <div key={name} class={whole ? "whole" : undefined}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

export function Page({ title, intro, actions, children, back }) {
  const ref = useRef();
  useEffect(() => {
    document.title = `${title} · ${T.product}`;
  }, [title]);
  return <>
    <header class="pagehead">
      <div>{back}<h1 tabIndex={-1} ref={ref}>{title}</h1>{intro && <p class="quiet">{intro}</p>}</div>
      {actions && <div class="buttons">{actions}</div>}
    </header>
    {children}
  </>;
}

export function Section({ title, children, actions, id }) {
  const heading = useId();
  return <section aria-labelledby={heading} id={id}>
    <div class="sectionhead"><h2 id={heading}>{title}</h2>{actions}</div>
    {children}
  </section>;
}
