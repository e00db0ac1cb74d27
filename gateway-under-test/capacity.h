/* SPDX-License-Identifier: MIT */
/*
 * An origin that can do only so much: so many slots, each busy for service_us with every request, and a queue before
 * them.
 *
 * Owned by origin.c. Requests are handed back to `serve` when their work is done, in the order in which they came; over
 * a full queue they are refused. Without slots in the configuration nothing is taken. Invariant: what was taken is
 * served or refused, unless the process ends.
 */
#pragma once
#include "harness/base/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct capacity;
struct exchange;
struct node;

struct capacity_slot {
    struct capacity *home;
    struct exchange *x; /* NULL: free */
    struct loop_timer timer;
    int64_t ends;
};

struct capacity {
    struct node *node;
    void (*serve)(struct node *n, struct exchange *x);
    struct capacity_slot *slots;
    struct exchange **queue; /* a ring */
    size_t slot_count, room, waiting, head;
};

void capacity_open(struct capacity *c, struct node *n, void (*serve)(struct node *n, struct exchange *x));
void capacity_close(struct capacity *c);
bool capacity_takes(struct capacity *c, struct exchange *x); /* false: no limit, serve it yourself */
