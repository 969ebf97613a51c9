// How the host and KernelSight itself are, as far as is known: the only thing that every view asks for, once a second. What is
// not known is never shown as calm.

import { now, poll } from "./ask.js";
import { words } from "./format.js";

const every = 1000;
/// Seconds without an answer after which what is on the screen counts as old.
const patience = 4;

/// The last answers, and what is wrong with the newest question; null while there is none.
export const pulse = { diagnostics: null, open: null, agent: null, failure: null, heard: null };
const listeners = new Set();

/// Called at each beat, and once at first; returns what ends it.
export function onPulse(listener) {
  listeners.add(listener);
  listener(pulse);
  return () => listeners.delete(listener);
}

export function startPulse() {
  const tell = () => listeners.forEach((listener) => listener(pulse));
  const take = (name) => (reply) => {
    pulse[name] = reply;
    if (name === "diagnostics") {
      pulse.failure = null;
      pulse.heard = now();
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
  poll("/api/signals?state=open&limit=50", every, take("open"), failed("open"));
  poll("/api/agent/status", 2 * every, take("agent"), failed("agent"));
}

/// Seconds since the data was measured; null where there is none.
export function age({ diagnostics }) {
  const at = diagnostics?.data_timestamp_ns;
  return at == null ? null : Math.max(0, now() / 1000 - at / 1e9);
}

/// { level, host, self } for the top of the page. Levels: asking, silent, stale, blind, well, low, medium, high, critical.
export function verdict(state) {
  const { diagnostics, open, failure, heard } = state;
  if (failure && (heard == null || now() - heard > patience * 1000)) {
    const since = heard == null ? "" : ` Below is what was known ${Math.round((now() - heard) / 1000)} s ago.`;
    return { level: "silent", host: "No answer: nothing is known of the host now.", self: `KernelSight: ${failure.message}.${since}` };
  }
  if (!diagnostics) return { level: "asking", host: "Asking …", self: "" };
  const self = `KernelSight: ${selfWord(diagnostics)}`;
  const old = age(state);
  if (diagnostics.stale || old == null || old > 15) {
    const what = old == null ? "nothing has been measured yet" : `the newest data is ${Math.round(old)} s old`;
    return { level: "stale", host: `Unknown: ${what}.`, self };
  }
  if (!open || open.failure) return { level: open ? "stale" : "asking", host: open?.failure ?? "Asking …", self };
  const count = open.signals.length;
  if (count === 0) {
    const blind = Object.keys(check(diagnostics, "detection")?.data?.blind ?? {}).map(words);
    if (!blind.length) return { level: "well", host: "The host is well: nothing is wrong.", self };
    return { level: "blind", host: `Nothing is seen to be wrong, but not everything is seen: ${blind.join(", ")}.`, self };
  }
  const more = open.next_cursor ? "at least " : "";
  const worst = ["critical", "high", "medium", "low"].find((name) => open.signals.some((signal) => signal.current_severity === name));
  const causes = [...new Set(open.signals.map((signal) => signal.culprits[0]?.comm).filter(Boolean))];
  const who = causes.length ? ` Caused by ${causes.slice(0, 3).join(", ")}${causes.length > 3 ? " and others" : ""}.` : "";
  return { level: worst, host: `${more}${count} ${count === 1 ? "thing is" : "things are"} wrong, ${worst} at worst.${who}`, self };
}

function selfWord(diagnostics) {
  const bad = diagnostics.checks.filter((check) => check.status !== "ok");
  if (!bad.length) return "everything works.";
  return `${bad.map((check) => words(check.component)).join(", ")} ${bad.length === 1 ? "is" : "are"} not in order.`;
}

export const check = (diagnostics, name) => diagnostics?.checks.find((check) => check.component === name);

