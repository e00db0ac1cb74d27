/* SPDX-License-Identifier: MIT */
/*
 * One loop timer per stream, set to the next planned instant. When it fires, what is due leaves, each request with its
 * own planned instant; the timer is then set again. Nothing here looks at earlier requests: a service that is down is
 * asked as often as one that is well.
 *
 * Two rules share out a turn of the loop. Answers come in bursts, and each takes as long to judge as a request takes to
 * send; so after each answer a request that fell due meanwhile goes first. And where we ourselves were late (the
 * machine stood still) the backlog leaves in shares of BACKLOG_SHARE, with the answers that have come looked at in
 * between: a kept-alive request finds an idle connection only once the answer on it was taken. Sending the whole
 * backlog in one go made a connection for each, which takes longer than the time between two requests at thousands a
 * second, so that there was always a backlog again.
 *
 * A write: intent into the ledger, then the exchange, then its result into the ledger. Its seq is its number in the
 * stream, so the ops of one client have no holes. An intent that cannot be recorded stops the write from being sent.
 *
 * Where there is a traffic manager the request asks for the name first and leaves, with what is left of its time, when
 * there is an address. Kept-alive reads stay where their connections are until one of them fails: a change of the DNS
 * moves nobody who is connected. Clients who take several addresses of an answer give each an equal part of the time
 * that is left to connect, and go on to the next if it does not; nothing was sent by then, so a write may go, too.
 *
 * A request that never got out of this process is recorded like any other, as unsent and as a harness error.
 */
#include "harness/load/worker_parts.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/load/order.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKLOG_SHARE = 64 }; /* as many as the loop hands out events in a turn */

struct request {
    struct flight flight;
    struct naming naming;
    struct stream *stream;
    size_t endpoint; /* position in the list */
    char address[16];    /* where it is now, if a name led there */
    int64_t gives_up_ns; /* loop time */
    uint64_t nonce;
    struct order order;
    struct sample sample;
};

static bool is_write(const struct stream *s)
{
    return s->plan->kind == STREAM_WRITE;
}

/* On record. */

static void add_intent(struct request *q, struct err *e)
{
    struct stream *s = q->stream;
    struct ledger_record r = {
        .kind = LEDGER_INTENT,
        .at_ns = worker_run_time(s->worker, loop_tick(s->worker->loop)),
        .client = q->order.client,
        .seq = q->order.seq,
        .key = q->order.key,
        .value = q->order.value,
        .region = TOPO_NONE,
    };
    ledger_add(s->ledger, &r, e);
}

static void add_result(struct request *q)
{
    struct stream *s = q->stream;
    const struct sample *p = &q->sample;
    struct ledger_record r = {
        .kind = LEDGER_RESULT,
        .outcome = p->write,
        .at_ns = p->done_ns,
        .client = q->order.client,
        .seq = q->order.seq,
        .key = q->order.key,
        .value = q->order.value,
        .version = p->version,
        .lsn = p->lsn,
        .epoch = p->epoch,
        .region = p->region,
        .status = p->status,
    };
    struct err e = {0};
    if (ledger_add(s->ledger, &r, &e) != 0) {
        worker_fail(s->worker, &e);
    }
}

/* The request is over: sample, result, and the end of it. */
static void conclude(struct request *q, struct outcome_ruling ruling)
{
    struct worker *w = q->stream->worker;
    q->sample.outcome = (uint8_t)ruling.outcome;
    q->sample.write = (uint8_t)ruling.write;
    q->sample.flags = ruling.flags;
    samples_add(w->samples, &q->sample);
    if (is_write(q->stream)) {
        add_result(q);
    }
    free(q);
}

/* Landing. */

static void let_due_ones_pass(struct worker *w);
static bool goes_on(struct request *q, const struct exchange_answer *a);

static void copy_answer(struct request *q, const struct exchange_answer *a)
{
    const struct worker *w = q->stream->worker;
    struct sample *p = &q->sample;
    p->status = (uint16_t)a->status;
    p->sent_ns = worker_run_time(w, a->sent_ns);
    p->done_ns = worker_run_time(w, a->done_ns);
    p->epoch = a->epoch;
    p->region = a->region[0] ? topo_site_find(w->config.plan->topology, a->region) : TOPO_NONE;
    p->node = a->node[0] ? (uint16_t)(topo_node_find(w->config.plan->topology, a->node) + 1) : 0;
    p->attempts = a->attempts;
    p->lsn = is_write(q->stream) ? a->lsn : 0;
    p->code = a->code;
    p->bytes = (uint32_t)a->body_len;
}

static void on_landed(struct flight *f, const struct exchange_answer *a)
{
    struct request *q = (struct request *)f; /* flight is its first member */
    struct stream *s = q->stream;
    struct worker *w = s->worker;
    if (goes_on(q, a)) {
        return;
    }
    copy_answer(q, a);
    struct order_answer said = order_read_answer(a->body, a->body_len, &q->order, is_write(s));
    int64_t latency = q->sample.done_ns - q->sample.planned_ns;
    struct outcome_ruling ruling = outcome_rule(a, is_write(s), said.content, latency, s->plan->timeout_ns);
    bool right = ruling.outcome == OUTCOME_GOOD || ruling.outcome == OUTCOME_LATE;
    q->sample.version = right ? said.version : 0;
    q->sample.sent_ns = ruling.outcome == OUTCOME_UNSENT ? 0 : q->sample.sent_ns;
    if (right && is_write(s) && q->sample.lsn == 0) {
        q->sample.lsn = said.lsn;
    }
    bool failed = outcome_blames_endpoint(ruling.outcome, a->status);
    size_t endpoint = q->endpoint;
    int64_t sent_ns = a->sent_ns;
    conclude(q, ruling);
    if (failed) {
        s->stays_at[0] = '\0';
    }
    if (ruling.outcome != OUTCOME_UNSENT && !w->resolver &&
        endpoints_request(&w->endpoints, endpoint, failed, sent_ns, loop_now(w->loop))) {
        worker_note_switch(w);
    }
    worker_landed(w);
    let_due_ones_pass(w);
}

/* Leaving. */

static void give_up(struct request *q, const struct err *e)
{
    struct worker *w = q->stream->worker;
    worker_fail(w, e);
    q->sample.done_ns = worker_run_time(w, loop_now(w->loop));
    conclude(q, outcome_unsent(is_write(q->stream)));
}

static int launch_read(struct request *q, struct exchange_request *r, struct err *e)
{
    struct stream *s = q->stream;
    r->fresh = s->plan->kind == STREAM_READ_FRESH;
    r->target = text_str(&s->targets[q->order.key]);
    return flight_launch(&q->flight, &s->worker->flights, s->worker->transport, r, e);
}

static int launch_write(struct request *q, struct exchange_request *r, struct err *e)
{
    struct stream *s = q->stream;
    char name[ORDER_NAME], body[ORDER_BODY];
    scoped_text struct text key = {0};
    text_addf(&key, "%s/%s", s->worker->config.run_id, order_name(&q->order, name));
    r->post = r->fresh = true;
    r->target = s->plan->path;
    r->idempotency_key = text_str(&key);
    r->body = order_body(&q->order, body);
    return flight_launch(&q->flight, &s->worker->flights, s->worker->transport, r, e);
}

static struct request *request_new(struct stream *s, uint64_t k, int64_t due_ns)
{
    struct worker *w = s->worker;
    struct request *q = xcalloc(1, sizeof(*q));
    q->flight.landed = on_landed;
    q->stream = s;
    q->endpoint = w->endpoints.current;
    q->nonce = rng_next(&s->rng);
    q->order = (struct order){.client = s->plan->client, .seq = k, .key = (uint16_t)rng_below(&s->rng, KEYS)};
    q->order.value = is_write(s) ? rng_next(&s->rng) : 0;
    q->sample = (struct sample){
        .kind = SAMPLE_REQUEST,
        .stream = s->index,
        .k = k,
        .planned_ns = worker_run_time(w, due_ns),
        .key = q->order.key,
        .endpoint = w->endpoints.at[q->endpoint].node,
        .region = TOPO_NONE,
    };
    return q;
}

static void launch(struct request *q, const char *address, int64_t timeout_ns, int64_t connect_ns)
{
    struct worker *w = q->stream->worker;
    struct exchange_request r = {
        .address = address,
        .port = w->config.http_port,
        .endpoint = q->sample.endpoint,
        .nonce = q->nonce,
        .timeout_ns = timeout_ns,
        .connect_ns = connect_ns,
    };
    struct err e = {0};
    if (wallet_show(&w->wallet, CALLER_CUSTOMER, loop_now(w->loop), &r, &e) != 0 ||
        (is_write(q->stream) ? launch_write(q, &r, &e) : launch_read(q, &r, &e)) != 0) {
        give_up(q, &e);
    }
}

/* The gateway that has the address; an address may be nobody's that we know. */
static void place(struct request *q, const char *address)
{
    struct worker *w = q->stream->worker;
    const struct topology *t = w->config.plan->topology;
    size_t at = 0;
    while (at < w->endpoints.count && !text_eq(w->endpoints.at[at].address, address)) {
        at++;
    }
    bool known = at < w->endpoints.count;
    q->sample.endpoint = known ? w->endpoints.at[at].node : TOPO_NONE;
    if (known && t->nodes[w->endpoints.at[at].node].site != t->nodes[w->endpoints.at[w->endpoints.current].node].site) {
        w->endpoints.current = at;
        worker_note_switch(w);
    }
}

/* To an address that the name brought, with an equal part of the time for each that may come after it. */
static void go_to(struct request *q, const char *address, int64_t left_ns)
{
    struct stream *s = q->stream;
    const char *next;
    size_t others = resolver_after(s->worker->resolver, address, &next);
    snprintf(q->address, sizeof(q->address), "%s", address);
    if (s->plan->kind == STREAM_READ_KEEPALIVE) {
        memcpy(s->stays_at, q->address, sizeof(s->stays_at));
    }
    place(q, q->address);
    launch(q, q->address, left_ns, left_ns / (int64_t)(others + 1));
}

/* It did not get a connection, and there is another address to try. */
static bool goes_on(struct request *q, const struct exchange_answer *a)
{
    struct worker *w = q->stream->worker;
    int64_t left_ns = q->gives_up_ns - a->done_ns;
    const char *next = NULL;
    if (!w->resolver || a->connected || a->local_error || a->status != 0 || left_ns <= 0 ||
        resolver_after(w->resolver, q->address, &next) == 0) {
        return false;
    }
    go_to(q, next, left_ns);
    return true;
}

static void on_named(struct naming *n, const char *address)
{
    struct request *q = (struct request *)(void *)((char *)n - offsetof(struct request, naming));
    struct stream *s = q->stream;
    struct worker *w = s->worker;
    w->naming--;
    if (!w->resolver) { /* the worker goes, and requests under way are forgotten */
        free(q);
        return;
    }
    int64_t now = loop_tick(w->loop);
    if (!address || now >= q->gives_up_ns) {
        q->sample.done_ns = worker_run_time(w, now);
        q->sample.endpoint = TOPO_NONE;
        q->sample.code = CURLE_COULDNT_RESOLVE_HOST;
        conclude(q, outcome_unnamed(is_write(s)));
        worker_landed(w);
        return;
    }
    go_to(q, address, q->gives_up_ns - now);
}

static void ask_for_name(struct request *q)
{
    struct worker *w = q->stream->worker;
    q->naming.named = on_named;
    int64_t now = loop_tick(w->loop);
    q->sample.sent_ns = worker_run_time(w, now);
    q->gives_up_ns = now + q->stream->plan->timeout_ns;
    w->naming++;
    resolver_ask(w->resolver, &q->naming);
}

static void send_one(struct stream *s, uint64_t k, int64_t due_ns)
{
    struct worker *w = s->worker;
    struct request *q = request_new(s, k, due_ns);
    struct err e = {0};
    if (is_write(s)) {
        add_intent(q, &e);
    }
    if (e.kind != ERR_NONE) {
        give_up(q, &e);
    } else if (w->resolver && s->stays_at[0] == '\0') {
        ask_for_name(q);
    } else if (w->resolver) {
        q->gives_up_ns = loop_tick(w->loop) + s->plan->timeout_ns;
        go_to(q, s->stays_at, s->plan->timeout_ns);
    } else {
        launch(q, w->endpoints.at[q->endpoint].address, s->plan->timeout_ns, 0);
    }
}

/* Send what is due by now, at most so many; the timer then stands at the next one, which may be due as well. */
static void send_due(struct stream *s, int64_t now, size_t most)
{
    uint64_t k;
    int64_t due_ns;
    for (size_t i = 0; i < most && pacer_take(&s->pacer, now, &k, &due_ns); i++) {
        send_one(s, k, due_ns);
    }
    loop_timer_set(s->worker->loop, &s->timer, pacer_next_ns(&s->pacer));
}

static void on_due(struct loop_timer *timer, int64_t now)
{
    struct stream *s = (struct stream *)(void *)((char *)timer - offsetof(struct stream, timer));
    send_due(s, now, loop_is_virtual(s->worker->loop) ? SIZE_MAX : BACKLOG_SHARE);
}

/* Between two answers: whose turn has come must not wait for the rest of them.
 * A virtual clock stands still meanwhile. */
static void let_due_ones_pass(struct worker *w)
{
    if (loop_is_virtual(w->loop)) {
        return;
    }
    int64_t now = loop_tick(w->loop);
    for (size_t i = 0; i < w->stream_count; i++) {
        struct stream *s = &w->streams[i];
        if (s->timer.loop && s->timer.at <= now) {
            send_due(s, now, 1);
        }
    }
}

void stream_start(struct stream *s, int64_t start_ns)
{
    pacer_init(&s->pacer, s->worker->config.plan, s->index, start_ns);
    loop_timer_set(s->worker->loop, &s->timer, pacer_next_ns(&s->pacer));
}

void stream_stop(struct stream *s)
{
    struct loop *l = s->worker->loop;
    if (s->timer.loop && !loop_is_virtual(l)) {
        send_due(s, loop_tick(l), SIZE_MAX);
    }
    loop_timer_stop(&s->timer);
}

static void stream_init(struct stream *s, struct worker *w, size_t index)
{
    const struct plan *plan = w->config.plan;
    s->worker = w;
    s->plan = &plan->streams[index];
    s->index = (uint16_t)index;
    s->timer.due = on_due;
    scoped_text struct text consumer = {0};
    text_addf(&consumer, "stream/%s/%zu", plan->topology->sites[w->config.vantage].name, index);
    rng_init(&s->rng, plan->seed, text_str(&consumer));
    for (unsigned key = 0; key < KEYS; key++) {
        text_addf(&s->targets[key], "%s%ckey=k%u", s->plan->path, strchr(s->plan->path, '?') ? '&' : '?', key);
    }
}

int streams_open(struct worker *w, struct err *e)
{
    const struct plan *plan = w->config.plan;
    w->streams = xcalloc(plan->stream_count, sizeof(*w->streams));
    for (size_t i = 0; i < plan->stream_count; i++) {
        if (plan->streams[i].vantage != w->config.vantage) {
            continue;
        }
        struct stream *s = &w->streams[w->stream_count++];
        stream_init(s, w, i);
        if (is_write(s) && ledger_open(&s->ledger, w->config.run_path, s->plan->client, e) != 0) {
            return -1;
        }
    }
    return 0;
}

void streams_close(struct worker *w)
{
    for (size_t i = 0; i < w->stream_count; i++) {
        loop_timer_stop(&w->streams[i].timer);
        ledger_close(w->streams[i].ledger);
        for (size_t key = 0; key < KEYS; key++) {
            text_deinit(&w->streams[i].targets[key]);
        }
    }
    free(w->streams);
    w->streams = NULL;
    w->stream_count = 0;
}
