/* SPDX-License-Identifier: MIT */
/*
 * Method: pool_shift and pool_worse of each objective that both runs have; nothing is judged by it. A run that does not
 * count (void, interrupted, undecided by a gate) is not compared, and neither is an objective that a gate took back.
 */
#include "harness/measure/compared.h"
#include "harness/measure/result_shape.h"
#include "harness/measure/study.h"

#include "harness/base/text.h"

#include <math.h>

const struct pool_run *compared_previous(const struct pool_run *runs, size_t n, const struct pool_run *mine)
{
    const char *config = mine->digest[DIGEST_CONFIG];
    for (size_t i = n; config && i > 0; i--) {
        const struct pool_run *run = &runs[i - 1];
        if (text_eq(run->digest[DIGEST_CONFIG], config) && text_eq(run->lab, mine->lab) && !pool_left_out(run))
            return run;
    }
    return NULL;
}

static double closed(double end)
{
    return isfinite(end) ? end : (double)NAN;
}

static void add_objective(struct result *r, struct result_comparison *c, const struct pool_objective *a,
                          const struct pool_objective *b)
{
    static const char *const words[] = {"better", "none_shown", "worse"};
    struct pool_shift shift = pool_shift(a, b);
    *arena_push(&r->arena, &c->objectives) =
        (struct result_change){.name = arena_strdup(&r->arena, b->name),
                               .unit = arena_strdup(&r->arena, b->unit),
                               .change = pool_gated(a) || pool_gated(b) ? "not_compared" : words[pool_worse(a, b) + 1],
                               .earlier_lower = a->lower,
                               .earlier_upper = a->upper,
                               .shift_lower = closed(shift.lower),
                               .shift_upper = closed(shift.upper)};
}

void compared_add(struct result *r, const struct pool_run *mine, const struct pool_run *earlier, const char *with,
                  const char *source)
{
    struct arena *a = &r->arena;
    const char *theirs = pool_left_out(earlier), *ours = pool_left_out(mine);
    struct result_comparison c = {.with = with,
                                  .source = arena_strdup(a, source),
                                  .run_id = arena_strdup(a, earlier->run_id),
                                  .started_at = arena_strdup(a, earlier->started_at)};
    if (theirs || ours)
        c.left_out = arena_printf(a, "%s is %s", theirs ? "that run" : "this run", theirs ? theirs : ours);
    for (int d = 0; d < POOL_DIGESTS; d++)
        if (!text_eq(earlier->digest[d], mine->digest[d]))
            *arena_push(a, &c.differs) = pool_digest_words[d];
    for (size_t i = 0; i < mine->objectives.len && !c.left_out; i++)
        for (size_t k = 0; k < earlier->objectives.len; k++)
            if (text_eq(earlier->objectives.at[k].name, mine->objectives.at[i].name)) {
                add_objective(r, &c, &earlier->objectives.at[k], &mine->objectives.at[i]);
                break;
            }
    *arena_push(a, &r->comparisons) = c;
    result_round(r);
}
