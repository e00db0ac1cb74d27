/* SPDX-License-Identifier: MIT */
/*
 * How often a limited subject may call, in this gateway.
 *
 * Owned by struct callers (identity.h). One bucket per limited subject of the running configuration; what is in it
 * outlives a new configuration. Invariant: limit_admit never waits: in shared mode requests are granted in advance.
 */
#pragma once
#include "gateway-under-test/limit_book.h"
#include "gateway-under-test/upstream.h"

#include <stdbool.h>

struct gateway;
struct table;

struct allowance {
    char subject[LIMIT_NAME];
    double tokens;
    int64_t filled_at; /* 0: not asked for yet */
    int64_t demand;    /* requests since the leader was asked last */
};

struct limiter {
    struct gateway *gateway;
    struct loop_timer timer;
    struct call call;
    struct table *asked; /* whose member is asked: kept meanwhile */
    int64_t granted_at;  /* when the leader answered last; 0: never */
    vec_of(struct allowance) allowances;
};

void limiter_open(struct limiter *l, struct gateway *g);
void limiter_close(struct limiter *l);
/* May it? One of it is then spent. */
bool limit_admit(struct limiter *l, const char *subject, int64_t now);
bool limiter_alone(const struct limiter *l, int64_t now); /* shared, and no leader has answered for a while */
