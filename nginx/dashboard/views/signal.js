// One signal: what was seen, against what is usual, who causes it and who suffers, where it goes, and what the agent thought.

import { badge, bar, h, keyed, setText, table } from "../dom.js";
import { ask, now, poll } from "../ask.js";
import { Chart } from "../chart.js";
import { action, duration, measured, nanoseconds, number, percent, time, words } from "../format.js";
import { endOf, events, only, where } from "../signals.js";
import { iso } from "../window.js";

export function showSignal(main, id) {
  const head = h("div", {}, h("p", { class: "quiet" }, "Asking …"));
  const body = h("div");
  main.append(h("p", {}, h("a", { href: "#/now" }, "← Now")), head, body);
  let built = null;
  let isOver = false;
  if (!/^[0-9]+$/.test(id)) {
    head.replaceChildren(h("p", { class: "failure" }, "A signal is addressed by its number: #/signals/12"));
    return { end() {} };
  }
  const failure = h("p", { class: "failure" });
  main.insertBefore(failure, body);
  let heard = null;
  const end = poll(`/api/signals/${id}?forecast_minutes=30`, 2000, (signal) => {
    heard = now();
    setText(failure, "");
    body.classList.remove("aged");
    keyed(head, [headOf(signal)], () => "head", fillHead);
    built ??= build(body, signal, () => isOver);
    built.update(signal);
  }, (error) => {
    if (!built) head.replaceChildren();
    body.classList.add("aged");
    setText(failure, `${error.message}${heard ? ` What is below was known at ${time(heard)}.` : ""}`);
  });
  return {
    end() {
      isOver = true;
      end();
      built?.end();
    },
  };
}

/// What is at the top of the page.
const headOf = (signal) => only(signal, "timestamp", "state", "severity", "signal_type", "signal_category", "label", "summary", "entity",
  "occurrence_count", "current_severity", "last_seen", "closed_at", "recurrence");

function fillHead(signal) {
  const from = signal.timestamp / 1e6;
  const state = signal.state === "open" ? ["open for ", h("span", { "data-since": from }, duration((now() - from) / 1000))]
    : signal.state === "closed" ? [`closed after ${duration((endOf(signal, now()) - from) / 1000)}`]
      : ["unknown: the data that its rule needs went away"];
  return h("div", {},
    h("p", { class: "top" }, badge(signal.severity), h("span", {}, words(signal.signal_type) + (signal.label === signal.signal_type ? "" : `: ${words(signal.label)}`)),
      h("span", { class: "quiet" }, `${signal.signal_category}, `, ...state)),
    h("h2", {}, signal.summary),
    h("p", { class: "quiet" }, `${where(signal)} · opened ${time(from)} · seen ${signal.occurrence_count} times`,
      signal.state === "open" ? ` · now ${signal.current_severity}` : "",
      signal.recurrence.episodes_24h > 1 ? ` · ${signal.recurrence.complete ? "" : "at least "}${signal.recurrence.episodes_24h} times in 24 h${signal.recurrence.pattern ? `, ${signal.recurrence.pattern}` : ""}` : "",
      " · ", h("a", { href: timeLink(signal), "data-focus": "in-its-time" }, "in its time")));
}

function timeLink(signal) {
  const from = signal.timestamp / 1e9;
  const to = endOf(signal, now()) / 1000;
  const margin = Math.max(120, (to - from) / 2);
  return `#/time?from=${iso(Math.floor(from - margin))}&to=${iso(Math.ceil(Math.min(to + margin, now() / 1000)))}`;
}

function build(body, first, isOver) {
  const people = h("div", { class: "columns" });
  const hints = h("div");
  const evidence = table("Evidence", [
    { title: "Input", cell: (input) => input.metric },
    { title: "Measured", number: true, cell: (input) => measured(input.value, input.unit) },
    { title: "Threshold", number: true, cell: (input) => measured(input.threshold, input.unit) },
    { title: "Usual", number: true, cell: (input) => (input.baseline ? `${measured(input.baseline.median, input.unit)}, p95 ${measured(input.baseline.p95, input.unit)}${input.baseline.hour == null ? "" : ` at ${input.baseline.hour} h UTC`}` : "not known yet") },
    { title: "Over", number: true, cell: (input) => duration(input.window) },
  ]);
  const charts = h("div", { class: "charts" });
  const agent = h("div");
  const prediction = h("div");
  const raw = table("Raw events", [
    { title: "Time", cell: ({ event }) => time(event.timestamp / 1e6) },
    { title: "Tracer", cell: ({ source }) => words(source) },
    { title: "Process", cell: ({ event }) => `${event.comm} (${event.pid})` },
    { title: "What", cell: ({ event }) => happened(event) },
    { title: "Took", number: true, cell: ({ event }) => nanoseconds(event.latency_ns ?? event.wait_ns) },
  ]);
  const noRaw = h("p", { class: "quiet" });
  const section = (title, ...content) => h("section", { "aria-label": title }, h("h2", {}, title), content);
  body.append(people, section("Evidence", evidence.element, hints), section("In time", charts), section("The agent", agent),
    section("Where it goes", prediction), section("Raw events", noRaw, raw.element));

  const plots = new Map();
  let decisions = [];
  let latest = first;
  const forecast = new Chart("Forecast", { format: number });
  const end = poll(`/api/agent/decisions?signal_id=${first.id}`, 5000, async (reply) => {
    decisions = reply.decisions;
    await showThoughts(agent, latest, decisions, isOver);
  }, (error) => agent.replaceChildren(h("p", { class: "failure" }, error.message)));

  return {
    update(signal) {
      latest = signal;
      keyed(people, [{ culprits: signal.culprits }, { victims: signal.victims }], (item) => Object.keys(item)[0], (item) => (item.culprits
        ? party("Caused by", item.culprits, (culprit) => [bar(culprit.share), `${percent(culprit.share)} of ${culprit.measure}`],
          "Who causes it cannot be told from this data.")
        : party("Who suffers", item.victims, (victim) => [`${number(victim.stall_milliseconds_per_second)} ms of each second, ${victim.stall}`],
          "Nobody that can be named.")));
      evidence.fill(signal.evidence, (input) => input.metric);
      keyed(hints, [{ title: "What this looks like", texts: signal.patterns }, { title: "What may help", texts: signal.reasoning_hints }].filter(({ texts }) => texts.length),
        ({ title }) => title, ({ title, texts }) => h("div", {}, h("h3", {}, title), h("ul", {}, texts.map((text) => h("li", {}, text)))));
      drawSeries(charts, plots, signal, decisions);
      showForecast(prediction, forecast, signal);
      setText(noRaw, signal.events.length ? "" : "None are cited, or they are no longer kept.");
      raw.element.hidden = !signal.events.length;
      raw.fill(signal.events, ({ source, event }) => `${source}${event.id}`);
    },
    end() {
      end();
      plots.forEach((plot) => plot.end());
      forecast.end();
    },
  };
}

function party(title, people, cells, none) {
  return h("section", { "aria-label": title }, h("h2", {}, title), people.length
    ? h("ul", { class: "people" }, people.map((person) => h("li", {},
      h("p", {}, h("b", {}, person.comm), h("span", { class: "quiet" }, ` pid ${person.process.pid}${person.cgroup ? `, ${person.cgroup}` : ""}`)),
      h("p", {}, cells(person)))))
    : h("p", { class: "quiet" }, none));
}

function happened(event) {
  if (event.syscall_name) return `${event.syscall_name} (${words(event.category)}) = ${event.ret_value}`;
  if (event.wait_ns != null) return `waited for a CPU${event.previous_comm ? `, which ${event.previous_comm} (${event.previous_pid}) had` : ""}`;
  if (event.fault_type) return `${event.fault_type} fault, ${event.access_type}, ${event.address}`;
  return `${event.operation} of ${measured(event.bytes, "bytes")} on ${event.device_name}${event.error ? `, error ${event.error}` : ""}`;
}

/// `series` has values on a grid; a chart each.
function drawSeries(parent, plots, signal, decisions) {
  const shown = events([signal], decisions, now());
  for (const series of signal.series) {
    if (!plots.has(series.metric)) {
      const isHistogram = series.kind === "histogram";
      const plot = new Chart(`${series.metric}${isHistogram ? ", p95" : ""}`, { format: isHistogram ? nanoseconds : unitOf(series.metric), height: 120 });
      plots.set(series.metric, plot);
      parent.append(plot.element);
    }
    const from = series.start / 1e9;
    plots.get(series.metric).draw({ from, to: from + series.values.length * series.step },
      [{ name: series.kind === "histogram" ? "p95" : "mean", reply: series, column: "values" }], shown, "no longer kept");
  }
}

function unitOf(metric) {
  if (/^(pressure|cpu)\.|\.used$|^disk\.busy/.test(metric)) return percent;
  if (/_bytes(:|$)/.test(metric)) return (value) => measured(value, "bytes/s");
  if (/^memory\./.test(metric)) return (value) => measured(value, "bytes");
  return (value) => measured(value, "");
}

async function showThoughts(parent, signal, decisions, isOver) {
  let cycles = [];
  try {
    cycles = (await ask("/api/agent/history?limit=100")).iterations;
  } catch {
    // The decisions say the most.
  }
  if (isOver()) return;
  const until = signal.state === "open" ? Infinity : endOf(signal, now()) + 120_000;
  const ids = new Set(decisions.map((decision) => decision.cycle));
  // Cycles that decided about it, or else those that ran meanwhile.
  const about = cycles.filter((cycle) => ids.has(cycle.id));
  const meanwhile = cycles.filter((cycle) => cycle.timestamp_ns >= signal.timestamp && cycle.timestamp_ns / 1e6 <= until).slice(0, 3);
  const items = [
    ...decisions.map((decision) => ({ key: `d${decision.decision_id}`, decision })),
    ...(about.length ? about : meanwhile).map((cycle) => ({ key: `c${cycle.id}`, cycle, isOpen: about.length > 0 })),
  ];
  if (!decisions.length) items.unshift({ key: "none" });
  keyed(parent, items, ({ key }) => key, ({ decision, cycle, isOpen }) => {
    if (decision) return decisionLine(decision, "div");
    if (!cycle) return h("p", { class: "quiet" }, "The agent has decided nothing about this signal.");
    return h("details", { open: isOpen }, h("summary", {}, `Cycle ${cycle.id}, ${time(cycle.timestamp)}: ${cycle.outcome ?? "runs"}`),
      h("dl", {}, Object.entries(cycle.phases).map(([name, messages]) => [h("dt", {}, name), messages.map((message) => h("dd", {}, message))])));
  });
}

export function decisionLine(decision, element = "li") {
  return h(element, {}, badge(decision.state), " ", h("b", {}, action(decision.action)),
    h("span", { class: "quiet" }, ` ${time(decision.created)}, confidence ${percent(decision.confidence)}`),
    h("p", {}, decision.reason), decision.verdict ? h("p", {}, `Verdict: ${decision.verdict}`) : "",
    decision.note ? h("p", { class: "quiet" }, decision.note) : "",
    decision.changes?.length ? h("ul", {}, decision.changes.map((change) =>
      h("li", {}, `${setting(change.setting)}: ${change.before || "(empty)"} → ${change.after}, ${change.state}`))) : "");
}

/// `{"file":{"_0":"/proc/sys/vm/swappiness"}}` in words.
function setting(setting) {
  const [kind, value] = Object.entries(setting ?? {})[0] ?? [];
  if (kind == null) return "setting";
  const parts = Object.values(value ?? {}).map((part) => (typeof part === "object" && part?.pid ? `pid ${part.pid}` : typeof part === "object" ? JSON.stringify(part) : part));
  return `${words(kind)} ${parts.join(" ")}`.trim();
}

function showForecast(parent, chart, { forecast }) {
  if (!forecast || forecast.reason) {
    setText(parent, forecast?.reason ?? "There is none.");
    return;
  }
  const minutes = (value) => (value == null ? "not within 30 min" : value === 0 ? "already" : `in ${number(value)} min`);
  const say = (value) => measured(value, forecast.unit);
  parent.replaceChildren(
    h("p", {}, forecast.scenario_description),
    h("p", { class: "quiet" }, `${forecast.metric}: now ${say(forecast.current_value)}, in 30 min ${say(forecast.projected_value)} (${say(forecast.band.lower)} to ${say(forecast.band.upper)}); risk ${forecast.risk_level}; critical ${minutes(forecast.reaches_critical_at)}`),
    chart.element);
  const [first, second] = forecast.timeline;
  const from = Date.parse(first.timestamp) / 1000;
  const step = (second.time_minutes - first.time_minutes) * 60;
  const column = (name) => ({ start: from * 1e9, step, values: forecast.timeline.map((point) => point[name]) });
  chart.format = say;
  chart.draw({ from, to: from + step * forecast.timeline.length },
    [["expected", "value"], ["at least", "lower"], ["at most", "upper"]].map(([name, member]) => ({ name, reply: column(member), column: "values" })));
}
