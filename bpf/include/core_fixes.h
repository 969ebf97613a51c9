/* Where kernels differ. Each shim names the commit that made it necessary. */
#pragma once
#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* 2f064a59a11f (5.14): task_struct.state became __state. */
struct task_struct___before_5_14 {
	long state;
} __attribute__((preserve_access_index));

/* fa2c3254d7cf (5.18-rc1) gave sched_switch the argument prev_state, 9c2136be0878 (5.18-rc7) moved it to the end. User
 * space counts the arguments before the program is loaded; the verifier removes the branch that does not apply. */
const volatile bool switch_has_state = true;

static __always_inline __u32 task_state_bits(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return ((struct task_struct___before_5_14 *)task)->state;
}

/* Whether a task that leaves its CPU of itself wants to run on. With a signal pending it does, whatever state it had asked
 * for, and prev_state says so only since 8feb053d5319 (6.16, and stable kernels that took it). The task's own state
 * says so on all of them: it is 0 then, and never for a task that went to sleep, which nobody can wake up to the end
 * before it has left its CPU. */
static __always_inline bool stays_runnable(struct task_struct *task, __u32 switch_state)
{
	return !switch_state || !task_state_bits(task);
}

/* 3e816361e94a (6.16) gave sched_process_exit a second argument, group_dead. signal->live is brought down just before
 * the hook on every kernel and says the same; two threads that end at once may both see 0. */
static __always_inline bool last_thread(struct task_struct *task)
{
	return task->signal->live.counter == 0;
}

/* struct sched_info is empty without CONFIG_SCHED_INFO: then nobody counts waits, and all of this is 0. */
#define RUNQUEUE(task, field) (bpf_core_field_exists((task)->sched_info.field) ? (__u64)(task)->sched_info.field : 0)

static __always_inline __u64 runqueue_waits(struct task_struct *task) { return RUNQUEUE(task, pcount); }
static __always_inline __u64 runqueue_wait_ns(struct task_struct *task) { return RUNQUEUE(task, run_delay); }
static __always_inline __u64 runqueue_last_arrival(struct task_struct *task) { return RUNQUEUE(task, last_arrival); }
static __always_inline __u64 runqueue_last_queued(struct task_struct *task) { return RUNQUEUE(task, last_queued); }

/* Whether the kernel has the task stall on memory, as PSI counts it: it reclaims, waits for a page that was evicted, or is
 * throttled for its group's use. A task changes that only while it runs, so that off the CPU it holds for a whole stretch.
 * 1066d1b6974e (5.7) made it a field of its own. It is missing without CONFIG_PSI and never set with psi=0. */
static __always_inline bool in_memory_stall(struct task_struct *task)
{
	return bpf_core_field_exists(task->in_memstall) && BPF_CORE_READ_BITFIELD(task, in_memstall);
}

/* CO-RE cannot tell pt_regs of x86-64 and arm64 apart by name; they differ in where the system call's number and
 * its arguments are. */
struct pt_regs___x86 {
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
} __attribute__((preserve_access_index));

struct pt_regs___arm64 {
	unsigned long regs[31];
	unsigned long orig_x0;
	int syscallno;
} __attribute__((preserve_access_index));

struct pt_regs;

static __always_inline long call_number(struct pt_regs *regs)
{
	struct pt_regs___x86 *x86 = (void *)regs;
	struct pt_regs___arm64 *arm64 = (void *)regs;

	return bpf_core_field_exists(x86->orig_ax) ? (long)x86->orig_ax : arm64->syscallno;
}

static __always_inline __u64 call_first_argument(struct pt_regs *regs)
{
	struct pt_regs___x86 *x86 = (void *)regs;
	struct pt_regs___arm64 *arm64 = (void *)regs;

	return bpf_core_field_exists(x86->orig_ax) ? x86->di : arm64->orig_x0;
}

static __always_inline __u64 call_second_argument(struct pt_regs *regs)
{
	struct pt_regs___x86 *x86 = (void *)regs;
	struct pt_regs___arm64 *arm64 = (void *)regs;

	return bpf_core_field_exists(x86->orig_ax) ? x86->si : arm64->regs[1];
}

/* A 32-bit program's call has another architecture's number. arch/x86 marks it in thread_info.status (TS_COMPAT),
 * arch/arm64 in thread_info.flags (TIF_32BIT). */
static __always_inline bool call_is_compat(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.status))
		return task->thread_info.status & 0x0002;
	return task->thread_info.flags & (1 << 22);
}
