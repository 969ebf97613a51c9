/* What part of a call is slow: the time that its thread did not choose to sleep. Used when a call returns, and by the
 * walk for calls that have not. */
#pragma once
#include "task_state.h"

struct call_time {
	__u64 stalled_ns; /* latency without chosen sleep; 0 when nobody can tell */
	__u64 blocked_ns; /* the part in D state */
};

/* since_ns: from when on the scheduler's hooks have kept the task's sleeps, 0 if they do not. */
static __always_inline struct call_time call_time(struct task_state *state, struct call *call, __u8 wait, __u64 now,
						  __u64 since_ns)
{
	struct call_time time = {};
	__u64 latency = now - call->start_ns, phase = now - state->phase_since_ns;
	__u64 slept = state->counters.slept_ns - call->slept_ns;
	__u64 blocked = state->counters.blocked_ns - call->blocked_ns;
	bool known = since_ns && call->start_ns >= since_ns;

	if (state->phase == SLEEPING)
		slept += phase;
	if (state->phase == BLOCKED)
		blocked += phase;
	if (wait == WAIT_HURTS || call->hurts)
		time.stalled_ns = latency;
	else if (wait == WAIT_UNCLEAR && known && slept < latency)
		time.stalled_ns = latency - slept;
	time.blocked_ns = known ? blocked : 0;
	return time;
}
