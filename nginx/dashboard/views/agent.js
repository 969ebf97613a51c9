// The agent: the six phases, what it decided, what waits for a person, and the audit.

import { badge, h, keyed, setText, table } from "../dom.js";
import { ask, poll } from "../ask.js";
import { action, nanoseconds, percent, time, words } from "../format.js";
import { check, onPulse } from "../pulse.js";
import { decisionLine } from "./signal.js";

const phases = ["OBSERVE", "EXPLAIN", "SIMULATE", "DECIDE", "EXECUTE", "VERIFY"];
/// The token stays in this page's memory: whoever opens another page types it again.
let token = "";

export function showAgent(main) {
  const state = h("p", {}, "Asking …");
  const steps = h("ol", { class: "phases" });
  const cycleLine = h("p", { class: "quiet" });
  const pending = h("div", { class: "cards" });
  const noPending = h("p", { class: "quiet" });
  const answer = h("p", { role: "status" });
  const tokenField = h("input", { type: "password", autocomplete: "off", id: "token", value: token, oninput: (event) => { token = event.target.value.trim(); } });
  const tokenForm = h("form", { class: "tools", onsubmit: (event) => event.preventDefault() },
    h("label", { for: "token" }, "Token "), tokenField, h("span", { class: "quiet" }, "the content of agent-token beside the database"));
  const standing = h("ul", { class: "lines" });
  const noStanding = h("p", { class: "quiet" });
  const decisions = h("ul", { class: "lines" });
  const noDecisions = h("p", { class: "quiet" });
  const cycles = h("div");
  const catalogue = table("Actions", [
    { title: "Action", cell: (entry) => words(entry.action ?? entry.kind ?? "") },
    { title: "On this host", cell: (entry) => (entry.enabled === false ? "off in the configuration" : entry.obstacle ?? "possible") },
  ]);
  const audit = table("Audit", [
    { title: "Record", cell: (record) => String(record.id) },
    { title: "Time", cell: (record) => time(record.timestamp) },
    { title: "What", cell: (record) => record.kind },
    { title: "Details", cell: (record) => h("code", { class: "body" }, record.body) },
    { title: "Hash", cell: (record) => h("code", {}, record.hash.slice(0, 12)) },
  ]);
  const noAudit = h("p", { class: "failure" });
  const section = (title, ...content) => h("section", { "aria-label": title }, h("h2", {}, title), content);
  main.append(
    section("Agent", state, steps, cycleLine),
    section("Waits for a person", noPending, pending, tokenForm, answer),
    section("Stands changed", noStanding, standing),
    section("Decisions", noDecisions, decisions),
    section("Cycles", cycles),
    section("Actions", catalogue.element),
    section("Audit", h("p", { class: "quiet" }, "Each record's hash covers the one before; ", h("code", {}, "kernelsight agent audit"), " verifies all of them."), noAudit, audit.element));

  async function decide(id, word) {
    if (!token) {
      setText(answer, "Enter the token first.");
      tokenField.focus();
      return;
    }
    setText(answer, `Asking the agent to ${word} decision ${id} …`);
    // Asked twice, the second answer would be that it does not wait any more.
    const buttons = [...pending.querySelectorAll("button")];
    buttons.forEach((button) => { button.disabled = true; });
    try {
      setText(answer, (await ask(`/api/agent/decisions/${id}/${word}`, { method: "POST", token })).message);
    } catch (error) {
      const isLate = error.name === "TimeoutError";
      setText(answer, isLate ? "No answer in time: whether it was done stands under Decisions." : error.message);
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
    }
  }

  const card = (decision) => h("article", { class: "card pending" },
    h("p", { class: "top" }, badge("pending"), h("span", { class: "quiet" }, `confidence ${percent(decision.confidence)}, until ${time(decision.expires)}`)),
    h("h3", {}, action(decision.action)), h("p", {}, decision.reason),
    h("p", {}, h("a", { href: `#/signals/${decision.signal_id}` }, `for signal ${decision.signal_id}`)),
    h("p", { class: "tools" },
      h("button", { type: "button", class: "yes", "data-focus": `yes-${decision.decision_id}`, onclick: () => decide(decision.decision_id, "approve") }, "Approve"),
      h("button", { type: "button", "data-focus": `no-${decision.decision_id}`, onclick: () => decide(decision.decision_id, "reject") }, "Reject")));

  function showPhases(status, cycle) {
    const items = phases.map((name) => ({
      name, isCurrent: status?.current_phase === name, messages: cycle?.phases[name] ?? [], took: cycle?.durations_ms[name],
    }));
    keyed(steps, items, (item) => item.name, (item) => h("li", { class: item.isCurrent ? "current" : item.messages.length ? "past" : "", "aria-current": item.isCurrent ? "step" : null },
      h("b", {}, item.name), item.took == null ? "" : h("span", { class: "quiet" }, ` ${nanoseconds(item.took * 1e6)}`),
      item.messages.slice(-2).map((message) => h("p", {}, message))));
  }

  let latest = null;
  let flying = [];
  const ends = [
    onPulse(({ agent, diagnostics }) => {
      if (agent?.failure) setText(state, agent.failure);
      else if (agent) {
        setText(state, `${agent.status}${agent.mode ? `, mode ${agent.mode}` : ""}. ${agent.message}`);
        setText(noPending, agent.pending.length ? "" : "Nothing.");
        tokenForm.hidden = !agent.pending.length;
        keyed(pending, agent.pending, (decision) => decision.decision_id, card);
        // Without its mode its records could not be read, and then nothing is known of the host.
        const isKnown = agent.mode != null || check(diagnostics, "agent")?.status === "ok";
        const inFlight = flying.length ? `Being changed or verified: ${flying.map((decision) => action(decision.action)).join("; ")}.` : "Nothing: the host is as it was.";
        setText(noStanding, !isKnown ? "Not known: the agent's records cannot be read." : agent.standing.length ? "" : inFlight);
        keyed(standing, agent.standing, (decision) => decision.decision_id, decisionLine);
        showPhases(agent, latest);
      }
      const actions = check(diagnostics, "agent")?.data?.actions ?? [];
      catalogue.fill(actions, (entry) => entry.action ?? entry.kind);
    }),
    poll("/api/agent/history?limit=10", 3000, ({ iterations, count }) => {
      latest = iterations[0] ?? null;
      setText(cycleLine, latest ? `Cycle ${latest.id}, by ${latest.cause}, at ${time(latest.timestamp)}: ${latest.outcome ?? "runs"}. ${count} cycles are kept.` : "No cycle has run.");
      keyed(cycles, iterations, (cycle) => cycle.id, (cycle) => h("details", {},
        h("summary", {}, `${time(cycle.timestamp)}, cycle ${cycle.id}, by ${cycle.cause}: ${cycle.outcome ?? "runs"}${cycle.finished ? ` (${nanoseconds((Date.parse(cycle.finished) - Date.parse(cycle.timestamp)) * 1e6)})` : ""}`),
        h("dl", {}, Object.entries(cycle.phases).map(([name, messages]) => [h("dt", {}, `${name}, ${nanoseconds((cycle.durations_ms[name] ?? 0) * 1e6)}`), messages.map((message) => h("dd", {}, message))]))));
    }, (error) => setText(cycleLine, error.message)),
    poll("/api/agent/decisions?limit=30", 3000, (reply) => {
      flying = reply.decisions.filter((decision) => ["executing", "verifying", "undoing"].includes(decision.state));
      setText(noDecisions, reply.decisions.length ? "" : "None so far.");
      keyed(decisions, reply.decisions, (decision) => decision.decision_id, decisionLine);
    }, (error) => setText(noDecisions, error.message)),
    poll("/api/agent/audit?limit=50", 5000, (reply) => {
      setText(noAudit, "");
      audit.fill(reply.records, (record) => record.id);
    }, (error) => setText(noAudit, error.message)),
  ];
  return { end: () => ends.forEach((end) => end()) };
}
