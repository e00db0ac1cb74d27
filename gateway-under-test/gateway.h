/* SPDX-License-Identifier: MIT */
/*
 * The role gateway: routes, pools, a proxy with retries, drift. Hangs on a node (node->self) and owns its table.
 */
#pragma once
#include "gateway-under-test/access_log.h"
#include "gateway-under-test/alerts.h"
#include "gateway-under-test/budget.h"
#include "gateway-under-test/desired.h"
#include "gateway-under-test/identity.h"
#include "gateway-under-test/pool.h"

struct node;
struct exchange;
struct proxied;

struct drift {
    struct node *node;
    struct loop_timer timer;
    struct desired desired;
    enum { FILE_OK, FILE_MISSING, FILE_UNREADABLE, FILE_BROKEN } file;
    char effective[SHA256_HEX], of_file[SHA256_HEX]; /* hashed at the last look; of_file empty: it says nothing */
    bool present;
    int64_t since;
};

struct gateway {
    struct node *node;
    struct table *table;
    struct drift drift;
    struct retry_budget budget;
    LIST_HEAD(, proxied) proxied; /* requests that proxy.c has and has not yet answered */
    int in_flight;                /* their number */
    struct callers callers;
    struct alerts alerts;
    struct access_log access_log;
    struct text signature; /* what it says of itself in every answer, up to the attempts */
    int64_t writes; /* seen by the flaw duplicate_on_retry */
};

/* proxy.c: pass a request on; answers it exactly once, at most total_ms later. */
void proxy_start(struct gateway *g, struct exchange *x, struct route *route);
void proxy_close(struct gateway *g); /* forget them all, unanswered */

/* drift.c: compare, report and repair. */
int drift_open(struct drift *d, struct node *n, struct err *e);
void drift_close(struct drift *d);
void drift_status(const struct drift *d, json_t *into);
bool drift_keeps_out(const struct drift *d);    /* quarantine: drifted, so not ready */
bool drift_out_of_touch(const struct drift *d); /* no word from the control plane for too long, and told to refuse then */
