/* What every tracer shares with user space: one header for clang -target bpf and for Swift. */
#pragma once
#include <linux/types.h>

/* What became of one hook run. Every run has exactly one outcome. */
enum outcome {
	AGGREGATED,
	FILTERED,
	LOST_STORAGE,
	LOST_MAP_FULL,
	LOST_START_MISSING,
	UNSAMPLED, /* another thread's turn, or begun when it was */
	OUTCOMES = 8, /* a power of two, so that an index can be masked */
};

/* One hook's counters on one CPU. The kernel never runs a program inside itself on a CPU, so a slot per hook has one
 * writer and a plain increment cannot be lost, whatever interrupts it. */
struct hook_ledger {
	__u64 seen;
	__u64 outcomes[OUTCOMES];
	__u64 entered;
	__u64 exited;
	__u64 abandoned;
	__u64 candidates;
	__u64 emitted;
	__u64 sampled_out;
	__u64 ring_full;
	__u64 timed_runs;
	__u64 timed_ns;
};

/* What user space turns while a tracer runs; written through a shared mapping of .data.control. */
struct control {
	__u64 event_interval_ns;  /* 10^9 / events per second; 0 lets none through */
	__u64 event_threshold_ns; /* what makes a single case an event */
	__u64 epoch;              /* number of the tick: maxima belong to one */
	__u64 scheduler_since_ns; /* since when the sched part of task_state is being kept; 0: it is not */
	__u64 measured_since_ns;  /* nobody has followed what began before */
	__u64 sample_mask;        /* 0: every thread is measured; 15: one in sixteen */
	__u64 sample_turn;        /* whose turn it is */
};

/* Who: the first part of every event. */
struct task_identity {
	__u64 start_ticks; /* of the thread-group leader since boot, 10 ms */
	__u64 cgroup;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	char comm[16];
	__u32 padding;
};

_Static_assert(sizeof(struct hook_ledger) == 144, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct control) == 56, "Sources/Tracers writes this layout");
_Static_assert(sizeof(struct task_identity) == 48, "Sources/Tracers reads this layout");
