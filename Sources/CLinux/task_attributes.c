#include "task_attributes.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IOPRIO_WHO_PROCESS 1

static int result(long value)
{
	return value < 0 ? -errno : (int)value;
}

/* The system call gives 20 - nice, so that no value is an error. */
int clinux_get_nice(int32_t tid, int32_t *nice)
{
	long value = syscall(SYS_getpriority, PRIO_PROCESS, tid);

	if (value < 0)
		return -errno;
	*nice = 20 - (int32_t)value;
	return 0;
}

int clinux_set_nice(int32_t tid, int32_t nice)
{
	return result(syscall(SYS_setpriority, PRIO_PROCESS, tid, nice));
}

int clinux_get_io_priority(int32_t tid)
{
	return result(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid));
}

int clinux_set_io_priority(int32_t tid, int32_t priority)
{
	return result(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid, priority));
}

int clinux_get_affinity(int32_t tid, uint64_t *mask, size_t size)
{
	return result(syscall(SYS_sched_getaffinity, tid, size, mask));
}

int clinux_set_affinity(int32_t tid, const uint64_t *mask, size_t size)
{
	return result(syscall(SYS_sched_setaffinity, tid, size, mask));
}

int clinux_open_process(int32_t pid)
{
	return result(syscall(SYS_pidfd_open, pid, 0));
}

int clinux_signal_process(int descriptor, int signal)
{
	return result(syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0));
}
