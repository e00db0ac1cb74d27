/* SPDX-License-Identifier: MIT */
/*
 * The conductor's end of a worker process: commands go out, three facts come back (ready, idle, failed). Frames are in
 * link_frame.h.
 *
 * The link learns of the worker's death by its socket closing. That is a failure like one it reports itself, since a
 * worker ends only when this end is closed. The first failure stays.
 */
#include "harness/load/link_frame.h"
#include "harness/load/load.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct worker_link {
    struct loop_io io;
    int fd;
    bool ready, idle, failed;
    char failure[sizeof(((struct link_frame *)0)->text)];
};

static void fail(struct worker_link *l, const char *why)
{
    if (!l->failed) {
        snprintf(l->failure, sizeof(l->failure), "%s", why);
        l->failed = true;
    }
}

static void take(void *arg, const struct link_frame *f)
{
    struct worker_link *l = arg;
    switch (f->word) {
    case LINK_READY:
        l->ready = true;
        break;
    case LINK_IDLE:
        l->idle = true;
        break;
    case LINK_FAILED:
        fail(l, f->text);
        break;
    default:
        fail(l, "the load process said what only the conductor may say");
    }
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct worker_link *l = (struct worker_link *)io; /* io is its first member */
    enum link_news news = link_take_all(l->fd, take, l);
    if (news != LINK_NOTHING) {
        fail(l, news == LINK_CLOSED ? "the load process ended" : "the load process sent what is no message");
        loop_io_stop(&l->io);
    }
}

int worker_link_new(struct worker_link **out, int fd, struct loop *loop, struct err *e)
{
    struct worker_link *l = xcalloc(1, sizeof(*l));
    l->io.ready = on_ready;
    l->fd = fd;
    if (loop_io_set(loop, &l->io, fd, EPOLLIN, e) != 0) {
        worker_link_free(l);
        return -1;
    }
    *out = l;
    return 0;
}

void worker_link_free(struct worker_link *l)
{
    if (!l) {
        return;
    }
    loop_io_stop(&l->io);
    free(l);
}

int worker_link_start(struct worker_link *l, int64_t start_ns, struct err *e)
{
    return link_send(l->fd, LINK_START, start_ns, NULL, e);
}

int worker_link_stop_writes(struct worker_link *l, struct err *e)
{
    return link_send(l->fd, LINK_STOP_WRITES, 0, NULL, e);
}

int worker_link_stop(struct worker_link *l, struct err *e)
{
    return link_send(l->fd, LINK_STOP, 0, NULL, e);
}

bool worker_link_ready(const struct worker_link *l)
{
    return l->ready;
}

bool worker_link_idle(const struct worker_link *l)
{
    return l->idle;
}

const char *worker_link_failure(const struct worker_link *l)
{
    return l->failed ? l->failure : NULL;
}
