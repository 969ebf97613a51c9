/* Where threads spend their time: on a CPU, waiting for one, in D state, asleep. Long waits for a CPU become events. */
#include "sched_tracer.h"

#include "include/core_fixes.h"
#include "include/histogram.h"
#define HOOKS SCHED_HOOKS
#include "include/ledger.h"
#include "include/sampling.h"
#include "include/task_state.h"
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct run_queue);
} run_queues SEC(".maps");

static __always_inline struct run_queue *this_run_queue(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&run_queues, &zero);
}

/* The stretch that a task is in, unless that is one from its last turn. */
static __always_inline struct stretch measured_stretch(struct task_state *state)
{
	struct stretch stretch = stretch_of(state);

	if (stretch.since_ns < control.measured_since_ns)
		stretch.phase = UNKNOWN;
	return stretch;
}

/* What a task does that leaves the CPU. */
static __always_inline enum phase phase_after(bool runnable, __u32 task_state)
{
	if (runnable)
		return PREEMPTED;
	if (task_state & TASK_UNINTERRUPTIBLE) /* TASK_IDLE: a kernel thread with nothing to do */
		return task_state & TASK_NOLOAD ? SLEEPING : BLOCKED;
	return task_state & TASK_INTERRUPTIBLE ? SLEEPING : PAUSED;
}

static __always_inline enum outcome handle_switch_out(struct task_struct *task, bool preempt, __u32 task_state,
						      __u64 now)
{
	struct run_queue *queue = this_run_queue();
	struct task_state *state;
	struct stretch last;
	/* As the kernel decides between nvcsw and nivcsw, but for signals: see docs/tracers/sched_tracer.md. */
	bool is_voluntary = !preempt && task_state;
	__u64 ns;

	if (!task->pid)
		return FILTERED; /* the idle task */
	if (queue)
		is_voluntary ? queue->voluntary++ : queue->involuntary++;
	if (!is_sampled(task))
		return UNSAMPLED;
	/* Nothing is kept of a task that is seen for the first time when it is dead. */
	state = task_state & TASK_DEAD ? task_state_find(task) : task_state_create(task);
	if (!state || !queue)
		return task_state & TASK_DEAD ? FILTERED : LOST_STORAGE;
	is_voluntary ? state->counters.voluntary++ : state->counters.involuntary++;
	last = measured_stretch(state);
	/* Preempted on the way to sleep it still wants to run. */
	begin_stretch(state, phase_after(preempt || stays_runnable(task, task_state), task_state), now);
	if (last.phase != RUNNING)
		return start_missing(); /* it has been running since before we were attached */
	ns = now - last.since_ns;
	state->counters.cpu_ns += ns;
	histogram_add(queue->on_cpu, ns);
	return AGGREGATED;
}

/* Off the hot path: only for waits that lasted. */
static __noinline int emit_event(struct hook_ledger *slot, struct task_struct *task, struct task_struct *previous,
				 struct stretch *wait, __u64 now)
{
	struct sched_event *event;

	if (!slot || !wait)
		return 0;
	event = event_reserve(slot, now, sizeof(*event));
	if (!event)
		return 0;
	identify(&event->task, task);
	identify(&event->previous, previous);
	event->time_ns = now;
	event->wait_ns = now - wait->since_ns;
	event->cpu = bpf_get_smp_processor_id();
	event->preempted = wait->phase == PREEMPTED;
	event_submit(slot, event);
	return 0;
}

static __always_inline enum outcome handle_switch_in(struct hook_ledger *slot, struct task_struct *task,
						     struct task_struct *previous, __u64 now)
{
	struct run_queue *queue = this_run_queue();
	struct task_state *state;
	struct stretch wait;
	__u64 ns;

	if (!task->pid)
		return FILTERED;
	if (!is_sampled(task))
		return UNSAMPLED;
	state = task_state_create(task);
	if (!state || !queue)
		return LOST_STORAGE;
	wait = measured_stretch(state);
	begin_stretch(state, RUNNING, now);
	if (wait.phase != WOKEN && wait.phase != PREEMPTED)
		return start_missing(); /* it has been runnable since before we were attached */
	ns = now - wait.since_ns;
	state->counters.waits++;
	state->counters.wait_ns += ns;
	if (in_memory_stall(task))
		state->counters.memory_stall_ns += ns;
	if (state->longest_wait_ns < ns || state->longest_wait_epoch != control.epoch) {
		state->longest_wait_ns = ns;
		state->longest_wait_epoch = control.epoch;
		state->longest_wait_behind = previous->tgid;
	}
	histogram_add(wait.phase == WOKEN ? queue->woken : queue->preempted, ns);
	if (ns >= control.event_threshold_ns)
		emit_event(slot, task, previous, &wait, now);
	return AGGREGATED;
}

static __always_inline enum outcome handle_wakeup(struct task_struct *task, bool is_new)
{
	struct run_queue *queue = this_run_queue();
	struct task_state *state;
	struct stretch last;
	__u64 now, ns;

	if (!is_sampled(task))
		return UNSAMPLED;
	state = task_state_create(task);
	if (!state || !queue)
		return LOST_STORAGE;
	if (!is_new)
		state->counters.wakeups++;
	last = measured_stretch(state);
	/* Woken before it got to sleep, or while it waits for a CPU already. */
	if (last.phase == RUNNING || last.phase == WOKEN || last.phase == PREEMPTED)
		return AGGREGATED;
	now = bpf_ktime_get_ns();
	begin_stretch(state, WOKEN, now);
	ns = now - last.since_ns;
	if (last.phase == SLEEPING)
		state->counters.slept_ns += ns;
	if (last.phase == BLOCKED) {
		state->counters.blocked_ns += ns;
		queue->blocked_ns += ns;
		if (in_memory_stall(task))
			state->counters.memory_stall_ns += ns;
	}
	return AGGREGATED;
}

/* The scheduler's lock is held in all of these, so a task's phases follow one another. */
SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *previous, struct task_struct *next)
{
	__u32 state = switch_has_state ? (__u32)ctx[3] : task_state_bits(previous);
	__u64 now = bpf_ktime_get_ns();
	struct hook_run run;

	if (hook_enter(&run, HOOK_SWITCH_OUT))
		hook_leave(&run, handle_switch_out(previous, preempt, state, now));
	if (hook_enter(&run, HOOK_SWITCH_IN))
		hook_leave(&run, handle_switch_in(run.ledger, next, previous, now));
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *task)
{
	struct hook_run run;

	if (!hook_enter(&run, HOOK_WAKEUP))
		return 0;
	return hook_leave(&run, handle_wakeup(task, false));
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new, struct task_struct *task)
{
	struct hook_run run;

	if (!hook_enter(&run, HOOK_WAKEUP_NEW))
		return 0;
	return hook_leave(&run, handle_wakeup(task, true));
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
