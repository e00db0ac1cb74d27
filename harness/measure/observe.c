/* SPDX-License-Identifier: MIT */
/*
 * Reading the admin port's answers: which difference between two statuses of a node is a reaction of the system.
 *
 * A node's observations are changes, each with the whole new status, so a reaction is the difference to the previous
 * observation of the same node. Statuses come from the accused: every member may be missing or of any type, and one
 * that cannot be read is no reaction. A client that moves to another endpoint is not the system's doing and never shows
 * here. A change that was taken back before a third poll saw it is a blink, not a reaction.
 */
#include "harness/measure/poll.h"

#include "harness/base/text.h"
#include "harness/base/units.h"

enum { POLL_NS = 100 * 1000 * 1000 };

static const json_t *named(const json_t *list, const char *key, const json_t *name)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
        if (json_is_string(name) && json_equal(json_object_get(item, key), (json_t *)name))
            return item;
    return NULL;
}

/* Some entry's flag went down; nothing known before counts as up. */
static bool went_down(const json_t *before, const json_t *now, const char *list, const char *key, const char *flag)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(now, list), i, item)
    {
        const json_t *old = named(json_object_get(before, list), key, json_object_get(item, key));
        if (json_is_false(json_object_get(item, flag)) && !json_is_false(json_object_get(old, flag)))
            return true;
    }
    return false;
}

static bool went_up(const json_t *before, const json_t *now, const char *list, const char *key, const char *flag)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(now, list), i, item)
    {
        const json_t *old = named(json_object_get(before, list), key, json_object_get(item, key));
        if (old && json_is_true(json_object_get(item, flag)) && !json_is_true(json_object_get(old, flag)))
            return true;
    }
    return false;
}

static bool changed(const json_t *before, const json_t *now, const char *key)
{
    const json_t *old = json_object_get(before, key), *new = json_object_get(now, key);
    return old && new && !json_equal((json_t *)old, (json_t *)new);
}

unsigned observe_reaction(const json_t *before, const json_t *now)
{
    unsigned r = REACTION_NONE;
    if (went_down(before, now, "upstreams", "name", "healthy") ||
        went_down(before, now, "peers", "region", "connected"))
        r |= REACTION_UNHEALTHY;
    if (changed(before, now, "leader") || changed(before, now, "epoch") || changed(before, now, "holder") ||
        changed(before, now, "in_sync") || (before && went_down(before, now, "peers", "region", "in_sync")))
        r |= REACTION_ROLE;
    if (json_is_true(json_object_get(now, "drift")) && !json_is_true(json_object_get(before, "drift")))
        r |= REACTION_DRIFT;
    if (went_up(before, now, "upstreams", "name", "leader"))
        r |= REACTION_ROUTE;
    return r;
}

static bool same_node(const struct event *a, const struct event *b)
{
    return a->kind == EVENT_OBSERVED && b->kind == EVENT_OBSERVED && text_eq(a->subject, b->subject);
}

const json_t *observed_before(const struct study *s, size_t event)
{
    for (size_t i = event; i > 0; i--)
        if (same_node(&s->ev->events[i - 1], &s->ev->events[event]) && json_is_object(s->ev->events[i - 1].data))
            return s->ev->events[i - 1].data;
    return NULL;
}

bool observed_held(const struct study *s, size_t event)
{
    const struct event *e = &s->ev->events[event];
    unsigned shown = observe_reaction(observed_before(s, event), e->data);
    for (size_t i = event + 1; i < s->ev->event_count; i++) {
        const struct event *later = &s->ev->events[i];
        if (!same_node(e, later) || !json_is_object(later->data))
            continue;
        if (later->due_ns > ns_add(e->at_ns, 3 * POLL_NS / 2))
            return true;
        const json_t *before = observed_before(s, event);
        if (shown && (observe_reaction(before, later->data) & shown) != shown)
            return false;
        if (!shown && (observe_reaction(e->data, later->data) & REACTION_DRIFT))
            return false;
    }
    return true;
}
