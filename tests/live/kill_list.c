/* SPDX-License-Identifier: MIT */
#include "tests/live/kill_list.h"

#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED 20261129

enum { FAULTS = 6 };

static struct point *points;
static int point_count;
static const struct event_line *steps;
static int step_count;
static struct rng rng;

static void begin(struct point *to, const struct event_line *of, int n)
{
    points = to;
    point_count = 0;
    steps = of;
    step_count = n;
    rng_init(&rng, SEED, "kill points");
}

static void add(int sig, const char *line, int64_t after_ns)
{
    if (point_count < POINTS_MAX) {
        struct point *p = &points[point_count++];
        *p = (struct point){.moment.after_ns = after_ns, .signal = sig};
        snprintf(p->moment.line, sizeof(p->moment.line), "%s", line);
    }
}

static void add_twice(int sig, const char *line)
{
    add(sig, line, 0);
    points[point_count - 1].twice = true;
}

static int64_t within(int64_t ns)
{
    return (int64_t)rng_below(&rng, (uint64_t)ns);
}

static const struct event_line *step_of(const char *line)
{
    for (int i = 0; i < step_count; i++) {
        if (text_eq(steps[i].line, line)) {
            return &steps[i];
        }
    }
    printf("FAILED: the drill has no step %s\n", line);
    exit(1);
}

static bool is_boundary(const char *line)
{
    static const char *const kinds[] = {"phase.", "fault.", "heal.", "scenario.zero", "baseline", "residue", "end"};
    for (size_t i = 0; i < array_len(kinds); i++) {
        if (text_starts(line, kinds[i])) {
            return true;
        }
    }
    return false;
}

/* Before, in the middle of, and after what is done about one fault. */
static void add_fault(int fault)
{
    char apply[32], heal[32], proof[32], open[32];
    snprintf(apply, sizeof(apply), "fault.apply/%d", fault);
    snprintf(heal, sizeof(heal), "fault.heal/%d", fault);
    snprintf(proof, sizeof(proof), "fault.proof/%d", fault);
    snprintf(open, sizeof(open), "undo.open/%d", fault);
    const struct event_line *a = step_of(apply), *h = step_of(heal), *p = step_of(proof);
    int64_t zero_ns = step_of("scenario.zero")->at_ns;
    add(SIGKILL, open, 0);
    add(SIGKILL, open, within(a->end_ns - a->at_ns + NS_PER_MS));
    add(SIGKILL, open, within(2 * (a->end_ns - a->at_ns) + NS_PER_MS));
    add(SIGKILL, apply, within(p->at_ns - a->end_ns + NS_PER_MS));
    add(SIGKILL, "scenario.zero", h->at_ns - zero_ns - 2 * NS_PER_MS);
    add(SIGKILL, "scenario.zero", h->at_ns - zero_ns + within(2 * NS_PER_MS));
}

int all_points(struct point to[POINTS_MAX], const struct event_line *of, int n)
{
    begin(to, of, n);
    for (int i = 0; i < 6; i++) {
        add(SIGKILL, "", within(150 * NS_PER_MS));
    }
    for (int i = 0; i < step_count; i++) {
        if (is_boundary(steps[i].line)) {
            add(SIGKILL, steps[i].line, 0);
        }
    }
    for (int fault = 1; fault <= FAULTS; fault++) {
        add_fault(fault);
    }
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < array_len(signals); i++) {
        add(signals[i], "phase.begin/setup", 0);
        add(signals[i], "phase.begin/baseline", within(500 * NS_PER_MS));
        add(signals[i], "undo.open/6", within(400 * NS_PER_MS));
        add(signals[i], "fault.apply/6", 0);
        add(signals[i], "fault.heal/3", 0);
        add(signals[i], "phase.begin/failback", within(500 * NS_PER_MS));
        add(signals[i], "phase.begin/final_read", 0);
        add_twice(signals[i], "fault.apply/6");
    }
    add(0, "phase.begin/baseline", 0);
    add(0, "fault.apply/5", 0);
    return point_count;
}

int few_points(struct point to[POINTS_MAX])
{
    begin(to, NULL, 0);
    add(SIGKILL, "", within(100 * NS_PER_MS));
    add(SIGKILL, "undo.open/1", within(2 * NS_PER_MS));
    add(SIGKILL, "fault.apply/6", 0);
    add(SIGKILL, "fault.heal/4", 0);
    add(SIGINT, "fault.apply/6", 0);
    add_twice(SIGTERM, "fault.apply/6");
    add(0, "fault.apply/5", 0);
    return point_count;
}
