/* SPDX-License-Identifier: MIT */
/*
 * A request whose client has gone is worked on like any other, as by a server that has no way to know: that is what
 * makes time-outs and retries dangerous, for the work done for nobody is missing for the others.
 *
 * While there is a queue a slot begins its next request when the last one should have ended, not when the loop got
 * round to it, so that the rate is the one that was asked for on a busy machine, too.
 */
#include "gateway-under-test/capacity.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/units.h"

static void on_done(struct loop_timer *t, int64_t now);

static void begin(struct capacity_slot *s, struct exchange *x, int64_t at)
{
    struct node *n = s->home->node;
    s->x = x;
    s->ends = at + n->config->capacity.service_us * NS_PER_US;
    s->timer.due = on_done;
    loop_timer_set(n->loop, &s->timer, s->ends);
}

static struct exchange *next_waiting(struct capacity *c)
{
    struct exchange *x = c->queue[c->head];
    c->head = (c->head + 1) % c->room;
    c->waiting--;
    return x;
}

static void on_done(struct loop_timer *t, int64_t now)
{
    struct capacity_slot *s = owner_of(t, struct capacity_slot, timer);
    struct capacity *c = s->home;
    struct exchange *x = s->x;
    (void)now;
    s->x = NULL;
    if (c->waiting > 0)
        begin(s, next_waiting(c), s->ends);
    c->serve(c->node, x);
}

static struct capacity_slot *free_slot(struct capacity *c)
{
    for (size_t i = 0; i < c->slot_count; i++) {
        if (c->slots[i].x == NULL)
            return &c->slots[i];
    }
    return NULL;
}

bool capacity_takes(struct capacity *c, struct exchange *x)
{
    if (c->slot_count == 0)
        return false;
    struct capacity_slot *s = free_slot(c);
    if (s != NULL) {
        begin(s, x, loop_now(c->node->loop));
    } else if (c->waiting < c->room) {
        c->queue[(c->head + c->waiting++) % c->room] = x;
    } else {
        c->node->counters[COUNTER_overflowed]++;
        answer_error(x, 503, "Retry-After: 1\r\n", "the queue is full");
    }
    return true;
}

void capacity_open(struct capacity *c, struct node *n, void (*serve)(struct node *n, struct exchange *x))
{
    *c = (struct capacity){.node = n, .serve = serve};
    c->slot_count = (size_t)n->config->capacity.slots;
    c->room = (size_t)n->config->capacity.queue;
    c->slots = xcalloc(c->slot_count + 1, sizeof(*c->slots));
    c->queue = xcalloc(c->room + 1, sizeof(struct exchange *));
    for (size_t i = 0; i < c->slot_count; i++)
        c->slots[i].home = c;
}

void capacity_close(struct capacity *c)
{
    for (size_t i = 0; i < c->slot_count; i++)
        loop_timer_stop(&c->slots[i].timer);
    free(c->slots);
    free(c->queue);
}
