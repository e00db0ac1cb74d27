/* SPDX-License-Identifier: MIT */
/*
 * What a request meets. Every slot draws once for each request, by its own seeded dice, hit or not, so that the fate of
 * the k-th request depends on the seed and k alone. What the slots that hit want adds up: times are summed, a hang
 * outweighs everything, of several answers the first slot's counts, the earliest end of a body.
 *
 * The health check of gateways is a request like any other and meets the same draw: an instance that fails every
 * request fails its check. That is what `health` lies about: good answers /healthz and /readyz with 200 whatever the
 * requests get, bad with 503 though they are served; bad outweighs good. A deep check does what requests do and cannot
 * be lied about; /metrics and the admin port stay honest.
 *
 * A request that waits for its first byte is served afterwards, as by a slow server: a write is applied even if the
 * client has gone. One that is answered with a status is not looked at. One that hangs is let go, unanswered, when no
 * slot hangs any more; before that when its client has left, since those who wait for nobody would use up all
 * connections, and a full server is another fault than a silent one.
 *
 * A body that is cut was announced whole. A reset goes out when the kernel has delivered what came before it, else the
 * bytes on their way would vanish with it.
 */
#include "gateway-under-test/misbehave.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <linux/sockios.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define PIECES 20
#define LOOK_NS (50 * NS_PER_MS)
#define DELIVERED_LOOK_NS (2 * NS_PER_MS)
#define DELIVERED_LOOKS 500

/* What the slots that hit want of one request. */
struct fate {
    bool hang, short_body, reset;
    int status;
    int64_t first_byte_ns, body_ns, reset_after, retry_after_s;
};

struct held {
    struct misbehave *home;
    struct exchange *x;
    struct held *next, **link;
    struct loop_timer timer;
    struct fate fate;
    struct text body; /* of the answer: what is to leave of it */
    size_t sent;
    int64_t began_ns;
    int piece, looks;
};

static void held_free(struct held *h)
{
    h->x->send_body = NULL;
    loop_timer_stop(&h->timer);
    *h->link = h->next;
    if (h->next != NULL)
        h->next->link = h->link;
    text_deinit(&h->body);
    free(h);
}

static void again(struct held *h, void (*due)(struct loop_timer *t, int64_t now), int64_t at_ns)
{
    h->timer.due = due;
    loop_timer_set(h->home->node->loop, &h->timer, at_ns);
}

/* The end of a body. */

static void end_short(struct held *h)
{
    struct exchange *x = h->x;
    held_free(h);
    x->closing = true;
    exchange_end(x);
}

static void end_by_reset(struct loop_timer *t, int64_t now)
{
    struct held *h = owner_of(t, struct held, timer);
    struct exchange *x = h->x;
    int queued = 0;
    bool on_its_way =
        x->conn.error == 0 && (!conn_idle(&x->conn) || (ioctl(x->conn.fd, SIOCOUTQ, &queued) == 0 && queued > 0));
    if (on_its_way && h->looks++ < DELIVERED_LOOKS) {
        again(h, end_by_reset, now + DELIVERED_LOOK_NS);
        return;
    }
    held_free(h);
    exchange_cut(x);
}

static void end_body(struct held *h, int64_t now)
{
    struct exchange *x = h->x;
    if (h->fate.reset) {
        end_by_reset(&h->timer, now);
    } else if (h->fate.short_body) {
        end_short(h);
    } else {
        held_free(h);
        exchange_end(x);
    }
}

/* The next of twenty pieces; the last one leaves body_ns after the head. */
static void send_piece(struct loop_timer *t, int64_t now)
{
    struct held *h = owner_of(t, struct held, timer);
    h->piece++;
    size_t upto = h->piece == PIECES ? h->body.len : h->body.len * (size_t)h->piece / PIECES;
    conn_send(&h->x->conn, h->body.at + h->sent, upto - h->sent);
    h->sent = upto;
    if (h->piece == PIECES || h->x->conn.error != 0)
        end_body(h, now);
    else
        again(h, send_piece, h->began_ns + h->fate.body_ns * (h->piece + 1) / PIECES);
}

static size_t kept(const struct fate *f, size_t len)
{
    size_t keep = f->short_body ? len / 2 : len;
    if (f->reset)
        keep = (size_t)f->reset_after < keep ? (size_t)f->reset_after : keep;
    return keep == len && f->reset ? len - 1 : keep;
}

/* Hook of the server: the head of the answer is written, the body is ours. */
static void send_body(struct exchange *x, const void *body, size_t len)
{
    struct held *h = x->sender;
    int64_t now = loop_now(h->home->node->loop);
    if (len == 0) {
        held_free(h);
        conn_send(&x->conn, body, 0);
        exchange_end(x);
        return;
    }
    size_t keep = kept(&h->fate, len);
    h->began_ns = now;
    if (h->fate.body_ns == 0) {
        conn_send(&x->conn, body, keep);
        end_body(h, now);
        return;
    }
    conn_send(&x->conn, body, 0);
    text_add_bytes(&h->body, body, keep);
    again(h, send_piece, now + h->fate.body_ns / PIECES);
}

static void act(struct held *h)
{
    struct exchange *x = h->x;
    struct node *n = h->home->node;
    const struct fate f = h->fate;
    if (f.short_body || f.reset || f.body_ns != 0) {
        x->send_body = send_body;
        x->sender = h;
    } else {
        held_free(h);
    }
    if (f.status == 0) {
        node_serve(n, x);
        return;
    }
    char fields[64] = "";
    if (f.retry_after_s != 0)
        (void)snprintf(fields, sizeof(fields), "Retry-After: %lld\r\n", (long long)f.retry_after_s);
    n->counters[COUNTER_requests]++;
    x->told = true;
    answer_error(x, f.status, fields, "told to misbehave");
}

static void on_first_byte(struct loop_timer *t, int64_t now)
{
    (void)now;
    act(owner_of(t, struct held, timer));
}

static bool client_left(const struct held *h)
{
    char byte;
    return h->x->conn.error != 0 || recv(h->x->conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void let_go(struct held *h)
{
    struct exchange *x = h->x;
    held_free(h);
    exchange_cut(x);
}

static void on_hang(struct loop_timer *t, int64_t now)
{
    struct held *h = owner_of(t, struct held, timer);
    if (client_left(h))
        let_go(h);
    else
        again(h, on_hang, now + LOOK_NS);
}

static struct fate draw(struct misbehave *m)
{
    struct fate f = {.reset_after = INT64_MAX};
    for (size_t i = 0; i < m->count; i++) {
        struct misbehaviour *b = &m->at[i];
        b->requests++;
        if ((int64_t)rng_below(&b->dice, (uint64_t)PPM) >= b->share_ppm)
            continue;
        b->hits++;
        f.hang = f.hang || b->hang;
        f.short_body = f.short_body || b->short_body;
        f.first_byte_ns += b->first_byte_us * NS_PER_US;
        f.body_ns += b->body_us * NS_PER_US;
        if (f.status == 0) {
            f.status = b->status;
            f.retry_after_s = b->retry_after_s;
        }
        if (b->reset_after >= 0) {
            f.reset = true;
            f.reset_after = b->reset_after < f.reset_after ? b->reset_after : f.reset_after;
        }
    }
    return f;
}

static bool lies_about_health(struct misbehave *m, struct exchange *x)
{
    enum health_lie lie = HEALTH_HONEST;
    for (size_t i = 0; i < m->count; i++)
        lie = m->at[i].health > lie ? m->at[i].health : lie;
    struct http_span path = exchange_path(x);
    if (lie == HEALTH_HONEST || health_is_deep(x) || !(span_is(path, "/healthz") || span_is(path, "/readyz")))
        return false;
    answer_health(m->node, x, lie == HEALTH_GOOD);
    return true;
}

bool misbehave_takes(struct misbehave *m, struct exchange *x)
{
    if (m->count == 0 || span_is(exchange_path(x), "/metrics"))
        return false;
    if (lies_about_health(m, x))
        return true;
    struct fate fate = draw(m);
    bool spoils = fate.short_body || fate.reset || fate.body_ns != 0;
    if (!fate.hang && fate.status == 0 && fate.first_byte_ns == 0 && !spoils)
        return false;
    struct held *h = xcalloc(1, sizeof(*h));
    *h = (struct held){.home = m, .x = x, .fate = fate, .next = m->held, .link = &m->held};
    if (h->next != NULL)
        h->next->link = &h->next;
    m->held = h;
    int64_t now = loop_now(m->node->loop);
    if (fate.hang)
        again(h, on_hang, now + LOOK_NS);
    else if (fate.first_byte_ns != 0)
        again(h, on_first_byte, now + fate.first_byte_ns);
    else
        act(h);
    return true;
}

void misbehave_release(struct misbehave *m)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->at[i].hang)
            return;
    }
    for (struct held *h = m->held, *next; h != NULL; h = next) {
        next = h->next;
        if (h->fate.hang)
            let_go(h);
    }
}

void misbehave_open(struct misbehave *m, struct node *n)
{
    *m = (struct misbehave){.node = n};
}

void misbehave_close(struct misbehave *m)
{
    while (m->held != NULL)
        held_free(m->held);
}
