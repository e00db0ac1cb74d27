/* SPDX-License-Identifier: MIT */
/*
 * A pair of SOCK_SEQPACKET sockets carries one question and one answer at a time. A helper answers between two pieces
 * of its work, so an answer takes microseconds; one that takes longer than two seconds, or an end of file, means that
 * the helper is of no use any more. An answer that came too late would be taken for that of the next question: after a
 * time-out nothing is asked again.
 */
#include "harness/lab/helper.h"

#include "harness/base/scoped.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define ANSWER_BOUND_MS 2000
#define READY_BOUND_MS 5000

static int gone(struct helper *h, const char *how, struct err *e)
{
    h->lost = how;
    return err_set(e, ERR_RUN, h->name, "the process that %s %s", h->does, how);
}

static int hear(struct helper *h, struct helper_answer *a, size_t size, int bound_ms, struct err *e)
{
    struct pollfd p = {.fd = h->control_fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&p, 1, bound_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        return gone(h, "does not answer", e);
    }
    if (recv(h->control_fd, a, size, MSG_DONTWAIT) != (ssize_t)size) {
        return gone(h, "has died", e); /* ECONNRESET when it died with our question unread, 0 when after it */
    }
    return a->right ? 0 : err_set(e, a->failed.kind, a->failed.at, "%s", a->failed.msg);
}

int helper_fork(struct helper *h, const char *name, const char *does, int *control_fd, struct err *e)
{
    int ends[2];
    *h = (struct helper){.name = name, .does = does, .control_fd = -1, .process.pidfd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return err_os(e, ERR_RUN, errno, name, "cannot make its control sockets");
    }
    scoped_fd int ours = ends[0], theirs = ends[1];
    int side = child_fork(&h->process, e);
    if (side == 0) {
        *control_fd = steal_fd(&theirs);
    } else if (side > 0) {
        h->control_fd = steal_fd(&ours);
    }
    return side;
}

int helper_hear_ready(struct helper *h, struct helper_answer *a, size_t answer_size, struct err *e)
{
    return hear(h, a, answer_size, READY_BOUND_MS, e);
}

int helper_ask(struct helper *h, const void *question, size_t size, struct helper_answer *a, size_t answer_size,
               struct err *e)
{
    if (helper_check(h, e) != 0) {
        return -1;
    }
    if (send(h->control_fd, question, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size) {
        return gone(h, "has died", e);
    }
    return hear(h, a, answer_size, ANSWER_BOUND_MS, e);
}

int helper_check(struct helper *h, struct err *e)
{
    if (!h->lost && child_dead(&h->process)) {
        h->lost = "has died";
    }
    return h->lost ? gone(h, h->lost, e) : 0;
}

void helper_stop(struct helper *h)
{
    if (h->process.pid != 0) {
        child_stop(&h->process, 0, NULL);
    }
    helper_forget(h);
}

void helper_forget(struct helper *h)
{
    fd_close(&h->control_fd);
}
