/* SPDX-License-Identifier: MIT */
/*
 * Verdicts.
 *
 * An objective at most T is met iff the upper end is, missed iff the lower end is not, else inconclusive; an open or
 * unknown end compares false and so can only leave it undecided. A run is missed if any objective is, else inconclusive
 * if any objective or check is, else met; skipped only if nothing ran. A void run keeps its numbers and loses its
 * verdicts; an interrupted one keeps what was decided and skips the rest.
 */
#include "harness/measure/verdict.h"

#include <math.h>
#include <signal.h>

const char *const verdict_words[] = {"inconclusive", "met", "missed", "skipped", NULL};

enum verdict judge_at_most(double lo, double hi, double target)
{
    if (hi <= target)
        return MET;
    return lo > target ? MISSED : INCONCLUSIVE;
}

enum verdict judge_at_least(double lo, double hi, double target)
{
    if (lo >= target)
        return MET;
    return hi < target ? MISSED : INCONCLUSIVE;
}

static const struct result_check *failed_check(const struct result *out)
{
    for (size_t i = 0; i < out->checks.len; i++)
        if (out->checks.at[i].verdict == INCONCLUSIVE)
            return &out->checks.at[i];
    return NULL;
}

static void bend(struct result *out, const struct gates *g)
{
    const struct result_check *check = failed_check(out);
    for (size_t i = 0; i < out->objectives.len; i++) {
        struct result_objective *o = &out->objectives.at[i];
        if (g->unfit) {
            o->verdict = SKIPPED;
            o->reason = g->unfit;
        } else if (!g->valid) {
            o->verdict = o->verdict == SKIPPED ? SKIPPED : INCONCLUSIVE;
            o->reason = check ? check->detail : o->reason;
        } else if (g->interrupted && o->verdict == INCONCLUSIVE) {
            o->verdict = SKIPPED;
            o->reason = "the run was interrupted before this was decided";
        }
    }
}

static const char *first_with(const struct result *out, enum verdict v)
{
    for (size_t i = 0; i < out->objectives.len; i++)
        if (out->objectives.at[i].verdict == v)
            return out->objectives.at[i].name;
    return NULL;
}

static int64_t exit_code_of(enum verdict v, const struct gates *g)
{
    static const int64_t codes[] = {[INCONCLUSIVE] = 4, [MET] = 0, [MISSED] = 1, [SKIPPED] = 5};
    return g->signal ? 128 + g->signal : codes[v];
}

void verdict_of_run(struct result *out, const struct gates *g)
{
    struct result_run *run = &out->run;
    bend(out, g);
    run->met_count = run->missed_count = run->inconclusive_count = run->skipped_count = 0;
    for (size_t i = 0; i < out->objectives.len; i++) {
        int64_t *const counts[] = {[INCONCLUSIVE] = &run->inconclusive_count, [MET] = &run->met_count,
                                   [MISSED] = &run->missed_count, [SKIPPED] = &run->skipped_count};
        (*counts[out->objectives.at[i].verdict])++;
    }
    const struct result_check *check = failed_check(out);
    if (g->unfit) {
        run->verdict = SKIPPED;
        run->reason = first_with(out, SKIPPED);
    } else if (run->missed_count) {
        run->verdict = MISSED;
        run->reason = first_with(out, MISSED);
    } else if (check || run->inconclusive_count) {
        run->verdict = INCONCLUSIVE;
        run->reason = check ? check->name : first_with(out, INCONCLUSIVE);
    } else {
        run->verdict = MET;
        run->reason = NULL;
    }
    run->status = g->unfit ? "unfit" : !g->valid ? "void" : g->interrupted ? "interrupted" : "completed";
    run->exit_code = exit_code_of(run->verdict, g);
}
