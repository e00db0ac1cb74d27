/* SPDX-License-Identifier: MIT */
/*
 * The page of a suite, or of a set of repeats: report.html beside suite.json, a row per scenario; and the head of its
 * summary.md.
 *
 * Made from the stored results of its runs and from their history, so that it can be made again. Called by the suite
 * path of `run` and by `report` on a suite's folder. Owns nothing; entries of one scenario stand for its repeats.
 */
#pragma once
#include "harness/measure/pool.h"
#include "harness/measure/result.h"
#include <stdio.h>

struct suite_entry {
    const char *run_id, *scenario;
    enum verdict verdict;
    const struct result *result;    /* NULL: the run left none */
    bool has_report;                /* there is a page to link to */
    const struct pool_run *pooled;  /* the same as histories know it; NULL without a result */
    const struct pool_run *earlier; /* runs of the scenario before it, oldest first */
    size_t earlier_count;
};

/* A run that the suite ended before. */
struct suite_unreached {
    const char *scenario, *title; /* title may be NULL */
};

struct suite_input {
    const char *name, *kind; /* suite | repeats */
    const char *title;       /* NULL: none */
    const char *started_at, *ended_at;
    int64_t exit_code;
    const char *history; /* the file, seen from the folder of the suite; NULL: there is none to link to */
    const struct suite_entry *entries;
    size_t count;
    const struct suite_unreached *unreached;
    size_t unreached_count;
};

struct err;
struct text;
int suite_html_write(FILE *out, const struct suite_input *in, struct err *e);
/* The head of summary.md: what the suite came to, and a table of its scenarios. */
void suite_summary(struct text *t, const struct suite_input *in);

/* Missed is worse than undecided, that than skipped, that than met: the order of exit codes. */
int suite_rank(enum verdict v);

/* A scenario's runs. */
struct suite_row {
    const struct suite_entry *first, *newest; /* newest: the last one with a result; NULL none */
    size_t runs, met, unreached;
    enum verdict verdict; /* the worst */
};
bool suite_row_leads(const struct suite_input *in, size_t i); /* entry i is the first of its scenario */
struct suite_row suite_row_of(const struct suite_input *in, size_t i);
/* No run of the scenario was reached, and unreached i is the first of it. */
bool suite_row_unreached(const struct suite_input *in, size_t i);

struct suite_tally {
    size_t rows, unreached, by_verdict[4]; /* scenarios; unreached: not one run of it */
    double took_s;
};
struct suite_tally suite_tally_of(const struct suite_input *in);

struct suite_headline {
    const char *word;
    enum verdict verdict; /* gives sign and colour */
};
struct suite_headline suite_headline(const struct suite_input *in, const struct suite_tally *sum);
/* Sentences: how many scenarios came to what. */
void suite_sentences(struct text *t, const struct suite_input *in, const struct suite_tally *sum);
