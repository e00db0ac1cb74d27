/* SPDX-License-Identifier: MIT */
/*
 * Is a ledger whole? Every CRC, every chain, every sequence, from its first record to the first that is wrong.
 *
 * Pure: records in, a judgement out. Used by ledger_load.c.
 */
#pragma once
#include "harness/evidence/ledger.h"

struct ledger_check;

/* 0: a header of ours stands first; -1: this is no ledger of this version. */
int ledger_check_header(const struct ledger_record *header);

struct ledger_check *ledger_check_new(void);
void ledger_check_free(struct ledger_check *c); /* NULL is fine */
/* Take the next record of the file. NULL: it is sound; else why not, and the check is over. */
const char *ledger_check_next(struct ledger_check *c, const struct ledger_record *r, const struct ledger_found *found);
/* SHA-256 over the last sound record of each chain, by chain number. */
void ledger_check_fingerprint(const struct ledger_check *c, char out[65]);
