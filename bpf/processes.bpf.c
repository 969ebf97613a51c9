/* Per-thread numbers: the walk that reads them once a tick, and the hook that hands over those of a thread that ends. */
#include "include/kernel_types.h"

#define HOOKS 1
#include "include/core_fixes.h"
#include "include/ledger.h"
#include "include/ring.h"
#include "include/slow_call.h"
#include <bpf/bpf_tracing.h>

/* task_state.id of a thread whose exit has been reported. */
#define ENDED (~0ULL)

volatile struct walk walk SEC(".data.walk");
/* enum call_wait by number; filled in before loading. */
const volatile __u8 call_waits[SYSCALL_NUMBERS];
/* Only the walk writes these, and walks do not overlap. */
__u64 last_id;
__u64 claimed_calls;
__u64 threads_with_state;
/* Too large for the stack. */
struct thread_record found;

/* The wait that a thread is in may be its longest. */
static __always_inline void include_wait(struct thread_header *header, struct stretch *stretch, __u64 now)
{
	__u64 ns = stretch_ns(stretch, now);

	if (stretch->phase != WOKEN && stretch->phase != PREEMPTED)
		return;
	if (header->longest_wait_epoch == walk.epoch && header->longest_wait_ns >= ns)
		return;
	header->longest_wait_ns = ns;
	header->longest_wait_epoch = walk.epoch;
	header->longest_wait_behind = -1;
}

/* Some programs give each worker a session of its own (fio's jobs, postgres' backends): the process groups then tell apart
 * what was started as one. Such a worker has been forked and has not executed anything, unlike what a shell starts. */
static __always_inline __u32 worker_of(struct thread_header *header, struct task_struct *task)
{
	if (header->session != header->task.pid || header->parent <= 1 || !(task->group_leader->flags & PF_FORKNOEXEC))
		return 0;
	return task->real_parent->signal->pids[PID_GROUP]->numbers[0].nr;
}

static __always_inline void describe(struct thread_header *header, struct task_struct *task, struct task_state *state)
{
	struct signal_struct *signal = task->signal;

	identify(&header->task, task);
	/* The process is called what its leader is called; threads have names of their own. */
	bpf_probe_read_kernel(header->task.comm, sizeof(header->task.comm), task->group_leader->comm);
	header->longest_wait_ns = state->longest_wait_ns;
	header->longest_wait_epoch = state->longest_wait_epoch;
	header->longest_wait_behind = state->longest_wait_behind;
	header->started_ns = task->start_time;
	header->parent = task->real_parent->tgid;
	header->process_group = signal->pids[PID_GROUP]->numbers[0].nr;
	header->session = signal->pids[PID_SESSION]->numbers[0].nr;
	header->threads = signal->nr_threads;
	header->kernel_thread = (task->flags & PF_KTHREAD) != 0;
	header->worker_of = worker_of(header, task);
	header->nice = task->static_prio - NICE_0_PRIO;
	header->policy = task->policy;
	header->allowed_cpus = task->nr_cpus_allowed > 0xFFFF ? 0xFFFF : task->nr_cpus_allowed;
}

/* A thread's counters, and the stretch that is not in them yet. */
static __always_inline void take_counters(struct task_struct *task, struct task_state *state,
					  struct task_counters *counters, struct stretch *stretch)
{
	*stretch = stretch_of(state);
	barrier();
	*counters = state->counters;
	stretch->stalls = in_memory_stall(task);
	barrier();
	/* Its hooks have run meanwhile, and may have counted the stretch; or nobody keeps phases (any more). */
	if (stretch_of(state).since_ns != stretch->since_ns || !walk.scheduler_since_ns ||
	    stretch->since_ns < walk.scheduler_since_ns)
		stretch->phase = UNKNOWN;
}

/* Counts what has passed of a stretch; whether it is one that counts. Sleep counts when it ends: all threads that sleep
 * would be news in every tick. */
static __always_inline bool add_stretch(struct task_counters *counters, struct stretch *stretch, __u64 now)
{
	__u64 ns = stretch_ns(stretch, now);

	switch (stretch->phase) {
	case RUNNING:
		counters->cpu_ns += ns;
		return true;
	case WOKEN:
	case PREEMPTED:
		counters->wait_ns += ns;
		break;
	case BLOCKED:
		counters->blocked_ns += ns;
		break;
	default:
		return false;
	}
	if (stretch->stalls)
		counters->memory_stall_ns += ns;
	return true;
}

static __always_inline void take_clocks(struct sched_clocks *clocks, struct task_struct *task)
{
	clocks->cpu_ns = task->se.sum_exec_runtime;
	clocks->voluntary = task->nvcsw;
	clocks->involuntary = task->nivcsw;
	clocks->waits = runqueue_waits(task);
	clocks->wait_ns = runqueue_wait_ns(task);
}

/* Adds the wait that goes on; whether there is one. */
static __always_inline bool add_wait(struct sched_clocks *clocks, struct task_struct *task)
{
	__u64 queued = runqueue_last_queued(task), now = runqueue_last_arrival(bpf_get_current_task_btf());

	if (!queued)
		return false;
	if (now > queued)
		clocks->wait_ns += now - queued;
	return true;
}

static __always_inline __u64 sum_of(struct thread_record *record)
{
	__u64 *counters = (__u64 *)&record->counters;
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < (sizeof(record->counters) + sizeof(record->clocks)) / sizeof(__u64); i++)
		sum += counters[i];
	return sum;
}

/* Whether a thread is or waits on a CPU, or has been on one in the last two ticks: by the scheduler's clock, on which the walker
 * itself has just come onto a CPU. */
static __always_inline bool ran_lately(struct task_struct *task)
{
	return runqueue_last_arrival(task) + 2000000000ULL > runqueue_last_arrival(bpf_get_current_task_btf()) ||
	       !task_state_bits(task);
}

/* Where no hook of the scheduler sees every thread, this is where those are met that no other hook has. */
static __always_inline struct task_state *state_of(struct task_struct *task)
{
	struct task_state *state = task_state_find(task);

	if (state || walk.scheduler_since_ns || task->flags & PF_EXITING || !ran_lately(task))
		return state;
	return task_state_create(task);
}

/* Whether the thread is in a call that stalls; says how if so. */
static __always_inline bool hangs(struct thread_header *header, struct task_counters *counters, struct stretch *stretch,
				  __u64 now)
{
	__u32 number = header->call.number1 - 1;
	struct call_time time;

	if (!header->call.number1 || number >= SYSCALL_NUMBERS || call_waits[number] == WAIT_MEANT)
		return false;
	/* What is left of a thread's last turn may have returned long ago. */
	if (!walk.calls_since_ns || header->call.start_ns < walk.calls_since_ns)
		return false;
	/* The call may have returned since it was copied, and time is read on another CPU. */
	if (now < header->call.start_ns)
		return false;
	time = call_time(counters, stretch, &header->call, call_waits[number], now, walk.scheduler_since_ns);
	if (time.stalled_ns < walk.running_threshold_ns)
		return false;
	header->call_now_ns = now;
	header->call_hangs = 1;
	header->call_blocked_ns = time.blocked_ns;
	header->call_blocked_known = walk.scheduler_since_ns && header->call.start_ns >= walk.scheduler_since_ns;
	return true;
}

/* The id under which this thread is reported, or ENDED when its exit has been. */
static __always_inline __u64 state_id(struct task_state *state)
{
	__u64 id = state->id, taken;

	if (id)
		return id;
	taken = __sync_val_compare_and_swap(&state->id, 0, last_id + 1);
	return taken ? taken : ++last_id;
}

SEC("iter/task")
int threads(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct thread_header *header = &found.header;
	struct task_state *state;
	struct stretch stretch;
	bool is_news;
	__u64 now, sum;

	if (!task)
		return 0;
	state = state_of(task);
	if (!state)
		return 0;
	threads_with_state++;
	if (walk.claim_calls && __sync_lock_test_and_set(&state->call.number1, 0))
		claimed_calls++;
	take_counters(task, state, &found.counters, &stretch);
	take_clocks(&found.clocks, task);
	now = bpf_ktime_get_ns();
	/* Without the stretch: what is counted from here on makes it differ from the next one. */
	sum = sum_of(&found);
	__builtin_memset(header, 0, sizeof(*header));
	header->call = state->call;
	is_news = hangs(header, &found.counters, &stretch, now) || sum != state->reported_sum || walk.everything;
	is_news = add_wait(&found.clocks, task) || is_news;
	if (!add_stretch(&found.counters, &stretch, now) && !is_news)
		return 0;
	header->state = state_id(state);
	if (header->state == ENDED)
		return 0;
	describe(header, task, state);
	include_wait(header, &stretch, now);
	/* A record that does not fit is asked for again with the next read, so it is marked only when it is written. */
	if (bpf_seq_write(context->meta->seq, &found, sizeof(found)))
		threads_with_state--;
	else
		state->reported_sum = sum;
	return 0;
}

/* The signal that ended a thread, or 0; the rest of the code is whether it dumped core, and what it returned. */
static __always_inline int ended_by(struct task_struct *task)
{
	return task->exit_code & 0x7F;
}

static __always_inline enum outcome handle_exit(struct hook_ledger *slot, struct task_struct *task)
{
	/* Where no hook of the scheduler sees every thread, whoever no hook has seen has clocks all the same; and is ENDED then, so that
	 * the walk does not meet it on its way out. */
	struct task_state *state = walk.scheduler_since_ns ? task_state_find(task) : task_state_create(task);
	struct thread_record *record;
	struct stretch stretch;

	if (!state)
		return FILTERED; /* nothing was counted */
	if (__sync_lock_test_and_set(&state->call.number1, 0))
		slot->abandoned++;
	record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	if (!record)
		return LOST_MAP_FULL;
	__builtin_memset(&record->header, 0, sizeof(record->header));
	describe(&record->header, task, state);
	record->header.state = __sync_lock_test_and_set(&state->id, ENDED);
	record->header.ended = !last_thread(task) ? 1 : ended_by(task) == SIGKILL ? 3 : 2;
	take_counters(task, state, &record->counters, &stretch);
	take_clocks(&record->clocks, task);
	add_stretch(&record->counters, &stretch, bpf_ktime_get_ns());
	bpf_ringbuf_submit(record, ring_wakeup(&events));
	return AGGREGATED;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	struct hook_run run;

	if (!hook_enter(&run, 0))
		return 0;
	return hook_leave(&run, handle_exit(run.ledger, task));
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
