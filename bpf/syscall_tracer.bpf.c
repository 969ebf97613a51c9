/* Every system call: count, errors and latency by number and category; calls that stalled become events. */
#include "syscall_tracer.h"

#include "include/core_fixes.h"
#include "include/histogram.h"
#define HOOKS SYSCALL_HOOKS
#include "include/ledger.h"
#include "include/sampling.h"
#include "include/slow_call.h"
#include <bpf/bpf_tracing.h>

_Static_assert(sizeof(((struct call_stats *)0)->log2) == LOG2_SLOTS * sizeof(__u32), "log2 slots");
_Static_assert(sizeof(struct category_latency) == HISTOGRAM_BUCKETS * sizeof(__u64), "buckets");

const volatile struct call_kind kinds[SYSCALL_NUMBERS];
/* One number with many meanings, of which waiting for a lock is one. */
const volatile __u32 fcntl_number;
#define F_SETLKW 7
#define F_OFD_SETLKW 38

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYSCALL_NUMBERS);
	__type(key, __u32);
	__type(value, struct call_stats);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SYSCALL_CATEGORIES);
	__type(key, __u32);
	__type(value, struct category_latency);
} latency SEC(".maps");

static __always_inline bool waits_for_lock(__u64 command)
{
	return command == F_SETLKW || command == F_OFD_SETLKW;
}

static __always_inline enum outcome handle_enter(struct hook_ledger *slot, struct pt_regs *regs, long number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_state *state;

	/* Another architecture's numbers, and calls that no table has (a tracer may set -1 to skip one). */
	if ((unsigned long)number >= SYSCALL_NUMBERS || call_is_compat(task))
		return FILTERED;
	if (!is_sampled(task))
		return UNSAMPLED;
	state = task_state_create(task);
	if (!state)
		return LOST_STORAGE;
	/* A call whose end was never seen: the kernel skipped that run, or it was another thread's turn. */
	if (state->call.number1)
		slot->abandoned++;
	state->call.start_ns = bpf_ktime_get_ns();
	state->call.first_argument = call_first_argument(regs);
	state->call.slept_ns = state->counters.slept_ns;
	state->call.blocked_ns = state->counters.blocked_ns;
	state->call.number1 = number + 1;
	state->call.hurts = number == fcntl_number && waits_for_lock(call_second_argument(regs));
	slot->entered++;
	return AGGREGATED;
}

/* Off the hot path: only for calls that lasted. */
static __noinline int consider_event(struct hook_ledger *slot, struct task_state *state, struct call *call, __u64 now,
				     long result)
{
	struct syscall_event *event;
	struct stretch stretch;
	struct call_time time;
	__u32 number = call->number1 - 1;

	if (!slot || !state || !call || number >= SYSCALL_NUMBERS)
		return 0;
	stretch = stretch_of(state);
	time = call_time(&state->counters, &stretch, call, kinds[number].wait, now, control.scheduler_since_ns);
	if (time.stalled_ns < control.event_threshold_ns)
		return 0;
	event = event_reserve(slot, now, sizeof(*event));
	if (!event)
		return 0;
	identify(&event->task, bpf_get_current_task_btf());
	event->time_ns = now;
	event->latency_ns = now - call->start_ns;
	event->blocked_ns = time.blocked_ns;
	event->result = result;
	event->first_argument = call->first_argument;
	event->number = number;
	event->cpu = bpf_get_smp_processor_id();
	event->blocked_known = control.scheduler_since_ns && call->start_ns >= control.scheduler_since_ns;
	event->padding = 0;
	event_submit(slot, event);
	return 0;
}

/* A return without a start. A child's return from fork is one by nature. A thread whose starts are being seen had a call
 * refused before it began: seccomp and ptrace skip the one hook and not the other. What is left began before we were
 * attached, and is lost. */
static __always_inline enum outcome unmatched(struct task_struct *task, struct task_state *state, struct pt_regs *regs)
{
	unsigned long number = call_number(regs);

	if (number >= SYSCALL_NUMBERS || call_is_compat(task) || kinds[number].forks)
		return FILTERED;
	return state && state->call.start_ns >= control.measured_since_ns ? FILTERED : start_missing();
}

static __always_inline enum outcome handle_exit(struct hook_ledger *slot, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct category_latency *histogram;
	struct task_state *state;
	struct call_stats *stats;
	__u32 number, category, exponent, log2_slot;
	__u64 now, ns;

	if (!is_sampled(task))
		return UNSAMPLED;
	state = task_state_find(task);
	/* A call from this thread's last turn, which may have ended long ago. */
	if (state && state->call.number1 && state->call.start_ns < control.measured_since_ns) {
		state->call.number1 = 0;
		slot->abandoned++;
		return UNSAMPLED;
	}
	if (!state || !state->call.number1)
		return unmatched(task, state, regs);
	now = bpf_ktime_get_ns();
	number = state->call.number1 - 1;
	ns = now - state->call.start_ns;
	slot->exited++;
	stats = bpf_map_lookup_elem(&calls, &number);
	if (!stats || number >= SYSCALL_NUMBERS)
		return LOST_MAP_FULL; /* for the verifier: handle_enter checks the number */
	category = kinds[number].category;
	histogram = bpf_map_lookup_elem(&latency, &category);
	if (!histogram || category >= SYSCALL_CATEGORIES)
		return LOST_MAP_FULL; /* for the verifier: the table holds categories only */

	stats->count++;
	stats->ns += ns;
	/* -512 and below tell the kernel to restart the call; programs never see them. */
	if (result < 0 && result > -512)
		stats->errors++;
	exponent = log2_floor(ns);
	log2_slot = exponent < LOG2_SLOTS ? exponent : LOG2_SLOTS - 1;
	stats->log2[log2_slot]++;
	histogram->buckets[histogram_bucket(ns, exponent)]++;
	state->counters.calls[category].count++;
	state->counters.calls[category].ns += ns;
	if (ns >= control.event_threshold_ns)
		consider_event(slot, state, &state->call, now, result);
	state->call.number1 = 0;
	return AGGREGATED;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long number)
{
	struct hook_run run;

	if (!hook_enter(&run, HOOK_SYS_ENTER))
		return 0;
	return hook_leave(&run, handle_enter(run.ledger, regs, number));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long result)
{
	struct hook_run run;

	if (!hook_enter(&run, HOOK_SYS_EXIT))
		return 0;
	return hook_leave(&run, handle_exit(run.ledger, regs, result));
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
