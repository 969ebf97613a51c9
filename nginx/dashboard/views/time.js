// Time: what the host did, on one axis, with what was wrong and what was done about it.

import { badge, h, keyed, setText } from "../dom.js";
import { ask, now } from "../ask.js";
import { Chart } from "../chart.js";
import { Heatmap } from "../heatmap.js";
import { action, bytesPerSecond, nanoseconds, percent, rate, time } from "../format.js";
import { metrics } from "../metrics.js";
import { endOf, events, line } from "../signals.js";
import { coarser, iso, moved, ranges, seriesPath, standard, windowOf } from "../window.js";

/// Seconds; signals beyond are shown from medium on, or the chart would be one band.
const longView = 86_400;
const mostSignals = 300;
/// Signals that opened before the window may have gone on in it: so long before, from medium on.
const before = 86_400;
const mostDecisions = 100;
/// Seconds until what failed is asked for again.
const retry = 4;

/// Lines are [name, metric, column]; of `each`, one line for every metric that begins with it.
const percentiles = (metric) => [["p50", metric, "p50_ns"], ["p95", metric, "p95_ns"], ["p99", metric, "p99_ns"]];
const charts = [
  { title: "Pressure: time in which somebody waits", format: percent, maximum: 1, lines: [
    ["CPU", "pressure.cpu.some"], ["memory", "pressure.memory.some"], ["I/O", "pressure.io.some"]] },
  { title: "Run-queue latency", format: nanoseconds, logscale: true, lines: percentiles("runq.latency") },
  { title: "CPU", format: percent, maximum: 1, stacked: true, lines: [
    ["user", "cpu.user"], ["nice", "cpu.nice"], ["system", "cpu.system"], ["iowait", "cpu.iowait"], ["irq", "cpu.irq"],
    ["softirq", "cpu.softirq"], ["steal", "cpu.steal"]] },
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
  const chosen = {};
  let recorded = null;
  let back = 0;
  let known = { signals: [], decisions: [] };
  let turn = 0;
  let isOver = false;

  const caption = h("p", { class: "quiet" });
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
  const undo = () => {
    if (back > 0) history.back();
    else go({ range: standard });
    back = Math.max(0, back - 2);
  };
  const drawn = charts.map((plan) => ({ plan, chart: new Chart(plan.title, { ...plan, onWindow: zoom, onHover: hover, onBack: undo }) }));
  const heat = new Heatmap("Latency heat map", choice("of", "heat"), { onHover: hover });
  main.append(tools, note, h("p", { class: "quiet key" },
    h("span", { class: "swatch band" }), "signal, coloured by severity ", h("span", { class: "mark" }, "▼"), " the agent changed something. Drag with the mouse to zoom, with Shift to move; double click goes back."),
  heat.element, h("div", { class: "charts" }, drawn.map(({ chart }) => chart.element)),
  h("section", { "aria-label": "Signals in this window" }, h("h2", {}, "Signals and actions in this window"), noList, list, more));

  function choice(label, name) {
    const select = h("select", { name, onchange: (event) => go(view.range ? { range: view.range } : view, { [name]: event.target.value }) });
    return h("label", { class: "choice" }, `${label} `, select);
  }

  /// What the address says, if there is such a thing here; else the first.
  function choose(name, values) {
    const select = main.querySelector(`select[name=${name}]`);
    const wanted = parameters.get(name);
    chosen[name] = values.includes(wanted) ? wanted : values[0] ?? null;
    if ([...select.options].map((option) => option.value).join() !== values.join()) select.replaceChildren(...values.map((value) => h("option", { value }, value)));
    select.value = chosen[name] ?? "";
    select.closest("label").hidden = values.length < 2;
  }

  const after = (prefix) => recorded.filter((metric) => metric.startsWith(prefix)).map((metric) => metric.slice(prefix.length));

  /// The address says what is looked at.
  function go(to, choices = {}) {
    const words = new URLSearchParams(to.range ? { range: to.range } : { from: iso(to.from), to: iso(to.to) });
    for (const name of ["disk", "interface", "heat"]) {
      const value = choices[name] ?? parameters.get(name);
      if (value) words.set(name, value);
    }
    back += 1;
    location.hash = `#/time?${words}`;
  }

  function step(share, factor = 1) {
    go(moved(view, share, factor));
  }

  /// Whether all could be had.
  async function load() {
    if (isOver) return true;
    const mine = ++turn;
    const isStill = () => mine === turn && !isOver;
    if (view.range) view = windowOf(new URLSearchParams({ range: view.range }));
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.range === view.range);
    setText(caption, `${time(view.from * 1000)} to ${time(view.to * 1000)}${view.range ? ", live" : ""}, a point each ${view.step} s`);
    try {
      recorded = await metrics();
    } catch (error) {
      if (!isStill()) return true;
      setText(note, `Nothing can be asked for: ${error.message}`);
      drawn.forEach(({ chart }) => chart.fail(error.message));
      heat.draw(view, null, {}, error.message);
      return false;
    }
    if (!isStill()) return true;
    choose("disk", after("disk.busy:"));
    choose("interface", after("net.rx_bytes:").sort((a, b) => (a === "lo") - (b === "lo")));
    choose("heat", recorded.filter((metric) => ofHistograms.some((prefix) => metric.startsWith(prefix)) && !metric.startsWith("runq.latency."))
      .sort((a, b) => b.startsWith("runq") - a.startsWith("runq")));
    const isKnown = await loadEvents(isStill);
    if (!isStill()) return true;
    const shown = events(known.signals, known.decisions, now());
    const all = await Promise.all([...drawn.map((entry) => draw(entry, shown, isStill)), drawHeat(shown, isStill)]);
    return isKnown && all.every(Boolean);
  }

  async function loadEvents(isStill) {
    const isLong = view.to - view.from > longView;
    const severity = isLong ? "&severity=medium" : "";
    // On the hour and on five minutes, so that others ask for the same.
    const earlier = Math.floor(view.from / 3600) * 3600 - before;
    const start = Math.ceil(view.from / 300) * 300;
    try {
      const [signals, past, decisions] = await Promise.all([
        ask(`/api/signals?since=${iso(view.from)}&until=${iso(view.to + view.step)}&limit=${mostSignals}${severity}`),
        ask(`/api/signals?since=${iso(earlier)}&until=${iso(start)}&severity=medium&limit=100`),
        ask(`/api/agent/decisions?from=${iso(view.from)}&to=${iso(view.to + view.step)}&limit=${mostDecisions}`),
      ]);
      if (!isStill()) return true;
      const ids = new Set(signals.signals.map((signal) => signal.id));
      const goneOn = past.signals.filter((signal) => !ids.has(signal.id) && endOf(signal, now()) >= view.from * 1000);
      known = { signals: [...signals.signals, ...goneOn], decisions: decisions.decisions };
      const words = [];
      if (signals.next_cursor) words.push(`The newest ${mostSignals} signals of this window are shown.`);
      if (isLong) words.push("Signals are shown from medium on.");
      if (decisions.count === mostDecisions) words.push(`The newest ${mostDecisions} decisions are shown.`);
      setText(note, words.join(" "));
      fillList();
      return true;
    } catch (error) {
      if (isStill()) {
        known = { signals: [], decisions: [] };
        fillList();
        setText(note, `Signals are not known: ${error.message}`);
      }
      return false;
    }
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
      if (!isStill()) return true;
      const parts = wanted.map(([name, metric, column = "mean"]) => ({ name, reply: replies.get(metric), column }));
      chart.draw(view, parts, shown);
      return true;
    } catch (error) {
      if (isStill()) chart.fail(error.message);
      return false;
    }
  }

  async function drawHeat(shown, isStill) {
    if (!chosen.heat) {
      heat.draw(view, null, shown, "no latencies have been measured");
      return true;
    }
    try {
      const reply = await ask(seriesPath(chosen.heat, coarser(view), "heatmap"));
      if (isStill()) heat.draw(view, reply, shown);
      return true;
    } catch (error) {
      if (isStill()) heat.draw(view, null, shown, error.message);
      return false;
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
  /// Loads, again each step where the window follows the present, and soon where something could not be had. Returns what ends it.
  function start() {
    let isEnded = false;
    let timer;
    async function run() {
      clearTimeout(timer);
      if (isEnded || document.hidden) return;
      let isWhole = false;
      try {
        isWhole = await load();
      } finally {
        clearTimeout(timer);
        const pause = isWhole ? Math.max(3, view.step) : retry;
        if (!isEnded && (view.range || !isWhole)) timer = setTimeout(run, pause * 1000);
      }
    }
    document.addEventListener("visibilitychange", run);
    run();
    return () => {
      isEnded = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", run);
    };
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
