/* SPDX-License-Identifier: MIT */
/*
 * What a person or a CI log sees on standard error while a drill runs.
 *
 * Lives in the conductor's process and is called from its loop: it writes short texts to one descriptor and never
 * waits for anything else. It shows only what is in the evidence.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/cli/live.h"
#include "harness/cli/notify.h"
#include "harness/cli/say.h"
#include "harness/run/run.h"

struct watch {
    struct progress progress; /* hand &progress to run_drill */
    const struct plan *plan;
    struct face face;
    int fd;
    bool quiet, verbose, github;
    int64_t zero_wall_ns; /* wall clock at run time 0 */
    int64_t said_mono_ns; /* when the last line was written */
    bool status_shown, group_open, degraded;
    struct {
        double at_s, ratio;
        uint64_t good, bad;
    } second;               /* what ended in the last whole second; ratio NAN: nothing */
    struct text mechanisms; /* " kill=signal ..." until the run line is written */
    const char *lab;
    struct notify *notify; /* others to be told; may be NULL, as may be */
    struct live *live;     /* the page to be fed */
    struct {
        double begin_s;
    } * applied; /* by fault id */
    size_t applied_count;
};

void watch_init(struct watch *w, const struct plan *plan, const struct face *face, const char *lab);
void watch_deinit(struct watch *w); /* clears the status line */
