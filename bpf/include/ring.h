/* The way to user space for single records: one ring buffer per program file. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

/* max_entries is set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

/* Readers come once a tick; they are woken in between only when the buffer is more than half full. */
static __always_inline __u64 ring_wakeup(void *ring)
{
	bool half_full = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 2;

	return half_full ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}
