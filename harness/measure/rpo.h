/* SPDX-License-Identifier: MIT */
/* Acknowledged data that was lost, and how much of it the evidence lets us know (measurement section 9). */
#pragma once
#include "harness/measure/join.h"
#include "harness/measure/result.h"

struct rpo {
    bool any;                        /* there is a ledger, a fault and at least one final read */
    int64_t lo_ns, hi_ns;            /* largest ends over the severing faults; hi NS_OPEN */
    int64_t resolution_ns;           /* nothing lost: age of the newest survivor's begin; NS_NONE */
    const struct fault_view *fault;  /* the one with the largest upper end, or the first severing one */
    const struct write *oldest_lost; /* w* of that fault */
    int64_t before, after;           /* writes lost */
    int64_t bracket_hi;              /* |(A u U) \ F| */
    int64_t holes, newest_age_ns;    /* NS_NONE */
    int64_t span_ns;                 /* of lost_after */
    double lag_s;                    /* median baseline lag to the standby, NAN unknown */
    int64_t exposed;                 /* n_x, JSON_NONE unknown */
    double unknown_ratio;            /* in the window of the rpo target, NAN unknown */
    int64_t dual_ns, stale_epoch_acks;
};

void rpo_measure(const struct study *s, struct ledger_view *l, struct rpo *out);
void rpo_fill(const struct study *s, const struct ledger_view *l, const struct rpo *r, struct result *out);

/* Median baseline lag between acknowledgement and visibility in the standby; NAN without evidence. */
double replication_lag_s(const struct study *s, const struct ledger_view *l);

/* Why a loss objective with this target (ns, or 0 for a count of 0) may not be met (gate G8); NULL if it may. */
const char *rpo_bars_met(const struct study *s, const struct ledger_view *l, const struct rpo *r, int64_t target_ns,
                         bool zero_loss);

/* Stale reads; counts over good reads of keys that had an acknowledged write. */
struct stale {
    int64_t count, could;
    int64_t worst_ns; /* NS_NONE without one */
};
void stale_measure(const struct study *s, const struct ledger_view *l, struct stale *out);
