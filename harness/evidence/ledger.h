/* SPDX-License-Identifier: MIT */
/*
 * The records of ledger.bin: every write, before and after, and what the final reads found.
 *
 * Fixed size, little-endian. Each record carries a CRC-32C over itself and the SHA-256 of its predecessor *in the same
 * chain*; a chain is one appending process (a writer's client number, or LEDGER_CHAIN_READ + reader), so that several
 * processes append to one file with O_APPEND and each chain stays whole by itself. What a final read finds, a page of
 * up to a thousand ops at a time, stands behind one record that carries its hash: a million writes read back a dozen
 * times would else be two gigabytes to hash. Intent is on record before the first byte leaves. Instants are run time in
 * ns.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define LEDGER_MAGIC "DRLEDGR1"
#define LEDGER_SIZE 128
#define LEDGER_VERSION 2
#define LEDGER_CHAIN_READ 0x8000u
#define LEDGER_CHAIN_NONE UINT16_MAX /* the header's: it belongs to no chain */

enum ledger_kind {
    LEDGER_HEADER = 1,     /* first record: version, record size in seq, zero_wall_ns in count, magic in digest */
    LEDGER_INTENT = 2,     /* about to send: client, seq, key, value, t_inv */
    LEDGER_RESULT = 3,     /* what came of it: outcome, status, region, epoch, version, lsn, t_ack = at_ns */
    LEDGER_FOUND = 4,      /* a final read found this op: read number, client, seq, key, version, epoch, lsn, value.
                              On file they stand by the page behind a LEDGER_PAGE; ledger_scan_next hands them out one
                              by one */
    LEDGER_READ_BEGIN = 5, /* a final read begins: read number, region (UINT16_MAX: through the gateway), pass */
    LEDGER_READ_END = 6,   /* it ended: count = records announced by the store, outcome 1 complete, 0 not */
    LEDGER_FOREIGN = 7,    /* a final read found an op id that is not ours: hash of it in value */
    LEDGER_PAGE = 8,       /* a final read found `count` ops, one struct ledger_found each, behind this record */
    LEDGER_KINDS
};

/* Before and after the cold restart of every store; and last, no part of the final read: what each store says it set
 * aside when it followed another history. */
enum ledger_pass { PASS_LIVE = 1, PASS_COLD = 2, PASS_ASIDE = 3 };

struct ledger_record {
    uint8_t kind;    /* enum ledger_kind */
    uint8_t outcome; /* RESULT: enum write_outcome of sample.h; READ_END: 1 complete */
    uint16_t chain;
    uint32_t crc;    /* CRC-32C of the record with this field zero */
    uint64_t number; /* position in the chain, 0.. */
    int64_t at_ns;   /* INTENT: t_inv; RESULT: t_ack or end; others: when recorded */
    uint16_t client;
    uint16_t key;
    uint32_t version;
    uint64_t seq;
    uint64_t value;  /* digest of the value written or found */
    uint64_t lsn;
    uint32_t epoch;
    uint16_t region; /* RESULT: site that acknowledged; READ_*: site read, UINT16_MAX through the gateway */
    uint16_t status; /* HTTP; READ_END of PASS_ASIDE: of the last answer, 0 none */
    uint32_t read;   /* FOUND, READ_*: number of the final read, 1.. */
    uint8_t pass;    /* enum ledger_pass */
    uint8_t reserved[3];
    uint64_t count;  /* READ_END: ops announced; HEADER: zero_wall_ns */
    uint8_t digest[16]; /* PAGE: the first half of the SHA-256 of what stands behind it */
    uint8_t previous[32]; /* SHA-256 of the previous record of this chain; zeros for its first */
};
_Static_assert(sizeof(struct ledger_record) == LEDGER_SIZE, "ledger.bin has fixed records");

/* A finding on a page. Pages are filled up with zeros to a multiple of LEDGER_SIZE, so that records stay aligned. */
struct ledger_found {
    uint16_t client, key;
    uint32_t version, seq, epoch;
    uint64_t value, lsn;
};
_Static_assert(sizeof(struct ledger_found) == 32, "ledger.bin has fixed findings");

#define LEDGER_PAGE_MAX 1024 /* findings on a page */
#define LEDGER_PER_BLOCK (LEDGER_SIZE / sizeof(struct ledger_found))

/* Bytes that stand behind a record. */
static inline size_t ledger_behind(const struct ledger_record *r)
{
    if (r->kind != LEDGER_PAGE || r->count > LEDGER_PAGE_MAX) {
        return 0;
    }
    return ((size_t)r->count + LEDGER_PER_BLOCK - 1) / LEDGER_PER_BLOCK * LEDGER_SIZE;
}
