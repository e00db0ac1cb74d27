/* SPDX-License-Identifier: MIT */
/*
 * An origin as a platform runs it that starts instances when requests come and ends them when none do ("serverless").
 *
 * Owned by origin.c. An instance takes so many requests at a time; which of them a request is in does not matter, so
 * they are only counted. Invariant: at most as many requests are served at a time as the instances that are up can
 * take; the others wait, and each is served, or cut when its client has gone or the origin closes.
 */
#pragma once
#include "gateway-under-test/config.h"
#include "harness/base/loop.h"

struct exchange;
struct node;
struct parked;

struct scaling {
    struct node *node; /* NULL: not scaled */
    struct config_scaling cfg;
    struct instance {
        int64_t up_at, warm_at; /* takes one request at a time from up_at, all it can from warm_at */
    } at[CONFIG_INSTANCES_MAX];
    int count;
    struct parked *first, **last;
    int parked;
    int most_wanted;      /* since then: */
    int64_t looked_since; /* the last time that as many as there are were needed, or some went */
    struct loop_timer timer;
};

void scaling_open(struct scaling *s, struct node *n);
void scaling_close(struct scaling *s);
void scaling_adopt(struct scaling *s, const struct config_scaling *cfg);
/* Take a request for which no instance is free; false: serve it now. */
bool scaling_takes(struct scaling *s, struct exchange *x);
json_t *scaling_status(const struct scaling *s); /* null where nothing scales; new reference */
