/* SPDX-License-Identifier: MIT */
/*
 * Backups by 3-2-1 of the store in an origin: the live log, a copy on a second medium (a folder that is not on the
 * node's disk), a copy on the medium of another region.
 *
 * Owned by origin.c. Who leads adds every every_ms what is new to its own copy and sends it on to the other regions'
 * origins, which put it on their media under this region's name; a region that follows makes none of its own. Each
 * leadership begins a new chain, which counts only once it has the whole log. In front of a store that starts,
 * backup_recall makes its log of the newest good copy on its medium, when asked to.
 */
#pragma once
#include "gateway-under-test/backup_write.h"
#include "gateway-under-test/config.h"
#include "gateway-under-test/upstream.h"

struct backup;
struct exchange;
struct node;
struct store;
struct text;

struct backup_peer {
    struct backup *backup;
    const struct config_peer *cfg;
    struct upstream up;
    struct call call;
    char chain[CHAIN_LEN + 1];   /* what the next two are about */
    int64_t sent, piece;         /* bytes that it has; of the piece under way, 0: that is the manifest */
    int64_t telling, told;       /* records of the manifest under way; of the last one it took */
};

struct backup {
    struct node *node;
    struct store *store; /* NULL: this origin has none and takes no part */
    const struct config_backup *cfg;
    struct loop_timer timer;
    int64_t begun_at; /* of the round under way */
    int64_t epoch;    /* of the leadership that the chain is about */
    struct chain chain;
    struct {
        json_t *manifest; /* NULL: nothing counts yet */
        int64_t bytes, records, at_ns; /* loop time */
    } in_force;
    struct backup_peer *peers;
    size_t peer_count;
};

/* What became of the wish to start from a backup. */
struct recalled {
    bool asked, whole;
    char region[64]; /* whose copy; empty: there was none with a sound record */
    int64_t records;
};

/* backup_restore.c: before the store is opened. -1 only if a copy was there and could not be written to the disk. */
int backup_recall(struct node *n, struct recalled *out, struct err *e);

int backup_open(struct backup *b, struct node *n, struct store *s, struct err *e);
void backup_close(struct backup *b);
void backup_adopt(struct backup *b, const struct config *next); /* after a reload, which changes nothing of it */
bool backup_handle(struct backup *b, struct exchange *x);       /* PUT /backups/...; false: not such a path */
json_t *backup_status(const struct backup *b, const struct recalled *r);
void backup_gauges(const struct backup *b, struct text *out);

/* backup_peer.c: to one other region, and from one */
void backup_peer_open(struct backup_peer *p, struct backup *b, const struct config_peer *cfg);
void backup_peer_close(struct backup_peer *p);
void backup_peer_go_on(struct backup_peer *p);
void backup_receive(struct backup *b, struct exchange *x);
