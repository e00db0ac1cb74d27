/* SPDX-License-Identifier: MIT */
/*
 * A drill in small with a ledger: writes to the scripted store, a fault, final reads before and after a restart that a
 * scripted store does not need, measure_run; then every write is compared with what the store says it did with it.
 */
#pragma once
#include "harness/measure/result.h"
#include "harness/selftest/write_server.h"

struct write_record {
    enum write_lie lie;
    bool null_drill;
    int64_t gap_ns;
    int64_t writes, wrong;              /* wrong: judged otherwise than they are */
    int64_t lost_before, lost_after, gone, stranded, duplicated, contradicted, landed, vanished; /* as measured */
    int64_t truth_ns, lower_ns, upper_ns; /* RPO by the store's clock and as measured (upper INT64_MAX: open) */
    bool sets_exact, rpo_inside;
    bool accepted;
    bool valid;                         /* no gate tripped */
    char why[160];                      /* what did, or what is wrong */
};

struct write_rehearsal_config {
    uint64_t seed;
    enum write_lie lie;
    bool null_drill;                    /* reads as well, the fault is `nothing`; lie is LIE_NONE */
    uint8_t host;
    const char *scratch, *name;
};

/* -1: it could not be performed at all. */
int write_rehearsal_perform(const struct write_rehearsal_config *c, struct write_record *out, struct err *e);
