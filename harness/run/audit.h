/* SPDX-License-Identifier: MIT */
/*
 * The residue audit of a drill: the host is looked at before the lab is opened and after it is closed, and both looks
 * are on record. Outside of the lab nothing may be other than it was.
 */
#pragma once
#include "harness/base/err.h"
#include "harness/run/drill.h"

struct audit {
    struct residue *residue; /* NULL: a lab that leaves no host to look at, or the audit could not be begun */
    int64_t begun_at_ns;     /* run time */
    char left[1024];         /* what an earlier run has left */
    struct err failed;
};

void audit_begin(struct audit *a, struct drill *d);         /* before the lab is opened */
void audit_before(struct audit *a, struct drill *d);        /* put that on record, once there is one */
void audit_after(struct audit *a, struct drill *d);         /* the phase `audit`, and the end of a */
