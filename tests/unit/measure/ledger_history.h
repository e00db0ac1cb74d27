/* SPDX-License-Identifier: MIT */
/*
 * Random histories of a ledger, for the test that computes its sets a second way: what was written, what became of it,
 * and what each reading of each source found.
 */
#pragma once
#include "harness/base/rng.h"
#include "harness/evidence/sample.h"

#include <stdbool.h>
#include <stdint.h>

enum { WRITES = 60, WRITERS = 2, KEYS = 8, SOURCES = 6, READINGS = 24, MOST = 96, FAULTS = 2 };
#define NO_HEAL (-1.0)

struct item { /* that a reading found */
    bool alien;
    uint16_t client, key;
    uint64_t seq, value;
    uint32_t version;
};

struct reading {
    int source;
    bool complete; /* as its end says */
    int announced, n;
    struct item at[MOST];
};

struct history {
    double inv[WRITES], ack[WRITES];
    bool silent[WRITES]; /* no result is on record: unknown */
    enum write_outcome outcome[WRITES];
    uint32_t epoch[WRITES];
    struct reading readings[READINGS];
    int reading_count;
    double ib[FAULTS], ie[FAULTS], hb[FAULTS];
    bool severing[FAULTS];
};

/* The value that write i puts, and how a store that made no mistake has it. */
uint64_t history_value(int i);
struct item history_item(int i);
void history_dream(struct history *h, struct rng *r);
