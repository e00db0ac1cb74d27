/* SPDX-License-Identifier: MIT */
/*
 * Is a ledger whole? Every CRC, every chain, every sequence, from its first record to the first that is wrong.
 *
 * Called by evidence_load. Pure: bytes in, a judgement out.
 */
#pragma once
#include "harness/evidence/ledger.h"
#include <stddef.h>

struct arena;

struct ledger_judgement {
    size_t sound;          /* records up to the first damage, the header not counted */
    const char *damage;    /* NULL: whole; in the arena */
    char chain_sha256[65]; /* over the last sound record of each chain, by chain number */
};

/* 0: a header of ours stands first; -1: this is no ledger of this version. */
int ledger_check_header(const struct ledger_record *header);
/* records: without the header; torn: bytes left over after the last whole record. */
void ledger_check(const struct ledger_record *records, size_t count, size_t torn, struct arena *a,
                  struct ledger_judgement *out);
