/* SPDX-License-Identifier: MIT */
/*
 * Method: the value of an objective in a run is the end it is judged by, the upper one of at-most objectives and the
 * lower one of at-least objectives. An open upper end (never recovered while the fault lasted) is INFINITY: it ranks
 * last and never enters a sum. Of at-least objectives, which are ratios, the distance to 1 is taken: then one
 * arithmetic serves both directions, and 10 % of a median means the same for an unavailability as for a time. What is
 * printed is turned back.
 *
 * Left out: runs that are void, interrupted or unfit, runs that only a gate made inconclusive, and skipped ones. A run
 * that is inconclusive because an interval lies astride its target stays in: that is not a pass.
 */
#include "harness/measure/pool.h"

#include "harness/base/text.h"
#include "harness/measure/study.h"
#include "harness/measure/verdict.h"

#include <math.h>

const char *const pool_digest_words[] = {"drtest", "scenario", "target system", "configuration", NULL};

bool pool_same(const struct pool_run *a, const struct pool_run *b)
{
    for (size_t i = 0; i < POOL_DIGESTS; i++)
        if (!a->digest[i] || !text_eq(a->digest[i], b->digest[i]))
            return false;
    return true;
}

static bool known(const struct pool_objective *o)
{
    return !isnan(o->lower) || !isnan(o->upper);
}

static bool astride(const struct pool_objective *o)
{
    enum verdict own = o->at_least ? judge_at_least(o->lower, o->upper, o->target)
                                   : judge_at_most(o->lower, o->upper, o->target);
    return known(o) && own == INCONCLUSIVE;
}

bool pool_gated(const struct pool_objective *o)
{
    return o->verdict == SKIPPED || !known(o) || (o->verdict == INCONCLUSIVE && !astride(o));
}

const char *pool_left_out(const struct pool_run *r)
{
    if (!text_eq(r->status, "completed"))
        return r->status ? r->status : "of unknown status";
    if (r->verdict == SKIPPED)
        return "skipped";
    bool undecided = r->verdict != INCONCLUSIVE;
    for (size_t i = 0; i < r->objectives.len; i++)
        undecided |= r->objectives.at[i].verdict == INCONCLUSIVE && astride(&r->objectives.at[i]);
    return undecided ? NULL : "inconclusive by a gate";
}

static double value_of(const struct pool_objective *o)
{
    double end = o->at_least ? 1 - o->lower : o->upper;
    return isnan(end) ? INFINITY : end;
}

static const struct pool_objective *objective_of(const struct pool_run *r, const char *name)
{
    for (size_t i = 0; i < r->objectives.len; i++)
        if (text_eq(r->objectives.at[i].name, name))
            return &r->objectives.at[i];
    return NULL;
}

double pool_value(const struct pool_series *s, double x)
{
    return s->at_least ? 1 - x : x;
}

static void summarize(struct pool_series *s)
{
    struct stats_interval m = stats_median(s->x, s->n);
    double worst = NAN;
    for (size_t i = 0; i < s->n; i++)
        worst = fmax(worst, s->x[i]); /* passes over NAN */
    s->middle = m.value;
    s->median = s->at_least ? (struct stats_interval){1 - m.value, 1 - m.upper, 1 - m.lower} : m;
    s->worst = pool_value(s, worst);
    s->p95 = pool_value(s, stats_bound(s->x, s->n, 0.95));
    s->lag1 = stats_lag1(s->x, s->n);
}

static struct pool_series series_of(struct arena *a, const struct pool_run *const *runs, size_t n,
                                    const struct pool_objective *like)
{
    struct pool_series s = {.name = like->name, .unit = like->unit, .at_least = like->at_least,
                            .target = like->target, .resolution = NAN, .x = arena_array(a, double, n)};
    for (size_t i = 0; i < n; i++) {
        const struct pool_objective *o = objective_of(runs[i], like->name);
        if (!o || pool_gated(o)) {
            s.excluded++;
            continue;
        }
        s.censored += isinf(value_of(o)) ? 1 : 0;
        s.met += o->verdict == MET;
        s.resolution = fmax(s.resolution, o->resolution); /* fmax passes over NAN */
        s.x[s.n++] = value_of(o);
    }
    summarize(&s);
    return s;
}

struct pool pool_of(struct arena *a, const struct pool_run *const *runs, size_t n, const struct pool_run *like)
{
    struct pool p = {.runs = n, .met_lower = NAN, .scenario = n ? runs[0]->scenario : NULL, .first = NULL};
    const struct pool_run **in = arena_array(a, const struct pool_run *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct pool_run *standard = like ? like : p.first;
        if (pool_left_out(runs[i]) || (standard && !pool_same(runs[i], standard))) {
            p.excluded++;
            continue;
        }
        p.first = p.first ? p.first : runs[i];
        p.met += runs[i]->verdict == MET;
        in[p.n++] = runs[i];
    }
    p.met_lower = stats_met_lower(p.n, p.n - p.met);
    for (size_t i = 0; p.first && i < p.first->objectives.len; i++)
        *arena_push(a, &p.series) = series_of(a, in, p.n, &p.first->objectives.at[i]);
    return p;
}

const struct pool_series *pool_series_find(const struct pool *p, const char *name)
{
    for (size_t i = 0; i < p->series.len; i++)
        if (text_eq(p->series.at[i].name, name))
            return &p->series.at[i];
    return NULL;
}

struct pool_change pool_compare(const struct pool_series *earlier, const struct pool_series *later)
{
    double median = earlier->middle, nothing = NAN;
    struct pool_change c = {.earlier = earlier, .later = later, .p = NAN, .p_holm = NAN,
                            .shift = {nothing, nothing, nothing}, .enough = NAN};
    if (earlier->n < STATS_SIDE_MIN || later->n < STATS_SIDE_MIN)
        return c;
    double gap = fmax(earlier->resolution, later->resolution);
    c.enough = fmax(isnan(gap) ? 0 : gap, isfinite(median) ? 0.1 * fabs(median) : 0);
    c.p = c.p_holm = stats_rank_p(earlier->x, earlier->n, later->x, later->n);
    c.shift = stats_shift(earlier->x, earlier->n, later->x, later->n);
    c.regressed = stats_regressed(c.p_holm, c.shift.value, gap, median);
    return c;
}

void pool_holm(struct pool_change *const *changes, size_t n)
{
    double *p = xcalloc(n + 1, sizeof(*p)), *adjusted = xcalloc(n + 1, sizeof(*adjusted));
    for (size_t i = 0; i < n; i++)
        p[i] = changes[i]->p;
    stats_holm(p, n, adjusted);
    for (size_t i = 0; i < n; i++) {
        struct pool_change *c = changes[i];
        c->p_holm = adjusted[i];
        c->regressed = stats_regressed(c->p_holm, c->shift.value, fmax(c->earlier->resolution, c->later->resolution),
                                       c->earlier->middle);
    }
    free(p);
    free(adjusted);
}

static double better_end_of(const struct pool_objective *o)
{
    return o->at_least ? 1 - o->upper : o->lower;
}

struct pool_shift pool_shift(const struct pool_objective *earlier, const struct pool_objective *later)
{
    return (struct pool_shift){better_end_of(later) - value_of(earlier), value_of(later) - better_end_of(earlier)};
}

int pool_worse(const struct pool_objective *earlier, const struct pool_objective *later)
{
    struct pool_shift s = pool_shift(earlier, later);
    if (pool_gated(earlier) || pool_gated(later))
        return 0;
    return s.lower > 0 ? 1 : s.upper < 0 ? -1 : 0; /* an unknown end decides nothing */
}
