/* SPDX-License-Identifier: MIT */
/*
 * The least that each stage could cost on the same data: what bench-sim sets its times in relation to.
 */
#pragma once
#include "bench/bench.h"
#include "harness/evidence/evidence_read.h"

/* Read the evidence files of the run and hash them. Returns ms, *bytes how much it was. */
double floor_read_ms(const char *run_path, int64_t *bytes, struct err *e); /* negative: failed */
/* Copy the samples and sort them by latency, once. */
double floor_sort_ms(const struct evidence *ev);
/* Write the finished reports of the run again, as plain files, each flushed and renamed as a report is. */
double floor_write_ms(const char *run_path, const char *into, int64_t *bytes, struct err *e);
