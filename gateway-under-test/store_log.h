/* SPDX-License-Identifier: MIT */
/*
 * The append-only log file of a store: DIR/orders.log.
 *
 * Called by store.c and store_write.c. Owns the descriptor and the ends of the entries. When append returns, the
 * entries are in the page cache of the kernel and survive the death of the process (durability "os"); when force
 * returns, they are on the medium and survive a loss of power, too (durability "disk"). The status of a store names
 * what it promises.
 */
#pragma once
#include "gateway-under-test/record.h"
#include "harness/base/vec.h"

#include <stdbool.h>

struct err;
struct text;

struct store_log {
    int fd;
    char path[512], dir[448];
    int64_t size;         /* bytes of whole entries */
    vec_of(int64_t) ends; /* ends.at[lsn - 1]: offset behind entry lsn */
    bool named;           /* the file's name is on the medium, too */
};

/* Open or create. Every good entry is given to `each`; what follows the last good one is cut off (*cut bytes). */
int store_log_open(struct store_log *l, const char *dir, void (*each)(void *ctx, const struct record *r), void *ctx,
                   int64_t *cut, struct err *e);
/* All or nothing: after a failure the file is as before. bytes hold `count` encoded entries that follow the last. */
int store_log_append(struct store_log *l, const struct text *bytes, const int64_t *lengths, size_t count,
                     struct err *e);
/* Onto the medium. On failure the entries after lsn keep are taken back, and may yet be found after a loss of power. */
int store_log_force(struct store_log *l, int64_t keep, struct err *e);
/* Move the entries after lsn keep to DIR/lost-<epoch>.log (appending), then cut them off. */
int store_log_cut(struct store_log *l, int64_t keep, int64_t epoch, struct err *e);
/* The records in the lost logs of the directory, in the order of the epochs and of the cuts. A log is believed as far
 * as its CRCs hold. */
void store_log_each_lost(const struct store_log *l, void (*each)(void *ctx, const struct record *r), void *ctx);
void store_log_close(struct store_log *l);
