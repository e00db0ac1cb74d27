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

struct batch_suite {
    const char *name, *file;
    bool stop_on_failure;
    size_t first, count; /* its jobs */
};

struct job {
    struct plan *plan;
    const struct batch_suite *suite; /* NULL: named by itself */
    int64_t repeat_index, repeat_count;
};

struct batch {
    struct arena arena;
    vec_of(struct job) jobs;
    vec_of(struct batch_suite *) suites; /* in the order of their jobs */
    vec_of(struct plan *) plans;         /* owned */
    vec_of(struct diag_list *) diags;    /* one per file, in the order of reading */
    size_t files, errors, warnings;      /* files: scenarios read, whether or not a tag left them out */
};

struct batch_options {
    const struct option_list *set, *tags;
    int64_t repeat, seed; /* -1: as written */
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

/* Files that a path stands for: itself, or the .yaml and .yml files of a folder, sorted, at most 1000, 8 levels deep.
 * Strings go to the arena. */
int batch_files(struct option_list *files, struct arena *a, const char *path, struct err *e);

/* The runs of a suite (batch_suite.c). */
void batch_load_suite(struct batch *b, const char *path, const struct batch_options *o);

/* tags: every TAG must be there, no !TAG may. */
bool batch_selected(const struct plan *p, const struct option_list *tags);
