/* SPDX-License-Identifier: MIT */
/*
 * The role origin: the orders API on a store of its own, or passed on to the store of its region.
 */
#pragma once
#include "gateway-under-test/backup.h"
#include "gateway-under-test/capacity.h"
#include "gateway-under-test/limit_book.h"
#include "gateway-under-test/misbehave.h"
#include "gateway-under-test/probes.h"
#include "gateway-under-test/scaling.h"
#include "gateway-under-test/store.h"

struct node;
struct passing;

struct passer { /* an origin without a store */
    struct node *node;
    LIST_HEAD(passed_on, passing) passing; /* what it has passed on and not yet answered */
    struct upstream store;
    struct call check;
    struct loop_timer timer;
    bool reachable, leads; /* as its last health answer said */
    int64_t epoch;
};

struct origin {
    struct store *store; /* one of the two */
    struct passer *passer;
    struct probes probes;
    struct misbehave misbehave;
    struct capacity capacity;
    struct scaling scaling;
    struct limit_book limits;
    struct backup backup;
    struct recalled recalled;
};

/* On what a store's origin is asked by another one of its region: it has been counted there. */
#define PASSED_FIELD "x-dr-passed"

void passer_open(struct passer *p, struct node *n);
void passer_close(struct passer *p);
void passer_handle(struct passer *p, struct exchange *x);
void passer_deep(struct passer *p, struct exchange *x); /* is the store well? */

/* store_status.c */
void store_status(struct store *s, json_t *into);
void store_gauges(const struct store *s, struct text *out);
