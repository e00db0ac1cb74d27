/* SPDX-License-Identifier: MIT */
/*
 * Reads until the kernel has no more or the owner's limit is reached, and then not before he has taken some; writes at
 * once and keeps what does not fit. What the loop is asked for is changed late: an exchange pauses its connection and
 * goes on before anything more has come, so that both system calls for it are saved. A descriptor that hung up while
 * the owner does not read is taken off the loop, so that a level-triggered loop cannot spin on it; the owner sees
 * `error`.
 *
 * TLS stands between the buffers and the socket: what arrives passes through tls_take before it is `in`, and `out`
 * becomes `wire` before it leaves. A peer that provokes answers and does not take them is given up.
 */
#include "gateway-under-test/conn.h"

#include "gateway-under-test/own.h"
#include "gateway-under-test/tls.h"
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

/* The bytes that go to the socket as they are. */
static struct text *leaving(struct conn *c)
{
    return c->tls != NULL ? &c->wire : &c->out;
}

static bool all_left(const struct conn *c)
{
    return c->out_at >= (c->tls != NULL ? c->wire.len : c->out.len);
}

static bool reads(const struct conn *c)
{
    return !c->paused && c->in.len < c->in_limit;
}

/* The events that are of use now. */
static uint32_t wanted(const struct conn *c)
{
    uint32_t events = 0;
    if (reads(c) && !c->eof && !c->connecting)
        events |= EPOLLIN;
    if (c->connecting || !all_left(c))
        events |= EPOLLOUT;
    return events;
}

static void ask_for(struct conn *c, uint32_t events)
{
    c->watched = events;
    if (loop_io_set(c->loop, &c->io, c->fd, events, NULL) < 0)
        c->error = EBADF;
}

/* Events that are missing are asked for at once; those of no more use not before one of them comes. */
static void watch(struct conn *c)
{
    if (!c->open || c->error != 0)
        return;
    uint32_t events = wanted(c);
    if (c->io.loop == NULL || (events & ~c->watched) != 0)
        ask_for(c, events);
}

static void fail(struct conn *c, int os)
{
    if (c->error == 0)
        c->error = os != 0 ? os : ECONNRESET;
    loop_io_stop(&c->io);
}

/* Hand bytes to the kernel; how many it took. */
static size_t push(struct conn *c, const char *bytes, size_t len)
{
    size_t gone = 0;
    while (gone < len) {
        ssize_t n = send(c->fd, bytes + gone, len - gone, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                fail(c, errno);
            break;
        }
        gone += (size_t)n;
    }
    return gone;
}

static void flush(struct conn *c)
{
    struct text *t = leaving(c);
    if (c->tls != NULL && tls_seal(c->tls, &c->out, &c->wire) < 0) {
        fail(c, EPROTO);
        return;
    }
    c->out_at += push(c, text_str(t) + c->out_at, t->len - c->out_at);
    if (c->out_at < t->len)
        return;
    text_clear(t);
    c->out_at = 0;
}

/* What came from the network, to where the owner reads it. */
static void take_in(struct conn *c, const char *bytes, size_t len)
{
    if (c->tls == NULL) {
        text_add_bytes(&c->in, bytes, len);
        return;
    }
    enum tls_end end = tls_take(c->tls, bytes, len, &c->in, &c->wire);
    flush(c); /* an alert, too, if it can still go */
    c->eof = c->eof || end == TLS_GOODBYE;
    if (end == TLS_BROKEN || c->wire.len - c->out_at > c->in_limit)
        fail(c, EPROTO);
}

static void receive(struct conn *c)
{
    char block[16 * 1024];
    while (!c->eof && c->error == 0 && c->in.len < c->in_limit) {
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
        take_in(c, block, (size_t)n);
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
    if ((events & (wanted(c) | EPOLLHUP | EPOLLERR)) == 0) {
        ask_for(c, wanted(c));
        return;
    }
    if (c->connecting) {
        int os = pending_error(c->fd);
        c->connecting = false;
        if (os != 0)
            fail(c, os);
    }
    if (c->error == 0 && (events & EPOLLOUT))
        flush(c);
    if (c->error == 0 && reads(c) && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        receive(c);
    else if (c->error == 0 && (events & (EPOLLHUP | EPOLLERR)))
        fail(c, pending_error(c->fd));
    watch(c);
    c->event(c);
}

static int begin(struct conn *c, struct loop *l, int fd, bool connecting, size_t in_limit,
                 void (*event)(struct conn *c))
{
    text_clear(&c->in);
    text_clear(&c->out);
    text_clear(&c->wire);
    c->out_at = 0;
    c->loop = l;
    c->fd = fd;
    c->in_limit = in_limit;
    c->event = event;
    c->connecting = connecting;
    c->paused = c->eof = false;
    c->error = 0;
    c->open = true;
    c->io.ready = conn_ready;
    watch(c);
    return c->error == 0 ? 0 : -1;
}

int conn_adopt(struct conn *c, struct loop *l, int fd, size_t in_limit, void (*event)(struct conn *c))
{
    return begin(c, l, fd, false, in_limit, event);
}

void conn_secure(struct conn *c, struct tls *t)
{
    c->tls = t;
}

bool conn_shaken(const struct conn *c)
{
    return c->tls == NULL || tls_shaken(c->tls);
}

static void tell_user_timeout(struct conn *c, int fd, int64_t ms)
{
    unsigned timeout = (unsigned)ms;
    c->user_timeout_ms = ms;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

void conn_set_user_timeout(struct conn *c, int64_t ms)
{
    if (c->user_timeout_ms != ms)
        tell_user_timeout(c, c->fd, ms);
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
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    tell_user_timeout(c, fd, user_timeout_ms);
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS) {
        c->error = errno;
        return -1;
    }
    if (begin(c, l, steal_fd(&fd), true, in_limit, event) == 0)
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
    bool direct = c->tls == NULL && c->out.len == 0 && !c->connecting;
    size_t gone = direct ? push(c, bytes, len) : 0;
    text_add_bytes(&c->out, (const char *)bytes + gone, len - gone);
    if (!direct && !c->connecting)
        flush(c);
    watch(c);
}

bool conn_idle(const struct conn *c)
{
    return all_left(c) && (c->tls == NULL || c->out.len == 0);
}

bool conn_waiting(const struct conn *c)
{
    char byte;
    return c->open && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
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
    watch(c);
}

void conn_pause(struct conn *c, bool pause)
{
    if (c->paused == pause)
        return;
    c->paused = pause;
    watch(c);
}

void conn_reset(struct conn *c)
{
    static const struct linger at_once = {.l_onoff = 1};
    if (c->open)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    fail(c, ECONNRESET);
}

/* Best effort: a peer that reads nothing any more need not be told. */
static void say_goodbye(struct conn *c)
{
    if (c->error != 0 || c->out_at < c->wire.len)
        return;
    tls_goodbye(c->tls, &c->wire);
    flush(c);
}

void conn_close(struct conn *c)
{
    if (c->open && c->tls != NULL)
        say_goodbye(c);
    loop_io_stop(&c->io);
    tls_free(steal(&c->tls));
    if (c->open)
        fd_close(&c->fd);
    c->open = false;
}

void conn_deinit(struct conn *c)
{
    conn_close(c);
    text_deinit(&c->in);
    text_deinit(&c->out);
    text_deinit(&c->wire);
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
