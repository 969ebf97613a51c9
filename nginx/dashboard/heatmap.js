// How latencies are spread over time: a column for each step, a row for each power of two, darker the more there were.

import { h, setText } from "./dom.js";
import { colour } from "./colours.js";
import { drawEvents, yAxisWidth } from "./chart.js";
import { nanoseconds, plain, time } from "./format.js";

export class Heatmap {
  constructor(title, control, { height = 170, onHover } = {}) {
    this.title = title;
    this.height = height;
    this.legend = h("p", { class: "legend" });
    this.canvas = h("canvas", { role: "img", "aria-label": title });
    this.canvas.style.height = `${height}px`;
    this.frame = h("div", { class: "plot" }, this.canvas);
    this.note = h("p", { class: "note" });
    this.element = h("figure", { class: "chart wide" },
      h("figcaption", {}, h("h3", {}, title), control, this.legend), this.frame, this.note);
    this.canvas.addEventListener("pointermove", (event) => this.point(event, onHover));
    this.canvas.addEventListener("pointerleave", () => {
      setText(this.legend, "");
      onHover?.(null);
    });
  }

  draw(view, reply, events = {}, reason = "not measured here") {
    Object.assign(this, { view, reply, events });
    const columns = reply?.counts ?? [];
    const isKnown = columns.some((column) => column);
    setText(this.note, isKnown ? "" : reason);
    const width = Math.max(160, this.frame.clientWidth);
    const ratio = devicePixelRatio;
    this.canvas.width = width * ratio;
    this.canvas.height = this.height * ratio;
    this.canvas.style.width = `${width}px`;
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.area = { x: yAxisWidth + 6, y: 2, w: width - yAxisWidth - 14, h: this.height - 20 };
    const { area } = this;
    drawEvents(context, area, (at) => this.x(at), events);
    this.rows = Math.max(1, ...columns.map((column) => column?.length ?? 0));
    const most = Math.log1p(Math.max(1, ...columns.flatMap((column) => column ?? [])));
    const rowHeight = area.h / this.rows;
    context.fillStyle = colour("heat");
    columns.forEach((column, index) => {
      const from = this.x(reply.start / 1e6 + index * reply.step * 1000);
      const to = this.x(reply.start / 1e6 + (index + 1) * reply.step * 1000);
      column?.forEach((count, row) => {
        if (!count || to < area.x) return;
        context.globalAlpha = 0.1 + 0.9 * (Math.log1p(count) / most);
        const left = Math.max(area.x, from);
        context.fillRect(left, area.y + area.h - (row + 1) * rowHeight, Math.max(1, to - left - 0.3), rowHeight - 0.5);
      });
    });
    context.globalAlpha = 1;
    context.fillStyle = colour("quiet");
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "right";
    const every = Math.ceil(14 / rowHeight);
    for (let row = 0; isKnown && row < this.rows; row += every) {
      context.fillText(nanoseconds(reply.lowest_ns * 2 ** row), area.x - 8, area.y + area.h - row * rowHeight - rowHeight / 2);
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    const ticks = Math.max(2, Math.floor(area.w / 160));
    for (let tick = 0; tick <= ticks; tick += 1) {
      const at = view.from + ((view.to - view.from) * tick) / ticks;
      const x = Math.min(area.x + area.w - 34, Math.max(area.x + 34, this.x(at * 1000)));
      context.fillText(time(at * 1000), x, this.height - 5);
    }
    const total = columns.flatMap((column) => column ?? []).reduce((sum, count) => sum + count, 0);
    this.canvas.setAttribute("aria-label", `${this.title}: ${plain(total)} observations; the percentiles are in the charts beside`);
  }

  x(at) {
    const { from, to } = this.view;
    return this.area.x + ((at / 1000 - from) / (to - from)) * this.area.w;
  }

  point(event, onHover) {
    if (!this.reply || !this.area) return;
    const { area, view, reply } = this;
    const at = (view.from + ((event.offsetX - area.x) / area.w) * (view.to - view.from)) * 1000;
    const index = Math.floor((at - reply.start / 1e6) / (reply.step * 1000));
    const column = reply.counts[index];
    const start = reply.start / 1e6 + index * reply.step * 1000;
    const row = Math.floor((area.y + area.h - event.offsetY) / (area.h / this.rows));
    onHover?.(start);
    if (!column || row < 0 || row >= column.length) {
      setText(this.legend, "");
      return;
    }
    const low = reply.lowest_ns * 2 ** row;
    setText(this.legend, `${time(start)}: ${plain(column[row])} of ${nanoseconds(low)} to ${nanoseconds(2 * low)}`);
  }
}
