// The last minutes of one number, small.

import { svg } from "./dom.js";

export function sparkline(values, most) {
  const width = 120;
  const height = 32;
  const top = Math.max(most ?? 0, ...values.filter((value) => value != null), 1e-12);
  const x = (index) => (values.length > 1 ? (index / (values.length - 1)) * width : 0);
  const y = (value) => height - 1 - (Math.min(value, top) / top) * (height - 2);
  // Gaps are gaps: each run of values is a line of its own.
  const runs = [];
  values.forEach((value, index) => {
    if (value == null) return;
    if (index === 0 || values[index - 1] == null) runs.push([]);
    runs.at(-1).push(`${x(index).toFixed(1)},${y(value).toFixed(1)}`);
  });
  return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    ...runs.map((run) => svg("polyline", { points: run.length > 1 ? run.join(" ") : `${run[0]} ${run[0]}` })));
}
