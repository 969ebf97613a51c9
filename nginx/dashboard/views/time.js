// Time: what the host did, on one axis, with what was wrong and what was done about it.

import { badge, h, keyed, setText } from "../dom.js";
import { ask, now } from "../ask.js";
import { Chart } from "../chart.js";
import { Heatmap } from "../heatmap.js";
import { action, bytesPerSecond, nanoseconds, percent, rate, time } from "../format.js";
import { metrics } from "../metrics.js";
import { events, line } from "../signals.js";
import { iso, moved, ranges, seriesPath, standard, windowOf } from "../window.js";

/// Seconds; signals beyond are shown from medium on, or the chart would be one band.
const longView = 86_400;
const mostSignals = 300;

/// Lines are [name, metric, column]; of `each`, one line for every metric that begins with it.
const percentiles = (metric) => [["p50", metric, "p50_ns"], ["p95", metric, "p95_ns"], ["p99", metric, "p99_ns"]];
const charts = [
  { title: "Pressure: time in which somebody waits", format: percent, maximum: 1, lines: [
    ["CPU", "pressure.cpu.some"], ["memory", "pressure.memory.some"], ["I/O", "pressure.io.some"]] },
  { title: "Run-queue latency", format: nanoseconds, logscale: true, lines: percentiles("runq.latency") },
  { title: "CPU", format: percent, maximum: 1, stacked: true, lines: [
    ["user", "cpu.user"], ["system", "cpu.system"], ["iowait", "cpu.iowait"], ["irq", "cpu.softirq"], ["steal", "cpu.steal"]] },
  { title: "Read latency", of: "disk", format: nanoseconds, logscale: true, lines: (disk) => percentiles(`disk.latency.read:${disk}`) },
  { title: "Write latency", of: "disk", format: nanoseconds, logscale: true, lines: (disk) => percentiles(`disk.latency.write:${disk}`) },
  { title: "Disk", of: "disk", format: bytesPerSecond, lines: (disk) => [
    ["read", `disk.read_bytes:${disk}`], ["written", `disk.write_bytes:${disk}`]] },
  { title: "Memory", format: percent, maximum: 1, lines: [["memory used", "memory.used"], ["swap used", "swap.used"]] },
  { title: "Page faults", format: rate, logscale: true, lines: [["all", "vm.faults"], ["major", "vm.major_faults"]] },
  { title: "System calls", format: rate, stacked: true, each: "syscalls.count:" },
  { title: "Network", of: "interface", format: bytesPerSecond, lines: (name) => [
    ["received", `net.rx_bytes:${name}`], ["sent", `net.tx_bytes:${name}`]] },
];
const ofHistograms = ["runq.latency", "disk.latency.read:", "disk.latency.write:", "faults.latency.major", "syscalls.latency:"];

export function showTime(main, path, parameters) {
  let view = windowOf(parameters);
  let chosen = { disk: parameters.get("disk"), interface: parameters.get("interface"), heat: parameters.get("heat") };
  let recorded = [];
  let known = { signals: [], decisions: [] };
  let turn = 0;
  let isOver = false;

  const caption = h("p", { class: "quiet", "aria-live": "polite" });
  const note = h("p", { class: "note" });
  const list = h("ul", { class: "lines" });
  const noList = h("p", { class: "quiet" });
  const lowList = h("ul", { class: "lines" });
  const more = h("details", { hidden: true }, h("summary"), lowList);
  const buttons = Object.entries(ranges).map(([name, range]) =>
    h("button", { type: "button", "data-range": name, onclick: () => go({ range: name }) }, range.name));
  const tools = h("div", { class: "tools" },
    h("div", { class: "group", role: "group", "aria-label": "Range" }, buttons),
    h("div", { class: "group", role: "group", "aria-label": "Move" },
      h("button", { type: "button", title: "Earlier", onclick: () => step(-0.5) }, "◀", h("span", { class: "unseen" }, "Earlier")),
      h("button", { type: "button", title: "Later", onclick: () => step(0.5) }, "▶", h("span", { class: "unseen" }, "Later")),
      h("button", { type: "button", title: "Closer", onclick: () => step(0, 0.5) }, "+", h("span", { class: "unseen" }, " Closer")),
      h("button", { type: "button", title: "Wider", onclick: () => step(0, 2) }, "−", h("span", { class: "unseen" }, " Wider"))),
    choice("Disk", "disk"), choice("Interface", "interface"), caption);
  const hover = (at) => drawn.forEach(({ chart }) => chart.follow(at));
  const zoom = (from, to) => go(moved({ from, to }, 0));
  const drawn = charts.map((plan) => ({ plan, chart: new Chart(plan.title, { ...plan, onWindow: zoom, onHover: hover }) }));
  const heat = new Heatmap("Latency heat map", choice("of", "heat"), { onHover: hover });
  main.append(tools, note, h("p", { class: "quiet key" },
    h("span", { class: "swatch band" }), "signal, coloured by severity ", h("span", { class: "mark" }, "▼"), " the agent changed something. Drag to zoom, with Shift to move; double click goes back."),
  heat.element, h("div", { class: "charts" }, drawn.map(({ chart }) => chart.element)),
  h("section", { "aria-label": "Signals in this window" }, h("h2", {}, "Signals and actions in this window"), noList, list, more));

  function choice(label, name) {
    const select = h("select", { name, onchange: (event) => go(view.range ? { range: view.range } : view, { [name]: event.target.value }) });
    return h("label", { class: "choice" }, `${label} `, select);
  }

  function fillChoice(name, values) {
    const select = main.querySelector(`select[name=${name}]`);
    if (!values.includes(chosen[name])) chosen[name] = values[0] ?? null;
    if ([...select.options].map((option) => option.value).join() !== values.join()) select.replaceChildren(...values.map((value) => h("option", { value }, value)));
    select.value = chosen[name] ?? "";
    select.closest("label").hidden = values.length < 2;
  }

  const after = (prefix) => recorded.filter((metric) => metric.startsWith(prefix)).map((metric) => metric.slice(prefix.length));

  /// The address says what is looked at.
  function go(to, choices = {}) {
    const words = new URLSearchParams(to.range ? { range: to.range } : { from: iso(to.from), to: iso(to.to) });
    const all = { ...chosen, ...choices };
    for (const [name, value] of Object.entries(all)) if (parameters.get(name) || choices[name]) words.set(name, value);
    location.hash = `#/time?${words}`;
  }

  function step(share, factor = 1) {
    go(moved(view, share, factor));
  }

  async function load() {
    const mine = ++turn;
    const isStill = () => mine === turn && !isOver;
    if (view.range) view = windowOf(new URLSearchParams({ range: view.range }));
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.range === view.range);
    setText(caption, `${time(view.from * 1000)} to ${time(view.to * 1000)}${view.range ? ", live" : ""}, a point each ${view.step} s`);
    try {
      const names = await metrics();
      if (!isStill()) return;
      if (names !== recorded) {
        recorded = names;
        fillChoice("disk", after("disk.busy:"));
        fillChoice("interface", after("net.rx_bytes:").sort((a, b) => (a === "lo") - (b === "lo")));
        fillChoice("heat", recorded.filter((metric) => ofHistograms.some((prefix) => metric.startsWith(prefix)) && !metric.startsWith("runq.latency.")).sort((a, b) => b.startsWith("runq") - a.startsWith("runq")));
      }
      const severity = view.to - view.from > longView ? "&severity=medium" : "";
      const [signals, decisions] = await Promise.all([
        ask(`/api/signals?since=${iso(view.from)}&until=${iso(view.to + view.step)}&limit=${mostSignals}${severity}`),
        ask(`/api/agent/decisions?from=${iso(view.from)}&to=${iso(view.to)}`),
      ]);
      if (!isStill()) return;
      known = { signals: signals.signals, decisions: decisions.decisions };
      const more = signals.next_cursor ? `The newest ${mostSignals} signals of this window are shown. ` : "";
      setText(note, more + (severity ? "Signals are shown from medium on." : ""));
      fillList();
    } catch (error) {
      if (isStill()) setText(note, `Signals could not be asked for: ${error.message}`);
    }
    const shown = events(known.signals, known.decisions, now());
    await Promise.all([...drawn.map((entry) => draw(entry, shown, isStill)), drawHeat(shown, isStill)]);
  }

  async function draw({ plan, chart }, shown, isStill) {
    const lines = plan.each ? after(plan.each).slice(0, 8).map((name) => [name, plan.each + name])
      : typeof plan.lines === "function" ? (chosen[plan.of] ? plan.lines(chosen[plan.of]) : []) : plan.lines;
    const wanted = lines.filter(([, metric]) => recorded.includes(metric));
    const replies = new Map();
    try {
      await Promise.all([...new Set(wanted.map(([, metric]) => metric))].map(async (metric) => {
        replies.set(metric, await ask(seriesPath(metric, view)));
      }));
      if (!isStill()) return;
      const parts = wanted.map(([name, metric, column = "mean"]) => ({ name, reply: replies.get(metric), column }));
      chart.draw(view, parts, shown);
    } catch (error) {
      if (isStill()) setText(chart.note, error.message);
    }
  }

  async function drawHeat(shown, isStill) {
    if (!chosen.heat) {
      heat.draw(view, null, shown, "no latencies have been measured");
      return;
    }
    try {
      // Columns of at least two pixels.
      const coarse = { ...view, step: view.step * 2, from: Math.floor(view.from / view.step / 2) * view.step * 2, to: Math.floor(view.to / view.step / 2) * view.step * 2 };
      const reply = await ask(seriesPath(chosen.heat, coarse, "heatmap"));
      if (isStill()) heat.draw(view, reply, shown);
    } catch (error) {
      if (isStill()) heat.draw(view, null, shown, error.message);
    }
  }

  function fillList() {
    const grave = known.signals.filter((signal) => signal.severity !== "low");
    const items = [
      ...grave.map((signal) => ({ at: signal.timestamp / 1e6, signal })),
      ...known.decisions.map((decision) => ({ at: Date.parse(decision.created), decision })),
    ].sort((a, b) => b.at - a.at).slice(0, 60);
    setText(noList, items.length ? "" : "None above low.");
    keyed(list, items, (item) => (item.signal ? `s${item.signal.id}` : `d${item.decision.decision_id}`), (item) =>
      (item.signal ? line(item.signal)
        : h("li", {}, badge(item.decision.state), " ", h("a", { href: "#/agent" }, `agent: ${action(item.decision.action)}`),
          h("span", { class: "quiet" }, ` ${time(item.decision.created)}`))));
    const low = known.signals.filter((signal) => signal.severity === "low");
    more.hidden = !low.length;
    setText(more.firstElementChild, `${low.length} low`);
    keyed(lowList, low, (signal) => signal.id, line);
  }

  let end = start();
  function start() {
    load();
    if (!view.range) return () => {};
    // A grid that ends now has a new point each step.
    let timer;
    const wait = () => {
      timer = setTimeout(async () => {
        if (!document.hidden) await load();
        wait();
      }, Math.max(3, view.step) * 1000);
    };
    wait();
    return () => clearTimeout(timer);
  }

  let pause;
  const resized = () => {
    clearTimeout(pause);
    pause = setTimeout(load, 200);
  };
  addEventListener("resize", resized);

  return {
    move(next) {
      parameters = next;
      end();
      view = windowOf(next);
      for (const name of Object.keys(chosen)) if (next.get(name)) chosen[name] = next.get(name);
      for (const select of main.querySelectorAll("select")) select.value = chosen[select.name] ?? "";
      end = start();
    },
    key(event) {
      const moves = { ArrowLeft: [-0.5], ArrowRight: [0.5], "+": [0, 0.5], "=": [0, 0.5], "-": [0, 2] };
      if (event.key in moves) step(...moves[event.key]);
      else if (event.key === "0") go({ range: view.range ?? standard });
      else return;
      event.preventDefault();
    },
    end() {
      isOver = true;
      end();
      clearTimeout(pause);
      removeEventListener("resize", resized);
      drawn.forEach(({ chart }) => chart.end());
    },
  };
}
