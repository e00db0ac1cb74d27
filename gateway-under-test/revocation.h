/* SPDX-License-Identifier: MIT */
/*
 * What a gateway knows about who is not to be believed any more, and how old that knowledge is.
 *
 * Owned by struct callers (identity.h). Asks the stores again and again and keeps the last list on disk. Invariant: the
 * list in force is the freshest that was ever heard, and its age is never told younger than it is.
 */
#pragma once
#include "gateway-under-test/upstream.h"

#include <jansson.h>
#include <stdbool.h>

#define REVOCATION_SUBJECT 24
#define REVOCATIONS_MAX 10000

struct gateway;
struct table;

struct revocation_list {
    char (*subjects)[REVOCATION_SUBJECT]; /* sorted */
    size_t count;
    int64_t lsn, age_ms; /* of the newest revocation in it; of the knowledge, -1: the store does not know itself */
};

/* The answer of a store; false: it is none, and out is empty. */
bool revocation_list_read(struct revocation_list *out, const char *body, size_t len);
void revocation_list_free(struct revocation_list *l);
bool revocation_listed(const struct revocation_list *l, const char *subject);

struct revocations {
    struct gateway *gateway;
    struct loop_timer timer;
    struct call call;
    struct table *asked; /* whose member is asked: kept meanwhile */
    int64_t asked_at;
    size_t turn; /* members that gave no good answer lately */
    struct revocation_list list;
    int64_t known_at; /* monotonic; 0: nothing was heard yet */
};

void revocations_open(struct revocations *r, struct gateway *g);
void revocations_close(struct revocations *r);
bool revocations_stale(const struct revocations *r, int64_t now);
json_t *revocations_status(const struct revocations *r, int64_t now); /* null where nothing is asked; new reference */
