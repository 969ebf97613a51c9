/* Records of syscall_tracer. */
#pragma once
#include "processes.h"

enum { HOOK_SYS_ENTER, HOOK_SYS_EXIT, SYSCALL_HOOKS };

/* What is known of a number, filled in from Sources/Tracers/SyscallTable.swift before loading. */
struct call_kind {
	__u8 category; /* SyscallCategory.rawValue */
	__u8 wait;     /* enum call_wait */
	__u8 forks;    /* returns in the child as well */
};

/* One number, one CPU. */
struct call_stats {
	__u64 count;
	__u64 errors;
	__u64 ns;
	__u32 log2[36];
};

/* One category, one CPU; LatencyHistogram.bucketCount. */
struct category_latency {
	__u64 buckets[264];
};

struct syscall_event {
	struct task_identity task;
	__u64 time_ns;
	__u64 latency_ns;
	__u64 blocked_ns;
	__s64 result;
	__u64 first_argument;
	__u32 number;
	__u32 cpu;
	__u32 blocked_known; /* whether the scheduler's hooks watched the whole call */
	__u32 padding;
};

_Static_assert(sizeof(struct call_stats) == 168, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct syscall_event) == 104, "Sources/Tracers reads this layout");
