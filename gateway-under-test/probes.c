/* SPDX-License-Identifier: MIT */
/*
 * GET or HEAD /bytes/N: so many bytes. GET or HEAD /slow?ms=N: an answer after that time. Any method, /status/N: that
 * status. All of it is bounded, for a probe comes from outside.
 */
#include "gateway-under-test/probes.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <string.h>

#define SLOW_MAX_MS 60000

static const char bytes_path[] = "/bytes/", status_path[] = "/status/", slow_path[] = "/slow";

struct slow {
    struct exchange *x;
    struct loop_timer timer;
    LIST_ENTRY(slow) among;
};

static bool reads(const struct exchange *x)
{
    struct http_span method = exchange_method(x);
    return span_is(method, "GET") || span_is(method, "HEAD");
}

/* The number at the end of a path that begins so. */
static bool number_after(const struct exchange *x, const char *start, int64_t *out)
{
    struct http_span path = exchange_path(x);
    size_t len = strlen(start);
    return span_int((struct http_span){path.at + len, path.len - len}, out);
}

static void answer_bytes(struct exchange *x)
{
    int64_t len = 0;
    if (!reads(x) || !number_after(x, bytes_path, &len) || len > (int64_t)HTTP_BODY_MAX) {
        answer_error(x, 400, "", "write GET /bytes/N, N at most 1048576");
        return;
    }
    scoped_free char *body = xcalloc((size_t)len + 1, 1);
    memset(body, 'x', (size_t)len);
    exchange_answer(x, 200, "text/plain", "", body, (size_t)len);
}

static void answer_status(struct exchange *x)
{
    int64_t status = 0;
    char body[8];
    if (!number_after(x, status_path, &status) || status < 200 || status > 599) {
        answer_error(x, 400, "", "write /status/N, N from 200 to 599");
        return;
    }
    int len = snprintf(body, sizeof(body), "%d\n", (int)status);
    exchange_answer(x, (int)status, "text/plain", "", body, status == 304 ? LENGTH_UNTOLD : (size_t)len);
}

static void forget(struct slow *s)
{
    LIST_REMOVE(s, among);
    loop_timer_stop(&s->timer);
    free(s);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct slow *s = owner_of(t, struct slow, timer);
    struct exchange *x = s->x;
    (void)now;
    forget(s);
    exchange_answer(x, 200, "text/plain", "", "ok\n", 3);
}

static void hold(struct probes *p, struct exchange *x)
{
    struct loop *l = p->node->loop;
    int64_t ms = 0;
    if (!reads(x) || !span_int(span_query(exchange_target(x), "ms"), &ms) || ms > SLOW_MAX_MS) {
        answer_error(x, 400, "", "write GET /slow?ms=N, N at most 60000");
        return;
    }
    struct slow *s = xcalloc(1, sizeof(*s));
    s->x = x;
    s->timer.due = on_due;
    LIST_INSERT_HEAD(&p->slow, s, among);
    loop_timer_set(l, &s->timer, loop_now(l) + ms * NS_PER_MS);
}

bool probes_know(struct http_span path)
{
    return span_starts(path, bytes_path) || span_starts(path, status_path) || span_is(path, slow_path);
}

void probes_handle(struct probes *p, struct exchange *x)
{
    struct http_span path = exchange_path(x);
    if (span_starts(path, bytes_path))
        answer_bytes(x);
    else if (span_starts(path, status_path))
        answer_status(x);
    else
        hold(p, x);
}

void probes_open(struct probes *p, struct node *n)
{
    p->node = n;
    LIST_INIT(&p->slow);
}

void probes_close(struct probes *p)
{
    while (!LIST_EMPTY(&p->slow))
        forget(LIST_FIRST(&p->slow));
}
