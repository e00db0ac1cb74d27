/* SPDX-License-Identifier: MIT */
/*
 * The read side of the evidence: everything a run left, checked, in one arena. It cannot write.
 *
 * Used by measure, reports, analyze, export, and by the conductor for its baseline gate (sample_tail) and the seals in
 * its last line. Damage is not an error: what is whole up to the damage is loaded and `damage` says what is wrong, so
 * that the run can be judged inconclusive instead of not at all. A timeline or samples.bin that is not there at all, or
 * of another format version, is an error.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/evidence/cross.h"
#include "harness/evidence/event.h"
#include "harness/evidence/ledger.h"
#include "harness/evidence/sample.h"
#include <stdbool.h>
#include <stddef.h>

struct err;
struct ledger_file;

struct evidence {
    struct arena arena;
    const char *path;               /* the run directory */
    struct event *events;           /* by seq; [0] is the header */
    size_t event_count;
    struct sample *samples;         /* requests only, by planned_ns then stream; NULL after evidence_skim */
    struct sample_brief *briefs;    /* after evidence_skim: the same in brief, in no order; else NULL */
    size_t sample_count;            /* of either */
    struct sample *stalls;          /* SAMPLE_STALL, by planned_ns */
    size_t stall_count;
    struct sample *switches;        /* SAMPLE_SWITCH, by done_ns: a vantage changed its endpoint */
    size_t switch_count;
    struct sample *patrols;         /* SAMPLE_PATROL, by planned_ns then patrol */
    size_t patrol_count;
    bool has_ledger;
    const struct ledger_record *ledger; /* a small one in memory, in file order without the header; else NULL */
    struct ledger_file *ledger_file;    /* a large one; read either by ledger_scan */
    size_t ledger_count;                /* entries: findings counted one by one */
    size_t ledger_kinds[LEDGER_KINDS];  /* entries by kind */
    int64_t ledger_newest_ns;
    char ledger_chain_sha256[65];   /* SHA-256 over the last record of each chain, by chain number */
    bool has_cross;                 /* there is a crosscheck.csv */
    struct cross_record *cross;     /* requests of the second probers, by vantage then number */
    size_t cross_count;
    struct cross_record *cross_changes; /* endpoint changes of theirs, by vantage then number */
    size_t cross_change_count;
    char cross_scenario_sha256[65]; /* as its head says */
    const char *cross_damage;       /* NULL: whole, or neither there nor asked for */
    const char *timeline_damage, *samples_damage, *ledger_damage, *plan_damage; /* NULL: whole */
    struct json_holder *json;       /* keeps the events' data alive */
};

/* Compare the files of a run with its manifest.sha256: a line "changed|missing|added NAME" per difference, none when
 * all is as it was; *files is how many the manifest names. -1: there is no manifest, or what stands there is none. */
struct text;
int rundir_check(const char *path, struct text *findings, size_t *files, struct err *e);

int evidence_load(struct evidence **ev, const char *run_path, struct err *e);
/* The same for who does not measure: requests in brief, and so in a third of the memory. */
int evidence_skim(struct evidence **ev, const char *run_path, struct err *e);
/* Request i in brief, however the evidence was loaded; in no order that could be relied on. */
static inline struct sample_brief evidence_brief(const struct evidence *ev, size_t i)
{
    return ev->briefs ? ev->briefs[i] : sample_brief_of(&ev->samples[i]);
}
void evidence_free(struct evidence *ev);
/* The first damage of all, with the name of its file, in a text of the evidence's; NULL: whole. */
const char *evidence_damage(struct evidence *ev);

/* Entries of the ledger one by one, in file order, as often as one likes. */
struct ledger_scan;
struct ledger_scan *ledger_scan_open(const struct evidence *ev);
const struct ledger_record *ledger_scan_next(struct ledger_scan *s); /* valid until the next call; NULL at the end */
void ledger_scan_close(struct ledger_scan *s);
static inline void ledger_scan_cleanup(struct ledger_scan **s)
{
    ledger_scan_close(*s);
}
#define scoped_ledger_scan __attribute__((cleanup(ledger_scan_cleanup)))

/* The seals of the run's files as they are now, for the last line of its timeline (seal.h); a new reference. */
json_t *evidence_seals(const char *run_path, struct err *e);

/* Follow a samples.bin that is still growing: each call hands over the records appended since. */
struct sample_tail;
int sample_tail_open(struct sample_tail **t, const char *run_path, struct err *e);
int sample_tail_read(struct sample_tail *t, struct sample *out, size_t max, size_t *got, struct err *e);
void sample_tail_close(struct sample_tail *t);
