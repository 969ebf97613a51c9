/* What page_fault_tracer counts and reports. */
#pragma once
#include "tracer.h"

/* LatencyHistogram.bucketCount in Sources/Model. */
#define FAULT_BUCKETS 264

/* One kind of fault on one CPU. */
struct fault_counts {
	__u64 faults; /* with those whose start was missed, which have no latency */
	__u64 latency[FAULT_BUCKETS];
};

/* The keys of the map `faults`. */
enum fault_kind { FAULT_MINOR, FAULT_MAJOR, FAULT_KINDS };

enum fault_access { FAULT_READ, FAULT_WRITE, FAULT_INSTRUCTION };

struct page_fault_event {
	struct task_identity task;
	__u64 time_ns; /* CLOCK_MONOTONIC, when it was handled */
	__u64 address;
	__u64 latency_ns;
	__u32 cpu;
	__u8 access;
	__u8 user_mode;
	__u8 major;
	__u8 padding;
};

_Static_assert(sizeof(struct fault_counts) == 2120, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct page_fault_event) == 80, "Sources/Tracers reads this layout");
