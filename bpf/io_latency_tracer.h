/* What io_latency_tracer counts and reports. */
#pragma once
#include "tracer.h"

/* LatencyHistogram.bucketCount in Sources/Model. */
#define IO_BUCKETS 264
/* The same layout cut off at a depth of 4096: exact below 16. */
#define DEPTH_BUCKETS 80

/* BlockOperation in Sources/Model. */
enum io_operation { IO_READ, IO_WRITE, IO_FLUSH, IO_DISCARD, IO_OPERATIONS };

/* One operation on one device. */
struct io_flow {
	__u64 bytes;
	__u64 latency[IO_BUCKETS]; /* their sum is the number of requests */
};

/* One device, as a value of the map `devices`; its key is MAJOR << 20 | MINOR. Every CPU adds to it atomically: a request
 * costs far more than that, and memory does not grow with the CPUs. */
struct io_device {
	__u64 depth;    /* requests issued and not complete */
	__u64 arrivals; /* requests issued */
	__u64 found;    /* depths that they found, summed up */
	__u64 depths[DEPTH_BUCKETS]; /* … and by depth, with the request itself */
	struct io_flow flows[IO_OPERATIONS];
};

/* A request between its start and its completion, as a value of the map `requests`; its key is its address. */
struct io_request {
	struct task_identity task; /* who submitted it; pid 0: the block layer itself, to flush */
	__u64 start_ns;
	__u64 issue_ns; /* 0: not issued */
	__u32 bytes;    /* when it was issued */
	__u32 device;
};

struct block_io_event {
	struct task_identity task;
	__u64 time_ns; /* CLOCK_MONOTONIC, when it completed */
	__u64 latency_ns;
	__u64 queued_ns;
	__u64 sector;
	__u64 bytes;
	__u32 device;
	__u32 operation;
	__s32 error; /* blk_status_t; before 5.16 a negative errno */
	__u32 padding;
};

_Static_assert(sizeof(struct io_device) == 24 + 8 * 80 + 4 * 2120, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct io_request) == 72, "docs/tracers/io_latency_tracer.md computes with this size");
_Static_assert(sizeof(struct block_io_event) == 104, "Sources/Tracers reads this layout");
