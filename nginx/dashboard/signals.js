// Signals as several views show them.

import { badge, h } from "./dom.js";
import { percent, time, words } from "./format.js";

export const where = (signal) => `${signal.entity.type} ${signal.entity.name}`;

export function culprits(signal) {
  if (!signal.culprits.length) return "who causes it cannot be told from this data";
  return signal.culprits.slice(0, 3)
    .map((culprit) => `${culprit.comm} (${culprit.process.pid}), ${percent(culprit.share)} of ${culprit.measure}`).join("; ");
}

/// Milliseconds. What became unknown was last seen when it was.
export function endOf(signal, now) {
  if (signal.state === "closed") return signal.closed_at / 1e6;
  return signal.state === "open" ? now : signal.last_seen / 1e6;
}

export const severities = ["low", "medium", "high", "critical"];
export const rank = (severity) => severities.indexOf(severity);

/// Some members of a signal: what else changes each second must not make an element anew each second.
export const only = (signal, ...names) => Object.fromEntries(names.map((name) => [name, signal[name]]));

/// What happened in a view, for the charts: bands and marks.
export function events(signals, decisions, now) {
  return {
    signals: signals.map((signal) => ({
      from: signal.timestamp / 1e6, to: endOf(signal, now), severity: signal.severity,
    })),
    actions: decisions.filter((decision) => decision.changes?.length).map((decision) => ({ at: Date.parse(decision.created) })),
  };
}

export const link = (signal, ...content) => h("a", { href: `#/signals/${signal.id}`, "data-focus": `signal-${signal.id}` }, ...content);

/// One line of a list of past signals.
export function line(signal) {
  return h("li", {}, badge(signal.severity), " ", link(signal, signal.summary), " ",
    h("span", { class: "quiet" }, `${words(signal.signal_type)}, ${time(signal.timestamp / 1e6)}`,
      signal.state === "closed" ? ` to ${time(signal.closed_at / 1e6)}` : `, ${signal.state}`));
}
