// How the host and KernelSight itself are, as far as is known: the only thing that every view asks for, once a second. What is
// not known is never shown as calm.

import { now, poll } from "./ask.js";
import { words } from "./format.js";
import { rank } from "./signals.js";

const every = 1000;
/// Seconds without an answer after which what is on the screen counts as old.
const patience = 4;

/// The last answers, and what is wrong with the newest question; null while there is none.
export const pulse = { diagnostics: null, open: null, unknown: null, agent: null, failure: null, heard: null };
const listeners = new Set();

/// Called at each beat, and once at first; returns what ends it.
export function onPulse(listener) {
  listeners.add(listener);
  listener(pulse);
  return () => listeners.delete(listener);
}

export function startPulse() {
  // One that fails must not keep the others from being told, nor end the asking.
  const tell = () => listeners.forEach((listener) => {
    try {
      listener(pulse);
    } catch (error) {
      console.error(error);
    }
  });
  const take = (name) => (reply) => {
    pulse[name] = reply;
    if (name === "diagnostics") {
      pulse.failure = null;
      pulse.heard = performance.now();
    }
    tell();
  };
  poll("/api/diagnostics", every, take("diagnostics"), (error) => {
    pulse.failure = error;
    tell();
  });
  const failed = (name) => (error) => {
    // An answer that could not be had is not an empty one.
    pulse[name] = { failure: error.message };
    tell();
  };
  poll("/api/signals?state=open&limit=256", every, take("open"), failed("open"));
  poll("/api/signals?state=unknown&lookback_minutes=60&severity=medium&limit=50", 5 * every, take("unknown"), failed("unknown"));
  poll("/api/agent/status", 2 * every, take("agent"), failed("agent"));
}

/// Seconds since the data was measured; null where there is none.
export function age({ diagnostics }) {
  const at = diagnostics?.data_timestamp_ns;
  return at == null ? null : Math.max(0, now() / 1000 - at / 1e9);
}

/// { level, host, self, detail } for the top of the page; `detail` counts on and is not for a screen reader. Levels: asking, silent,
/// stale, blind, well, low, medium, high, critical.
export function verdict(state) {
  const { diagnostics, open, failure, heard } = state;
  const silence = heard == null ? null : (performance.now() - heard) / 1000;
  if (failure && (silence == null || silence > patience)) {
    const detail = silence == null ? "" : `Below is what was known ${Math.round(silence)} s ago.`;
    return { level: "silent", host: "No answer: nothing is known of the host now.", self: `KernelSight: ${failure.message}`, detail };
  }
  if (!diagnostics) return { level: "asking", host: "Asking …", self: "", detail: "" };
  const self = `KernelSight: ${selfWord(diagnostics)}`;
  const old = age(state);
  if (diagnostics.stale || old == null || old > 15) {
    const host = old == null ? "Unknown: nothing has been measured yet." : "Unknown: the data are old.";
    return { level: "stale", host, self, detail: old == null ? "" : `The newest are of ${Math.round(old)} s ago.` };
  }
  if (!open || open.failure) return { level: open ? "stale" : "asking", host: open?.failure ?? "Asking …", self, detail: "" };
  const detail = unseen(state);
  if (!open.signals.length) {
    return detail ? { level: "blind", host: "Nothing is seen to be wrong, but not everything is seen.", self, detail }
      : { level: "well", host: "The host is well: nothing is wrong.", self, detail };
  }
  const worst = open.signals.reduce((worst, { current_severity: one }) => (rank(one) > rank(worst) ? one : worst), "low");
  const gravest = open.signals.filter((signal) => signal.current_severity === worst);
  const causes = [...new Set(gravest.map((signal) => signal.culprits[0]?.comm).filter(Boolean))];
  const who = causes.length ? ` Caused by ${causes.slice(0, 3).join(", ")}${causes.length > 3 ? " and others" : ""}.` : "";
  const count = open.signals.length;
  return { level: worst, host: `${open.next_cursor ? "At least " : ""}${count} ${count === 1 ? "thing is" : "things are"} wrong, ${worst} at worst.${who}`, self, detail };
}

/// What could be wrong without being seen, in words; empty where everything is seen.
function unseen({ diagnostics, unknown }) {
  // Without word of detection nobody looks.
  const blind = check(diagnostics, "detection")?.data?.blind;
  const rules = blind ? Object.keys(blind).map(words) : ["detection"];
  const parts = [];
  if (rules.length) parts.push(`cannot be told: ${rules.join(", ")}`);
  if (unknown?.failure) parts.push("signals that may still be true cannot be asked for");
  const lost = unknown?.signals?.length ?? 0;
  if (lost) parts.push(`${lost} ${lost === 1 ? "signal" : "signals"} of the last hour may still be true`);
  return parts.length ? `${parts.join("; ")}.`.replace(/^./, (letter) => letter.toUpperCase()) : "";
}

function selfWord(diagnostics) {
  const bad = diagnostics.checks.filter((check) => check.status !== "ok");
  if (!bad.length) return "everything works.";
  return `${bad.map((check) => words(check.component)).join(", ")} ${bad.length === 1 ? "is" : "are"} not in order.`;
}

export const check = (diagnostics, name) => diagnostics?.checks.find((check) => check.component === name);

