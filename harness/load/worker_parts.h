/* SPDX-License-Identifier: MIT */
/*
 * The inside of a worker, for the files that make it up: worker.c owns it, streams.c sends the plan, probes.c asks the
 * endpoints how they are.
 *
 * The invariant: every planned request becomes exactly one sample, and every write has its intent on record before the
 * transport hears of it.
 */
#pragma once
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/endpoints.h"
#include "harness/load/flight.h"
#include "harness/load/load.h"
#include "harness/load/pacer.h"
#include "harness/load/resolver.h"
#include "harness/load/stall.h"
#include "harness/load/wallet.h"

enum { KEYS = 16 }; /* k0 .. k15 */

struct stream {
    struct worker *worker;
    const struct plan_stream *plan;
    uint16_t index; /* in the plan */
    struct pacer pacer;
    struct loop_timer timer;
    struct rng rng;               /* keys, values, nonces */
    struct ledger_writer *ledger; /* writes only */
    struct text targets[KEYS];    /* of reads, by key */
    char stays_at[16];            /* kept-alive reads: where their connections go until one fails; empty: ask */
};

struct probe {
    struct worker *worker;
    size_t endpoint; /* position in the list */
    struct loop_timer timer;
    struct rng rng;
};

struct worker {
    struct worker_config config;
    struct loop *loop;
    struct transport *transport;
    struct endpoints endpoints;
    struct resolver *resolver; /* NULL: the endpoints are an ordered list */
    size_t naming;             /* requests that wait for the name */
    struct wallet wallet;
    struct patrol *patrols;
    size_t patrol_count;
    struct stream *streams;
    size_t stream_count;
    struct probe *probes; /* one per endpoint */
    struct flights flights;
    struct sample_writer *samples;
    struct stall *stall; /* NULL on a virtual loop */
    struct loop_timer flush;
    bool stopped, flushed;
    struct err failure;
};

/* Streams of the plan that belong to this vantage. */
int streams_open(struct worker *w, struct err *e);
void streams_close(struct worker *w);
void stream_start(struct stream *s, int64_t start_ns);
void stream_stop(struct stream *s); /* what is due by now still leaves */

/* patrol.c: those of the plan that leave from this vantage */
void patrols_open(struct worker *w);
void patrols_close(struct worker *w);
void patrols_start(struct worker *w, int64_t start_ns);
void patrols_stop(struct worker *w);

void probes_open(struct worker *w);
void probes_close(struct worker *w);
void probes_stop(struct worker *w);

/* Run time of a loop instant. */
static inline int64_t worker_run_time(const struct worker *w, int64_t loop_ns)
{
    return loop_ns - w->config.zero_ns;
}
/* Remember the first failure of the harness itself. */
void worker_fail(struct worker *w, const struct err *e);
/* The current endpoint changed: put it on record. */
void worker_note_switch(struct worker *w);
/* A request landed or was given up; when it was the last one of a stopped worker, the evidence is brought home. */
void worker_landed(struct worker *w);
