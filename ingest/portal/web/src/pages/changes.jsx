import { useEffect, useRef, useState } from "preact/hooks";
import { ADMIN, get, query } from "../api.js";
import { follow } from "../live.js";
import { Badge, Empty, Input, Page, Select, Table, Trouble } from "../ui.jsx";
import { aboutOf, actionText, actionsOf } from "../meaning.js";
import { CHANGE_COLUMNS } from "./records.jsx";
import { T } from "../texts.js";

const C = T.changes, MOST = 500;

// Newest first, each number once. What is missing between two numbers is said: the live view must not hide a gap.
export function merge(rows, record) {
  if (rows.some((r) => r.seq === record.seq && r.epoch === record.epoch))
    return rows;
  return [record, ...rows].sort((a, b) => (b.epoch - a.epoch) || (b.seq - a.seq)).slice(0, MOST);
}

export function gaps(rows) {
  const found = [];
  for (let n = 1; n < rows.length; n++)
    if (rows[n - 1].epoch === rows[n].epoch && rows[n - 1].seq - rows[n].seq > 1)
      found.push([rows[n].seq + 1, rows[n - 1].seq - 1]);
  return found;
}

// The newest changes, and each that comes. After a break, and after a stop, it goes on behind the last number.
export function useChanges(stopped = false, most = 50) {
  const [rows, setRows] = useState([]), [state, setState] = useState("connecting"), [error, setError] = useState();
  const last = useRef();
  useEffect(() => {
    if (stopped)
      return undefined;
    let waiting = [], timer = null, stop = null, gone = false;
    const take = (news) => setRows((all) => news.reduce(merge, all));
    const flush = () => {
      timer = null;
      take(waiting);
      waiting = [];
    };
    (async () => {
      if (last.current === undefined) {
        try {
          const page = await get(`${ADMIN}/audit` + query({ kind: "changes", limit: most }));
          take(page.items.map((i) => i.record));
          last.current = page.items[0]?.record.seq;
        } catch (e) {
          setError(e);
        }
      }
      if (gone)
        return;
      stop = follow(({ id, data }) => {
        last.current = id ?? last.current;
        waiting.push(data);
        timer ??= setTimeout(flush, 100);
      }, setState, last.current);
    })();
    return () => {
      gone = true;
      clearTimeout(timer);
      take(waiting);
      stop?.();
    };
  }, [stopped]);
  return { rows, state, error };
}

export function Changes() {
  const [stopped, setStopped] = useState(false), [action, setAction] = useState(""), [find, setFind] = useState("");
  const { rows, state, error } = useChanges(stopped);
  const actions = [...new Set(rows.flatMap(actionsOf))].sort();
  const shown = rows.filter((r) => (action === "" || actionsOf(r).includes(action)) &&
    (find === "" || aboutOf(r).some((x) => String(x.name ?? x.id).toLowerCase().includes(find.toLowerCase()))));
  const now = stopped ? "stopped" : state;
  return <Page title={C.title} intro={C.intro} actions={<>
    <span role="status"><Badge kind={now === "live" ? "good" : now === "stopped" ? "off" : "warn"}>{C.state[now]}</Badge></span>
    <button type="button" onClick={() => setStopped(!stopped)}>{stopped ? C.go : C.stop}</button></>}>
    <div class="searchline">
      <div class="field narrow"><Select label={C.filter} value={action} onChange={setAction} options={[["", C.all], ...actions.map((a) => [a, actionText(a)])]} /></div>
      <Input label={C.filterRoom} value={find} onChange={setFind} />
    </div>
    <Trouble error={error} />
    {gaps(rows).map(([from, to]) => <p key={from} class="error">{C.gap(from, to)}</p>)}
    {shown.length > 0 ? <div aria-live="polite" aria-relevant="additions" aria-busy={state !== "live"}><Table caption={C.title} columns={CHANGE_COLUMNS} rows={shown} rowKey={(r) => `${r.epoch}/${r.seq}`} /></div>
      : <Empty>{C.empty}</Empty>}
  </Page>;
}
