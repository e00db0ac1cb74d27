/* SPDX-License-Identifier: MIT */
/*
 * Lateness and damage made on purpose (POST /lag on the admin port): in a store, of what it ships to one peer; in a
 * gateway, of the desired state that it fetches. Each fault has a slot of its own name, so that ending one leaves what
 * the others want.
 */
#pragma once
#include "harness/base/rng.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAG_SLOTS 16
#define LAG_NAME 24

struct lag_wish {
    bool stop;
    int64_t delay_ms, corrupt_ppm, duplicate_ppm;
};

/* Zeroed: nothing is late. */
struct lag {
    struct lag_slot {
        char fault[LAG_NAME];
        struct lag_wish wish;
    } slots[LAG_SLOTS];
    size_t count;
    struct lag_wish all;              /* of all slots: stop: any; delay: sum; chances: 1 - (1 - p)(1 - q) */
    int64_t frames, damaged, doubled; /* since the first slot: sent in all; with a flipped bit; twice */
};

/* The body of POST /lag: {"fault":"7","stop":true,...}; without any wish the slot is given up. Returns the HTTP status:
 * 200, 400 it makes no sense, 409 no slot is left. */
int lag_order(struct lag *l, const json_t *body);
const char *lag_refusal(int status); /* 400, 409 in words */
/* Does what is `born_ns` old wait at `now_ns`? */
bool lag_holds(const struct lag *l, int64_t born_ns, int64_t now_ns);
/* null while there is no slot; new reference */
json_t *lag_status(const struct lag *l);

/* What becomes of one frame on its way. damage flips one bit behind the length, in place. */
bool lag_draw(struct lag *l, int64_t ppm, struct rng *rng);
void lag_damage(char *frame, size_t len, struct rng *rng);
