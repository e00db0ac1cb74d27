/* SPDX-License-Identifier: MIT */
/*
 * Each beat lists the log of every region's store page by page (asynchronously, at its admin port), keeps the ops that
 * count, sorts them and hashes them. All regions equal: outcome "equal"; a store that does not answer whole:
 * "unreachable"; else "different". A beat that finds the last listing still under way skips its turn.
 *
 * Which writes count: op ids are c<client>-<k> with k the number of the request in its stream, so "planned before the
 * heal" is k below the first number planned at or after it, which the growing samples tell.
 */
#include "harness/run/converge.h"
#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"
#include "harness/run/steady.h"
#include <stdio.h>
#include <string.h>

#define BEAT_NS NS_PER_S
#define PATIENCE_NS (800 * NS_PER_MS)
#define PAGE 500
#define EQUAL_POLLS 3

struct listing {
    struct converge *all;
    uint16_t node;
    bool asking, whole;
    vec_of(char *) ops;
    int64_t from; /* of the page that was asked for last */
    int64_t sent_ns, done_ns;
};

struct converge {
    struct drill *drill;
    uint64_t *bounds; /* by stream: only request numbers below it count; renewed each beat */
    struct loop_timer beat;
    int64_t before_ns;
    struct listing *listings;
    size_t count;
    int64_t last_sent_ns;
    unsigned equal;
    bool ending; /* no further page is asked for */
};

static void listing_ask(struct listing *l, int64_t from);

static bool op_counts(const struct converge *c, const char *op)
{
    unsigned client;
    unsigned long long k;
    if (c->before_ns == INT64_MAX || sscanf(op, "c%u-%llu", &client, &k) != 2)
        return true;
    const struct plan *p = c->drill->plan;
    for (size_t i = 0; i < p->stream_count; i++)
        if (p->streams[i].kind == STREAM_WRITE && p->streams[i].client == client)
            return k < c->bounds[i];
    return true;
}

static void listing_clear(struct listing *l)
{
    for (size_t i = 0; i < l->ops.len; i++)
        free(l->ops.at[i]);
    l->ops.len = 0;
}

static int op_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void listing_digest(struct listing *l, char out[SHA256_HEX])
{
    scoped_text struct text all = {0};
    if (l->ops.len)
        qsort(l->ops.at, l->ops.len, sizeof(*l->ops.at), op_order);
    for (size_t i = 0; i < l->ops.len; i++)
        text_addf(&all, "%s\n", l->ops.at[i]);
    sha256_hex(text_str(&all), all.len, out);
}

/* Every listing has ended: compare, and write the line. */
static void converge_conclude(struct converge *c)
{
    struct drill *d = c->drill;
    const char *outcome = "equal";
    json_t *regions = json_array();
    char first[SHA256_HEX] = "", digest[SHA256_HEX];
    int64_t sent = INT64_MAX, done = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct listing *l = &c->listings[i];
        listing_digest(l, digest);
        if (i == 0)
            memcpy(first, digest, sizeof(first));
        if (!l->whole)
            outcome = "unreachable";
        else if (!text_eq(first, digest) && text_eq(outcome, "equal"))
            outcome = "different";
        sent = l->sent_ns < sent ? l->sent_ns : sent;
        done = l->done_ns > done ? l->done_ns : done;
        json_array_append_new(regions, json_pack("{s:s,s:I,s:s,s:b}", "node",
                              d->plan->topology->nodes[l->node].name, "count", (json_int_t)l->ops.len, "digest",
                              digest, "whole", l->whole));
        listing_clear(l);
    }
    struct event ev = {.kind = EVENT_CONVERGE, .due_ns = c->last_sent_ns, .at_ns = sent, .end_ns = done,
                       .outcome = outcome, .data = json_pack("{s:o}", "regions", regions)};
    record_add(&d->rec, &ev);
    json_decref(ev.data);
    c->last_sent_ns = sent;
    c->equal = text_eq(outcome, "equal") ? c->equal + 1 : 0;
}

static void listing_end(struct listing *l, bool whole)
{
    l->asking = false;
    l->whole = whole;
    for (size_t i = 0; i < l->all->count; i++)
        if (l->all->listings[i].asking)
            return;
    converge_conclude(l->all);
}

static void listing_page(void *arg, const struct lab_answer *a)
{
    struct listing *l = arg;
    l->done_ns = a->done_ns;
    if (l->ops.len == 0)
        l->sent_ns = a->sent_ns;
    json_t *ops = json_object_get(a->body, "ops"), *row;
    if (a->status != 200 || !json_is_array(ops)) {
        listing_end(l, false);
        return;
    }
    size_t i;
    json_array_foreach(ops, i, row)
    {
        const char *op = json_string_value(json_array_get(row, 0));
        if (op && op_counts(l->all, op))
            *vec_push(&l->ops) = xstrdup(op);
    }
    int64_t next = json_integer_value(json_object_get(a->body, "next"));
    if (next > l->from && i > 0 && !l->all->ending)
        listing_ask(l, next);
    else
        listing_end(l, next == 0); /* a page that does not lead on would lead round for ever */
}

static void listing_ask(struct listing *l, int64_t from)
{
    struct drill *d = l->all->drill;
    struct err e = {0};
    char target[64];
    l->from = from;
    snprintf(target, sizeof(target), "/v1/ops?from=%lld&limit=%d", (long long)from, PAGE);
    if (d->ops->admin(d->lab, l->node, "GET", target, NULL, PATIENCE_NS, listing_page, l, &e) < 0) {
        l->sent_ns = l->done_ns = record_now(&d->rec);
        listing_end(l, false);
    }
}

static bool converge_asking(const struct converge *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->listings[i].asking)
            return true;
    return false;
}

static void converge_beat(struct loop_timer *t, int64_t now)
{
    struct converge *c = (struct converge *)((char *)t - offsetof(struct converge, beat));
    loop_timer_set(c->drill->loop, t, now + BEAT_NS);
    if (converge_asking(c))
        return;
    for (size_t i = 0; i < c->drill->plan->stream_count; i++) {
        uint64_t bound = steady_planned_before(c->drill->steady, (uint16_t)i, c->before_ns);
        c->bounds[i] = bound > c->bounds[i] ? bound : c->bounds[i]; /* the samples that told it may be gone by now */
    }
    for (size_t i = 0; i < c->count; i++)
        c->listings[i].asking = true;
    for (size_t i = 0; i < c->count; i++)
        listing_ask(&c->listings[i], 1);
}

int converge_new(struct converge **out, struct drill *d, int64_t before_ns, struct err *e)
{
    (void)e;
    const struct topology *t = d->plan->topology;
    struct converge *c = xcalloc(1, sizeof(*c));
    *out = c;
    *c = (struct converge){.drill = d, .before_ns = before_ns, .beat.due = converge_beat};
    c->bounds = xcalloc(d->plan->stream_count + 1, sizeof(*c->bounds));
    c->listings = xcalloc(t->node_count, sizeof(*c->listings));
    for (uint16_t node = 0; node < t->node_count; node++)
        if (t->nodes[node].role == NODE_ORIGIN && t->nodes[node].number == 1)
            c->listings[c->count++] = (struct listing){.all = c, .node = node};
    c->last_sent_ns = record_now(&d->rec);
    if (c->count)
        loop_timer_set(d->loop, &c->beat, loop_now(d->loop));
    return 0;
}

bool converge_reached(const struct converge *c)
{
    return c->equal >= EQUAL_POLLS;
}

void converge_free(struct converge *c)
{
    if (!c)
        return;
    loop_timer_stop(&c->beat);
    c->ending = true;
    struct loop *loop = c->drill->loop;
    int64_t patience = loop_now(loop) + 2 * PATIENCE_NS;
    while (converge_asking(c) && loop_now(loop) < patience)
        loop_run(loop, loop_now(loop) + 20 * NS_PER_MS, NULL, NULL);
    for (size_t i = 0; i < c->count; i++) {
        listing_clear(&c->listings[i]);
        vec_deinit(&c->listings[i].ops);
    }
    free(c->listings);
    free(c->bounds);
    free(c);
}
