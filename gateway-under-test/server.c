/* SPDX-License-Identifier: MIT */
/*
 * A connection is a sequence of exchanges. While one is being answered nothing more is read from it: pipelined requests
 * wait in the buffers, so that a client can never make us hold more than one request of its own. When the handler
 * answers at once we are still inside `advance`, which then goes on to the next request by a loop, not by recursion;
 * yet not before the answer has left, and no more than TURN_BATCH of them in one turn, for there are others to serve.
 *
 * Accepting is batched (at most 64 per turn, so that work already taken in goes on). Over the limit of connections a
 * newcomer is closed at once. Time-outs: the first byte of a head starts the clock of the head, its end that of the
 * body; between exchanges the idle time counts; an answer that nobody takes is given up, and so is who does not come to
 * the end of his handshake.
 *
 * Whoever closes a connection that is kept alive races the next request on it, so a draining server says
 * "Connection: close" with each answer long before it stops, and its clients go by themselves. In the end it closes
 * those alone that ask nothing: not who has asked and is not read yet.
 */
#include "gateway-under-test/server.h"

#include "gateway-under-test/own.h"
#include "gateway-under-test/tls.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define ACCEPT_BATCH 64
#define TURN_BATCH 64

const struct server_limits server_defaults = {
    .head_ms = 5000, .body_ms = 5000, .idle_ms = 30000, .write_ms = 10000, .handshake_ms = 2000,
    .connections = 4096};

static void exchange_free(struct exchange *x)
{
    struct server *s = x->server;
    loop_timer_stop(&x->timer);
    loop_timer_stop(&x->next_turn);
    conn_deinit(&x->conn);
    if (x->prev != NULL)
        x->prev->next = x->next;
    else
        s->head = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
    s->open--;
    s->handshakes_failed += x->shaking;
    free(x);
}

/* The next time-out; the timer is touched only when it would come too late for it. */
static void arm(struct exchange *x, int64_t ms)
{
    x->due_at = loop_now(x->server->loop) + ms * NS_PER_MS;
    if (x->timer.loop == NULL || x->timer.at > x->due_at)
        loop_timer_set(x->server->loop, &x->timer, x->due_at);
}

static void disarm(struct exchange *x)
{
    x->due_at = INT64_MAX;
}

/* Refuse what cannot be parsed: an answer of our own, then the connection ends. */
static void refuse(struct exchange *x, int status, const char *why)
{
    char body[160];
    int n = snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", why ? why : http_reason(status));
    x->busy = true;
    x->server->busy++;
    x->closing = true;
    exchange_answer(x, status, "application/json", "", body, (size_t)n);
}

/* Feed the parser; true when a whole request is there or the connection came to its end. */
static enum http_progress feed(struct exchange *x)
{
    bool had_head = x->req.state != HTTP_HEAD;
    enum http_progress p = http_read(&x->req, x->conn.in.at, x->conn.in.len);
    if (p == HTTP_MORE && !had_head && x->req.state != HTTP_HEAD) {
        arm(x, x->server->limits.body_ms);
        if (x->req.expects_continue && !x->continued)
            conn_send(&x->conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        x->continued = true;
    }
    return p;
}

/* Take the requests from the buffer, as many as one turn allows. May free x. */
static void advance(struct exchange *x)
{
    struct server *s = x->server;
    int left = TURN_BATCH;
    x->advancing = true;
    while (!x->busy && !x->closing && x->conn.error == 0 && x->conn.in.len > 0 && conn_idle(&x->conn) && left > 0) {
        left--;
        bool first = x->req.scanned == 0 && x->req.state == HTTP_HEAD;
        enum http_progress p = feed(x);
        if (p == HTTP_MORE && first && x->req.state == HTTP_HEAD)
            arm(x, s->limits.head_ms);
        if (p == HTTP_MORE)
            break;
        disarm(x);
        if (p != HTTP_DONE) {
            refuse(x, p == HTTP_LARGE ? (x->req.state == HTTP_HEAD && x->req.head_len == 0 ? 431 : 413) : 400,
                   x->req.why);
            break;
        }
        x->busy = true;
        x->begun = loop_now(s->loop);
        s->busy++;
        conn_pause(&x->conn, true);
        s->handle(s->ctx, x);
    }
    x->advancing = false;
    if (x->busy)
        return;
    bool more = x->conn.in.len > 0 && (left == 0 || !conn_idle(&x->conn));
    if (more && left == 0)
        loop_timer_set(s->loop, &x->next_turn, loop_now(s->loop));
    if (x->conn.eof && !more)
        x->closing = true;
    if (x->conn.error != 0 || (x->closing && conn_idle(&x->conn)))
        exchange_free(x);
}

static void on_next_turn(struct loop_timer *t, int64_t now)
{
    (void)now;
    advance(owner_of(t, struct exchange, next_turn));
}

static void on_event(struct conn *c)
{
    struct exchange *x = owner_of(c, struct exchange, conn);
    if (x->shaking && conn_shaken(c)) {
        x->shaking = false;
        x->server->handshakes++;
        arm(x, x->server->limits.idle_ms);
    }
    advance(x);
}

static void on_timeout(struct loop_timer *t, int64_t now)
{
    struct exchange *x = owner_of(t, struct exchange, timer);
    if (x->due_at == INT64_MAX)
        return;
    if (now < x->due_at) {
        loop_timer_set(x->server->loop, t, x->due_at);
        return;
    }
    if (x->closing || x->conn.in.len == 0 || !conn_idle(&x->conn)) {
        exchange_free(x);
        return;
    }
    refuse(x, 408, "request not completed in time");
}

static void welcome(struct exchange *x)
{
    const struct server *s = x->server;
    x->shaking = s->identity != NULL;
    if (x->shaking)
        conn_secure(&x->conn, tls_new(s->identity));
    arm(x, x->shaking ? s->limits.handshake_ms : s->limits.idle_ms);
}

static void on_accept(struct acceptor *a)
{
    struct server *s = owner_of(a, struct server, acceptor);
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        scoped_fd int fd = acceptor_take(a);
        if (fd < 0)
            return;
        if (s->open >= s->limits.connections)
            continue;
        struct exchange *x = xcalloc(1, sizeof(*x));
        x->server = s;
        x->timer.due = on_timeout;
        x->next_turn.due = on_next_turn;
        x->next = s->head;
        if (s->head != NULL)
            s->head->prev = x;
        s->head = x;
        s->open++;
        http_begin_request(&x->req);
        if (conn_adopt(&x->conn, s->loop, steal_fd(&fd), HTTP_RAW_MAX, on_event) < 0)
            exchange_free(x);
        else
            welcome(x);
    }
}

int server_open(struct server *s, struct loop *l, int port, const struct server_limits *limits,
                void (*handle)(void *ctx, struct exchange *x), void *ctx, struct err *e)
{
    *s = (struct server){.loop = l, .limits = *limits, .handle = handle, .ctx = ctx};
    return acceptor_open(&s->acceptor, l, port, on_accept, e);
}

void server_secure(struct server *s, const struct tls_identity *identity)
{
    s->identity = identity;
}

int server_hold(struct server *s, bool held, struct err *e)
{
    s->held = held;
    return acceptor_hold(&s->acceptor, held, e);
}

void server_drain(struct server *s)
{
    s->draining = true;
}

/* Nothing was asked, and no request has arrived, read or not. */
static bool is_idle(const struct exchange *x)
{
    return !x->busy && !x->closing && x->conn.in.len == 0 && conn_idle(&x->conn) && !conn_waiting(&x->conn);
}

void server_stop_accepting(struct server *s)
{
    if (s->acceptor.fd > 0 && !s->held)
        on_accept(&s->acceptor); /* who waits in the kernel's queue would be reset */
    acceptor_close(&s->acceptor);
    for (struct exchange *x = s->head, *next; x != NULL; x = next) {
        next = x->next;
        if (is_idle(x))
            exchange_free(x);
    }
}

void server_close(struct server *s)
{
    acceptor_close(&s->acceptor);
    while (s->head != NULL)
        exchange_free(s->head);
}

struct http_span exchange_method(const struct exchange *x)
{
    return http_method(&x->req, x->conn.in.at);
}

struct http_span exchange_target(const struct exchange *x)
{
    return http_target(&x->req, x->conn.in.at);
}

struct http_span exchange_path(const struct exchange *x)
{
    struct http_span t = exchange_target(x);
    const char *mark = memchr(t.at, '?', t.len);
    return (struct http_span){t.at, mark ? (size_t)(mark - t.at) : t.len};
}

struct http_span exchange_body(const struct exchange *x)
{
    return http_body(&x->req, x->conn.in.at);
}

struct http_span exchange_field(const struct exchange *x, const char *name)
{
    return http_field(&x->req, x->conn.in.at, name);
}

static void add_head(struct exchange *x, int status, const char *type, const char *fields, size_t len)
{
    const struct server *s = x->server;
    struct text *out = &x->conn.out;
    text_add(out, "HTTP/1.1 ");
    text_add_int(out, status);
    text_add_bytes(out, " ", 1);
    text_add(out, http_reason(status));
    if (status != 204 && len != LENGTH_UNTOLD) {
        text_add(out, "\r\nContent-Length: ");
        text_add_int(out, (int64_t)len);
    }
    if (type != NULL) {
        text_add(out, "\r\nContent-Type: ");
        text_add(out, type);
    }
    text_add(out, x->closing ? "\r\nConnection: close\r\n" : "\r\n");
    text_add(out, fields);
    if (s->sign != NULL)
        s->sign(s->ctx, x, out);
    text_add_bytes(out, "\r\n", 2);
}

/* The answer ends with its head (RFC 9110 section 6.4.1). */
static bool is_bare(const struct exchange *x, int status)
{
    return status == 204 || status == 304 || (x->req.state == HTTP_END && span_is(exchange_method(x), "HEAD"));
}

void exchange_answer(struct exchange *x, int status, const char *type, const char *fields, const void *body, size_t len)
{
    struct server *s = x->server;
    size_t sent = is_bare(x, status) ? 0 : len;
    if (x->told && s->answered != NULL)
        s->answered(s->ctx, x, status, sent);
    x->told = false;
    if (!x->req.keep_alive || s->draining)
        x->closing = true;
    if (x->conn.error == 0)
        add_head(x, status, type, fields, len);
    if (x->send_body != NULL) {
        x->send_body(x, body, sent);
        return;
    }
    conn_send(&x->conn, body, sent);
    exchange_end(x);
}

void exchange_end(struct exchange *x)
{
    struct server *s = x->server;
    x->busy = false;
    s->busy--;
    x->send_body = NULL;
    conn_take(&x->conn, x->req.state == HTTP_END ? x->req.used : x->conn.in.len);
    http_begin_request(&x->req);
    x->continued = x->named = false;
    x->attempts = 0;
    x->upstream = NULL;
    arm(x, conn_idle(&x->conn) ? s->limits.idle_ms : s->limits.write_ms);
    conn_pause(&x->conn, x->closing);
    if (!x->advancing)
        advance(x);
}

void exchange_cut(struct exchange *x)
{
    conn_reset(&x->conn);
    exchange_end(x);
}
