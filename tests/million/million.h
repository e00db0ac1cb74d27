/* SPDX-License-Identifier: MIT */
/*
 * A run with many writes, all of them read back whole from every source before and after a cold restart, but for one
 * that is nowhere: what the ledger is for, at the size at which it gets hard. Written by the writers of the product.
 *
 * Two regions, a gateway and a store in each, two writing clients; a partition half-way through. Requests are few
 * (their number is not what this is about), the records of the ledger are all there.
 */
#pragma once
#include "harness/spec/plan.h"
#include "harness/spec/topology.h"

struct err;

struct million {
    size_t writes;     /* acknowledged, both clients together */
    size_t lost;       /* the one that is nowhere, 0..writes-1 */
    /* what the measures must find out */
    int64_t lost_id;   /* client * 2^32 + seq */
    uint16_t lost_key;
    int64_t lost_acked_ns;
    size_t entries, records; /* that the ledger holds; findings of a page count one by one as entries */
    /* the plan that it belongs to */
    struct plan plan;
    struct topology topology;
    struct plan_stream streams[3];
    struct plan_step steps[1];
    struct plan_target targets[1];
};

/* m->writes and m->lost are given; the files go into the folder, which must be there. */
int million_make(struct million *m, const char *folder, struct err *e);
