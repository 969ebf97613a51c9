#include "CLinux.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    established = 1,
    fin_wait2 = 5,
    time_wait = 6,
    all_states = (1 << 12) - 2,
    timer_of_small_socket = 3,
};

int clinux_sock_diag_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;

    struct timeval limit = {.tv_sec = 1};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

// The old request, and not SOCK_DIAG_BY_FAMILY: only this one reports both families in a single walk through the
// kernel's socket table, and the walk is what an idle host pays for (262 144 buckets: 160 µs instead of 330).
static int request(int fd)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req body;
    } message = {
        .header = {
            .nlmsg_len = sizeof message,
            .nlmsg_type = TCPDIAG_GETSOCK,
            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
        },
        .body = {
            .idiag_family = AF_INET,
            .idiag_states = all_states & ~(1 << established | 1 << time_wait),
        },
    };
    return send(fd, &message, sizeof message, 0) < 0 ? -errno : 0;
}

static void count(struct clinux_tcp_states *states, const struct inet_diag_msg *socket)
{
    unsigned state = socket->idiag_state;
    if (state >= sizeof states->count / sizeof states->count[0])
        return;
    states->count[state]++;
    if (state == fin_wait2 && socket->idiag_timer == timer_of_small_socket)
        states->small_fin_wait2++;
}

int clinux_tcp_states(int fd, struct clinux_tcp_states *states)
{
    // The kernel fills replies of at most 32 KB.
    _Alignas(struct nlmsghdr) char buffer[32 << 10];

    memset(states, 0, sizeof *states);
    int error = request(fd);
    if (error)
        return error;

    for (;;) {
        ssize_t received = recv(fd, buffer, sizeof buffer, MSG_TRUNC);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (received == 0 || (size_t)received > sizeof buffer)
            return -EMSGSIZE;

        size_t left = (size_t)received;
        for (struct nlmsghdr *header = (void *)buffer; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE)
                return 0;
            if (header->nlmsg_type == NLMSG_ERROR) {
                if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
                    return -EBADMSG;
                int refused = ((struct nlmsgerr *)NLMSG_DATA(header))->error;
                return refused < 0 ? refused : -EBADMSG;
            }
            if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
                return -EBADMSG;
            count(states, NLMSG_DATA(header));
        }
    }
}
