/* SPDX-License-Identifier: MIT */
/*
 * Lateness over the same seconds, of the load room's worker and of loops that do nothing else, and what a request
 * costs. For bench-slip's own files; slip.c calls the others.
 */
#pragma once
#include "bench/bench.h"
#include "harness/base/child.h"

#include <stdbool.h>
#include <stdint.h>

#define SLIP_LATENESS_MAX 200000 /* of one run of one side */

/* Requests per second of each kind. */
struct slip_mix {
    int64_t kept, fresh, writes;
};

struct slip_order {
    struct slip_mix mix;
    int64_t start_ns, seconds; /* start_ns: CLOCK_MONOTONIC */
    uint16_t port;
    const char *folder; /* empty, for samples.bin and ledger.bin */
};

/* What one side saw, in shared memory. */
struct slip_side {
    bool done;
    struct err e;
    uint64_t count, bad, unsent; /* bad: not answered well, unsent ones included */
    double user_us, system_us;   /* cpu time from start to end; both 0 where nobody looked */
    double late_us[SLIP_LATENESS_MAX];
};

static inline int64_t slip_rate(const struct slip_mix *m)
{
    return m->kept + m->fresh + m->writes;
}

/* The sides; each in a process of its own, at the rate of the whole mix. */
void slip_bare(const struct slip_order *o, struct slip_side *out);
void slip_worker(const struct slip_order *o, struct slip_side *out);
void slip_curl(const struct slip_order *o, struct slip_side *out); /* kept-alive reads only; no lateness */

/* Cpu time used since *before was filled (a zeroed one fills it) is added up in out. */
struct slip_meter {
    int64_t user_us, system_us;
    bool running;
};
void slip_meter_read(struct slip_meter *m, struct slip_side *out);
void slip_pin(int cpu); /* -1: nothing */

/* drgateway twice, as gateway and as origin without peers, on one cpu. */
struct slip_system {
    struct child gateway, origin;
    uint16_t port; /* the gateway's */
};
void slip_system_start(struct slip_system *s, const char *program, const char *folder, int cpu);
void slip_system_stop(struct slip_system *s);
