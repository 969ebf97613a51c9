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
const most = 360;
/// The longest step that the API makes.
const longestStep = 86_400;

const stepOf = (span, points) => steps.find((step) => span / step <= points) ?? longestStep;

/// { from, to, step } in whole seconds; `range` as well while it follows the present.
export function windowOf(parameters) {
  const from = Date.parse(parameters.get("from") ?? "") / 1000;
  const to = Date.parse(parameters.get("to") ?? "") / 1000;
  if (from < to) {
    // Two more than `aligned` makes points of, so that its windows are read back as they are.
    const step = stepOf(to - from, most + 2);
    return { from: Math.floor(from / step) * step, to: Math.ceil(to / step) * step, step };
  }
  const range = Object.hasOwn(ranges, parameters.get("range")) ? parameters.get("range") : standard;
  return live(range);
}

function live(range) {
  const { span, step } = ranges[range];
  const to = Math.floor(now() / 1000 / step) * step;
  return { from: to - span, to, step, range };
}

function aligned(from, to) {
  const middle = (from + to) / 2;
  const span = Math.min(longest, Math.max(shortest, to - from));
  const step = stepOf(span, most);
  const start = Math.floor((middle - span / 2) / step) * step;
  return { from: start, to: Math.ceil((middle + span / 2) / step) * step, step };
}

/// Moved by a share of itself, and `zoom` times as long; never beyond the present, where it follows the present again.
export function moved(view, share, zoom = 1) {
  const span = (view.to - view.from) * zoom;
  const end = (view.from + view.to) / 2 + share * (view.to - view.from) + span / 2;
  if (end < now() / 1000) return aligned(end - span, end);
  const [range] = Object.entries(ranges).find(([, range]) => Math.abs(range.span - span) < 0.1 * span) ?? [];
  return range ? { range } : aligned(now() / 1000 - span, now() / 1000);
}

/// A grid with at most half as many points, for what is drawn in columns.
export function coarser(view) {
  const step = Math.min(longestStep, 2 * view.step);
  return { step, from: Math.floor(view.from / step) * step, to: Math.floor(view.to / step) * step };
}

export const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(/\.000Z$/, "Z");

export function seriesPath(metric, view, form = "columns") {
  return `/api/series?metric=${encodeURIComponent(metric)}&from=${iso(view.from)}&to=${iso(view.to)}&step=${view.step}&form=${form}`;
}
