/* SPDX-License-Identifier: MIT */
/*
 * Every other client sends its request a byte per tick, the rest send it whole and read the answer a byte per tick,
 * with as small a buffer as the kernel gives. Whoever is thrown out, or has its answer, comes back at the next tick; so
 * as many connections stand as were asked for, whatever time-outs the other side has. One timer serves all.
 */
#include "harness/load/surge_slow.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_NS (100 * NS_PER_MS)

struct slow_client {
    int fd; /* -1: none */
    bool sends_slowly, connected;
    size_t sent;
};

struct slow_clients {
    struct loop *loop;
    struct loop_timer timer;
    struct sockaddr_in to;
    struct text request;
    struct slow_client *at;
    size_t count;
    uint64_t opened;
};

static void open_one(struct slow_clients *s, struct slow_client *c)
{
    int least = 1;
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
    if (connect(fd, (const struct sockaddr *)&s->to, sizeof(s->to)) != 0 && errno != EINPROGRESS) {
        return;
    }
    c->fd = steal_fd(&fd);
    c->sent = 0;
    c->connected = false;
    s->opened++;
}

static bool came_about(const struct slow_client *c)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);
    return getpeername(c->fd, (struct sockaddr *)&peer, &len) == 0;
}

/* False: the connection is over. */
static bool send_some(struct slow_clients *s, struct slow_client *c)
{
    size_t left = s->request.len - c->sent, most = c->sends_slowly ? 1 : left;
    if (left == 0) {
        return true;
    }
    ssize_t n = send(c->fd, s->request.at + c->sent, most, MSG_NOSIGNAL);
    c->sent += n > 0 ? (size_t)n : 0;
    return n >= 0 || errno == EAGAIN;
}

static bool read_some(struct slow_client *c)
{
    char byte;
    ssize_t n = recv(c->fd, &byte, 1, 0);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void serve_one(struct slow_clients *s, struct slow_client *c)
{
    if (c->fd < 0) {
        open_one(s, c);
        return;
    }
    int os = 0;
    socklen_t len = sizeof(os);
    bool broken = getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &os, &len) != 0 || os != 0;
    c->connected = !broken && (c->connected || came_about(c));
    if (broken || (c->connected && (!send_some(s, c) || !read_some(c)))) {
        fd_close(&c->fd);
        open_one(s, c);
    }
}

static void on_tick(struct loop_timer *t, int64_t now)
{
    struct slow_clients *s = (struct slow_clients *)(void *)((char *)t - offsetof(struct slow_clients, timer));
    for (size_t i = 0; i < s->count; i++) {
        serve_one(s, &s->at[i]);
    }
    loop_timer_set(s->loop, t, now + TICK_NS);
}

struct slow_clients *slow_clients_new(struct loop *l, size_t n, const struct sockaddr_in *to, const char *path)
{
    struct slow_clients *s = xcalloc(1, sizeof(*s));
    s->loop = l;
    s->to = *to;
    s->count = n;
    s->at = xcalloc(n, sizeof(*s->at));
    text_addf(&s->request, "GET %s HTTP/1.1\r\nHost: service\r\n\r\n", path);
    for (size_t i = 0; i < n; i++) {
        s->at[i] = (struct slow_client){.fd = -1, .sends_slowly = i % 2 == 0};
    }
    s->timer.due = on_tick;
    loop_timer_set(l, &s->timer, loop_now(l));
    return s;
}

void slow_clients_free(struct slow_clients *s)
{
    if (!s) {
        return;
    }
    loop_timer_stop(&s->timer);
    for (size_t i = 0; i < s->count; i++) {
        fd_close(&s->at[i].fd);
    }
    text_deinit(&s->request);
    free(s->at);
    free(s);
}

size_t slow_clients_held(const struct slow_clients *s)
{
    size_t held = 0;
    for (size_t i = 0; s && i < s->count; i++) {
        held += s->at[i].fd >= 0 && s->at[i].connected;
    }
    return held;
}

uint64_t slow_clients_reopened(const struct slow_clients *s)
{
    return s && s->opened > s->count ? s->opened - s->count : 0;
}
