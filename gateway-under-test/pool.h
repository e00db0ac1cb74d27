/* SPDX-License-Identifier: MIT */
/*
 * Pools of upstream members with what is known about them, and the table that holds pools and routes of one
 * configuration.
 *
 * A struct table is made whole from a configuration document and swapped whole. Requests under way hold a reference,
 * so that an old table lives until its last request is answered; its checks stop when it is retired. Health is kept
 * across a swap for members with the same address and check.
 */
#pragma once
#include "gateway-under-test/breaker.h"
#include "gateway-under-test/config.h"
#include "gateway-under-test/upstream.h"

struct exchange;
struct node;
struct pool;
struct text;

enum health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

struct member {
    const struct config_member *cfg;
    struct pool *pool;
    struct upstream up;
    enum health health;
    int good_run, bad_run; /* of active checks */
    int failures;          /* of requests, in a row */
    int ejections;         /* by which the next one is longer */
    int64_t ejected_until, calm_since;
    struct breaker breaker;
    size_t region;         /* index in the pool's regions */
    uint64_t hash;         /* of its name */
    int credit;            /* of smooth weighted turns */
    struct upstream probe; /* where checks go */
    struct call check;
    struct loop_timer check_timer;
};

struct pool {
    const struct config_pool *cfg;
    struct table *table;
    struct member *members;
    size_t count;
    const char *leader_region; /* of cfg->regions; NULL while unknown */
    int64_t leader_epoch;
    unsigned turn; /* round robin */
    double owed;   /* requests that should have gone beyond the first region and have not yet */
};

struct route {
    const struct config_route *cfg;
    double tokens; /* of the rate limit */
    int64_t filled_at;
};

struct table {
    struct node *node;
    struct config *config; /* its own, parsed from the node's document */
    int refs;
    struct pool *pools;
    struct route *routes;
};

int table_new(struct node *n, json_t *doc, const struct table *inherit, struct table **out, struct err *e);
void table_ref(struct table *t);
void table_unref(struct table *t);
void table_start_checks(struct table *t);
void table_retire(struct table *t); /* stop the checks and drop the owner's reference */

bool member_usable(const struct member *m, int64_t now); /* not down, not ejected, its breaker lets it */
void member_set_health(struct member *m, enum health health);
bool pool_ready(const struct pool *p); /* some member is known to be up */
int64_t table_epoch(const struct table *t); /* the highest that is known of any pool's leader */
/* Someone who knows says that this region leads since this epoch, or that it does not. */
void pool_learn_leader(struct pool *p, const char *region, size_t len, int64_t epoch);
void pool_learn_follower(struct pool *p, const char *region, int64_t epoch);
bool member_leads(const struct member *m);

/* passive.c: an attempt at a member */
void member_begins(struct member *m);
void member_ended(struct member *m, enum attempt_end end);
void member_left(struct member *m); /* we gave the attempt up because the member was found down */

/* check.c */
void check_start(struct member *m);
void check_stop(struct member *m);

/* balance.c: what one request has tried so far, and for whom it is */
enum tried { TRIED_NOT, TRIED_NOT_LEADER, TRIED_AWAY, TRIED_FAILED };
#define POOL_MEMBERS_MAX CONFIG_LIST_MAX
struct asking {
    unsigned char tried[POOL_MEMBERS_MAX];
    bool is_read;
    bool again;    /* not its first attempt */
    uint64_t user; /* hashed; only ip_hash looks at it */
};
struct member *balance_pick(struct pool *p, const struct asking *a);
bool balance_again(struct pool *p, struct asking *a); /* a new round; false: nothing to try */
bool balance_refuses(const struct pool *p);           /* in panic, and told to fail fast */
uint64_t balance_hash(const void *bytes, size_t len);
uint64_t balance_user(const struct config_pool *cfg, const struct exchange *x);

/* route.c */
struct route *route_find(struct table *t, struct http_span host, struct http_span path, struct http_span method);
/* Those that a route would take for this host and path, as in Allow; empty: none does, or all would be taken. */
void route_methods(struct table *t, struct http_span host, struct http_span path, struct text *out);
bool route_admit(struct route *r, int64_t now); /* the rate limit */
