/* Block requests: how many, how long, how deep the queue, whose.
 *
 * A request is known by its address from block_io_start, which runs in the task that submits it, to its completion,
 * which runs anywhere. In between it is issued to the device, often by a kernel worker, perhaps taken back and issued
 * again, or merged into another request and never seen again. */
#include "include/kernel_types.h"

enum { IO_START, IO_BACK_MERGE, IO_FRONT_MERGE, IO_MERGE, IO_ISSUE, IO_REQUEUE, IO_COMPLETE, HOOKS };
#include "include/block_request.h"
#include "include/histogram.h"
#include "include/ledger.h"
#include "include/sampling.h"
#include "include/task_state.h"
#include "io_latency_tracer.h"
#include <bpf/bpf_tracing.h>

_Static_assert(IO_BUCKETS == HISTOGRAM_BUCKETS, "one layout for all histograms");

/* Not an LRU map: what it evicts goes without a count. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, __u64);
	__type(value, struct io_request);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct io_device);
} devices SEC(".maps");

static const struct io_device no_requests;

static __always_inline struct io_device *device_of(__u32 key)
{
	struct io_device *device = bpf_map_lookup_elem(&devices, &key);

	if (device)
		return device;
	bpf_map_update_elem(&devices, &key, &no_requests, BPF_NOEXIST);
	return bpf_map_lookup_elem(&devices, &key);
}

/* Charges the current task. */
static __always_inline enum outcome charge(struct task_struct *task, __u32 operation, __u64 requests, __u64 bytes)
{
	struct task_state *state = task_state_create(task);

	if (!state)
		return LOST_STORAGE;
	if (operation == IO_READ) {
		state->counters.reads += requests;
		state->counters.read_bytes += bytes;
	} else if (operation == IO_WRITE && bytes) {
		state->counters.writes += requests;
		state->counters.write_bytes += bytes;
	}
	return AGGREGATED;
}

static __always_inline void leave_queue(struct io_request *entry)
{
	struct io_device *device = bpf_map_lookup_elem(&devices, &entry->device);

	if (device && entry->issue_ns)
		__sync_fetch_and_sub(&device->depth, 1);
	entry->issue_ns = 0;
}

static __always_inline bool enter(struct hook_ledger *slot, __u64 key, struct io_request *entry)
{
	struct io_request *stale;

	if (bpf_map_update_elem(&requests, &key, entry, BPF_NOEXIST)) {
		stale = bpf_map_lookup_elem(&requests, &key);
		if (!stale)
			return false;
		/* Its end was missed, and its memory is another request now. */
		leave_queue(stale);
		*stale = *entry;
		slot->abandoned++;
	}
	slot->entered++;
	return true;
}

static __always_inline enum outcome handle_start(struct hook_ledger *slot, struct request *rq, __u32 operation)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct io_request entry = {};
	__u64 key = (__u64)rq;
	enum outcome outcome;

	if (!has_io_start && bpf_map_lookup_elem(&requests, &key))
		return FILTERED; /* inserted again */
	identify(&entry.task, task);
	entry.start_ns = bpf_ktime_get_ns();
	entry.device = device_key(rq);
	outcome = charge(task, operation, 1, rq->__data_len);
	return enter(slot, key, &entry) ? outcome : LOST_MAP_FULL;
}

static __always_inline enum outcome handle_merge(struct hook_ledger *slot, struct request *rq)
{
	__u64 key = (__u64)rq;

	if (bpf_map_delete_elem(&requests, &key))
		return LOST_START_MISSING;
	slot->abandoned++;
	return AGGREGATED;
}

static __always_inline enum outcome handle_issue(struct hook_ledger *slot, struct request *rq, __u32 operation)
{
	__u64 key = (__u64)rq, now = bpf_ktime_get_ns(), found;
	struct io_request *entry = bpf_map_lookup_elem(&requests, &key);
	struct io_device *device;

	if (!entry) {
		struct io_request flush = {.start_ns = now, .device = device_key(rq)};

		/* The block layer flushes with a request of its own, which nobody submits. */
		if (operation == IO_FLUSH)
			enter(slot, key, &flush);
		else if (has_io_start)
			return LOST_START_MISSING;
		else
			handle_start(slot, rq, operation);
		entry = bpf_map_lookup_elem(&requests, &key);
	}
	device = device_of(device_key(rq));
	if (!entry || !device)
		return LOST_MAP_FULL;
	leave_queue(entry);
	entry->issue_ns = now;
	entry->bytes = rq->__data_len;
	found = __sync_fetch_and_add(&device->depth, 1);
	__sync_fetch_and_add(&device->arrivals, 1);
	__sync_fetch_and_add(&device->found, found);
	histogram_add_shared(device->depths, DEPTH_BUCKETS, found + 1);
	return AGGREGATED;
}

/* The device would not take it now. */
static __always_inline enum outcome handle_requeue(struct request *rq)
{
	__u64 key = (__u64)rq;
	struct io_request *entry = bpf_map_lookup_elem(&requests, &key);

	if (!entry)
		return LOST_START_MISSING;
	leave_queue(entry);
	return AGGREGATED;
}

static __always_inline void report(struct hook_ledger *slot, struct io_request *entry, struct request *rq, __u64 now,
				   __u64 latency, __u64 queued, __u32 operation, int error)
{
	struct block_io_event *event;

	if (latency + queued < control.event_threshold_ns || !entry->task.pid)
		return;
	event = event_reserve(slot, now, sizeof(*event));
	if (!event)
		return;
	event->task = entry->task;
	event->time_ns = now;
	event->latency_ns = latency;
	event->queued_ns = queued;
	event->sector = rq->__sector;
	event->bytes = entry->bytes;
	event->device = entry->device;
	event->operation = operation;
	event->error = error;
	event->padding = 0;
	event_submit(slot, event);
}

static __always_inline enum outcome finish(struct hook_ledger *slot, __u64 key, struct io_request *entry,
					   enum outcome outcome)
{
	leave_queue(entry);
	/* When it cannot be deleted, it stays in flight until its memory is used again. */
	if (!bpf_map_delete_elem(&requests, &key))
		slot->exited++;
	return outcome;
}

static __always_inline enum outcome handle_complete(struct hook_ledger *slot, struct request *rq, __u32 operation,
						    int error, unsigned int bytes)
{
	__u64 key = (__u64)rq, now = bpf_ktime_get_ns(), latency;
	struct io_request *entry = bpf_map_lookup_elem(&requests, &key);
	struct io_device *device;
	struct io_flow *flow;

	if (!entry) /* without bytes: the end of a write's flush sequence, whose parts were counted */
		return bytes || operation == IO_FLUSH ? LOST_START_MISSING : FILTERED;
	if (!entry->issue_ns) {
		if (bytes)
			return finish(slot, key, entry, LOST_START_MISSING);
		/* A flush as it was asked for; the device saw the block layer's, which is counted. */
		report(slot, entry, rq, now, now - entry->start_ns, 0, IO_FLUSH, error);
		return finish(slot, key, entry, FILTERED);
	}
	device = bpf_map_lookup_elem(&devices, &entry->device);
	if (!device)
		return finish(slot, key, entry, LOST_MAP_FULL);
	flow = &device->flows[operation & (IO_OPERATIONS - 1)];
	__sync_fetch_and_add(&flow->bytes, bytes);
	if (bytes < rq->__data_len)
		return AGGREGATED; /* the rest is to come */
	latency = now - entry->issue_ns;
	histogram_add_shared(flow->latency, IO_BUCKETS, latency);
	report(slot, entry, rq, now, latency, entry->issue_ns - entry->start_ns, operation, error);
	return finish(slot, key, entry, AGGREGATED);
}

#define HOOK(name, id, counted, handler, ...)                                                                         \
	SEC("tp_btf/" #name)                                                                                           \
	int BPF_PROG(name, __VA_ARGS__)                                                                                \
	{                                                                                                              \
		struct hook_run run;                                                                                   \
		__u32 operation;                                                                                       \
                                                                                                                       \
		if (!hook_enter(&run, id))                                                                             \
			return 0;                                                                                      \
		return hook_leave(&run, (counted) ? (handler) : FILTERED);                                             \
	}

#define REQUEST_HOOK(name, id, handler, ...) HOOK(name, id, request_counts(rq, &operation), handler, __VA_ARGS__)

/* A bio joins a request that has started: only its bytes are new. */
#define BIO_HOOK(name, id)                                                                                            \
	HOOK(name, id, (operation = operation_of(bio->bi_opf)) < IO_OPERATIONS,                                        \
	     charge(bpf_get_current_task_btf(), operation, 0, bio->bi_iter.bi_size), struct bio *bio)

REQUEST_HOOK(block_io_start, IO_START, handle_start(run.ledger, rq, operation), struct request *rq)
REQUEST_HOOK(block_rq_insert, IO_START, handle_start(run.ledger, rq, operation), struct request *rq)
BIO_HOOK(block_bio_backmerge, IO_BACK_MERGE)
BIO_HOOK(block_bio_frontmerge, IO_FRONT_MERGE)
REQUEST_HOOK(block_rq_merge, IO_MERGE, handle_merge(run.ledger, rq), struct request *rq)
REQUEST_HOOK(block_rq_issue, IO_ISSUE, handle_issue(run.ledger, rq, operation), struct request *rq)
REQUEST_HOOK(block_rq_requeue, IO_REQUEUE, handle_requeue(rq), struct request *rq)
REQUEST_HOOK(block_rq_complete, IO_COMPLETE, handle_complete(run.ledger, rq, operation, error, bytes),
	     struct request *rq, int error, unsigned int bytes)

char LICENSE[] SEC("license") = "Dual MIT/GPL";
