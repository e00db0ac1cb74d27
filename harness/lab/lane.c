/* SPDX-License-Identifier: MIT */
/*
 * Method: lanes stand by port, from low to high, so that equal sets of faults give equal states; what two faults ask of
 * one port adds up by the same sums as what they ask of a whole path (shape.h).
 */
#include "harness/lab/lane.h"

#include "harness/lab/shape.h"

#include <string.h>

static struct path_shape both(const struct path_shape *a, const struct path_shape *b)
{
    const struct path_state first = {.shape = *a}, second = {.shape = *b};
    struct shape_sum sum = {0};
    shape_add(&sum, &first);
    shape_add(&sum, &second);
    return shape_total(&sum).shape;
}

/* The lane of a port, or where it would stand. */
static uint16_t place_of(const struct path_state *s, uint16_t port)
{
    uint16_t at = 0;
    while (at < s->lane_count && s->lanes[at].port < port) {
        at++;
    }
    return at;
}

static bool there(const struct path_state *s, uint16_t at, uint16_t port)
{
    return at < s->lane_count && s->lanes[at].port == port;
}

static bool lane_add(struct path_state *s, const struct path_lane *lane)
{
    uint16_t at = place_of(s, lane->port);
    if (there(s, at, lane->port)) {
        s->lanes[at].shape = both(&s->lanes[at].shape, &lane->shape);
        return true;
    }
    if (s->lane_count == PATH_LANES_MAX) {
        return false;
    }
    memmove(&s->lanes[at + 1], &s->lanes[at], (size_t)(s->lane_count - at) * sizeof(*lane));
    s->lanes[at] = *lane;
    s->lane_count++;
    return true;
}

bool lanes_add(struct path_state *sum, const struct path_state *wish)
{
    bool room = true;
    for (uint16_t i = 0; i < wish->lane_count; i++) {
        room = lane_add(sum, &wish->lanes[i]) && room;
    }
    return room;
}

void lanes_copy(struct path_state *to, const struct path_state *from)
{
    to->lane_count = from->lane_count;
    memcpy(to->lanes, from->lanes, sizeof(to->lanes));
}

bool lanes_same(const struct path_state *a, const struct path_state *b)
{
    bool same = a->lane_count == b->lane_count;
    for (uint16_t i = 0; same && i < a->lane_count; i++) {
        const struct path_state one = {.shape = a->lanes[i].shape}, other = {.shape = b->lanes[i].shape};
        same = a->lanes[i].port == b->lanes[i].port && shape_same(&one, &other);
    }
    return same;
}

struct path_state lane_met(const struct path_state *s, uint16_t port)
{
    struct path_state met = *s;
    uint16_t at = place_of(s, port);
    if (there(s, at, port)) {
        met.shape = both(&s->shape, &s->lanes[at].shape);
    }
    return met;
}
