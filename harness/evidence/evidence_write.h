/* SPDX-License-Identifier: MIT */
/*
 * The write side of the evidence: run directories, the timeline, sample and ledger appenders. It cannot read.
 *
 * The conductor opens the run directory and the timeline; every load worker opens its own appenders on the same files
 * (O_APPEND, whole records). Failures are sticky: after the first one every later call fails with the same error, and
 * whoever owns the writer must make the run inconclusive.
 */
#pragma once
#include "harness/evidence/crc32c.h"
#include "harness/evidence/event.h"
#include "harness/evidence/ledger.h"
#include "harness/evidence/sample.h"
#include <stdbool.h>
#include <stddef.h>

struct err;

/* Make <output>/<scenario>-<compact UTC>[-N]/ with nodes/ inside and set <output>/latest. *path is heap. */
int rundir_create(const char *output, const char *scenario, int64_t wall_ns, char **path, struct err *e);
/* manifest.sha256 over every regular file of the run directory (sorted, itself excluded), sha256sum -c format. */
int rundir_manifest(const char *path, struct err *e);

struct timeline;
int timeline_open(struct timeline **t, const char *run_path, struct err *e);
/* Append one event; seq is given by the timeline and returned in *seq when not NULL. data is borrowed. */
int timeline_add(struct timeline *t, const struct event *ev, int64_t *seq, struct err *e);
void timeline_close(struct timeline *t); /* flushes; NULL is fine */

struct sample_writer;
/* create: writes the header record (the conductor does it once, before workers start). */
int samples_create(const char *run_path, const char *scenario_sha256, int64_t zero_wall_ns, struct err *e);
int samples_open(struct sample_writer **w, const char *run_path, struct err *e);
void samples_add(struct sample_writer *w, const struct sample *s); /* buffered; see samples_flush */
int samples_flush(struct sample_writer *w, struct err *e);         /* every 100 ms or so, and at the end */
void samples_close(struct sample_writer *w);

struct ledger_writer;
int ledger_create(const char *run_path, int64_t zero_wall_ns, struct err *e);
/* One chain per writer; chain is a client number or LEDGER_CHAIN_READ + reader. */
int ledger_open(struct ledger_writer **w, const char *run_path, uint16_t chain, struct err *e);
/* Fills chain, number, previous and crc; appended with one write(2) before it returns. */
int ledger_add(struct ledger_writer *w, struct ledger_record *r, struct err *e);
/* What a final read found, as pages that share the members of r (read, region, pass, instant); n = 0 is nothing. */
int ledger_add_page(struct ledger_writer *w, const struct ledger_record *r, const struct ledger_found *at, size_t n,
                    struct err *e);
int ledger_sync(struct ledger_writer *w, struct err *e); /* fdatasync(2) */
void ledger_close(struct ledger_writer *w);
