// Which part of time is looked at, and on which grid. Windows that end now end on a multiple of the step, so that everybody who
// looks asks for the same addresses.

import { now } from "./ask.js";

/// Seconds, and the step in seconds of about 300 points.
export const ranges = {
  "15min": { name: "15 min", span: 900, step: 3 },
  "1h": { name: "1 h", span: 3600, step: 10 },
  "6h": { name: "6 h", span: 21_600, step: 60 },
  "24h": { name: "24 h", span: 86_400, step: 300 },
  "7d": { name: "7 d", span: 604_800, step: 1800 },
  "30d": { name: "30 d", span: 2_592_000, step: 7200 },
};
export const standard = "15min";

const steps = [1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400];
const shortest = 60;
const longest = 366 * 86_400;

/// { from, to, step } in whole seconds; `range` as well while it follows the present.
export function windowOf(parameters) {
  const from = Date.parse(parameters.get("from") ?? "") / 1000;
  const to = Date.parse(parameters.get("to") ?? "") / 1000;
  if (from < to) return aligned(from, to);
  const range = parameters.get("range") in ranges ? parameters.get("range") : standard;
  return live(range);
}

export function live(range) {
  const { span, step } = ranges[range];
  const to = Math.floor(now() / 1000 / step) * step;
  return { from: to - span, to, step, range };
}

export function aligned(from, to) {
  const middle = (from + to) / 2;
  const span = Math.min(longest, Math.max(shortest, to - from));
  const step = steps.find((step) => span / step <= 360) ?? 86_400;
  const start = Math.floor((middle - span / 2) / step) * step;
  return { from: start, to: Math.ceil((middle + span / 2) / step) * step, step };
}

/// Moved by a share of itself, and `zoom` times as long; never beyond the present.
export function moved(view, share, zoom = 1) {
  const span = (view.to - view.from) * zoom;
  const middle = (view.from + view.to) / 2 + share * (view.to - view.from);
  const to = Math.min(now() / 1000, middle + span / 2);
  return aligned(to - span, to);
}

export const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(/\.000Z$/, "Z");

export function seriesPath(metric, view, form = "columns") {
  return `/api/series?metric=${encodeURIComponent(metric)}&from=${iso(view.from)}&to=${iso(view.to)}&step=${view.step}&form=${form}`;
}
