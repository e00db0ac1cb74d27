/* SPDX-License-Identifier: MIT */
/*
 * A page of operations goes on record: what is ours as findings, what nobody of ours can have written as a stranger.
 *
 * Called by whoever lists a store: the final reads and the conductor. Owns nothing.
 */
#pragma once
#include "harness/load/read_content.h"

#include <stdbool.h>

struct ledger_record;
struct ledger_writer;

/* like says of which read: number, region, pass, instant. Each op is added to content. *whole: all of them were ops;
 * what stood before one that was not is on record. -1: the ledger failed. */
int ops_record(struct ledger_writer *w, const struct ledger_record *like, const struct ops_page *p,
               struct read_content *content, const char *at, bool *whole, struct err *e);
/* Last page: does what was read add up to what it announces? None has a digest: nothing may be there. */
bool ops_record_is_whole(const struct read_content *content, const struct ops_page *last);
