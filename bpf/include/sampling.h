/* Events are evidence, not counts: a rate limit that user space may change at any time. */
#pragma once
#include "../tracer.h"
#include "ring.h"
#include <bpf/bpf_helpers.h>

volatile struct control control SEC(".data.control");

/* GCRA: the time at which the bucket will be full again is its whole state, so one compare-and-swap takes a token. */
__u64 bucket_full_at;

#define BURST_NS 100000000ULL
#define BUCKET_RETRIES 4

static __always_inline bool take_token(__u64 now)
{
	__u64 interval = control.event_interval_ns;
	__u64 burst = interval > BURST_NS ? interval : BURST_NS;

	if (!interval)
		return false;
	for (int retry = 0; retry < BUCKET_RETRIES; retry++) {
		__u64 full_at = bucket_full_at;
		__u64 next = (full_at > now ? full_at : now) + interval;

		if (next > now + burst)
			return false;
		if (__sync_val_compare_and_swap(&bucket_full_at, full_at, next) == full_at)
			return true;
	}
	return false;
}

/* Whether it is this thread's turn to be measured. By thread, so that whatever lies within a turn is seen from end to end. */
static __always_inline bool is_sampled(struct task_struct *task)
{
	return !((task->pid ^ control.sample_turn) & control.sample_mask);
}

/* An end without a start: what it means depends on whether starts are left out. */
static __always_inline enum outcome start_missing(void)
{
	return control.sample_mask ? UNSAMPLED : LOST_START_MISSING;
}

/* A record to fill in, or NULL; either way it is in the ledger. */
static __always_inline void *event_reserve(struct hook_ledger *slot, __u64 now, __u64 size)
{
	void *record;

	slot->candidates++;
	if (!take_token(now)) {
		slot->sampled_out++;
		return NULL;
	}
	record = bpf_ringbuf_reserve(&events, size, 0);
	if (!record)
		slot->ring_full++;
	return record;
}

static __always_inline void event_submit(struct hook_ledger *slot, void *record)
{
	slot->emitted++;
	bpf_ringbuf_submit(record, ring_wakeup(&events));
}
