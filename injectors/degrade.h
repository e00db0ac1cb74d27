/* SPDX-License-Identifier: MIT */
/* What the two halves of degrade share: degrade.c, and degrade_rate.c for its trains. Private to this room. */
#pragma once
#include "injectors/link.h"

struct degrade_path {
    bool seen, rate_shown;
    int64_t since_ns;      /* from then on all faults together have wanted of it what they want now */
    struct path_state wanted;
};

/* What has been shown once: later looks read back, and canaries are thin again. */
struct degrade_state {
    bool shown;
    char rate_words[80]; /* what trains have shown */
    struct degrade_path at[INJECTION_CANARIES_MAX];
};
struct degrade_state *degrade_state_of(struct injection *in);

double degrade_lost_share(const struct path_state *s); /* lost or damaged */

/* The rate on the path of canary i, where w is in force. */
enum proof degrade_judge_rate(struct injection *in, size_t i, const struct path_state *w);
/* Healed: a train comes faster than the rate was, unless others want one. */
enum proof degrade_runs_free(struct injection *in);
int64_t degrade_trains_ns(int64_t rate_bps); /* that its trains take, one after the other */
