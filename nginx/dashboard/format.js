// Numbers and times as people read them. Everything unknown is a dash, never a zero.

const none = "–";

function digits(value, most = 3) {
  const size = Math.abs(value);
  // What is there must not look like nothing.
  if (size > 0 && size < 0.005) return value < 0 ? "> −0.01" : "< 0.01";
  const places = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toFixed(Math.min(places, most)).replace(/\.?0+$/, (zeros) => (zeros.includes(".") ? "" : zeros));
}

function scaled(value, base, units) {
  if (value == null || Number.isNaN(value)) return none;
  let index = 0;
  let size = value;
  while (Math.abs(size) >= base && index < units.length - 1) {
    size /= base;
    index += 1;
  }
  return `${digits(size)}${units[index]}`;
}

export const percent = (share) => (share == null ? none : `${digits(share * 100)} %`);
export const percentOfHost = (value) => (value == null ? none : `${digits(value)} %`);
export const nanoseconds = (ns) => (ns == null ? none : scaled(ns, 1000, [" ns", " µs", " ms", " s"]));
export const bytes = (count) => scaled(count, 1000, [" B", " kB", " MB", " GB", " TB"]);
export const bytesPerSecond = (rate) => (rate == null ? none : `${bytes(rate)}/s`);
export const count = (value) => scaled(value, 1000, ["", " k", " M", " G", " T"]);
export const rate = (value) => (value == null ? none : `${count(value)}/s`);
export const number = (value) => (value == null ? none : digits(value));
export const plain = (value) => (value == null || Number.isNaN(value) ? none : Number(value).toLocaleString("en"));

/// A value of an input of a rule, in its unit: "share", "ms", "1/s", …
export function measured(value, unit) {
  if (value == null) return none;
  if (unit === "share") return percent(value);
  if (unit === "bytes" || unit === "B") return bytes(value);
  if (unit === "bytes/s" || unit === "B/s") return bytesPerSecond(value);
  if (unit === "ns") return nanoseconds(value);
  return `${Math.abs(value) >= 10_000 ? count(value) : digits(value)}${unit ? ` ${unit}` : ""}`;
}

export function duration(seconds) {
  if (seconds == null || Number.isNaN(seconds)) return none;
  const whole = Math.max(0, Math.round(seconds));
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, length]) => whole >= length);
  if (first < 0) return "0 s";
  // Two units say enough.
  return units.slice(first, first + 2).map(([unit, length], index) => {
    const value = Math.floor((index === 0 ? whole : whole % units[first][1]) / length);
    return value || index === 0 ? `${value} ${unit}` : "";
  }).join(" ").trim();
}

const clockFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

/// Milliseconds or RFC 3339, in the viewer's time zone; with the day unless it is today.
export function time(value) {
  if (value == null) return none;
  const date = new Date(value);
  return date.toDateString() === new Date().toDateString() ? clockFormat.format(date) : dayFormat.format(date);
}

export function zone() {
  const minutes = -new Date().getTimezoneOffset();
  const sign = minutes < 0 ? "−" : "+";
  const two = (part) => String(part).padStart(2, "0");
  const size = Math.abs(minutes);
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return `Times are in ${name}, UTC${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export const words = (name) => String(name).replaceAll("_", " ");

/// `{"kind":"lower_priority","process":{"pid":7},"value":"10"}` in words.
export function action(action) {
  if (action?.kind == null) return JSON.stringify(action);
  const target = action.process ? ` on pid ${action.process.pid}` : "";
  return `${words(action.kind)}${target}${action.value == null ? "" : ` to ${action.value}`}`;
}
