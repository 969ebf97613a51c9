#pragma once

#include <spawn.h>

/* A program that is started gets no descriptor from `from` on. Returns 0, or an error number. */
int clinux_close_from(posix_spawn_file_actions_t *actions, int from);
