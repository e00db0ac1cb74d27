/* SPDX-License-Identifier: MIT */
/*
 * What the stores say they set aside when they followed another history: the other book, with which the write ledger is
 * compared.
 *
 * Called once, after the final reads. Owns its chain of the ledger while it runs. A store that keeps no such list, or
 * does not answer in time, is on record as one that did not tell.
 */
#pragma once
#include "harness/run/drill.h"

int set_aside_read(struct drill *d, struct err *e);
