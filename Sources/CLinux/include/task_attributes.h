#pragma once

#include <stddef.h>
#include <stdint.h>

/* Attributes of one thread. All return 0 or more, or -errno. */

/* The nice value goes to `nice`: it may be negative. */
int clinux_get_nice(int32_t tid, int32_t *nice);
int clinux_set_nice(int32_t tid, int32_t nice);

/* Class << 13 | level, as in ioprio_set(2). */
int clinux_get_io_priority(int32_t tid);
int clinux_set_io_priority(int32_t tid, int32_t priority);

/* One bit for each CPU; `size` in bytes, a multiple of 8. Returns how many bytes the kernel's mask has. */
int clinux_get_affinity(int32_t tid, uint64_t *mask, size_t size);
int clinux_set_affinity(int32_t tid, const uint64_t *mask, size_t size);

/* A descriptor of a process, and a signal to it: whoever gets the pid after it has ended is not meant. */
int clinux_open_process(int32_t pid);
int clinux_signal_process(int descriptor, int signal);
