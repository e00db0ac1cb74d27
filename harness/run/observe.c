/* SPDX-License-Identifier: MIT */
/*
 * One watch per node, each with at most one question under way: the next is asked on its beat only when the last was
 * answered or timed out. Instants: `due` of a line is the send of the last poll that did not show the change, `at` the
 * send of the first that did, `end` its completion, so a change lies in (due, end].
 *
 * What counts as a change is decided by comparing the members that are news (news.h) and no others. A node that has
 * never answered is starting, not silent; one that stops answering is a change, with outcome "silent". Questions still
 * under way at the end are waited for, since their answers name the watch.
 */
#include "harness/run/observe.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/run/news.h"
#include <stdio.h>
#include <string.h>

#define POLL_NS (100 * NS_PER_MS)
#define POSITION_NS (20 * NS_PER_MS)
#define PATIENCE_NS (500 * NS_PER_MS)

struct watch {
    struct observer *observer;
    struct loop_timer beat;
    uint16_t node;
    bool asking, asking_config, answered, silent, drifted;
    json_t *seen;         /* its news as last recorded */
    json_t *status;       /* the whole status last answered */
    json_t *desired;      /* gateways: the configuration it was started with */
    int64_t last_sent_ns; /* send of the last poll */
    int64_t position;
};

struct observer {
    struct drill *drill;
    struct watch *watches;
    size_t count;
    bool positions;
};

static bool watch_is_standby(const struct watch *w)
{
    const struct topology *t = w->observer->drill->plan->topology;
    const struct topo_node *n = &t->nodes[w->node];
    return n->role == NODE_ORIGIN && n->number == 1 && n->site != t->primary;
}

static void watch_news(struct watch *w, const struct lab_answer *a, int64_t before_ns)
{
    struct drill *d = w->observer->drill;
    bool silent = a->status != 200 || !a->body;
    json_t *now = silent ? NULL : news_of(a->body);
    bool same = w->answered && silent == w->silent && (silent || json_equal(now, w->seen));
    if (same || (silent && !w->answered)) {
        json_decref(now);
        return;
    }
    char what[NEWS_WORDS];
    if (silent)
        snprintf(what, sizeof(what), "does not answer");
    else if (w->silent)
        snprintf(what, sizeof(what), "answers again");
    else
        news_words(w->seen, now, what);
    struct event ev = {.kind = EVENT_OBSERVED, .due_ns = before_ns, .at_ns = a->sent_ns, .end_ns = a->done_ns,
                       .subject = d->plan->topology->nodes[w->node].name, .outcome = silent ? "silent" : "ok",
                       .detail = what, .data = silent ? NULL : a->body};
    record_add(&d->rec, &ev);
    if (!silent && (!w->answered || w->silent))
        record_fact(&d->rec, EVENT_NODE, ev.subject, "ok", "ready", 0);
    w->answered = true;
    w->silent = silent;
    if (silent)
        return;
    json_decref(w->seen);
    w->seen = now;
}

static void watch_config(void *arg, const struct lab_answer *a)
{
    struct watch *w = arg;
    struct drill *d = w->observer->drill;
    w->asking_config = false;
    if (a->status != 200 || !a->body)
        return;
    struct event ev = {.kind = EVENT_DRIFT, .at_ns = a->sent_ns, .end_ns = a->done_ns,
                       .subject = d->plan->topology->nodes[w->node].name,
                       .data = json_pack("{s:O,s:O}", "desired", w->desired, "running", a->body)};
    record_add(&d->rec, &ev);
    json_decref(ev.data);
}

/* One gateway has left its desired state, or says that it drifted: put on record what each of them runs. */
static void observer_inquire(struct observer *o)
{
    struct drill *d = o->drill;
    for (size_t i = 0; i < o->count; i++) {
        struct watch *w = &o->watches[i];
        if (!w->desired || w->asking_config)
            continue;
        w->asking_config =
            d->ops->admin(d->lab, w->node, "GET", "/config", NULL, PATIENCE_NS, watch_config, w, NULL) == 0;
    }
}

static void watch_drift(struct watch *w, json_t *status)
{
    bool differs = !json_equal(json_object_get(status, "config"), json_object_get(status, "desired"));
    bool drifted = w->desired && (differs || json_is_string(json_object_get(status, "drift_kind")));
    if (drifted && !w->drifted)
        observer_inquire(w->observer);
    w->drifted = drifted;
}

static void watch_position(struct watch *w, const struct lab_answer *a, int64_t before_ns)
{
    int64_t lsn = json_integer_value(json_object_get(a->body, "lsn"));
    if (!w->observer->positions || !watch_is_standby(w) || lsn == w->position)
        return;
    struct drill *d = w->observer->drill;
    w->position = lsn;
    struct event ev = {.kind = EVENT_POSITION, .due_ns = before_ns, .at_ns = a->sent_ns, .end_ns = a->done_ns,
                       .subject = d->plan->topology->nodes[w->node].name, .code = lsn};
    record_add(&d->rec, &ev);
}

static void watch_answer(void *arg, const struct lab_answer *a)
{
    struct watch *w = arg;
    int64_t before = w->last_sent_ns;
    w->asking = false;
    w->last_sent_ns = a->sent_ns;
    watch_news(w, a, before);
    if (!a->body)
        return;
    watch_position(w, a, before);
    watch_drift(w, a->body);
    json_decref(w->status);
    w->status = json_incref(a->body);
}

static void watch_beat(struct loop_timer *t, int64_t now)
{
    struct watch *w = (struct watch *)((char *)t - offsetof(struct watch, beat));
    struct drill *d = w->observer->drill;
    bool quick = w->observer->positions && watch_is_standby(w);
    loop_timer_set(d->loop, t, now + (quick ? POSITION_NS : POLL_NS));
    if (w->asking)
        return;
    w->asking = true;
    struct err e = {0};
    if (d->ops->admin(d->lab, w->node, "GET", "/status", NULL, PATIENCE_NS, watch_answer, w, &e) < 0)
        w->asking = false;
}

int observer_new(struct observer **out, struct drill *d, struct err *e)
{
    const struct topology *t = d->plan->topology;
    struct observer *o = xcalloc(1, sizeof(*o));
    *out = o;
    o->drill = d;
    o->watches = xcalloc(t->node_count, sizeof(*o->watches));
    for (uint16_t node = 0; node < t->node_count; node++) {
        if (t->nodes[node].role == NODE_CLIENT)
            continue;
        struct watch *w = &o->watches[o->count++];
        *w = (struct watch){.observer = o, .node = node, .beat.due = watch_beat, .position = -1};
        if (t->nodes[node].role == NODE_GATEWAY && d->ops->node_config_get(d->lab, node, &w->desired, e) < 0)
            return -1;
        loop_timer_set(d->loop, &w->beat, loop_now(d->loop) + (int64_t)o->count * NS_PER_MS);
    }
    return 0;
}

static bool observer_asking(const struct observer *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->watches[i].asking || o->watches[i].asking_config)
            return true;
    return false;
}

void observer_free(struct observer *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->count; i++)
        loop_timer_stop(&o->watches[i].beat);
    struct loop *loop = o->drill->loop;
    int64_t patience = loop_now(loop) + PATIENCE_NS + POLL_NS;
    while (observer_asking(o) && loop_now(loop) < patience)
        loop_run(loop, loop_now(loop) + POSITION_NS, NULL, NULL);
    for (size_t i = 0; i < o->count; i++) {
        json_decref(o->watches[i].seen);
        json_decref(o->watches[i].status);
        json_decref(o->watches[i].desired);
    }
    free(o->watches);
    free(o);
}

void observer_positions(struct observer *o, bool on)
{
    o->positions = on;
}

bool observer_all_up(const struct observer *o, const char **missing)
{
    for (size_t i = 0; i < o->count; i++) {
        const struct watch *w = &o->watches[i];
        *missing = o->drill->plan->topology->nodes[w->node].name;
        if (!w->answered || w->silent || !w->status)
            return false;
    }
    return true;
}

bool observer_has_leader(const struct observer *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (!o->watches[i].silent && json_is_true(json_object_get(o->watches[i].status, "leader")))
            return true;
    return false;
}

bool observer_in_sync(const struct observer *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (json_is_true(json_object_get(o->watches[i].status, "drift")))
            return false;
    return true;
}

void observer_forget(struct observer *o)
{
    for (size_t i = 0; i < o->count; i++) {
        struct watch *w = &o->watches[i];
        json_decref(w->status);
        w->status = NULL;
    }
}
