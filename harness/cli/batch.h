/* SPDX-License-Identifier: MIT */
/*
 * What the PATHs of a command line come to: a list of runs, every scenario read, checked and compiled before anything
 * is started. A folder stands for the scenarios in it and below; a suite is expanded only when it is named.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/base/vec.h"
#include "harness/cli/option.h"
#include "harness/spec/diag.h"
#include "harness/spec/plan.h"
#include "harness/spec/suite.h"

/* Runs that share a record: those of a suite, or the repeats (--repeat) of scenarios named by themselves. */
struct batch_suite {
    const char *name, *file; /* file NULL: no suite, a set of repeats */
    const char *title;       /* NULL: none */
    bool stop_on_failure;
    size_t first, count; /* its jobs */
};

struct job {
    struct plan *plan;
    const struct batch_suite *suite; /* NULL: named by itself, once */
    int64_t repeat_index, repeat_count;
};

struct batch_options {
    const struct option_list *set, *tags;
    const char *profile; /* NULL: as written */
    int64_t repeat, seed; /* -1: as written */
};

struct batch {
    struct arena arena;
    vec_of(struct job) jobs;
    vec_of(struct batch_suite *) suites; /* in the order of their jobs */
    vec_of(struct plan *) plans;         /* owned */
    vec_of(struct diag_list *) diags;    /* one per file, in the order of reading */
    struct batch_suite *repeats;         /* the set of repeats that is being filled, NULL none */
    size_t files, errors, warnings;      /* files: scenarios read, whether or not a tag left them out */
    const struct batch_options *read_by; /* borrowed: what batch_load was given */
};

/* What is wrong with the files is in diags and counted, and is no error of this function. -1: a folder cannot be
 * listed. */
int batch_load(struct batch *b, const struct option_list *paths, const struct batch_options *o, struct err *e);
void batch_deinit(struct batch *b);

/* All diagnostics; format is human, json (an array) or github. */
struct text;
void batch_print(const struct batch *b, struct text *out, const char *format, bool colour);
/* One more list for a file about to be read. */
struct diag_list *batch_diags(struct batch *b);
void batch_count(struct batch *b); /* add up what the newest list holds */

/* Where plans come from: a scenario file, or an entry of a suite. */
struct batch_source {
    const char *path;
    const struct suite *suite; /* NULL: path */
    size_t entry;
};
/* Its runs, `count` repeats of them, for a set (NULL: none). */
void batch_load_runs(struct batch *b, const struct batch_source *from, int64_t count, struct batch_suite *set,
                     const struct batch_options *o);

/* The seed of repeat 1, 2, ... of a scenario: the first is the base, so that
 * repeat 1 is the single run of that seed. */
uint64_t batch_repeat_seed(uint64_t base, int64_t repeat);
/* The order of a set's runs: rounds of one repeat of everything, the first as written, the others shuffled by the
 * seed of the first run. A suite that stops on failure keeps the order it is written in. */
void batch_order(struct batch *b, const struct batch_suite *set);

/* Files that a path stands for: itself, or the .yaml and .yml files of a folder, sorted, at most 1000, 8 levels deep,
 * without drtest.yaml and the directories of runs. Strings go to the arena. */
int batch_files(struct option_list *files, struct arena *a, const char *path, struct err *e);

/* The runs of a suite (batch_suite.c). */
void batch_load_suite(struct batch *b, const char *path, const struct batch_options *o);

/* tags: every TAG must be there, no !TAG may. */
bool batch_selected(const struct plan *p, const struct option_list *tags);
