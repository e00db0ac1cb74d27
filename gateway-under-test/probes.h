/* SPDX-License-Identifier: MIT */
/*
 * What an origin answers to whoever wants to know how it serves, whether or not its store leads.
 *
 * Owned by origin.c. Invariant: a request that is held is answered after the time it asked for, or forgotten by
 * probes_close, after which its connection is closed.
 */
#pragma once
#include "gateway-under-test/http1.h"

#include <sys/queue.h>

struct exchange;
struct node;
struct slow;

struct probes {
    struct node *node;
    LIST_HEAD(slow_probes, slow) slow; /* held until their time is over */
};

void probes_open(struct probes *p, struct node *n);
void probes_close(struct probes *p);
bool probes_know(struct http_span path);
void probes_handle(struct probes *p, struct exchange *x); /* of a path that they know */
