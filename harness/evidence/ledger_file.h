/* SPDX-License-Identifier: MIT */
/*
 * ledger.bin into struct evidence. Called by evidence_load.
 */
#pragma once
#include "harness/evidence/evidence_read.h"

struct ledger_file;

/* Fills ledger*, has_ledger; the timeline must have been read (it has the seal). */
int ledger_load(struct evidence *ev, struct err *e);
void ledger_file_free(struct ledger_file *f); /* NULL is fine */
