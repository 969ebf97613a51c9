/* Records of sched_tracer. */
#pragma once
#include "processes.h"

/* A switch is two runs: one task leaves the CPU, another comes. */
enum { HOOK_SWITCH_OUT, HOOK_SWITCH_IN, HOOK_WAKEUP, HOOK_WAKEUP_NEW, SCHED_HOOKS };

/* One CPU's. Switches write all but blocked_ns, wake-ups write that. */
struct run_queue {
	__u64 woken[264]; /* LatencyHistogram.bucketCount */
	__u64 preempted[264];
	__u64 on_cpu[264];
	__u64 voluntary;
	__u64 involuntary;
	__u64 blocked_ns;
};

struct sched_event {
	struct task_identity task;
	struct task_identity previous; /* who had the CPU until then */
	__u64 time_ns;
	__u64 wait_ns;
	__u32 cpu;
	__u32 preempted;
};

_Static_assert(sizeof(struct run_queue) == 6360, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct sched_event) == 120, "Sources/Tracers reads this layout");
