/* SPDX-License-Identifier: MIT */
/* The loop is level-triggered: a listener that cannot be relieved of who waits would keep it spinning. */
#include "gateway-under-test/acceptor.h"

#include "gateway-under-test/conn.h"
#include "gateway-under-test/own.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <sys/epoll.h>

#define REST_NS (50 * NS_PER_MS)

static void rest(struct acceptor *a)
{
    loop_io_stop(&a->io);
    loop_timer_set(a->loop, &a->rest, loop_now(a->loop) + REST_NS);
}

static void on_rested(struct loop_timer *t, int64_t now)
{
    struct acceptor *a = owner_of(t, struct acceptor, rest);
    (void)now;
    if (loop_io_set(a->loop, &a->io, a->fd, EPOLLIN, NULL) < 0)
        rest(a);
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct acceptor *a = owner_of(io, struct acceptor, io);
    (void)events;
    a->come(a);
}

int acceptor_open(struct acceptor *a, struct loop *l, int port, void (*come)(struct acceptor *a), struct err *e)
{
    *a = (struct acceptor){
        .loop = l, .io.ready = on_ready, .rest.due = on_rested, .come = come, .fd = tcp_listen(port, e)};
    if (a->fd < 0)
        return -1;
    if (loop_io_set(l, &a->io, a->fd, EPOLLIN, e) == 0)
        return 0;
    fd_close(&a->fd);
    return -1;
}

int acceptor_take(struct acceptor *a)
{
    int fd = tcp_accept(a->fd);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        rest(a);
    return fd;
}

int acceptor_hold(struct acceptor *a, bool held, struct err *e)
{
    loop_timer_stop(&a->rest);
    if (!held && a->fd >= 0)
        return loop_io_set(a->loop, &a->io, a->fd, EPOLLIN, e);
    loop_io_stop(&a->io);
    return 0;
}

void acceptor_close(struct acceptor *a)
{
    loop_io_stop(&a->io);
    loop_timer_stop(&a->rest);
    fd_close(&a->fd);
}
