/* SPDX-License-Identifier: MIT */
/*
 * The lab's side of the answerer: fork it, give it orders, notice that it is gone. One question and one answer at a
 * time over a pair of SOCK_SEQPACKET sockets, as with the wire; after one answer that did not come in time nothing is
 * asked again, since a late one would be taken for that of the next question.
 */
#include "harness/lab/answerer.h"

#include "harness/base/arena.h"
#include "harness/base/child.h"
#include "harness/base/scoped.h"
#include "harness/lab/answerer_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ANSWER_BOUND_MS 2000
#define READY_BOUND_MS 5000

struct answerer {
    struct child process;
    int control_fd;
    bool lost; /* it did not answer once */
};

static int gone(struct answerer *a, const char *how, struct err *e)
{
    a->lost = true;
    return err_set(e, ERR_RUN, "answerer", "the process that answers for what is rejected %s", how);
}

static int hear(struct answerer *a, struct answerer_answer *to, int bound_ms, struct err *e)
{
    struct pollfd p = {.fd = a->control_fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&p, 1, bound_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        return gone(a, "does not answer", e);
    }
    if (recv(a->control_fd, to, sizeof(*to), MSG_DONTWAIT) != (ssize_t)sizeof(*to)) {
        return gone(a, "has died", e);
    }
    return to->right ? 0 : err_set(e, to->failed.kind, to->failed.at, "%s", to->failed.msg);
}

static int ask(struct answerer *a, const struct answerer_ask *q, struct answerer_answer *to, struct err *e)
{
    if (a->lost) {
        return gone(a, "is gone", e);
    }
    if (send(a->control_fd, q, sizeof(*q), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(*q)) {
        return gone(a, "has died", e);
    }
    return hear(a, to, ANSWER_BOUND_MS, e);
}

int answerer_open(struct answerer **out, const struct answerer_options *o, struct err *e)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return err_os(e, ERR_RUN, errno, "answerer", "cannot make its control sockets");
    }
    struct answerer *a = xcalloc(1, sizeof(*a));
    a->control_fd = ends[0];
    int side = child_fork(&a->process, e);
    if (side == 0) {
        answerer_live(ends[1], o);
    }
    fd_close(&ends[1]);
    struct answerer_answer ready;
    if (side < 0 || hear(a, &ready, READY_BOUND_MS, e) != 0) {
        answerer_close(a);
        return -1;
    }
    *out = a;
    return 0;
}

void answerer_close(struct answerer *a)
{
    if (a) {
        if (a->process.pid != 0) {
            child_stop(&a->process, 0, NULL);
        }
        answerer_forget(a);
    }
}

void answerer_forget(struct answerer *a)
{
    if (a) {
        fd_close(&a->control_fd);
        free(a);
    }
}

bool answerer_dead(struct answerer *a)
{
    a->lost = a->lost || child_dead(&a->process);
    return a->lost;
}

int answerer_set(struct answerer *a, const struct answerer_order *order, struct err *e)
{
    const struct answerer_ask q = {.set = true, .order = *order};
    struct answerer_answer answer = {0};
    return ask(a, &q, &answer, e);
}

int answerer_get(struct answerer *a, uint16_t path, struct answerer_order *order, uint64_t *answered, struct err *e)
{
    const struct answerer_ask q = {.order.path = path};
    struct answerer_answer answer = {0};
    int rc = ask(a, &q, &answer, e);
    if (rc == 0) {
        *order = answer.order;
        if (answered) {
            *answered = answer.answered;
        }
    }
    return rc;
}
