// The plain first page: health, open signals with who causes them, and how old the data is. All text that comes from the
// host is set as text, never as markup: anybody may choose the name of a process.
"use strict";

const pauseMilliseconds = 2000;

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function setText(id, text, className = "") {
  const target = document.getElementById(id);
  target.textContent = text;
  target.className = className;
}

async function ask(path) {
  const reply = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  const body = await reply.json();
  // Health answers 503 with a body of its own; other errors are problem documents.
  if (!reply.ok && body.type) throw new Error(body.detail);
  return body;
}

function showHealth(health) {
  const reason = health.reason ? `: ${health.reason}` : "";
  setText("health", health.status + reason, health.status);
  const age = health.data_age_seconds;
  setText("freshness", age == null ? "" : `data ${age.toFixed(1)} s old, ${health.signal_count} signals in all`);
  document.getElementById("components").replaceChildren(
    ...(health.components ?? []).map((c) => element("li", `${c.component}: ${c.message}`, c.status)));
}

function culprits(signal) {
  if (signal.culprits.length === 0) return "cannot tell from this data";
  return signal.culprits
    .map((c) => `${c.comm} (${c.process.pid}), ${Math.round(c.share * 100)} % of ${c.measure}`)
    .join("; ");
}

function showSignals(reply) {
  setText("summary", reply.summary);
  document.getElementById("signals").hidden = reply.signals.length === 0;
  document.querySelector("#signals tbody").replaceChildren(...reply.signals.map((signal) => {
    const row = document.createElement("tr");
    row.append(
      element("td", signal.severity, signal.severity),
      element("td", signal.summary),
      element("td", `${signal.entity.type} ${signal.entity.name}`),
      element("td", culprits(signal)),
      element("td", signal.timestamp_iso));
    return row;
  }));
}

async function refresh() {
  await ask("/api/health").then(showHealth, (error) => {
    setText("health", `no answer: ${error.message}`, "unhealthy");
    setText("freshness", "");
  });
  await ask("/api/signals?state=open&limit=50").then(showSignals, (error) => setText("summary", error.message, "error"));
  setTimeout(refresh, pauseMilliseconds);
}

refresh();
