/* SPDX-License-Identifier: MIT */
/*
 * The gates that bear on a whole run (measurement section 11: G1 to G7 and G10), as the checks of the result. G8 and G9
 * concern single objectives and are asked there.
 */
#pragma once
#include "harness/measure/join.h"
#include "harness/measure/result.h"
#include "harness/measure/rto.h"

struct gates {
    bool valid;          /* none of the first four checks fails; else the run is void */
    bool interrupted;    /* not all of the plan was carried out: undecided objectives are skipped */
    int signal;          /* that interrupted the run, 0 none */
    const char *unfit;   /* why the machine could not do it, so that nothing ran; NULL: it could */
};

/* Appends the checks that apply to out->checks, none on an unfit machine; l is NULL without a ledger. */
void gates_apply(const struct study *s, const struct rto_run *rto, const struct ledger_view *l, struct result *out,
                 struct gates *g);
