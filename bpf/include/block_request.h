/* What the kernel's block requests say about themselves. */
#pragma once
#include "../io_latency_tracer.h"
#include "kernel_types.h"

/* 5a80bd075f3b (6.5) brought block_io_start. Before, a request starts when a scheduler takes it (block_rq_insert), or,
 * where there is none, when it is issued. Set before loading. */
const volatile bool has_io_start = true;

/* enum req_op in include/linux/blk_types.h: what a request does, or IO_OPERATIONS for what is not counted: pass-through
 * commands, zone management. */
static __always_inline __u32 operation_of(unsigned int flags)
{
	switch (flags & 0xff) {
	case 0:
		return IO_READ;
	case 1: /* write */
	case 7: /* zone append */
	case 9: /* write zeroes */
		return IO_WRITE;
	case 2:
		return IO_FLUSH;
	case 3: /* discard */
	case 5: /* secure erase */
		return IO_DISCARD;
	default:
		return IO_OPERATIONS;
	}
}

/* Whether a request is one to count. */
static __always_inline bool request_counts(struct request *rq, __u32 *operation)
{
	*operation = operation_of(rq->cmd_flags);
	return *operation < IO_OPERATIONS && rq->q->disk;
}

static __always_inline __u32 device_key(struct request *rq)
{
	struct gendisk *disk = rq->q->disk;

	return (__u32)disk->major << 20 | (disk->first_minor & 0xfffff);
}
