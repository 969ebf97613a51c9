// Now: is the host well, what is wrong, who causes it, and what the agent does about it.

import { badge, h, keyed, setText } from "../dom.js";
import { now, poll } from "../ask.js";
import { action, duration, nanoseconds, percent, rate, time, words } from "../format.js";
import { metrics } from "../metrics.js";
import { onPulse } from "../pulse.js";
import { culprits, line, link, only, rank, where } from "../signals.js";
import { sparkline } from "../spark.js";
import { seriesPath } from "../window.js";

const vitals = [
  { metric: "cpu.busy", name: "CPU busy", format: percent, most: 1 },
  { metric: "pressure.cpu.some", name: "waiting for CPU", format: percent, most: 0.2 },
  { metric: "runq.latency", name: "run-queue wait, p99", format: nanoseconds, column: "p99_ns" },
  { metric: "memory.used", name: "memory used", format: percent, most: 1 },
  { metric: "pressure.memory.some", name: "waiting for memory", format: percent, most: 0.2 },
  { metric: "pressure.io.some", name: "waiting for I/O", format: percent, most: 0.2 },
  { metric: "sched.blocked", name: "in D state", format: (value) => (value == null ? "–" : `${Math.round(value)} ms/s`), most: 10 },
  { metric: "tcp.retransmits", name: "TCP retransmits", format: rate, most: 1 },
];

export function showNow(main) {
  const problems = h("div", { class: "cards" });
  const lesser = h("ul", { class: "lines" });
  const lost = h("ul", { class: "lines" });
  const calm = h("p", { class: "quiet" });
  const recent = h("ul", { class: "lines" });
  const noRecent = h("p", { class: "quiet" });
  const agent = h("div");
  const faulty = h("ul", { class: "lines" });
  const sound = h("p", { class: "chips" });
  const tiles = vitals.map((vital) => tile(vital));
  main.append(
    h("section", { "aria-label": "What is wrong" }, h("h2", {}, "What is wrong"), calm, problems, lesser, lost),
    h("section", { "aria-label": "Vital signs" }, h("h2", {}, "Last 15 minutes"), h("div", { class: "tiles" }, tiles.map((tile) => tile.element))),
    h("div", { class: "columns" },
      h("section", { "aria-label": "Agent" }, h("h2", {}, "What the agent does"), agent),
      h("section", { "aria-label": "Lately" }, h("h2", {}, "Over in the last hour, above low"), noRecent, recent)),
    h("section", { "aria-label": "KernelSight itself" }, h("h2", {}, "KernelSight itself"), faulty, sound));

  const ends = [
    onPulse((pulse) => {
      const signals = pulse.open?.signals;
      setText(calm, pulse.open?.failure ?? (signals == null ? "Asking …" : signals.length ? "" : "No signal is open."));
      const sorted = [...(signals ?? [])].sort((a, b) => rank(b.current_severity) - rank(a.current_severity));
      keyed(problems, sorted.filter((signal) => signal.current_severity !== "low").map(steady), (signal) => signal.id, card);
      keyed(lesser, sorted.filter((signal) => signal.current_severity === "low").map(steady), (signal) => signal.id, openLine);
      keyed(lost, pulse.unknown?.signals ?? [], (signal) => signal.id, line);
      const checks = (pulse.diagnostics?.checks ?? []).filter((check) => !["api_worker", "worker_pool"].includes(check.component))
        .map(({ component, status, details }) => ({ component, status, detail: details.join("; ") }));
      keyed(faulty, checks.filter((check) => check.status !== "ok"), (check) => check.component, part);
      keyed(sound, checks.filter((check) => check.status === "ok").map(({ component }) => component), (name) => name, (name) =>
        h("span", {}, badge("ok"), ` ${words(name)}`));
      showAgent(agent, pulse.agent);
    }),
    poll("/api/signals?state=closed&lookback_minutes=1440&severity=medium&limit=100", 10_000, (reply) => {
      const over = reply.signals.filter((signal) => signal.closed_at / 1e6 > now() - 3_600_000).sort((a, b) => b.closed_at - a.closed_at);
      setText(noRecent, over.length ? "" : "None.");
      keyed(recent, over.slice(0, 8), (signal) => signal.id, line);
    }, (error) => {
      setText(noRecent, error.message);
      recent.replaceChildren();
    }),
    ...tiles.map((tile) => tile.start()),
  ];
  return { end: () => ends.forEach((end) => end()) };
}

const since = (signal) => duration((now() - signal.timestamp / 1e6) / 1000);

const steady = (signal) => only(signal, "id", "current_severity", "summary", "entity", "timestamp", "signal_type", "culprits");

function card(signal) {
  return h("article", { class: `card ${signal.current_severity}` },
    h("p", { class: "top" }, badge(signal.current_severity), h("span", {}, words(signal.signal_type)),
      h("span", { class: "quiet" }, "for ", h("span", { "data-since": signal.timestamp / 1e6 }, since(signal)))),
    h("h3", {}, link(signal, signal.summary)),
    h("p", {}, h("span", { class: "quiet" }, "Where: "), where(signal)),
    h("p", {}, h("span", { class: "quiet" }, "Caused by: "), culprits(signal)));
}

/// What is low takes a line.
function openLine(signal) {
  return h("li", {}, badge("low"), " ", link(signal, signal.summary), h("span", { class: "quiet" }, ` ${words(signal.signal_type)}, for `,
    h("span", { "data-since": signal.timestamp / 1e6 }, since(signal)), `; ${culprits(signal)}`));
}

function part({ component, status, detail }) {
  return h("li", {}, badge(status), ` ${words(component)}`, h("span", { class: "quiet" }, `: ${detail}`));
}

function showAgent(parent, agent) {
  const items = [];
  if (agent?.failure) items.push({ key: "failure", text: agent.failure });
  else if (agent) {
    items.push({ key: "state", state: agent.status, text: agent.message });
    for (const decision of agent.pending) items.push({ key: `p${decision.decision_id}`, state: "pending", text: `${action(decision.action)}: ${decision.reason}`, link: true });
    for (const decision of agent.standing) items.push({ key: `s${decision.decision_id}`, state: decision.state, text: `${action(decision.action)}: ${decision.verdict ?? decision.reason}`, link: true });
    const last = agent.activity[0];
    if (last) items.push({ key: "last", text: `Last: ${last.phase} at ${time(last.timestamp)}: ${last.message}` });
  }
  if (!parent.firstElementChild) parent.append(h("ul", { class: "lines" }));
  keyed(parent.firstElementChild, items, (item) => item.key, (item) =>
    h("li", {}, item.state ? badge(item.state) : "", " ", item.link ? h("a", { href: "#/agent" }, item.text) : item.text));
}

function tile({ metric, name, format, most, column = "mean" }) {
  const value = h("p", { class: "value" }, "…");
  const picture = h("div");
  const element = h("a", { class: "tile", href: "#/time?range=15min" }, h("p", { class: "name" }, name), value, picture);
  return {
    element,
    start: () => poll(async () => ((await metrics()).includes(metric) ? seriesPath(metric, grid()) : null), 5000, (reply) => {
      const values = reply?.[column] ?? [];
      setText(value, format(values.slice(-4).findLast((value) => value != null) ?? null));
      picture.replaceChildren(sparkline(values, most));
    }, () => {
      setText(value, "–");
      picture.replaceChildren();
    }),
  };
}

/// The last 15 minutes in steps of 5 s.
function grid() {
  const to = Math.floor(now() / 5000) * 5;
  return { from: to - 900, to, step: 5 };
}
