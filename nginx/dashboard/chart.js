// One chart over time, drawn by dygraphs: lines, signals as bands behind them, the agent's actions as marks.

import { h, setText } from "./dom.js";
import { colour, lines, severity } from "./colours.js";
import { time } from "./format.js";
import { rank, severities } from "./signals.js";

export const yAxisWidth = 64;

// Its legend sets styles in markup, which the policy of this page forbids; ours is text.
Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);

/// The columns of several replies as rows of one grid. `parts`: { name, reply, column }.
function rows(parts) {
  const times = new Map();
  parts.forEach(({ reply, column }, index) => {
    const start = reply.start / 1e6;
    reply[column].forEach((value, position) => {
      const at = start + position * reply.step * 1000;
      if (!times.has(at)) times.set(at, Array(parts.length).fill(null));
      times.get(at)[index] = value;
    });
  });
  return [...times.entries()].sort((a, b) => a[0] - b[0]).map(([at, values]) => [new Date(at), ...values]);
}

/// By severity: what is harmless must not hide the lines.
const shades = [0.05, 0.1, 0.14, 0.2];

/// The worst that was going on at each pixel, as runs of [severity, from, to].
function bands(area, toX, signals) {
  const worst = new Int8Array(Math.ceil(area.w)).fill(-1);
  for (const signal of signals) {
    const from = Math.max(0, Math.floor(toX(signal.from) - area.x));
    const to = Math.min(worst.length, Math.max(from + 2, Math.ceil(toX(signal.to) - area.x)));
    for (let x = from; x < to; x += 1) worst[x] = Math.max(worst[x], rank(signal.severity));
  }
  const runs = [];
  worst.forEach((severity, x) => {
    if (severity < 0) return;
    if (x > 0 && worst[x - 1] === severity) runs.at(-1)[2] = x + 1;
    else runs.push([severity, x, x + 1]);
  });
  return runs;
}

/// Draws what was going on behind the lines: `toX` turns milliseconds into pixels.
export function drawEvents(context, area, toX, { signals = [], actions = [] }) {
  const end = area.x + area.w;
  for (const [worst, from, to] of bands(area, toX, signals)) {
    context.fillStyle = severity(severities[worst]);
    context.globalAlpha = shades[worst];
    context.fillRect(area.x + from, area.y, to - from, area.h);
    context.globalAlpha = 1;
    context.fillRect(area.x + from, area.y, to - from, 3);
  }
  context.globalAlpha = 1;
  context.fillStyle = context.strokeStyle = colour("action");
  for (const { at } of actions) {
    const x = Math.round(toX(at)) + 0.5;
    if (x < area.x || x > end) continue;
    context.beginPath();
    context.setLineDash([3, 3]);
    context.moveTo(x, area.y);
    context.lineTo(x, area.y + area.h);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(x - 5, area.y);
    context.lineTo(x + 5, area.y);
    context.lineTo(x, area.y + 8);
    context.fill();
  }
}

export class Chart {
  /// `onWindow(from, to)` is told when the viewer zooms or moves, `onBack()` when he wants the window before; `onHover(milliseconds
  /// or null)` where the pointer is.
  constructor(title, { format, logscale = false, stacked = false, maximum, height = 150, onWindow, onHover, onBack } = {}) {
    Object.assign(this, { title, format, logscale, stacked, maximum, onWindow, onHover, onBack });
    this.legend = h("p", { class: "legend" });
    this.canvas = h("div", { class: "plot", role: "img", "aria-label": title });
    this.canvas.style.height = `${height}px`;
    this.note = h("p", { class: "note" });
    this.element = h("figure", { class: "chart" }, h("figcaption", {}, h("h3", {}, title), this.legend), this.canvas, this.note);
    this.events = {};
    this.parts = [];
    this.isDragged = false;
    this.hovered = null;
    this.ending = new AbortController();
    // A drag may end anywhere.
    addEventListener("mouseup", () => this.isDragged && setTimeout(() => this.dragged()), { signal: this.ending.signal });
  }

  /// Says what window was dragged to, if it is another.
  dragged() {
    this.isDragged = false;
    const [from, to] = this.dygraph?.xAxisRange() ?? [];
    if (from == null) return;
    const shift = Math.max(Math.abs(from / 1000 - this.view.from), Math.abs(to / 1000 - this.view.to));
    if (this.onWindow && shift > (this.view.to - this.view.from) / 200) this.onWindow(from / 1000, to / 1000);
    else this.draw(this.view, this.parts, this.events);
  }

  /// Draws anew. `view` is { from, to } in seconds; without lines the chart says `reason`.
  draw(view, parts, events = {}, reason = "not measured here") {
    if (this.isDragged) return;
    this.view = view;
    this.events = events;
    this.parts = parts;
    const data = parts.length ? rows(parts) : [];
    const known = data.some((row) => row.slice(1).some((value) => value != null));
    setText(this.note, known ? "" : reason);
    this.last = data;
    if (!known) {
      this.clear();
      this.describe();
      return;
    }
    const options = {
      file: data,
      labels: ["time", ...parts.map((part) => part.name)],
      colors: lines().slice(0, parts.length),
      dateWindow: [view.from * 1000, view.to * 1000],
      valueRange: this.range(data),
    };
    if (this.dygraph && this.dygraph.getLabels().length === options.labels.length) this.dygraph.updateOptions(options);
    else this.start(options);
    this.select(this.hovered);
  }

  /// What cannot be drawn must not leave what was drawn before.
  fail(reason) {
    this.draw(this.view ?? { from: 0, to: 1 }, [], {}, reason);
  }

  range(data) {
    if (this.logscale) return null;
    let most = 0;
    for (const row of data) {
      const values = row.slice(1).filter((value) => value != null);
      most = Math.max(most, this.stacked ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values));
    }
    // Full scale is a whole where there is one; small shares would else be lines on the floor.
    if (this.maximum && most > this.maximum / 4) return [0, Math.max(this.maximum, most)];
    return [0, most > 0 ? most * 1.15 : this.maximum ?? 1];
  }

  start(options) {
    this.clear();
    const { file, ...others } = options;
    this.dygraph = new Dygraph(this.canvas, file, {
      ...others,
      legend: "never",
      animatedZooms: false,
      logscale: this.logscale,
      stackedGraph: this.stacked,
      fillGraph: this.stacked,
      connectSeparatedPoints: false,
      drawGapEdgePoints: true,
      strokeWidth: 1.5,
      highlightCircleSize: 3,
      axisLabelFontSize: 11,
      gridLineColor: colour("grid"),
      axisLineColor: colour("grid"),
      labelsUTC: false,
      rightGap: 8,
      xRangePad: 0,
      axes: {
        x: { axisLabelWidth: 62, drawGrid: false },
        y: { axisLabelWidth: yAxisWidth, pixelsPerLabel: 34, axisLabelFormatter: (value) => this.format(value) },
      },
      underlayCallback: (context, area, dygraph) =>
        drawEvents(context, area, (at) => dygraph.toDomXCoord(at), this.events),
      highlightCallback: (event, at) => {
        this.select(at);
        this.onHover?.(at);
      },
      unhighlightCallback: () => {
        this.select(null);
        this.onHover?.(null);
      },
      // No touch: a finger scrolls the page, and there are buttons.
      interactionModel: {
        willDestroyContextMyself: true,
        mousedown: (event, dygraph, context) => {
          this.isDragged = true;
          Dygraph.defaultInteractionModel.mousedown(event, dygraph, context);
        },
        dblclick: () => this.onBack?.(),
      },
    });
  }

  /// Shows the values at a time in the legend, of the latest without one.
  select(at) {
    this.hovered = at;
    const row = at == null ? undefined : this.last?.find(([time]) => time.getTime() === at);
    this.describe(row ?? this.last?.findLast((row) => row.slice(1).some((value) => value != null)));
  }

  /// The same time in another chart.
  follow(at) {
    const row = at == null ? null : this.dygraph?.getRowForX(at);
    if (row != null) this.dygraph?.setSelection(row);
    else this.dygraph?.clearSelection();
    this.select(at);
  }

  describe(row) {
    const palette = lines();
    const items = this.parts.map((part, index) => {
      const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = palette[index];
      return h("span", {}, swatch, part.name, h("b", {}, this.format(row?.[index + 1] ?? null)));
    });
    this.legend.replaceChildren(...items, row ? h("span", { class: "at" }, time(row[0])) : "");
    const values = this.parts.map((part, index) => `${part.name} ${this.format(row?.[index + 1] ?? null)}`);
    this.canvas.setAttribute("aria-label", `${this.title}: ${values.join(", ") || "no data"}`);
  }

  clear() {
    this.dygraph?.destroy();
    this.dygraph = null;
  }

  end() {
    this.clear();
    this.ending.abort();
  }
}
