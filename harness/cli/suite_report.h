/* SPDX-License-Identifier: MIT */
/*
 * The reports in a suite's folder: report.html, junit.xml, summary.md and metrics.prom beside suite.json, and the
 * manifest over all five. Used after a suite has run, and by `report`.
 */
#pragma once
#include <stdbool.h>

struct err;
struct text;

/* The folder of a suite or a set of repeats that the word stands for, by itself or below output, goes to path. False:
 * it is none. */
bool suite_find(struct text *path, const char *output, const char *word);

/* Copies outside the folder; NULL: none. */
struct suite_copies {
    const char *junit, *html, *summary, *metrics;
    bool jenkins_style;
};
/* From suite.json, the directories of its runs beside the folder, and their history. */
int suite_report_write(const char *folder, const struct suite_copies *copies, struct err *e);
