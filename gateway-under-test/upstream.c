/* SPDX-License-Identifier: MIT */
/*
 * A kept connection is looked at before it is used: bytes or an end of file on it mean that the peer has closed or
 * spoken out of turn, and it is dropped. The race that remains (the peer closes while our request is on the way) shows
 * as CALL_BROKEN, and whether that may be sent again is for the caller to judge. What is kept to a host that is found
 * down is dropped: a host that lost its power cannot say so. The flaw keepalive_no_check does neither.
 *
 * Failures that are known inside call_start are told by a timer that is due at once, so that a caller which tries the
 * next upstream from `done` never recurses.
 */
#include "gateway-under-test/upstream.h"

#include "gateway-under-test/own.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void upstream_init(struct upstream *u, struct loop *l, const struct sockaddr_in *to)
{
    *u = (struct upstream){.loop = l, .address = *to, .idle_ms = 10000};
}

void upstream_drop_idle(struct upstream *u)
{
    while (u->idle_count > 0)
        fd_close(&u->idle[--u->idle_count].fd);
}

void upstream_host_down(struct upstream *u)
{
    if (!u->unseen)
        upstream_drop_idle(u);
}

void upstream_deinit(struct upstream *u)
{
    upstream_drop_idle(u);
}

static bool still_open(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* The newest kept connection that still lives, or -1. */
static int take_idle(struct upstream *u)
{
    int64_t now = loop_now(u->loop);
    while (u->idle_count > 0) {
        u->idle_count--;
        scoped_fd int fd = u->idle[u->idle_count].fd;
        bool young = now - u->idle[u->idle_count].since < u->idle_ms * NS_PER_MS;
        if (young && (u->unseen || still_open(fd)))
            return steal_fd(&fd);
    }
    return -1;
}

static void give_back(struct upstream *u, int fd)
{
    if (u->idle_count == UPSTREAM_IDLE_MAX) {
        fd_close(&fd);
        return;
    }
    u->idle[u->idle_count].fd = fd;
    u->idle[u->idle_count++].since = loop_now(u->loop);
}

static void finish(struct call *c, enum call_end end)
{
    bool reusable = end == CALL_ANSWERED && c->keep && c->res.keep_alive && c->conn.error == 0 && !c->conn.eof &&
                    c->res.used == c->conn.in.len && conn_idle(&c->conn);
    loop_timer_stop(&c->timer);
    if (reusable)
        give_back(c->up, conn_detach(&c->conn));
    else
        conn_close(&c->conn);
    c->under_way = false;
    c->up->active--;
    c->done(c, end);
}

/* The request is on its way. */
static void await_first_byte(struct call *c)
{
    int64_t first = loop_now(c->up->loop) + c->first_byte_ms * NS_PER_MS;
    loop_timer_set(c->up->loop, &c->timer, c->first_byte_ms != 0 && first < c->deadline ? first : c->deadline);
}

static void on_event(struct conn *conn)
{
    struct call *c = owner_of(conn, struct call, conn);
    if (conn->error != 0 && !c->reused && c->connect_deadline != 0) {
        finish(c, CALL_UNREACHABLE);
        return;
    }
    if (c->connect_deadline != 0 && !conn->connecting) {
        c->connect_deadline = 0;
        await_first_byte(c);
        conn_send(conn, c->request.at, c->request.len);
    }
    if (conn->in.len > 0 && c->first_byte_ms != 0)
        loop_timer_set(c->up->loop, &c->timer, c->deadline);
    enum http_progress p = conn->in.len > 0 ? http_read(&c->res, conn->in.at, conn->in.len) : HTTP_MORE;
    if (p == HTTP_MORE && conn->eof && conn->in.len > 0)
        p = http_read_end(&c->res, conn->in.len);
    if (p == HTTP_DONE)
        finish(c, CALL_ANSWERED);
    else if (p != HTTP_MORE || conn->error != 0 || conn->eof)
        finish(c, CALL_BROKEN);
}

static void on_timer(struct loop_timer *t, int64_t now)
{
    struct call *c = owner_of(t, struct call, timer);
    (void)now;
    if (c->connect_deadline != 0)
        finish(c, CALL_UNREACHABLE);
    else
        finish(c, c->conn.error != 0 ? CALL_BROKEN : CALL_TIMEOUT);
}

void call_start(struct call *c, struct upstream *u, struct call_times times, bool keep,
                void (*done)(struct call *c, enum call_end end))
{
    int64_t now = loop_now(u->loop);
    c->up = u;
    c->done = done;
    c->keep = keep;
    c->under_way = true;
    c->timer.due = on_timer;
    c->deadline = now + times.total_ms * NS_PER_MS;
    c->connect_deadline = now + (times.connect_ms < times.total_ms ? times.connect_ms : times.total_ms) * NS_PER_MS;
    u->active++;
    http_begin_response(&c->res, text_starts(text_str(&c->request), "HEAD "));
    int fd = keep ? take_idle(u) : -1;
    c->reused = fd >= 0;
    if (c->reused) {
        c->connect_deadline = 0;
        conn_adopt(&c->conn, u->loop, fd, HTTP_RAW_MAX, on_event);
        conn_send(&c->conn, c->request.at, c->request.len);
        if (c->conn.error == 0)
            await_first_byte(c);
        else
            loop_timer_set(u->loop, &c->timer, now);
        return;
    }
    bool dialling = conn_dial(&c->conn, u->loop, &u->address, times.total_ms, HTTP_RAW_MAX, on_event) == 0;
    loop_timer_set(u->loop, &c->timer, dialling ? c->connect_deadline : now);
}

void call_cancel(struct call *c)
{
    if (!c->under_way)
        return;
    loop_timer_stop(&c->timer);
    conn_close(&c->conn);
    c->under_way = false;
    c->up->active--;
}

void call_deinit(struct call *c)
{
    call_cancel(c);
    conn_deinit(&c->conn);
    text_deinit(&c->request);
}

struct http_span call_field(const struct call *c, const char *name)
{
    return http_field(&c->res, c->conn.in.at, name);
}

struct http_span call_body(const struct call *c)
{
    return http_body(&c->res, c->conn.in.at);
}
