/* SPDX-License-Identifier: MIT */
/* What lag.c orders and lag_proof.c judges. Private to these two. */
#pragma once
#include "injectors/injector.h"

#define LAG_NODES_MAX 128
#define LAG_HISTORY 256

struct lag_state;

/* One node in a round of looks. */
struct lag_look {
    struct lag_state *state;
    uint16_t node;
    bool carries; /* our slot is to be here */
    bool asking, told, leader;
    enum { SLOT_UNKNOWN, SLOT_NONE, SLOT_OURS, SLOT_OTHER } slot; /* OTHER: there, and not as asked */
    bool late;        /* by any fault, as the leader says of a follower or a gateway of itself */
    int status;
    int64_t at_ns;    /* end of the answer, run time */
    int64_t lsn;      /* stores */
    int64_t age_ms;   /* gateways: of their desired state; -1 they do not say */
    int64_t frames, damaged, doubled, noticed; /* sent to the region by this one; found wrong by this one */
};

/* What the leader had stored at an instant. */
struct lag_moment {
    int64_t at_ns, lsn;
};

/* One heap block, since the conductor frees it as one. */
struct lag_state {
    const struct injection *in;
    bool open, healed;     /* a round is asked and not judged; for the heal */
    bool seen;             /* the effect was seen at least once */
    bool based;            /* the next two are set */
    int64_t base_lsn, base_noticed;
    uint16_t leader;       /* of the history */
    size_t moments;        /* in the history, oldest first */
    struct lag_moment history[LAG_HISTORY];
    size_t n;
    struct lag_look at[LAG_NODES_MAX];
};

static inline struct lag_state *lag_state_of(const struct injection *in)
{
    return (struct lag_state *)(void *)in->state;
}

bool lag_asking(const struct lag_state *s);
void lag_look_clear(struct lag_look *l);
void lag_take_status(void *look, const struct lab_answer *answer);
/* A round is complete and everyone is told: is it seen, too? */
enum proof lag_judge(struct injection *in, struct lag_state *s);
enum proof lag_judge_healed(struct injection *in, struct lag_state *s);
