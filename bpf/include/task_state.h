/* One task storage for all tracers: looking it up is the dearest thing that a hook does, so it happens once. The map
 * belongs to processes.bpf.c; the tracers are given its file descriptor before they are loaded. */
#pragma once
#include "../processes.h"
#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

struct task_state {
	struct task_counters counters;

	/* sched_tracer */
	__u64 phase_since_ns;
	__u64 longest_wait_ns;
	__u64 longest_wait_epoch;
	__u32 phase;
	__s32 longest_wait_behind; /* pid of the process that had the CPU until then; 0: the CPU was idle */

	/* syscall_tracer */
	struct call call;

	/* page_fault_tracer: the fault being handled; address 0 means none */
	__u64 fault_address;
	__u64 fault_start_ns;
	__u64 fault_code;

	/* processes: names these numbers, and their sum at the last report */
	__u64 id;
	__u64 reported_sum;
};

/* The kernel puts 72 bytes in front; together they shall fit the 512-byte slab. */
_Static_assert(sizeof(struct task_state) <= 512 - 72, "the element would take a 1 KB slab");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} tasks SEC(".maps");

/* NULL when there is no memory, or when the allocation would wait for itself. */
static __always_inline struct task_state *task_state_create(struct task_struct *task)
{
	return bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

static __always_inline struct task_state *task_state_find(struct task_struct *task)
{
	return bpf_task_storage_get(&tasks, task, NULL, 0);
}

/* The stretch of time that a thread is in. Its hooks store the time before the phase and count the last stretch after
 * both; who looks from another CPU reads in the opposite order, so that no stretch seems longer than it is. Where CPUs
 * reorder stores, one may for a moment; the table of threads in user space takes that out of the next tick. */
struct stretch {
	__u64 since_ns;
	__u32 phase;
	bool stalls; /* on memory, off the CPU: take_counters() says so */
};

static __always_inline void begin_stretch(struct task_state *state, enum phase phase, __u64 now)
{
	state->phase_since_ns = now;
	barrier();
	state->phase = phase;
	barrier();
}

static __always_inline struct stretch stretch_of(struct task_state *state)
{
	struct stretch stretch;

	stretch.phase = *(volatile __u32 *)&state->phase;
	stretch.since_ns = *(volatile __u64 *)&state->phase_since_ns;
	stretch.stalls = false;
	return stretch;
}

/* Two CPUs' clocks may differ by a little. */
static __always_inline __u64 stretch_ns(struct stretch *stretch, __u64 now)
{
	return now > stretch->since_ns ? now - stretch->since_ns : 0;
}

static __always_inline void identify(struct task_identity *identity, struct task_struct *task)
{
	identity->start_ticks = task->group_leader->start_boottime / 10000000;
	identity->cgroup = task->cgroups->dfl_cgrp->kn->id;
	identity->pid = task->tgid;
	identity->tid = task->pid;
	identity->uid = task->cred->uid.val;
	bpf_probe_read_kernel(identity->comm, sizeof(identity->comm), task->comm);
	identity->padding = 0;
}
