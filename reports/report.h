/* SPDX-License-Identifier: MIT */
/*
 * Reports: what people and machines read after a run. A reporter is a row: a name, a file name, a writer. It sees the
 * result, the plan and the evidence and never the world, so every report can be made again from the run directory.
 */
#pragma once
#include "harness/evidence/evidence_read.h"
#include "harness/measure/pool.h"
#include "harness/measure/result.h"
#include "harness/spec/plan.h"
#include <stdio.h>

struct report_input {
    const struct result *result;
    const struct plan *plan;
    const struct evidence *evidence;
    const char *run_path;
    bool jenkins_style; /* JUnit: the stricter style */
    const char *page;   /* where summary.md finds the report.html of the run; NULL: beside it */
    const struct pool_run *earlier; /* earlier runs of the scenario that the history knows, oldest first; may be NULL */
    size_t earlier_count;
    const char *earlier_unread; /* why the history may know of more; NULL: it was read */
};

struct reporter {
    const char *name, *file_name, *summary;
    int (*write)(FILE *out, const struct report_input *in, struct err *e);
};

extern const struct reporter *const reporters[]; /* NULL-terminated */
const struct reporter *reporter_find(const char *name);

/* Write one report whole or not at all (temporary name, fsync, rename). path NULL: <run>/<file_name>. */
int report_write(const struct reporter *r, const struct report_input *in, const char *path, struct err *e);
int report_write_all(const struct report_input *in, struct err *e);

/* The result on the terminal after a run: verdict line, objective table, where the report is. */
struct terminal_style {
    bool colour, utf8;
    int width;
};
void terminal_result(FILE *out, const struct report_input *in, const struct terminal_style *style);
