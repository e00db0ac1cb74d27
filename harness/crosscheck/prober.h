/* SPDX-License-Identifier: MIT */
/*
 * The second prober at work: its plan, its requests and probes under way, its record. Instants are CLOCK_MONOTONIC.
 *
 * cross_main wraps it into a process; the self-test may drive it the same way. One prober, one thread, one epoll.
 */
#pragma once
#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "harness/crosscheck/book.h"
#include "harness/crosscheck/crosscheck.h"
#include "harness/crosscheck/exchange.h"
#include "harness/crosscheck/route.h"

struct cross_visit; /* a request or a probe under way */

struct cross_prober {
    struct cross_config config;
    const struct plan_stream *stream;
    struct cross_route route;
    struct cross_book book;
    struct rng rng;
    struct text token;           /* what it shows where gateways want tokens */
    int64_t renew_ns;            /* and when it needs another */
    int epoll_fd, plan_fd, chore_fd;
    struct cross_visit **visits; /* by slot, NULL where free */
    size_t visit_room, under_way;
    uint32_t generation;
    int64_t *probe_at;           /* next probe, by endpoint */
    int64_t first_ns;            /* s_0; 0: not started */
    int64_t flush_at;
    uint64_t next;               /* k */
    bool stopping;
};

int cross_prober_open(struct cross_prober *p, const struct cross_config *c, struct err *e);
void cross_prober_close(struct cross_prober *p);
void cross_prober_start(struct cross_prober *p, int64_t start_ns);
void cross_prober_stop(struct cross_prober *p); /* nothing new; what is under way ends by itself */
/* Wait for what comes, also on watch_fd, at most until the next chore, and deal with it. *watched: watch_fd is
 * readable. False: stopped and nothing is under way any more, the end line is written. */
bool cross_prober_turn(struct cross_prober *p, bool *watched, struct err *e);
int cross_prober_watch(struct cross_prober *p, int watch_fd, struct err *e);
void cross_prober_unwatch(struct cross_prober *p, int watch_fd);
