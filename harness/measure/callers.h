/* SPDX-License-Identifier: MIT */
/* What callers got whose keys were revoked or limited, from the patrols' side. */
#pragma once
#include "harness/measure/study.h"

struct caller_finding {
    const char *blind; /* why nothing is known, NULL */
    const char *bar;   /* why it may not be met, NULL */
};

struct revoked {
    struct caller_finding found;
    int64_t lo_ns, hi_ns;       /* hi NS_OPEN: it was not refused for good */
    int64_t interval_ns;        /* between two requests at one gateway */
    const struct event *order;  /* the revocation, NULL */
    const char *gateway;        /* the last to let it in, NULL none */
};
void revoked_measure(const struct study *s, struct revoked *out);

struct overshoot {
    struct caller_finding found;
    double lo, hi;  /* share beyond the limit */
    double offered; /* the same of what was sent */
};
void overshoot_measure(const struct study *s, struct overshoot *out);
