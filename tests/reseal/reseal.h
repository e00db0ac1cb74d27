/* SPDX-License-Identifier: MIT */
/*
 * Evidence that was changed by hand or by chance, made to prove itself again: CRCs, hashes, numbers, page digests. For
 * tests that want to get past the checks of the reader, to what uses the numbers; and the program `reseal` for kept
 * runs.
 */
#pragma once
#include "harness/base/text.h"

/* Each line of a timeline gets the CRC it should have; one that is no JSON object stays as it is. */
void reseal_timeline(struct text *out, const char *text, size_t len);
/* All whole records of samples.bin or ledger.bin, header included, in place. */
void reseal_samples(void *bytes, size_t len);
void reseal_ledger(void *bytes, size_t len);
