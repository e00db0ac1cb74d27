/* SPDX-License-Identifier: MIT */
/*
 * The ledger joined: one row per write, what became of it and where it was found (measurement section 9).
 *
 * A final read is a source (a region, or the gateway) and a pass; it counts once two whole readings of it in a row agree,
 * and then its last reading speaks for it. All memory is the study's arena.
 */
#pragma once
#include "harness/measure/study.h"

struct write {
    uint64_t id;           /* client * 2^32 + seq */
    uint8_t outcome;       /* enum write_outcome; an intent without a result is unknown */
    uint16_t key, client, region;
    uint32_t version, epoch;
    uint64_t value, lsn;
    int64_t inv_ns, ack_ns; /* ack_ns: NS_NONE unless acknowledged */
    uint32_t in_reads;     /* how many of the final reads have it, with the right checksum */
    bool anywhere;         /* R: some read, final or not, found it */
    bool everywhere;       /* F: every final read has it */
    bool twice, corrupt;
};

struct final_read {
    uint16_t region;       /* UINT16_MAX: through the gateway */
    uint8_t pass;
    uint32_t number;       /* of the reading that speaks for it; 0: no two whole readings agreed */
};

struct ledger_view {
    struct write *writes;  /* by id */
    size_t write_count;
    struct write **acked;  /* outcome ok, by ack_ns */
    size_t acked_count;
    struct final_read *reads;
    size_t read_count;
    bool complete;         /* every required final read is there */
    const char *missing;   /* why not, NULL if complete */
    const char *broken;    /* a contradiction in the records (gate G3), NULL if none */
    size_t foreign_count, conflicting_count;
};

void ledger_join(const struct study *s, struct ledger_view *l);
struct write *ledger_find(const struct ledger_view *l, uint64_t id); /* NULL */

/* The two halves of the join that concern final reads: which readings speak, and what they say. */
void final_reads_choose(const struct study *s, struct ledger_view *l);
void final_reads_take(const struct study *s, struct ledger_view *l);

static inline uint64_t ledger_id(const struct ledger_record *r)
{
    return ((uint64_t)r->client << 32) + r->seq;
}
static inline bool write_lost(const struct write *w)
{
    return w->outcome == WRITE_OK && !w->everywhere;
}
static inline bool write_survived(const struct write *w)
{
    return w->outcome == WRITE_OK && w->everywhere;
}
