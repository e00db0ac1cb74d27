/* SPDX-License-Identifier: MIT */
/*
 * A suite: scenarios in order, with defaults for all and overrides for some. Owns its arena and the tree it was read
 * from; plans made from it do not refer to it.
 */
#pragma once
#include "harness/spec/load.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum suite_schedule {
    SCHEDULE_NONE,
    SCHEDULE_DAILY,
    SCHEDULE_WEEKLY,
    SCHEDULE_MONTHLY,
    SCHEDULE_QUARTERLY,
    SCHEDULE_YEARLY,
    SCHEDULE_CRON,
};

struct suite_entry {
    const char *file;   /* relative paths made relative to where the suite's own path starts from */
    int64_t repeat;     /* 1.. */
};

struct suite {
    const char *name, *title, *file;
    enum suite_schedule schedule;
    const char *cron;           /* five fields; SCHEDULE_CRON */
    int64_t overdue_after_ns;   /* 0: no schedule, never overdue */
    bool stop_on_failure;
    struct suite_entry *entries;
    size_t count;
    struct suite_source *source; /* the tree, for suite_plan */
};

int suite_load(const char *path, struct suite **out, struct diag_list *diags, struct err *e);
void suite_free(struct suite *s);
const struct source *suite_text(const struct suite *s); /* as it was read; what its diagnostics point into */

/* The plan of one entry: suite defaults below the scenario, the entry's `with` and then what options say above it. */
int suite_plan(const struct suite *s, size_t entry, const struct action_type *const *types, size_t n,
               const struct spec_options *options, struct plan **out, struct diag_list *diags, struct err *e);
