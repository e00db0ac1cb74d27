/* SPDX-License-Identifier: MIT */
/*
 * What was seen by polling: detected, repaired, converged, and the parts of the RTO (measurement section 8).
 *
 * An interval ( send of the last poll without it - end of its cause, completion of the first of three polls in a row
 * with it - begin of its cause ]. hi_ns is NS_OPEN when it was never seen; any is false when nobody looked.
 */
#pragma once
#include "harness/measure/result.h"
#include "harness/measure/rto.h"

struct polled {
    bool any;                    /* there is something to judge: a cause, and polls of it */
    bool blind;                  /* a cause without usable polls */
    int64_t lo_ns, hi_ns;
    int64_t seen_ns;             /* run time of its completion, NS_NONE */
    const struct event *event;   /* that showed it, NULL */
    const char *subject;
    const struct fault_view *fault;
    bool untold;                 /* alerted: no gateway tells of its alerts */
    bool capped;                 /* converged: the polls went on to the cap in vain */
};

void poll_detected(const struct study *s, struct polled *out);
void poll_repaired(const struct study *s, struct polled *out);
void poll_converged(const struct study *s, struct polled *out);

/* alerts.c: the first alert of the right rule while the fault held; and alerts raised before the first fault, or in
 * a null drill at all. */
struct false_alarms {
    int64_t count;
    bool untold;
    const struct event *first; /* that showed one, NULL */
};
void poll_alerted(const struct study *s, struct polled *out);
void count_false_alarms(const struct study *s, struct false_alarms *out);

/* Fills rto_detect_s ... rto_unattributed_s for the fault with the largest upper end. */
void split_rto(const struct study *s, const struct rto_run *rto, struct result_measures *m);

/* One change that an observation shows against what was known of the node before. */
enum reaction {
    REACTION_NONE = 0,
    REACTION_UNHEALTHY = 1, /* an upstream or a peer is no longer thought to be well */
    REACTION_ROLE = 2,      /* leader, epoch, lease holder, set of replicas in sync */
    REACTION_DRIFT = 4,     /* drift noticed */
    REACTION_ROUTE = 8,     /* a gateway learned of another leader */
};
unsigned observe_reaction(const json_t *before, const json_t *now); /* before may be NULL: nothing known */
const json_t *observed_before(const struct study *s, size_t event); /* the same node's status before; NULL */
bool observed_held(const struct study *s, size_t event);            /* three polls in a row showed it */
