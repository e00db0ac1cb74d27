/* SPDX-License-Identifier: MIT */
/*
 * The world over time, as far as lanes do not tell it: what each link let through, and who served whom.
 *
 * Links come from the faults of the result and the steps of the plan that they were; flows from the samples, per
 * vantage and region in equal buckets. Made once per page from the same evidence as lanes and series. Owns its arrays.
 */
#pragma once
#include "harness/base/vec.h"
#include "reports/report.h"

enum link_state { LINK_WELL, LINK_IMPAIRED, LINK_ONE_WAY, LINK_CUT, LINK_STATES };
extern const char *const link_state_words[LINK_STATES];

struct link_span {
    double from_s, to_s;
    enum link_state state;
};

struct link_lane {
    bool hit;                      /* by some fault of the run */
    vec_of(struct link_span) spans; /* without gaps from 0 to the end of the run */
};

struct flow_cell {
    uint32_t intended, good;
};

struct world {
    struct link_lane *links; /* by link of the topology */
    size_t link_count;
    double width_s;          /* of a bucket, the first begins at 0 */
    size_t buckets, sites;
    struct flow_cell *asked; /* [bucket * sites + vantage] */
    uint32_t *served;        /* [(bucket * sites + vantage) * sites + region]; NULL where there are too many sites */
};

void world_make(struct world *w, const struct report_input *in, double end_s);
void world_deinit(struct world *w);

enum link_state world_link_at(const struct world *w, size_t link, double at_s);
/* Of the requests that the vantage planned in the bucket, the share that the region answered well; NAN without any. */
double world_share(const struct world *w, size_t bucket, uint16_t vantage, uint16_t region);
double world_good(const struct world *w, size_t bucket, uint16_t vantage);
size_t world_bucket(const struct world *w, double at_s);
