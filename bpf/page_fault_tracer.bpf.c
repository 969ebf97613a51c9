/* Page faults: how many, how long, whose.
 *
 * The entry of a fault is stamped in the task's state; the kernel's own accounting, which raises a perf software event
 * once the page is there, completes it. A fault that fails or is cut short by a signal never gets there. */
#include "include/kernel_types.h"

enum { FAULT_USER_ENTRY, FAULT_KERNEL_ENTRY, FAULT_MINOR_END, FAULT_MAJOR_END, FAULT_TASK_EXIT, HOOKS };
#include "include/histogram.h"
#include "include/ledger.h"
#include "include/sampling.h"
#include "include/task_state.h"
#include "page_fault_tracer.h"
#include <bpf/bpf_tracing.h>
#include <linux/bpf_perf_event.h>

_Static_assert(FAULT_BUCKETS == HISTOGRAM_BUCKETS, "one layout for all histograms");

/* The error code of x86 faults, arch/x86/include/asm/trap_pf.h. Only x86 and RISC-V have the entry hooks (RISC-V since
 * 6.16, with a code of its own). */
#define X86_PF_WRITE (1 << 1)
#define X86_PF_USER (1 << 2)
#define X86_PF_INSTR (1 << 4)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FAULT_KINDS);
	__type(key, __u32);
	__type(value, struct fault_counts);
} faults SEC(".maps");

static __always_inline enum outcome handle_entry(struct hook_ledger *slot, __u64 address, __u64 code)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_state *state;

	/* The kernel's half of the address space, and probes that are not allowed to fault, never get a page. */
	if ((__s64)address < 0 || task->pagefault_disabled)
		return FILTERED;
	if (!is_sampled(task))
		return UNSAMPLED;
	state = task_state_create(task);
	if (!state)
		return LOST_STORAGE;
	if (state->fault_start_ns)
		slot->abandoned++;
	slot->entered++;
	state->fault_address = address;
	state->fault_code = code;
	state->fault_start_ns = bpf_ktime_get_ns();
	return AGGREGATED;
}

/* Not inlined: it is off the path of most faults. */
static __noinline void report(struct hook_ledger *slot, struct task_struct *task, struct task_state *state, __u64 now,
			      bool major)
{
	struct page_fault_event *event = event_reserve(slot, now, sizeof(*event));

	if (!event)
		return;
	identify(&event->task, task);
	event->time_ns = now;
	event->address = state->fault_address;
	event->latency_ns = now - state->fault_start_ns;
	event->cpu = bpf_get_smp_processor_id();
	event->access = state->fault_code & X86_PF_INSTR ? FAULT_INSTRUCTION
			: state->fault_code & X86_PF_WRITE ? FAULT_WRITE
							   : FAULT_READ;
	event->user_mode = (state->fault_code & X86_PF_USER) != 0;
	event->major = major;
	event->padding = 0;
	event_submit(slot, event);
}

static __always_inline enum outcome handle_end(struct hook_ledger *slot, __u64 address, __u32 kind)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fault_counts *counts = bpf_map_lookup_elem(&faults, &kind);
	struct task_state *state;
	__u64 now, latency;

	if (!counts)
		return LOST_MAP_FULL; /* for the verifier: the kind is in range */
	counts->faults++;
	if (!is_sampled(task))
		return UNSAMPLED;
	state = task_state_create(task);
	if (!state)
		return LOST_STORAGE;
	if (kind == FAULT_MAJOR)
		state->counters.major_faults++;
	else
		state->counters.minor_faults++;
	/* A stamp from this thread's last turn goes when the next fault begins. */
	if (state->fault_start_ns < control.measured_since_ns || !state->fault_start_ns || state->fault_address != address)
		return start_missing();

	now = bpf_ktime_get_ns();
	latency = now - state->fault_start_ns;
	histogram_add(counts->latency, latency);
	state->counters.fault_ns += latency;
	if (kind == FAULT_MAJOR)
		state->counters.major_fault_ns += latency;
	if (kind == FAULT_MAJOR || latency >= control.event_threshold_ns)
		report(slot, task, state, now, kind == FAULT_MAJOR);
	state->fault_start_ns = 0;
	slot->exited++;
	return AGGREGATED;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(page_fault_user, unsigned long address, struct pt_regs *regs, unsigned long code)
{
	struct hook_run run;

	if (!hook_enter(&run, FAULT_USER_ENTRY))
		return 0;
	return hook_leave(&run, handle_entry(run.ledger, address, code));
}

/* The kernel touches user memory on a task's behalf: read(2) into a fresh buffer. */
SEC("tp_btf/page_fault_kernel")
int BPF_PROG(page_fault_kernel, unsigned long address, struct pt_regs *regs, unsigned long code)
{
	struct hook_run run;

	if (!hook_enter(&run, FAULT_KERNEL_ENTRY))
		return 0;
	return hook_leave(&run, handle_entry(run.ledger, address, code));
}

SEC("perf_event")
int minor_fault(struct bpf_perf_event_data *event)
{
	struct hook_run run;

	if (!hook_enter(&run, FAULT_MINOR_END))
		return 0;
	return hook_leave(&run, handle_end(run.ledger, event->addr, FAULT_MINOR));
}

SEC("perf_event")
int major_fault(struct bpf_perf_event_data *event)
{
	struct hook_run run;

	if (!hook_enter(&run, FAULT_MAJOR_END))
		return 0;
	return hook_leave(&run, handle_end(run.ledger, event->addr, FAULT_MAJOR));
}

/* Takes a task's stamp away; whether there was one. */
static __always_inline bool take_stamp(struct task_struct *task)
{
	struct task_state *state = task_state_find(task);

	return state && __sync_lock_test_and_set(&state->fault_start_ns, 0);
}

/* A thread that dies of its fault leaves its stamp behind. */
static __always_inline enum outcome handle_exit(struct hook_ledger *slot, struct task_struct *task)
{
	if (!take_stamp(task))
		return FILTERED;
	slot->abandoned++;
	return AGGREGATED;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	struct hook_run run;

	if (!hook_enter(&run, FAULT_TASK_EXIT))
		return 0;
	return hook_leave(&run, handle_exit(run.ledger, task));
}

/* Found by the last walk over all tasks; walks do not overlap. */
__u64 in_flight;

/* The stock-taking after the entries are detached. */
SEC("iter/task")
int stamps(struct bpf_iter__task *context)
{
	if (context->task && take_stamp(context->task))
		in_flight++;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
