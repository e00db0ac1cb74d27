/* SPDX-License-Identifier: MIT */
/*
 * The last hour: quiesce, list what every region has and what the gateways show, restart every store cold, list again;
 * last, ask each store what it set aside.
 *
 * Reads are made by a process in a client's namespace, never by the conductor, and go into the ledger.
 */
#pragma once
#include "harness/run/drill.h"

/* Stop all customers and wait until no write can be in flight any more. */
int final_quiesce(struct drill *d, struct err *e);
/* Both passes, then what the stores set aside. An incomplete read is recorded, not an error. */
int final_reads(struct drill *d, struct err *e);
