/* Nothing is lost without a count, and every run pays for itself in view. A hook is written as
 *
 *	SEC("tp_btf/…") int BPF_PROG(name, …)
 *	{
 *		struct hook_run run;
 *
 *		if (!hook_enter(&run, HOOK_…))
 *			return 0;
 *		return hook_leave(&run, handle_name(run.ledger, …));
 *	}
 */
#pragma once
#include "../tracer.h"
#include <bpf/bpf_helpers.h>

/* One run in this many is timed. A power of two. */
#define TIMED_EVERY 64

/* A slot per hook; the program's file sets HOOKS before it includes this. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOKS);
	__type(key, __u32);
	__type(value, struct hook_ledger);
} ledger SEC(".maps");

struct hook_run {
	struct hook_ledger *ledger;
	__u64 started;
};

static __always_inline bool hook_enter(struct hook_run *run, __u32 hook)
{
	struct hook_ledger *slot = bpf_map_lookup_elem(&ledger, &hook);

	if (!slot)
		return false; /* for the verifier: the hook is below HOOKS */
	run->ledger = slot;
	run->started = slot->seen++ % TIMED_EVERY ? 0 : bpf_ktime_get_ns();
	return true;
}

static __always_inline int hook_leave(struct hook_run *run, enum outcome outcome)
{
	struct hook_ledger *slot = run->ledger;

	slot->outcomes[outcome & (OUTCOMES - 1)]++;
	if (run->started) {
		slot->timed_runs++;
		slot->timed_ns += bpf_ktime_get_ns() - run->started;
	}
	return 0;
}
