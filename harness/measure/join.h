/* SPDX-License-Identifier: MIT */
/*
 * The ledger joined: one row per write, what became of it and where it was found (measurement section 9).
 *
 * A final read is a source (a region, or the gateway) and a pass; it counts once two whole readings of it in a row
 * agree, and then its last reading speaks for it. What stays is in the study's arena.
 */
#pragma once
#include "harness/measure/study.h"

/* There may be a million of them: 64 bytes. */
struct write {
    uint64_t id;           /* client * 2^32 + seq */
    uint64_t value, lsn;
    int64_t inv_ns, ack_ns; /* ack_ns: NS_NONE unless acknowledged */
    uint32_t version, epoch;
    uint32_t found_version; /* under which version some read found it first; 0 none */
    uint16_t found_key;
    uint16_t key, client, region;
    uint16_t in_reads;     /* how many of the final reads have it, with the right checksum */
    uint8_t outcome;       /* enum write_outcome; an intent without a result is unknown */
    bool resolved : 1;     /* it has a result */
    bool anywhere : 1;     /* R: some read, final or not, found it */
    bool everywhere : 1;   /* F: every final read has it */
    bool twice : 1, corrupt : 1;
    bool placed : 1;       /* a final read that speaks found it at found_key, found_version */
    bool aside : 1;        /* S: some store says that it set it aside, as it was written */
};
_Static_assert(sizeof(struct write) == 64, "memory per write");

struct final_read {
    uint16_t region;       /* UINT16_MAX: through the gateway */
    uint8_t pass;
    uint32_t number;       /* of the reading that speaks for it; 0: no two whole readings agreed */
};

/* What the stores told about what they set aside. */
struct set_aside {
    uint16_t *sites;       /* of the stores that told all */
    size_t told;
    bool all_told;         /* every store did, and its log was read, too */
    size_t stranger_count; /* ops in their lists that are no write of ours, or not as it was sent */
};

/* Writes of one client: rows of `writes`, by id. */
struct client_writes {
    uint16_t client;
    uint32_t *at;
    size_t len, cap;
};

struct ledger_view {
    struct write *writes;  /* in the order of their intents */
    size_t write_count;
    struct client_writes *clients;
    size_t client_count, client_cap;
    uint32_t *client_of;   /* by client number: index into clients plus 1, 0 none */
    size_t client_room;    /* numbers in client_of */
    struct write **acked;  /* outcome ok, by ack_ns */
    size_t acked_count;
    struct final_read *reads;
    size_t read_count;
    bool complete;         /* every required final read is there */
    const char *missing;   /* why not, NULL if complete */
    const char *broken;    /* a contradiction in the records (gate G3), NULL if none */
    size_t foreign_count, conflicting_count;
    struct set_aside set_aside;
};

void ledger_join(const struct study *s, struct ledger_view *l);
struct write *ledger_find(const struct ledger_view *l, uint64_t id); /* NULL */

/* The parts of the join that concern final reads. Which readings there are and which of them speak: */
struct readings;
struct readings *readings_new(const struct study *s);
size_t readings_note(struct readings *all, const struct ledger_record *r); /* its number from 0, NO_INDEX: of none */
size_t readings_count(const struct readings *all);
size_t readings_index(struct readings *all, uint32_t number);
bool readings_speak(const struct readings *all, uint16_t region, uint8_t pass); /* two whole ones in a row agree */
void final_reads_choose(const struct study *s, struct ledger_view *l, struct readings *all);
/* And what they found: taken entry by entry in the pass over the ledger, settled when it is known which speak. */
struct findings;
struct findings *findings_new(const struct study *s, struct ledger_view *l, size_t room);
void findings_take(struct findings *f, const struct ledger_record *r, size_t reading);
void findings_settle(struct findings *f, struct readings *all); /* the end of f */
size_t ids_distinct(uint64_t *at, size_t n); /* how many different ones; sorts them */

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
