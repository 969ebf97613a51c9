/* What part of a call is slow: the time that its thread did not choose to sleep. Used when a call returns, and by the
 * walk for calls that have not. */
#pragma once
#include "task_state.h"

struct call_time {
	__u64 stalled_ns; /* latency without chosen sleep; 0 when nobody can tell */
	__u64 blocked_ns; /* the part in D state */
};

/* counters: the task's, without the stretch that it is in. since_ns: from when on the scheduler's hooks have kept the
 * task's sleeps, 0 if they do not. */
static __always_inline struct call_time call_time(struct task_counters *counters, struct stretch *stretch,
						  struct call *call, __u8 wait, __u64 now, __u64 since_ns)
{
	struct call_time time = {};
	__u64 latency = now - call->start_ns;
	__u64 slept = counters->slept_ns - call->slept_ns;
	__u64 blocked = counters->blocked_ns - call->blocked_ns;
	bool known = since_ns && call->start_ns >= since_ns;

	if (stretch->phase == SLEEPING)
		slept += stretch_ns(stretch, now);
	if (stretch->phase == BLOCKED)
		blocked += stretch_ns(stretch, now);
	if (wait == WAIT_HURTS || call->hurts)
		time.stalled_ns = latency;
	else if (wait == WAIT_UNCLEAR && known && slept < latency)
		time.stalled_ns = latency - slept;
	/* Read on another CPU, the call and the counters may be a moment apart. */
	if (known)
		time.blocked_ns = blocked < latency ? blocked : latency;
	return time;
}
