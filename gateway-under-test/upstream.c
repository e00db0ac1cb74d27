/* SPDX-License-Identifier: MIT */
/*
 * A kept connection stays with the loop, and is closed when its peer closes it or speaks out of turn. Before it is used
 * it is looked at once more, since such news may be waiting in the kernel. The race that remains (the peer closes while
 * our request is on the way) shows as CALL_BROKEN, and whether that may be sent again is for the caller to judge. What
 * is kept to a host that is found down is dropped, and what waits for it is told: a host that lost its power cannot say
 * so. The flaw keepalive_no_check does none of this.
 *
 * Failures that are known inside call_start are told by a timer that is due at once, so that a caller which tries the
 * next upstream from `done` never recurses.
 */
#include "gateway-under-test/upstream.h"

#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct line {
    struct conn conn;
    struct upstream *up;
    struct call *call;      /* NULL while it is kept */
    LIST_ENTRY(line) among; /* the kept ones */
    int64_t since;          /* kept since then */
};

void upstream_init(struct upstream *u, struct loop *l, const struct sockaddr_in *to)
{
    *u = (struct upstream){.loop = l, .address = *to, .idle_ms = 10000};
}

static void line_free(struct line *l)
{
    conn_deinit(&l->conn);
    free(l);
}

static void keep(struct line *l)
{
    struct upstream *u = l->up;
    l->call = NULL;
    l->since = loop_now(u->loop);
    LIST_INSERT_HEAD(&u->idle, l, among);
    u->idle_count++;
}

static void take_out(struct line *l)
{
    LIST_REMOVE(l, among);
    l->up->idle_count--;
}

static void drop(struct line *kept)
{
    take_out(kept);
    line_free(kept);
}

void upstream_drop_idle(struct upstream *u)
{
    while (!LIST_EMPTY(&u->idle))
        drop(LIST_FIRST(&u->idle));
}

/* By its timer, as if its time were over. */
static void end_soon(struct call *c)
{
    c->called_off = true;
    loop_timer_set(c->up->loop, &c->timer, loop_now(c->up->loop));
}

void upstream_host_down(struct upstream *u)
{
    if (u->unseen)
        return;
    upstream_drop_idle(u);
    for (struct call *c = LIST_FIRST(&u->calls); c != NULL; c = LIST_NEXT(c, among)) {
        if (c->connect_deadline != 0 || (c->moves != NULL && c->moves(c)))
            end_soon(c);
    }
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

static bool usable(const struct line *kept, int64_t now)
{
    const struct upstream *u = kept->up;
    bool young = now - kept->since < u->idle_ms * NS_PER_MS;
    return young && (u->unseen || still_open(kept->conn.fd));
}

/* The newest kept connection that still lives, or NULL. */
static struct line *take_idle(struct upstream *u)
{
    while (!LIST_EMPTY(&u->idle) && !usable(LIST_FIRST(&u->idle), loop_now(u->loop)))
        drop(LIST_FIRST(&u->idle));
    struct line *l = LIST_FIRST(&u->idle);
    if (l != NULL)
        take_out(l);
    return l;
}

static bool answered_whole(const struct call *c)
{
    return !c->under_way && c->end == CALL_ANSWERED && c->res.used == c->line->conn.in.len;
}

/* The call has no use for its connection any more; perhaps another one has. */
static void let_go(struct call *c)
{
    struct line *l = c->line;
    if (l == NULL)
        return;
    bool again = answered_whole(c) && c->keep && c->res.keep_alive && l->conn.error == 0 && !l->conn.eof &&
                 conn_idle(&l->conn) && l->up->idle_count < UPSTREAM_IDLE_MAX;
    c->line = NULL;
    if (again)
        keep(l);
    else
        line_free(l);
}

static void rest(struct call *c)
{
    loop_timer_stop(&c->timer);
    LIST_REMOVE(c, among);
    c->under_way = false;
    c->up->active--;
}

static void finish(struct call *c, enum call_end end)
{
    rest(c);
    c->end = end;
    c->called_off = c->called_off && (end == CALL_TIMEOUT || end == CALL_UNREACHABLE);
    c->done(c, end);
}

/* The request is on its way. */
static void await_first_byte(struct call *c)
{
    int64_t first = loop_now(c->up->loop) + c->first_byte_ms * NS_PER_MS;
    c->called_off = false;
    loop_timer_set(c->up->loop, &c->timer, c->first_byte_ms != 0 && first < c->deadline ? first : c->deadline);
}

static void on_answer(struct call *c)
{
    struct conn *conn = &c->line->conn;
    if (conn->error != 0 && !c->reused && c->connect_deadline != 0) {
        finish(c, CALL_UNREACHABLE);
        return;
    }
    if (c->connect_deadline != 0 && !conn->connecting) {
        c->connect_deadline = 0;
        await_first_byte(c);
        conn_send(conn, c->request.at, c->request.len);
    }
    if (conn->in.len > 0 && c->first_byte_ms != 0 && !c->called_off)
        loop_timer_set(c->up->loop, &c->timer, c->deadline);
    enum http_progress p = conn->in.len > 0 ? http_read(&c->res, conn->in.at, conn->in.len) : HTTP_MORE;
    if (p == HTTP_MORE && conn->eof && conn->in.len > 0)
        p = http_read_end(&c->res, conn->in.len);
    if (p == HTTP_DONE)
        finish(c, CALL_ANSWERED);
    else if (p != HTTP_MORE || conn->error != 0 || conn->eof)
        finish(c, CALL_BROKEN);
}

static void on_event(struct conn *conn)
{
    struct line *l = owner_of(conn, struct line, conn);
    if (l->call != NULL && l->call->under_way)
        on_answer(l->call);
    else if (l->call != NULL)
        conn_close(conn); /* its answer has been read; whatever this is, it is no answer */
    else if (!l->up->unseen)
        drop(l);
}

static void on_timer(struct loop_timer *t, int64_t now)
{
    struct call *c = owner_of(t, struct call, timer);
    (void)now;
    if (c->connect_deadline != 0)
        finish(c, CALL_UNREACHABLE);
    else
        finish(c, c->line->conn.error != 0 ? CALL_BROKEN : CALL_TIMEOUT);
}

/* A connection for the call, kept or dialled; false: there can be none. */
static bool find_line(struct call *c, int64_t user_timeout_ms)
{
    struct line *l = c->keep ? take_idle(c->up) : NULL;
    c->reused = l != NULL;
    if (l == NULL) {
        l = xcalloc(1, sizeof(*l));
        l->up = c->up;
    }
    c->line = l;
    l->call = c;
    conn_take(&l->conn, l->conn.in.len);
    if (c->reused) {
        conn_set_user_timeout(&l->conn, user_timeout_ms); /* who used it before may have had another one */
        return true;
    }
    return conn_dial(&l->conn, c->up->loop, &c->up->address, user_timeout_ms, HTTP_RAW_MAX, on_event) == 0;
}

void call_start(struct call *c, struct upstream *u, struct call_times times, bool keep,
                void (*done)(struct call *c, enum call_end end))
{
    int64_t now = loop_now(u->loop);
    let_go(c);
    c->up = u;
    c->done = done;
    c->keep = keep;
    c->called_off = false;
    c->under_way = true;
    c->timer.due = on_timer;
    c->deadline = now + times.total_ms * NS_PER_MS;
    c->connect_deadline = now + (times.connect_ms < times.total_ms ? times.connect_ms : times.total_ms) * NS_PER_MS;
    LIST_INSERT_HEAD(&u->calls, c, among);
    u->active++;
    http_begin_response(&c->res, text_starts(text_str(&c->request), "HEAD "));
    bool well = find_line(c, times.total_ms);
    if (c->reused) {
        c->connect_deadline = 0;
        conn_send(&c->line->conn, c->request.at, c->request.len);
        well = c->line->conn.error == 0;
    }
    if (well && c->reused)
        await_first_byte(c);
    else
        loop_timer_set(u->loop, &c->timer, well ? c->connect_deadline : now);
}

void call_cancel(struct call *c)
{
    if (!c->under_way)
        return;
    rest(c);
    line_free(steal(&c->line));
}

void call_deinit(struct call *c)
{
    call_cancel(c);
    let_go(c);
    text_deinit(&c->request);
}

const char *call_bytes(const struct call *c)
{
    return c->line->conn.in.at;
}

struct http_span call_field(const struct call *c, const char *name)
{
    return http_field(&c->res, call_bytes(c), name);
}

struct http_span call_body(const struct call *c)
{
    return http_body(&c->res, call_bytes(c));
}
