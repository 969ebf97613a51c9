// Cost: what watching takes of the host, against what it may, and what was seen and not seen for it.

import { badge, bar, h, keyed, setText, table } from "../dom.js";
import { bytes, duration, nanoseconds, percent, percentOfHost, plain, rate, time, words } from "../format.js";
import { check, onPulse } from "../pulse.js";

const tracers = ["syscall_tracer", "sched_tracer", "page_fault_tracer", "io_latency_tracer"];

export function showCost(main) {
  const sum = h("p", { class: "value" }, "…");
  const meter = h("div");
  const steps = h("ul", { class: "lines" });
  const noSteps = h("p", { class: "quiet" });
  const facts = h("dl", { class: "facts" });
  const pool = table("Workers", [
    { title: "Worker", cell: (worker) => worker.socket },
    { title: "Pid", number: true, cell: (worker) => String(worker.pid) },
    { title: "Since", number: true, cell: (worker) => time(worker.started) },
    { title: "Requests", number: true, cell: (worker) => plain(worker.requests) },
    { title: "Failures", number: true, cell: (worker) => plain(worker.failures) },
    { title: "Busy", number: true, cell: (worker) => `${worker.busy} of ${worker.threads}, at most ${worker.maximum_busy}` },
    { title: "Connections", number: true, cell: (worker) => `${plain(worker.open_connections)} open of ${plain(worker.connections)}` },
  ]);
  const cost = table("Tracers", [
    { title: "Tracer", cell: (tracer) => words(tracer.name) },
    { title: "Coverage", cell: (tracer) => badge(tracer.state === "attached" ? tracer.coverage : tracer.state ?? "unknown") },
    { title: "Of the host", number: true, cell: (tracer) => percentOfHost(tracer.percent) },
    { title: "A run", number: true, cell: (tracer) => nanoseconds(tracer.cost?.ns_per_run) },
    { title: "Runs", number: true, cell: (tracer) => plain(tracer.cost?.runs) },
    { title: "Kernel memory", number: true, cell: (tracer) => bytes(tracer.cost?.map_bytes) },
    { title: "Raw events", number: true, cell: (tracer) => rate(tracer.events_per_second) },
    { title: "Complete", number: true, cell: (tracer) => percent(tracer.completeness) },
  ]);
  const ledger = table("Ledger", [
    { title: "Tracer", cell: (tracer) => words(tracer.name) },
    ...["seen", "aggregated", "filtered", "unsampled"].map(counted),
    { title: "lost", number: true, cell: ({ ledger }) => plain(ledger ? Object.values(ledger.lost).reduce((sum, part) => sum + part, 0) : null) },
    ...["recursion_misses", "abandoned", "candidates", "emitted", "sampled_out", "ringbuf_full", "stored", "dropped_in_user_space"].map(counted),
  ]);
  const readers = table("Readers of /proc", [
    { title: "Reader", cell: (reader) => words(reader.name) },
    { title: "Took", number: true, cell: (reader) => nanoseconds(reader.microseconds * 1000) },
    { title: "State", cell: (reader) => reader.error ?? "works" },
  ]);
  const section = (title, ...content) => h("section", { "aria-label": title }, h("h2", {}, title), content);
  main.append(
    section("What watching costs", h("div", { class: "budget" }, sum, meter), facts),
    section("Tracers", cost.element),
    section("What the governor did", noSteps, steps),
    section("Ledger: every run of a hook is in one of these", ledger.element),
    section("Readers of /proc", readers.element),
    section("Workers", pool.element));

  const end = onPulse(({ diagnostics }) => {
    if (!diagnostics) return;
    const data = (name) => check(diagnostics, name)?.data ?? {};
    const governor = data("governor");
    const { cost_percent_of_host: takes, budget_percent_of_host: may } = governor;
    setText(sum, takes == null ? "not known" : `${percentOfHost(takes)} of the host's CPU time, of ${percentOfHost(may)} that it may take`);
    meter.replaceChildren(takes == null || !(may > 0) ? "" : bar(takes / may, takes > may ? "over" : ""));
    const shares = new Map((governor.tracers ?? []).map((tracer) => [tracer.name, tracer.percent_of_host]));
    const all = tracers.map((name) => ({ name, percent: shares.get(name), ...data(name) }));
    cost.fill(all, (tracer) => tracer.name);
    ledger.fill(all, (tracer) => tracer.name);
    setText(noSteps, governor.steps?.length ? "" : "Nothing: everything is measured whole.");
    keyed(steps, (governor.steps ?? []).toReversed(), (step) => `${step.timestamp}${step.tracer}`, (step) =>
      h("li", {}, `${time(step.timestamp)} ${words(step.tracer)}: ${step.from} → ${step.to}. `, h("span", { class: "quiet" }, step.reason)));
    readers.fill(data("readers").readers ?? [], (reader) => reader.name);
    list(facts, collectorFacts(data("collector"), data("writer"), data("disk"), data("retention"), data("processes"), governor));
    pool.fill(data("worker_pool").workers ?? [], (worker) => worker.socket);
  });
  return { end };
}

function counted(name) {
  return { title: words(name), number: true, cell: ({ ledger }) => plain(ledger?.[name]) };
}

function collectorFacts(collector, writer, disk, retention, processes, governor) {
  return [
    ["Collector", `${percentOfHost(governor.collector_percent_of_host)} of the host, ${bytes(collector.resident_bytes)} resident, ${nanoseconds(collector.tick_microseconds * 1000)} a tick, ${plain(collector.missed_ticks)} ticks missed`],
    ["Threads followed", plain(processes.threads)],
    ["Database", `${bytes(writer.database_bytes)}, WAL ${bytes(writer.wal_bytes)}, last commit ${nanoseconds(writer.last_commit_ms * 1e6)}, longest ${nanoseconds(writer.longest_commit_ms * 1e6)}, ${plain(writer.dropped_rows)} rows dropped`],
    ["Disk", `${bytes(disk.free_bytes)} of ${bytes(disk.total_bytes)} free`],
    ["Kept", retention.series == null ? "not known" : `signals ${retention.signals_days} d; series ${(retention.series ?? []).map((tier) => `${tier.step_seconds} s for ${duration(tier.kept_seconds)}`).join(", ")}`],
  ];
}

function list(parent, facts) {
  keyed(parent, facts.map(([name, value], index) => ({ name, value, index })), (fact) => fact.index, (fact) =>
    h("div", {}, h("dt", {}, fact.name), h("dd", {}, fact.value)));
}
