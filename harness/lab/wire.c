/* SPDX-License-Identifier: MIT */
/*
 * The lab's side of the wire: fork it, ask it, notice that it is gone.
 *
 * A pair of SOCK_SEQPACKET sockets carries one question and one answer at a time. The wire answers between two batches
 * of frames, so an answer takes microseconds; one that takes longer than two seconds, or an end of file, means that the
 * wire is of no use any more. An answer that came too late would be taken for that of the next question: after a
 * timeout nothing is asked again.
 */
#include "harness/lab/wire.h"

#include "harness/base/arena.h"
#include "harness/base/child.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/wire_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ANSWER_BOUND_MS 2000
#define READY_BOUND_MS 5000

struct wire {
    struct child process;
    int control_fd;
    const char *lost; /* how it was found to be of no use, NULL while it is */
};

static int gone(struct wire *w, const char *how, struct err *e)
{
    w->lost = how;
    return err_set(e, ERR_RUN, "wire", "the process that carries the shaped links %s", how);
}

static int hear(struct wire *w, struct wire_answer *a, int bound_ms, struct err *e)
{
    struct pollfd p = {.fd = w->control_fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&p, 1, bound_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        return gone(w, "does not answer", e);
    }
    if (recv(w->control_fd, a, sizeof(*a), MSG_DONTWAIT) != (ssize_t)sizeof(*a)) {
        return gone(w, "has died", e); /* ECONNRESET when it died with our question unread, 0 when after it */
    }
    return a->right ? 0 : err_set(e, a->failed.kind, a->failed.at, "%s", a->failed.msg);
}

static int ask(struct wire *w, const struct wire_ask *q, struct wire_answer *a, struct err *e)
{
    if (wire_check(w, e) != 0) {
        return -1;
    }
    if (send(w->control_fd, q, sizeof(*q), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(*q)) {
        return gone(w, "has died", e);
    }
    return hear(w, a, ANSWER_BOUND_MS, e);
}

int wire_open(struct wire **out, const struct wire_options *o, struct err *e)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return err_os(e, ERR_RUN, errno, "wire", "cannot make its control sockets");
    }
    struct wire *w = xcalloc(1, sizeof(*w));
    w->control_fd = ends[0];
    int side = child_fork(&w->process, e);
    if (side == 0) {
        wire_live(ends[1], o);
    }
    fd_close(&ends[1]);
    struct wire_answer ready;
    if (side < 0 || hear(w, &ready, READY_BOUND_MS, e) != 0) {
        wire_close(w);
        return -1;
    }
    *out = w;
    return 0;
}

void wire_close(struct wire *w)
{
    if (w) {
        if (w->process.pid != 0) {
            child_stop(&w->process, 0, NULL);
        }
        wire_forget(w);
    }
}

void wire_forget(struct wire *w)
{
    if (w) {
        fd_close(&w->control_fd);
        free(w);
    }
}

int wire_set(struct wire *w, uint16_t path, const struct path_state *wanted, struct path_state *got, struct err *e)
{
    const struct wire_ask q = {.what = WIRE_SET, .path = path, .shape = *wanted};
    struct wire_answer a;
    int rc = ask(w, &q, &a, e);
    if (rc == 0) {
        *got = a.shape;
    }
    return rc;
}

int wire_get(struct wire *w, uint16_t path, struct path_state *got, struct wire_counts *counts, struct err *e)
{
    const struct wire_ask q = {.what = WIRE_GET, .path = path};
    struct wire_answer a;
    int rc = ask(w, &q, &a, e);
    if (rc == 0) {
        *got = a.shape;
        *counts = a.counts;
    }
    return rc;
}

int wire_totals(struct wire *w, struct wire_counts *counts, struct err *e)
{
    const struct wire_ask q = {.what = WIRE_TOTALS};
    struct wire_answer a;
    int rc = ask(w, &q, &a, e);
    if (rc == 0) {
        *counts = a.counts;
    }
    return rc;
}

int wire_check(struct wire *w, struct err *e)
{
    if (!w->lost && child_dead(&w->process)) {
        w->lost = "has died";
    }
    return w->lost ? gone(w, w->lost, e) : 0;
}

pid_t wire_pid(const struct wire *w)
{
    return w->process.pid;
}
