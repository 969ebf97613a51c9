// Which view is shown, and the line above them all. The part of the address behind # holds the state: #/time?range=1h

import { setText } from "./dom.js";
import { onColours, startTheme } from "./colours.js";
import { duration, zone } from "./format.js";
import { age, onPulse, pulse, startPulse, verdict } from "./pulse.js";
import { now } from "./ask.js";
import { showNow } from "./views/now.js";
import { showTime } from "./views/time.js";
import { showSignal } from "./views/signal.js";
import { showProcesses } from "./views/processes.js";
import { showAgent } from "./views/agent.js";
import { showCost } from "./views/cost.js";

const views = { now: showNow, time: showTime, signals: showSignal, processes: showProcesses, agent: showAgent, cost: showCost };
const order = ["now", "time", "processes", "agent", "cost"];

const main = document.getElementById("main");
/// What the view that is shown has running; null in `path` where there is none.
let shown = { path: null, view: null };

/// A view is a function of (main, path, parameters) that returns { end(), move?(parameters), key?(event) }: `move` takes new
/// parameters without being built anew.
function route(anew = false) {
  const [path, query = ""] = (location.hash.replace(/^#\/?/, "") || "now").split("?");
  if (path === "main") return;
  const parameters = new URLSearchParams(query);
  if (!anew && path === shown.path && shown.view.move) {
    shown.view.move(parameters);
    return;
  }
  const [first, ...rest] = path.split("/");
  const name = Object.hasOwn(views, first) ? first : "now";
  shown.view?.end();
  main.replaceChildren();
  const isMove = shown.path != null && shown.path !== path;
  shown = { path, view: views[name](main, rest.join("/"), parameters) };
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${name[0].toUpperCase()}${name.slice(1)} · KernelSight`;
  if (isMove) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

function showVerdict(state) {
  let said;
  try {
    said = verdict(state);
  } catch (error) {
    // Not as it should be is not known.
    said = { level: "silent", host: "Not known: the answer is not understood.", self: String(error.message), detail: "" };
  }
  const { level, host, self, detail } = said;
  const banner = document.getElementById("verdict");
  if (banner.className !== level) banner.className = level;
  setText(document.getElementById("host"), host);
  setText(document.getElementById("self"), self);
  setText(document.getElementById("detail"), detail);
  document.body.classList.toggle("old", level === "silent" || level === "stale");
  const old = age(state);
  setText(document.getElementById("freshness"), old == null ? "no data" : `data ${Math.round(old)} s old`);
}

/// What says how long something lasts goes on saying so: <span data-since="milliseconds">.
function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    setText(element, duration((now() - Number(element.dataset.since)) / 1000));
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const index = Number(event.key) - 1;
  if (index in order) location.hash = `#/${order[index]}`;
  else shown.view?.key?.(event);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
startTheme(document.getElementById("theme"));
onColours(() => route(true));
addEventListener("hashchange", () => route());
document.getElementById("broken").remove();
startPulse();
onPulse(showVerdict);
route();
// Age goes on where answers do not.
setInterval(() => {
  tick();
  setText(document.getElementById("zone"), zone());
  showVerdict(pulse);
}, 1000);
