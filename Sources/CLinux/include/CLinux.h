#pragma once

#include "capabilities.h"
#include "idle_memory.h"

#include <stdint.h>

/// TCP sockets of the calling thread's network namespace, by state, both address families.
struct clinux_tcp_states {
    /// Index is the kernel's state number (1 established … 11 closing). Established (1) and TIME_WAIT (6) are not asked
    /// for: they are most of the sockets on a busy host, and the kernel keeps their number anyway.
    uint32_t count[16];
    /// How many of the sockets in FIN_WAIT2 are of the small kind that the kernel keeps together with TIME_WAIT.
    uint32_t small_fin_wait2;
};

/// Opens a netlink socket to sock_diag, with a receive time limit of one second. Returns it, or -errno.
int clinux_sock_diag_open(void);

/// Counts in one dump; memory does not depend on the number of sockets. Returns 0, or -errno: close the socket then, as
/// replies may still be under way.
int clinux_tcp_states(int fd, struct clinux_tcp_states *states);
