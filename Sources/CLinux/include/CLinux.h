#pragma once

#include "capabilities.h"
#include "idle_memory.h"
#include "peer.h"
#include "spawn_actions.h"
#include "task_attributes.h"

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

/// Which sockets to list.
struct clinux_tcp_filter {
    /// Bits by the kernel's state numbers.
    uint32_t states;
    /// Local ports; the kernel leaves out all others.
    uint16_t first_port, last_port;
};

struct clinux_tcp_socket {
    /// As the bytes of an IPv6 address; those of IPv4 are mapped (::ffff:a.b.c.d).
    uint64_t local[2], remote[2];
    /// 0 for one that no process has, such as one that is not accepted yet.
    uint32_t inode;
    /// Until its timer ends.
    uint32_t expires_ms;
    uint16_t local_port, remote_port;
    /// FIN_WAIT2 also for one of the small kind.
    uint8_t state;
};

typedef void clinux_tcp_visitor(void *context, const struct clinux_tcp_socket *socket);

/// Calls the visitor for each such socket. Returns as `clinux_tcp_states` does.
int clinux_tcp_list(int fd, struct clinux_tcp_filter filter, clinux_tcp_visitor *visit, void *context);
