#pragma once

#include <stdint.h>

/* Numbers from linux/capability.h, as Swift does not import function-like use of them. */
enum {
	CLINUX_CAP_DAC_OVERRIDE = 1,
	CLINUX_CAP_DAC_READ_SEARCH = 2,
	CLINUX_CAP_KILL = 5,
	CLINUX_CAP_SYS_PTRACE = 19,
	CLINUX_CAP_SYS_NICE = 23,
	CLINUX_CAP_PERFMON = 38,
	CLINUX_CAP_BPF = 39,
};

/* Gives up every capability that is not in the set of bits `wanted`, for this thread and for programs that it would
 * start, for good. Returns 0, or -1 with errno. Call it before threads exist: capabilities belong to threads. */
int clinux_keep_capabilities(uint64_t wanted);
