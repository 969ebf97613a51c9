#include "capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc has no wrapper for capset(2), and libcap is not needed for one call. */
int clinux_keep_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) != 0)
		return -1;
	for (int half = 0; half < 2; half++) {
		uint32_t keep = (uint32_t)(wanted >> (32 * half));

		sets[half].permitted &= keep;
		sets[half].effective = sets[half].permitted;
		sets[half].inheritable = 0;
	}
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
		if (!(wanted >> capability & 1))
			/* Needs CAP_SETPCAP; without it the bounding set was limited by whoever started us. */
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_capset, &header, sets);
}
