#pragma once

#include <stdint.h>

/* Who is at the other end of a unix socket: 0 and the user, or -errno. */
int clinux_peer_uid(int socket, uint32_t *uid);
