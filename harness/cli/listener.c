/* SPDX-License-Identifier: MIT */
/*
 * Method: a pair of sequenced sockets, so that a message is a datagram and a closed end is seen; the sending end has
 * room for a few hundred messages and never blocks.
 */
#include "harness/cli/listener.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define QUEUE_BYTES (256 * 1024)

int listener_fork(struct listener *l, const char *flag, const char *name, int *theirs, struct err *e)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    int pair[2], room = QUEUE_BYTES;
    l->fd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_os(e, ERR_RUN, errno, flag, "cannot make a channel to its process");
    }
    scoped_fd int ours = pair[0], far = pair[1];
    (void)setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    fflush(NULL);
    int side = child_fork(&l->process, e);
    if (side == 0) {
        for (size_t i = 0; i < array_len(ignored); i++) {
            signal(ignored[i], SIG_IGN);
        }
        prctl(PR_SET_NAME, name);
        *theirs = steal_fd(&far);
    } else if (side > 0) {
        l->fd = steal_fd(&ours);
    }
    return side;
}

void listener_tell(struct listener *l, json_t *take_message)
{
    scoped_json json_t *message = take_message;
    scoped_free char *text = l->fd >= 0 ? json_dumps(message, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    if (text && strlen(text) < LISTENER_MESSAGE_MAX) {
        (void)send(l->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void listener_close(struct listener *l)
{
    fd_close(&l->fd);
    if (l->process.pid) {
        child_stop(&l->process, 0, NULL);
    }
}
