#define _GNU_SOURCE
#include "spawn_actions.h"

/* Swift does not see what glibc declares for _GNU_SOURCE alone. */
int clinux_close_from(posix_spawn_file_actions_t *actions, int from)
{
	return posix_spawn_file_actions_addclosefrom_np(actions, from);
}
