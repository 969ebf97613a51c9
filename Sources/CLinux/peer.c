#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <sys/socket.h>

int clinux_peer_uid(int socket, uint32_t *uid)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	*uid = peer.uid;
	return 0;
}
