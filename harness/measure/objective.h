/* SPDX-License-Identifier: MIT */
/* The promises of the plan, each against what was found. */
#pragma once
#include "harness/measure/callers.h"
#include "harness/measure/poll.h"
#include "harness/measure/rpo.h"
#include "harness/measure/service.h"
#include "harness/measure/sharing.h"

struct findings {
    const struct study *study;
    struct rto_run rto;
    struct failback failback;
    struct availability availability;
    double drill_p99_ms;
    struct sharing sharing;
    const struct ledger_view *ledger; /* NULL: none */
    struct rpo rpo;
    struct stale stale;
    struct polled detected, repaired, converged, alerted;
    struct revoked revoked;
    struct overshoot overshoot;
    struct false_alarms false_alarms;
};

/* Appends one objective per target of the plan, in its order, judged by itself (gates G8 and G9 included). */
void objectives_judge(const struct findings *f, struct result *out);
