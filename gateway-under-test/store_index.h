/* SPDX-License-Identifier: MIT */
/*
 * What the log says, in memory: every record by LSN, the newest per key, the one with an idempotency key, the op ids in
 * bytewise order (for the digest), the LSN at which each epoch begins. Revocations are records among the others and no
 * orders: they stand in a list of their own and in none of the maps.
 *
 * Called by store.c and the files that read it. Owns its memory. Invariant: equal logs give equal indexes, whatever
 * the way there (replay at start, writes, replication, a cut).
 */
#pragma once
#include "gateway-under-test/record.h"
#include "harness/base/json.h"
#include "harness/base/vec.h"

struct lsn_map { /* open addressing; 0 is an empty slot */
    int64_t *slots;
    size_t cap, len;
    size_t field; /* offset of the text in struct record */
};

struct boundary {
    int64_t epoch, first_lsn;
};

struct store_index {
    vec_of(struct record) records;
    struct lsn_map by_key, by_idem;
    vec_of(int64_t) sorted; /* LSNs of orders by their op ids; brought up to date when asked for */
    size_t looked_at;       /* so many records have been, for that */
    vec_of(struct boundary) boundaries;
    vec_of(int64_t) revocations; /* LSNs */
};

void index_init(struct store_index *x);
void index_deinit(struct store_index *x);
/* Append; sets the version. The LSN must be the next. The result is borrowed until the next add or cut. */
struct record *index_add(struct store_index *x, const struct record *r);
void index_cut(struct store_index *x, int64_t keep); /* forget what comes after lsn keep */
int64_t index_last(const struct store_index *x);
int64_t index_orders(const struct store_index *x); /* how many of the records are orders */
const struct record *index_at(const struct store_index *x, int64_t lsn);         /* NULL outside 1 to last */
const struct record *index_by_key(const struct store_index *x, const char *key); /* the newest; NULL */
const struct record *index_by_idem(const struct store_index *x, const char *idem);
const struct record *index_revocation(const struct store_index *x, const char *subject); /* NULL: none */
int64_t index_last_revocation(const struct store_index *x);                             /* its LSN; 0: none */
/* SHA-256 of the sorted op ids, each with a newline. */
void index_digest(struct store_index *x, char out[SHA256_HEX]);

/* The last LSN up to which two logs agree, given their epoch boundaries and last LSNs. */
int64_t index_common(const struct boundary *a, size_t a_count, int64_t a_last, const struct boundary *b, size_t b_count,
                     int64_t b_last);
