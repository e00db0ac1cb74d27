/* SPDX-License-Identifier: MIT */
/*
 * A small whole run on disk, for the tests of the read side: what is in it is known by construction.
 */
#pragma once
#include "harness/evidence/evidence_read.h"

enum {
    STORY_EVENTS = 5,
    STORY_REQUESTS = 40,
    STORY_STALLS = 2,
    STORY_SWITCHES = 2,
    STORY_WRITES = 20,
    STORY_FOUND = 6
};
/* Ledger: two write chains of STORY_WRITES intents and results each, interleaved, then one read chain. */
enum { STORY_LEDGER = 4 * STORY_WRITES + STORY_FOUND + 2 };

/* Write timeline.jsonl, samples.bin and ledger.bin into the directory. */
void story_write(const char *path);
void story_write_timeline(const char *path);
void story_write_samples(const char *path);
void story_write_ledger(const char *path);
/* Load; it must work. */
struct evidence *story_load(const char *path);
