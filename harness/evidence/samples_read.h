/* SPDX-License-Identifier: MIT */
/*
 * samples.bin into struct evidence. Called by evidence_load and evidence_skim; the timeline must have been read (it has
 * the seal).
 */
#pragma once
#include "harness/evidence/evidence_read.h"

/* brief: requests become briefs, in the order of the file; else samples, by planned send. */
int samples_load(struct evidence *ev, bool brief, struct err *e);
