/* SPDX-License-Identifier: MIT */
/* The buckets against a second, naive computation over the same samples. */
#include "reports/series.h"

#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <stdlib.h>

static double planned_s(const struct sample *s)
{
    return (double)s->planned_ns / 1e9;
}

/* The median of bucket b by counting, for each latency, how many are not larger. */
static double naive_median(const struct series *s, const struct evidence *ev, size_t b)
{
    double best = INFINITY;
    double from = s->from_s + (double)b * s->width_s;
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample *x = &ev->samples[i];
        if (x->outcome != OUTCOME_GOOD || planned_s(x) < from || planned_s(x) >= from + s->width_s) {
            continue;
        }
        double took = (double)(x->done_ns - x->planned_ns) / 1e9;
        size_t below = 0, all = 0;
        for (size_t j = 0; j < ev->sample_count; j++) {
            const struct sample *y = &ev->samples[j];
            if (y->outcome == OUTCOME_GOOD && planned_s(y) >= from && planned_s(y) < from + s->width_s) {
                all++;
                below += (double)(y->done_ns - y->planned_ns) / 1e9 <= took;
            }
        }
        if (2 * below >= all && took < best) {
            best = took;
        }
    }
    return best;
}

static void agrees_with_a_naive_count(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    scoped_series struct series s = {0};
    series_make(&s, &f->evidence, &f->plan, 0, 86.512, 240);
    CU_ASSERT_DOUBLE_EQUAL(s.width_s, 0.5, 1e-12);
    CU_ASSERT_EQUAL(s.count, 174);
    size_t good = 0, bad = 0, by_vantage = 0, served = 0;
    for (size_t b = 0; b < s.count; b++) {
        good += s.buckets[b].good;
        bad += s.buckets[b].bad;
        for (size_t site = 0; site < s.sites; site++) {
            by_vantage += s.by_vantage[b * s.sites + site].good + s.by_vantage[b * s.sites + site].bad;
            served += s.served[b * s.sites + site];
        }
    }
    size_t want_good = 0;
    for (size_t i = 0; i < f->evidence.sample_count; i++) {
        want_good += f->evidence.samples[i].outcome == OUTCOME_GOOD;
    }
    CU_ASSERT_EQUAL(good, want_good);
    CU_ASSERT_EQUAL(good + bad, f->evidence.sample_count);
    CU_ASSERT_EQUAL(by_vantage, f->evidence.sample_count);
    CU_ASSERT_EQUAL(served, want_good);
    const size_t some[] = {14, 45, 56, 90};
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_DOUBLE_EQUAL(s.buckets[some[i]].p50_s, naive_median(&s, &f->evidence, some[i]), 1e-9);
    }
    CU_ASSERT(isnan(s.buckets[0].p50_s));
    CU_ASSERT(s.buckets[46].bad > 0 && s.buckets[40].bad == 0);
    fixture_free(f);
}

static void copes_with_strange_spans(void)
{
    const struct {
        double from, to;
        size_t buckets;
    } spans[] = {{0, 0, 0}, {5, 1, 0}, {0, (double)NAN, 0}, {0, 1e7, 240}, {-10, -5, 100}};
    struct fixture *f = fixture_new(FIXTURE_TINY);
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        scoped_series struct series s = {0};
        series_make(&s, &f->evidence, &f->plan, spans[i].from, spans[i].to, 240);
        CU_ASSERT(s.count <= 240);
        CU_ASSERT_EQUAL(s.count, spans[i].buckets);
    }
    scoped_series struct series none = {0};
    series_make(&none, NULL, NULL, 0, 10, 240);
    CU_ASSERT_EQUAL(none.count, 0);
    fixture_free(f);
}

static void ignores_what_the_plan_does_not_know(void)
{
    struct fixture *f = fixture_new(FIXTURE_TINY);
    f->evidence.samples[0].stream = 4711;
    f->evidence.samples[1].region = 4711;
    scoped_series struct series s = {0};
    series_make(&s, &f->evidence, &f->plan, 0, 5, 240);
    size_t all = 0, with_vantage = 0;
    for (size_t b = 0; b < s.count; b++) {
        all += s.buckets[b].good + s.buckets[b].bad;
        for (size_t v = 0; v < s.sites; v++) {
            with_vantage += s.by_vantage[b * s.sites + v].good;
        }
    }
    CU_ASSERT_EQUAL(all, f->evidence.sample_count);
    CU_ASSERT_EQUAL(with_vantage, f->evidence.sample_count - 1);
    fixture_free(f);
}

void suite_series(void)
{
    runner_suite(NULL, NULL);
    runner_test(agrees_with_a_naive_count);
    runner_test(copes_with_strange_spans);
    runner_test(ignores_what_the_plan_does_not_know);
}
