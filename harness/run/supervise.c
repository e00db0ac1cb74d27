/* SPDX-License-Identifier: MIT */
/*
 * One ward per gateway, with at most one probe under way, asked of the service port from inside the node's own
 * namespace: a supervisor sits on the machine of what it looks after, so no link is in its way.
 *
 * A start is a hold on the node that is released after the backoff; the backoff doubles with each start, up to 16
 * times, and is forgotten after ten probes in a row that were well. What cannot be done is put on record and tried
 * again at the next probe.
 */
#include "harness/run/supervise.h"

#include "harness/base/arena.h"
#include "harness/base/units.h"

#include <stdio.h>

#define DOUBLINGS 4
#define WELL_AGAIN 10

struct ward {
    struct supervisor *home;
    struct loop_timer beat, start;
    uint16_t node;
    bool asking;
    int64_t failures, well;
    unsigned starts;
};

struct supervisor {
    struct drill *drill;
    struct ward *wards;
    size_t count;
};

/* The name under which a ward's hold is known: no step has an id that high. */
static uint16_t hold_id(const struct ward *w)
{
    return (uint16_t)(UINT16_MAX - w->node);
}

static void say(struct ward *w, const char *what)
{
    struct drill *d = w->home->drill;
    record_fact(&d->rec, EVENT_NODE, d->plan->topology->nodes[w->node].name, "ok", what, 0);
}

static void on_start(struct loop_timer *t, int64_t now)
{
    struct ward *w = (struct ward *)((char *)t - offsetof(struct ward, start));
    struct err e = {0};
    (void)now;
    if (fabric_release(w->home->drill->fabric, hold_id(w), &e) < 0)
        say(w, e.msg);
    else
        say(w, "started again by its supervisor");
}

static void restart(struct ward *w)
{
    struct drill *d = w->home->drill;
    const struct topo_liveness *cfg = &d->plan->topology->liveness;
    struct err e = {0};
    char what[160];
    unsigned doublings = w->starts < DOUBLINGS ? w->starts : DOUBLINGS;
    if (fabric_hold(d->fabric, hold_id(w), w->node, HOLD_DOWN, &e) < 0) {
        say(w, e.msg);
        return;
    }
    snprintf(what, sizeof(what), "killed by its supervisor: %.80s failed %lld times in a row", cfg->path,
             (long long)w->failures);
    say(w, what);
    w->failures = 0;
    w->starts++;
    loop_timer_set(d->loop, &w->start, loop_now(d->loop) + (cfg->backoff_ns << doublings));
}

static void probed(void *arg, const struct lab_answer *a)
{
    struct ward *w = arg;
    struct drill *d = w->home->drill;
    bool well = a->status >= 200 && a->status < 300, runs = d->ops->node_state(d->lab, w->node) == NODE_UP;
    w->asking = false;
    w->well = well ? w->well + 1 : 0;
    w->failures = well || !runs ? 0 : w->failures + 1;
    if (w->well >= WELL_AGAIN)
        w->starts = 0;
    if (w->failures >= d->plan->topology->liveness.failures)
        restart(w);
}

static void on_beat(struct loop_timer *t, int64_t now)
{
    struct ward *w = (struct ward *)((char *)t - offsetof(struct ward, beat));
    struct drill *d = w->home->drill;
    const struct topo_liveness *cfg = &d->plan->topology->liveness;
    loop_timer_set(d->loop, t, now + cfg->every_ns);
    if (w->asking || d->ops->node_state(d->lab, w->node) != NODE_UP)
        return;
    w->asking = d->ops->ask(d->lab, w->node, w->node, cfg->path, cfg->timeout_ns, probed, w, NULL) == 0;
}

void supervisor_new(struct supervisor **out, struct drill *d)
{
    const struct topology *t = d->plan->topology;
    *out = NULL;
    if (!t->liveness.there)
        return;
    struct supervisor *s = xcalloc(1, sizeof(*s));
    *out = s;
    s->drill = d;
    s->wards = xcalloc(t->node_count, sizeof(*s->wards));
    for (uint16_t node = 0; node < t->node_count; node++) {
        if (t->nodes[node].role != NODE_GATEWAY)
            continue;
        struct ward *w = &s->wards[s->count++];
        *w = (struct ward){.home = s, .node = node, .beat.due = on_beat, .start.due = on_start};
        loop_timer_set(d->loop, &w->beat, loop_now(d->loop) + (int64_t)s->count * t->liveness.every_ns / 8);
    }
}

static bool asking(const struct supervisor *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->wards[i].asking)
            return true;
    return false;
}

void supervisor_free(struct supervisor *s)
{
    if (!s)
        return;
    struct loop *loop = s->drill->loop;
    int64_t patience = loop_now(loop) + s->drill->plan->topology->liveness.timeout_ns + NS_PER_S;
    for (size_t i = 0; i < s->count; i++) {
        loop_timer_stop(&s->wards[i].beat);
        loop_timer_stop(&s->wards[i].start);
    }
    while (asking(s) && loop_now(loop) < patience)
        loop_run(loop, loop_now(loop) + 20 * NS_PER_MS, NULL, NULL);
    free(s->wards);
    free(s);
}
