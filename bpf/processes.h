/* What is kept per thread, and how it reaches user space. */
#pragma once
#include "tracer.h"

/* SyscallCategory.allCases.count in Sources/Model. */
#define SYSCALL_CATEGORIES 11
/* Numbers below this are counted; the highest in use is below 480. */
#define SYSCALL_NUMBERS 512

/* A thread's numbers since the first hook that saw it. They only grow; user space subtracts. Each is written by one hook
 * at a time: a thread's own hooks run on its CPU, its wake-ups are serialised by the scheduler's locks. */
struct task_counters {
	struct {
		__u64 count;
		__u64 ns;
	} calls[SYSCALL_CATEGORIES]; /* syscall_tracer */

	__u64 cpu_ns; /* sched_tracer, down to memory_stall_ns */
	__u64 voluntary;
	__u64 involuntary;
	__u64 wakeups;
	__u64 waits;
	__u64 wait_ns;
	__u64 blocked_ns;
	__u64 slept_ns;
	__u64 memory_stall_ns; /* the part of wait and D state for which the kernel had it stall on memory */

	__u64 minor_faults; /* page_fault_tracer, down to major_fault_ns */
	__u64 major_faults;
	__u64 fault_ns; /* minor and major together */
	__u64 major_fault_ns;

	__u64 reads; /* io_latency_tracer, down to write_bytes */
	__u64 read_bytes;
	__u64 writes;
	__u64 write_bytes;
};

/* What the scheduler itself counts of a thread since it started: what /proc/PID/task/TID/schedstat and status show. Stands in
 * for sched_tracer's counters where that does not see every switch. No waits where the kernel keeps no sched_info. */
struct sched_clocks {
	__u64 cpu_ns;
	__u64 voluntary;
	__u64 involuntary;
	__u64 waits;
	__u64 wait_ns; /* with the one that goes on */
};

/* Where a thread is, as far as the scheduler's hooks have seen. */
enum phase {
	UNKNOWN, /* no hook has seen it move */
	RUNNING,
	WOKEN,     /* runnable since a wake-up */
	PREEMPTED, /* runnable since it lost its CPU */
	SLEEPING,  /* interruptible, or idle by its own account */
	BLOCKED,   /* D state */
	PAUSED,    /* stopped, traced, parked, dead: nobody's latency */
};

/* The call that a thread is in. */
struct call {
	__u64 start_ns; /* of the last one when in none; 0: none has begun since the hooks are on */
	__u64 first_argument;
	__u64 slept_ns;   /* task_counters.slept_ns when it began */
	__u64 blocked_ns; /* likewise */
	__u32 number1;    /* number + 1; 0: in no call */
	__u32 hurts;      /* 1: its sleep counts, whatever the number says */
};

/* What it means when a call sleeps. */
enum call_wait {
	WAIT_UNCLEAR, /* read, futex, ioctl: on purpose or not; interruptible sleep is left out */
	WAIT_MEANT,   /* epoll_wait, nanosleep, wait4: never slow */
	WAIT_HURTS,   /* connect, flock, fsync: all of it counts */
};

/* One thread as the iterator or its exit reports it. */
struct thread_header {
	struct task_identity task;
	__u64 state; /* names this thread's numbers; never reused. 0: ended before any report */
	__u64 longest_wait_ns; /* with the one that it is in */
	__u64 longest_wait_epoch;
	__u64 started_ns; /* when the thread was created */
	struct call call;
	__u64 call_now_ns;     /* when it was looked at */
	__u64 call_blocked_ns; /* of a call that hangs: the part in D state */
	__u32 parent;
	__u32 process_group;
	__u32 session;
	__u32 threads;
	__u8 kernel_thread;
	__u8 ended;      /* 1: the thread, 2: the process as well, 3: by SIGKILL */
	__u8 call_hangs; /* the call has stalled for running_threshold_ns and goes on */
	__u8 call_blocked_known;
	__u32 worker_of; /* the process group of the program that it is a worker of, or 0: see worker_of() */
	__s32 longest_wait_behind; /* as in struct task_state; -1: the wait goes on */
	__s8 nice;
	__u8 policy;        /* SCHED_... */
	__u16 allowed_cpus; /* how many it may run on */
};

/* The counters as they are, and on top of them the time on the CPU, in the run queue or in D state that has not ended:
 * what is counted when it ends is at least that much. */
struct thread_record {
	struct thread_header header;
	struct task_counters counters;
	struct sched_clocks clocks;
};

/* What user space tells the iterator. */
struct walk {
	__u64 running_threshold_ns; /* calls that have stalled this long are reported even when nothing else moved */
	__u64 scheduler_since_ns;   /* as in struct control */
	__u64 calls_since_ns;       /* since when every call's end is seen; 0: it is not */
	__u64 epoch;                /* likewise */
	__u32 everything;           /* report every thread that has state */
	__u32 claim_calls;          /* final walk: count calls as in flight, so that an exit does not count them */
};

_Static_assert(sizeof(struct task_counters) == 312, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct call) == 40, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct sched_clocks) == 40, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct thread_header) == 168, "Sources/Tracers reads this layout");
_Static_assert(sizeof(struct thread_record) == 168 + 312 + 40, "Sources/Tracers reads this layout");
