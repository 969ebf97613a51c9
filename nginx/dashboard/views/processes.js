// Processes: who takes the CPU, waits for it, reads and writes, faults.

import { h, setText, table } from "../dom.js";
import { poll } from "../ask.js";
import { bytes, bytesPerSecond, nanoseconds, percent, rate } from "../format.js";

const orders = { cpu: "CPU", run_queue_wait: "Run-queue wait", io: "I/O", faults: "Faults" };
const cpu = (process) => (process.scheduling?.cpu_ns == null ? process.proc?.cpu_share : process.scheduling.cpu_ns / 1e9);
const perSecond = (value) => (value == null ? "–" : `${nanoseconds(value)}/s`);

export function showProcesses(main, path, parameters) {
  const sort = Object.hasOwn(orders, parameters.get("sort")) ? parameters.get("sort") : "cpu";
  const note = h("p", { class: "quiet" }, "Asking …");
  const find = h("input", { type: "search", placeholder: "name, pid or cgroup", "aria-label": "Find", value: parameters.get("find") ?? "" });
  const by = (order, title = orders[order]) => ({
    title, sort: order === sort ? "descending" : "none",
    head: h("a", { href: `#/processes?${new URLSearchParams({ sort: order, ...(parameters.get("find") ? { find: parameters.get("find") } : {}) })}`, title: `Sort by ${orders[order]}` }, title),
  });
  const list = table(`Processes by ${orders[sort]}`, [
    { title: "Process", cell: ({ comm, exited }) => `${comm}${exited ? " (ended)" : ""}` },
    { title: "Pid", number: true, cell: ({ pid }) => String(pid) },
    { number: true, ...by("cpu"), cell: (process) => percent(cpu(process)) },
    { number: true, ...by("run_queue_wait"), cell: ({ scheduling }) => perSecond(scheduling?.wait_ns) },
    { title: "D state", number: true, cell: ({ scheduling }) => perSecond(scheduling?.blocked_ns) },
    { title: "Memory stall", number: true, cell: ({ scheduling }) => perSecond(scheduling?.memory_stall_ns) },
    { number: true, ...by("io", "Read"), cell: ({ block_io: io, proc }) => bytesPerSecond(io?.read_bytes ?? proc?.read_bytes_per_second) },
    { title: "Written", number: true, cell: ({ block_io: io, proc }) => bytesPerSecond(io?.write_bytes ?? proc?.write_bytes_per_second) },
    { number: true, ...by("faults"), cell: ({ faults, proc }) => rate(faults?.minor ?? proc?.minor_faults_per_second) },
    { title: "Major", number: true, cell: ({ faults, proc }) => rate(faults?.major ?? proc?.major_faults_per_second) },
    { title: "Memory", number: true, cell: ({ proc }) => bytes(proc?.resident_bytes) },
    { title: "Control group", cell: ({ proc }) => proc?.cgroup_path || "–" },
  ]);
  main.append(h("div", { class: "tools" }, h("h2", {}, "Processes"), find, note), list.element);

  let processes = [];
  function fill() {
    const words = find.value.trim().toLowerCase();
    list.fill(processes.filter((process) => !words
      || [process.comm, String(process.pid), process.proc?.cgroup_path ?? ""].some((text) => text.toLowerCase().includes(words))),
    (process) => `${process.pid}@${process.start_ticks}`);
  }
  find.addEventListener("input", () => {
    const words = new URLSearchParams({ sort });
    if (find.value) words.set("find", find.value);
    history.replaceState(null, "", `#/processes?${words}`);
    fill();
  });
  const end = poll(`/api/processes?sort=${sort}&limit=100`, 2000, (reply) => {
    processes = reply.processes;
    setText(note, reply.reason ?? `The top ${reply.count} by ${orders[sort]}, each second's rate.`);
    fill();
  }, (error) => {
    processes = [];
    setText(note, error.message);
    fill();
  });
  return {
    end,
    move(next) {
      // Another order is another table.
      this.end();
      main.replaceChildren();
      Object.assign(this, showProcesses(main, path, next));
    },
  };
}
