/* SPDX-License-Identifier: MIT */
/*
 * Reads until the kernel has no more or the owner's limit is reached, writes at once and keeps what does not fit.
 * A descriptor that hung up while the owner does not read is taken off the loop, so that a level-triggered loop
 * cannot spin on it; the owner sees `error`.
 */
#include "gateway-under-test/conn.h"

#include "gateway-under-test/own.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void watch(struct conn *c)
{
    if (!c->open || c->error != 0)
        return;
    uint32_t events = 0;
    if (!c->paused && !c->eof && !c->connecting)
        events |= EPOLLIN;
    if (c->connecting || c->out_at < c->out.len)
        events |= EPOLLOUT;
    if (c->io.loop != NULL && events == c->watched)
        return;
    c->watched = events;
    if (loop_io_set(c->loop, &c->io, c->fd, events, NULL) < 0)
        c->error = EBADF;
}

static void fail(struct conn *c, int os)
{
    if (c->error == 0)
        c->error = os != 0 ? os : ECONNRESET;
    loop_io_stop(&c->io);
}

static void flush(struct conn *c)
{
    while (c->out_at < c->out.len) {
        ssize_t n = send(c->fd, c->out.at + c->out_at, c->out.len - c->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0) {
            fail(c, errno);
            return;
        }
        c->out_at += (size_t)n;
    }
    text_clear(&c->out);
    c->out_at = 0;
}

static void receive(struct conn *c)
{
    char block[16 * 1024];
    while (!c->eof && c->in.len < c->in_limit) {
        size_t room = c->in_limit - c->in.len;
        ssize_t n = recv(c->fd, block, room < sizeof(block) ? room : sizeof(block), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                fail(c, errno);
            return;
        }
        if (n == 0)
            c->eof = true;
        text_add_bytes(&c->in, block, (size_t)n);
        if ((size_t)n < sizeof(block))
            return; /* the rest, an end of file included, comes with the next turn */
    }
}

static int pending_error(int fd)
{
    int os = 0;
    socklen_t len = sizeof(os);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &os, &len) < 0 ? errno : os;
}

static void conn_ready(struct loop_io *io, uint32_t events)
{
    struct conn *c = owner_of(io, struct conn, io);
    if (c->connecting) {
        int os = pending_error(c->fd);
        c->connecting = false;
        if (os != 0)
            fail(c, os);
    }
    if (c->error == 0 && (events & EPOLLOUT))
        flush(c);
    if (c->error == 0 && !c->paused && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        receive(c);
    else if (c->error == 0 && (events & (EPOLLHUP | EPOLLERR)))
        fail(c, pending_error(c->fd));
    watch(c);
    c->event(c);
}

int conn_adopt(struct conn *c, struct loop *l, int fd, size_t in_limit, void (*event)(struct conn *c))
{
    text_clear(&c->in);
    text_clear(&c->out);
    c->out_at = 0;
    c->loop = l;
    c->fd = fd;
    c->in_limit = in_limit;
    c->event = event;
    c->connecting = c->paused = c->eof = false;
    c->error = 0;
    c->open = true;
    c->io.ready = conn_ready;
    watch(c);
    return c->error == 0 ? 0 : -1;
}

int conn_dial(struct conn *c, struct loop *l, const struct sockaddr_in *to, int64_t user_timeout_ms, size_t in_limit,
              void (*event)(struct conn *c))
{
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        c->error = errno;
        return -1;
    }
    int on = 1;
    unsigned timeout = (unsigned)user_timeout_ms;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS) {
        c->error = errno;
        return -1;
    }
    conn_adopt(c, l, steal_fd(&fd), in_limit, event);
    c->connecting = true;
    watch(c);
    if (c->error == 0)
        return 0;
    int os = c->error;
    conn_close(c);
    c->error = os;
    return -1;
}

void conn_send(struct conn *c, const void *bytes, size_t len)
{
    if (!c->open || c->error != 0)
        return;
    text_add_bytes(&c->out, bytes, len);
    if (!c->connecting)
        flush(c);
    watch(c);
}

bool conn_idle(const struct conn *c)
{
    return c->out_at >= c->out.len;
}

void conn_take(struct conn *c, size_t n)
{
    if (n >= c->in.len) {
        text_clear(&c->in);
    } else {
        memmove(c->in.at, c->in.at + n, c->in.len - n);
        c->in.len -= n;
        c->in.at[c->in.len] = '\0';
    }
}

void conn_pause(struct conn *c, bool pause)
{
    if (c->paused == pause)
        return;
    c->paused = pause;
    watch(c);
}

int conn_detach(struct conn *c)
{
    loop_io_stop(&c->io);
    c->open = false;
    return steal_fd(&c->fd);
}

void conn_reset(struct conn *c)
{
    static const struct linger at_once = {.l_onoff = 1};
    if (c->open)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    fail(c, ECONNRESET);
}

void conn_close(struct conn *c)
{
    loop_io_stop(&c->io);
    if (c->open)
        fd_close(&c->fd);
    c->open = false;
}

void conn_deinit(struct conn *c)
{
    conn_close(c);
    text_deinit(&c->in);
    text_deinit(&c->out);
}

int tcp_listen(int port, struct err *e)
{
    char at[32];
    (void)snprintf(at, sizeof(at), "port %d", port);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_os(e, ERR_MACHINE, errno, at, "cannot make a socket");
    int on = 1;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1024) < 0) {
        int os = errno;
        err_os(e, ERR_MACHINE, os, at, "cannot listen");
        if (os == EADDRINUSE)
            err_help(e, "stop the process that uses port %d, or choose another one", port);
        return -1;
    }
    return steal_fd(&fd);
}

int tcp_accept(int listener)
{
    int fd, on = 1;
    do
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

bool tcp_address(const char *ip, int port, struct sockaddr_in *out)
{
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, ip, &out->sin_addr) == 1;
}
