// Charts that can be read without colour: each line has a pattern of its own, and a table stands beside them.
import { useEffect, useRef } from "preact/hooks";
import "uplot/dist/uPlot.min.css";
import { T } from "./texts.js";

const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 5]];
const MARKS = ["solid", "dashed", "dotted", "double", "dotted"];
const dark = matchMedia("(prefers-color-scheme: dark)");

const cssColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(box, series, unit, times) {
  const line = cssColor("--line"), text = cssColor("--quiet");
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: "12px system-ui, sans-serif" };
  const span = times.length > 1 ? times[times.length - 1] - times[0] : 3600;
  const clock = new Intl.DateTimeFormat(undefined, span > 172800 ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" });
  return {
    width: Math.max(260, box.clientWidth), height: 200, cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true, markers: { width: 2, fill: () => "transparent", stroke: (u, n) => cssColor(series[n - 1].color), dash: (u, n) => MARKS[(n - 1) % MARKS.length] } }, scales: { y: { range: (u, min, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [{ ...axis, values: (u, at) => at.map((s) => clock.format(new Date(s * 1000))), space: 70 },
      { ...axis, size: 66, values: (u, at) => at.map((v) => (v === Math.floor(v) || unit ? `${Number(v.toFixed(1)).toLocaleString()}${unit}` : "")) }],
    series: [{ value: (u, s) => (s === null ? "" : new Date(s * 1000).toLocaleString()) }, ...series.map((s, n) => ({
      label: s.label, stroke: cssColor(s.color), width: 2, dash: DASHES[n % DASHES.length], spanGaps: false,
      points: { show: times.length < 3 || s.values.some((v, i) => v !== null && (s.values[i - 1] ?? null) === null && (s.values[i + 1] ?? null) === null) || undefined, size: 6 },
      value: (u, v) => (v === null || v === undefined ? "–" : `${Number(v.toFixed(1)).toLocaleString()}${unit}`),
    }))],
  };
}

// The library weighs as much as half of the rest, and most pages have no chart. So it is loaded with the first one.
const loadPlot = async () => (await import("uplot")).default;

// times: seconds since 1970, rising. series: [{label, color: "--name", values}].
export function Chart({ title, times, series, unit = "" }) {
  const box = useRef();
  useEffect(() => {
    let plot, Plot, gone = false;
    const draw = () => {
      if (gone || !Plot)
        return;
      plot?.destroy();
      plot = new Plot(options(box.current, series, unit, times), [times, ...series.map((s) => s.values)], box.current);
    };
    const resize = new ResizeObserver(() => {
      if (plot && box.current && Math.abs(plot.width - box.current.clientWidth) > 2)
        plot.setSize({ width: Math.max(260, box.current.clientWidth), height: 200 });
    });
    loadPlot().then((found) => { Plot = found; draw(); }, () => {}); // without it the table stands there all the same
    resize.observe(box.current);
    dark.addEventListener("change", draw);
    return () => {
      dark.removeEventListener("change", draw);
      resize.disconnect();
      gone = true;
      plot?.destroy();
    };
  }, [times, series, unit]);
  const shown = times.map((t, n) => n).filter((n) => series.some((s) => s.values[n]));
  return <figure class="chart">
    <figcaption>{title}</figcaption>
    <div ref={box} role="img" aria-label={title} />
    <details><summary>{T.keys.one.tableOf(title)}</summary>
      <div class="tablebox small" tabIndex={0} role="region" aria-label={T.keys.one.tableOf(title)}><table>
        <thead><tr><th scope="col">{T.changes.columns.time}</th>{series.map((s) => <th key={s.label} scope="col">{s.label}</th>)}</tr></thead>
        <tbody>{shown.reverse().map((n) => <tr key={times[n]}><th scope="row">{new Date(times[n] * 1000).toLocaleString()}</th>
          {series.map((s) => <td key={s.label} class="number">{s.values[n] === null ? "–" : `${Number((s.values[n] ?? 0).toFixed(1)).toLocaleString()}${unit}`}</td>)}</tr>)}</tbody>
      </table></div></details>
  </figure>;
}
