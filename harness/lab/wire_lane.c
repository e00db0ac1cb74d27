/* SPDX-License-Identifier: MIT */
/*
 * Method: a packet meets its path first; each copy that comes out of that goes through the lane of its port, if there
 * is one, as if it had come by a second wire. Lanes have dice of their own, seeded by path and port, and keep them
 * while their shape changes.
 */
#include "harness/lab/wire_lane.h"

static struct wire_shaper *shaper_of(struct wire_lanes *lanes, uint16_t port)
{
    for (uint16_t i = 0; i < lanes->count; i++) {
        if (lanes->at[i].port == port) {
            return &lanes->at[i].shaper;
        }
    }
    return NULL;
}

void wire_lanes_set(struct wire_lanes *lanes, uint64_t seed, uint16_t path, const struct path_state *state)
{
    struct wire_lanes next = {.count = state->lane_count};
    for (uint16_t i = 0; i < next.count; i++) {
        const struct path_lane *lane = &state->lanes[i];
        const struct wire_shaper *before = shaper_of(lanes, lane->port);
        const struct path_state shape = {.shape = lane->shape};
        next.at[i].port = lane->port;
        if (before) {
            next.at[i].shaper = *before;
        } else {
            wire_shaper_init(&next.at[i].shaper, seed, path, lane->port);
        }
        wire_shaper_set(&next.at[i].shaper, &shape);
    }
    *lanes = next;
}

void wire_lanes_get(const struct wire_lanes *lanes, struct path_state *state)
{
    state->lane_count = lanes->count;
    for (uint16_t i = 0; i < lanes->count; i++) {
        state->lanes[i] = (struct path_lane){.port = lanes->at[i].port, .shape = lanes->at[i].shaper.shape.shape};
    }
}

static struct wire_shaper *lane_of(struct wire_lanes *lanes, const unsigned char *frame, size_t len)
{
    for (uint16_t i = 0; i < lanes->count; i++) {
        if (wire_is_of_port(frame, len, lanes->at[i].port)) {
            return &lanes->at[i].shaper;
        }
    }
    return NULL;
}

/* Both may have flipped a bit; one is enough to break it. */
static struct wire_copy behind(const struct wire_copy *path, const struct wire_copy *lane)
{
    return (struct wire_copy){.due_ns = path->due_ns == INT64_MAX ? INT64_MAX : lane->due_ns,
                              .early = path->early || lane->early,
                              .corrupt = path->corrupt || lane->corrupt,
                              .bit = lane->corrupt ? lane->bit : path->bit};
}

struct wire_fate wire_lanes_decide(struct wire_lanes *lanes, const struct wire_fate *fate, const unsigned char *frame,
                                   size_t len)
{
    struct wire_shaper *lane = lane_of(lanes, frame, len);
    if (!lane) {
        return *fate;
    }
    struct wire_fate sum = *fate;
    sum.copies = 0;
    for (unsigned i = 0; i < fate->copies; i++) {
        int64_t came_ns = fate->copy[i].due_ns == INT64_MAX ? 0 : fate->copy[i].due_ns; /* a stall has no instants */
        struct wire_fate f = wire_shaper_decide(lane, came_ns, len, 2);
        sum.lost += f.lost;
        sum.duplicated += f.duplicated;
        for (unsigned k = 0; k < f.copies; k++) {
            sum.copy[sum.copies++] = behind(&fate->copy[i], &f.copy[k]);
        }
    }
    return sum;
}
