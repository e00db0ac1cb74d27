/* SPDX-License-Identifier: MIT */
/*
 * Truth and measurement of one scripted outage, and what is accepted (docs/measuring.md, "Self-test"). Pure arithmetic.
 *
 * Everything in ns. The truth is an interval itself, as wide as the server's two readings of the clock are apart.
 */
#pragma once
#include "harness/measure/result.h"
#include "harness/selftest/outage_server.h"
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_READ_NS INT64_C(2000000) /* allowed for the server's own reading of the clock */

/* What was seen of one outage; plain data, so that it can be sent through a pipe. */
struct outage_record {
    enum outage_mode mode;
    bool never;                          /* it was not to come back while it was watched */
    int64_t gap_ns, timeout_ns;
    int64_t truth_lo_ns, truth_hi_ns;    /* first change to the last back, by the server's clock */
    int64_t down_ns;                     /* sum of the phases it was out */
    int64_t down_phases;
    int64_t lower_ns, upper_ns, loss_ns; /* RTO ends (upper INT64_MAX: open), full-outage equivalent */
    bool recovered_never;                /* recovered_by is never */
    enum verdict verdict;                /* of the rto objective */
    int64_t injection_ns;                /* u_inj */
    int64_t service_ns;                  /* of the first good request, from when it could be served */
    int64_t client_late_ns, server_late_ns;
    bool valid;                          /* no gate of the drill tripped */
    char why[160];                       /* the gate's words when one did */
    struct {
        int64_t open_bad, open_all, closed_bad, closed_all; /* requests between the fault and the end */
        int64_t span_ns;
    } beside; /* the closed loop on the same outage; reaches no verdict */
    struct {
        bool watched, damaged;
        int64_t lower_ns, upper_ns, late_ns; /* RTO ends (upper INT64_MAX: open); sigma of its own */
    } second; /* what the second prober says, where it looked on */
};

struct acceptance {
    bool inside;                                    /* the truth lies in the RTO interval */
    int64_t excess_ns, excess_allowed_ns;           /* upper end over the truth */
    int64_t slack_ns, slack_allowed_ns;             /* truth over the lower end */
    int64_t loss_error_ns, loss_short_ns, loss_long_ns; /* error of the equivalent, and how far it may be off */
    bool second_inside;                             /* the truth lies in the second prober's interval, too */
    int64_t apart_ns, apart_allowed_ns;             /* the upper ends of both; lower ends where both are open */
    bool confirmed;                                 /* by the second prober; true where it did not look on */
    bool accepted;
};

void acceptance_of(const struct outage_record *r, struct acceptance *a);
