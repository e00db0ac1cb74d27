/* SPDX-License-Identifier: MIT */
/*
 * An origin that has been told to serve badly: knobs set through the admin port, requests that feel them.
 *
 * Owned by origin.c. Knobs come in slots with a name each, so that several faults may have theirs on one origin and
 * take them away in any order; a request is met by all slots that drew it. Invariant: without slots nothing is looked
 * at, and every request that was taken is answered or its connection is closed, at the latest by misbehave_close.
 */
#pragma once
#include "gateway-under-test/server.h"
#include "harness/base/rng.h"

#define MISBEHAVE_MAX 16
#define MISBEHAVE_NAME 33

struct node;

enum health_lie { HEALTH_HONEST, HEALTH_GOOD, HEALTH_BAD };

struct misbehaviour {
    char name[MISBEHAVE_NAME];
    int64_t share_ppm; /* of the requests */
    int64_t seed;      /* of the draw, one per request */
    int64_t first_byte_us, body_us;
    int64_t reset_after; /* bytes of the body; -1: no reset */
    int64_t retry_after_s;
    int status; /* instead of the answer; 0: none */
    bool hang, short_body;
    enum health_lie health;
    struct rng dice;
    int64_t requests, hits;
};

struct held;
struct misbehave {
    struct node *node;
    struct misbehaviour at[MISBEHAVE_MAX];
    size_t count;
    struct held *held; /* requests that were taken and not yet let go */
};

void misbehave_open(struct misbehave *m, struct node *n);
void misbehave_close(struct misbehave *m);
/* GET, PUT and DELETE of /misbehave and /misbehave/NAME. False: another path. */
bool misbehave_admin(struct misbehave *m, struct exchange *x);
/* Take a request of the service port; false: nobody wants it, it is served as usual. */
bool misbehave_takes(struct misbehave *m, struct exchange *x);

/* misbehave_act.c: a slot with this may be gone; whatever hangs for want of it is let go. */
void misbehave_release(struct misbehave *m);
