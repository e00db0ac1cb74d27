/* SPDX-License-Identifier: MIT */
/*
 * The scale begins at zero for what shall be small, and below the smallest value for what shall be large, so that the
 * distance to the target can be read either way. The newest dot is the largest; an open value is a ring at the upper
 * edge.
 */
#include "reports/html/spark.h"

#include "harness/base/text.h"
#include "reports/html/marks.h"

#include <math.h>

enum { WIDTH = 132, HEIGHT = 34, EDGE = 6 };

static const struct pool_objective *objective_of(const struct pool_run *run, const char *name)
{
    for (size_t i = 0; i < run->objectives.len; i++) {
        if (text_eq(run->objectives.at[i].name, name)) {
            return &run->objectives.at[i];
        }
    }
    return NULL;
}

void spark_add(struct spark *s, const struct pool_objective *o)
{
    if (!o || s->count == SPARK_RUNS) {
        return;
    }
    double judged = o->at_least ? o->lower : o->upper;
    if (isnan(judged) && isnan(o->at_least ? o->upper : o->lower)) {
        return; /* not measured */
    }
    s->target = o->target;
    s->at_least = o->at_least;
    s->dots[s->count++] = (struct spark_dot){isnan(judged) ? INFINITY : judged, o->verdict};
}

struct spark spark_of(const struct pool_run *runs, size_t count, const char *objective, size_t room)
{
    struct spark s = {.target = (double)NAN};
    size_t first = count, have = 0;
    while (first > 0 && have + room < SPARK_RUNS) {
        have += objective_of(&runs[--first], objective) != NULL;
    }
    for (; first < count; first++) {
        spark_add(&s, objective_of(&runs[first], objective));
    }
    return s;
}

void spark_draw(struct text *t, const struct spark *s)
{
    double low = s->target, high = s->target;
    for (size_t i = 0; i < s->count; i++) {
        low = isfinite(s->dots[i].value) ? fmin(low, s->dots[i].value) : low;
        high = isfinite(s->dots[i].value) ? fmax(high, s->dots[i].value) : high;
    }
    low = s->at_least ? low : fmin(0, low);
    struct svg_axis y = {low, high > low ? high : low + 1, HEIGHT - EDGE, EDGE}, up = {0, 1, EDGE, WIDTH - EDGE};
    text_addf(t, "<svg class=\"spark\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">", WIDTH,
              HEIGHT, WIDTH, HEIGHT);
    if (isfinite(s->target)) {
        double at = y.left + (s->target - y.from_s) / (y.to_s - y.from_s) * (y.right - y.left);
        svg_line(t, 0, at, WIDTH, at, PAINT_MUTED, 1, "3 3");
    }
    for (size_t i = 0; i < s->count; i++) {
        const struct spark_dot *d = &s->dots[i];
        double share = s->count > 1 ? (double)(i + SPARK_RUNS - s->count) / (SPARK_RUNS - 1) : 1;
        double at =
            isfinite(d->value) ? y.left + (d->value - y.from_s) / (y.to_s - y.from_s) * (y.right - y.left) : EDGE;
        bool newest = i + 1 == s->count;
        svg_circle(t, svg_x(&up, share), at, newest ? 4.5 : 3, html_verdict_paint(d->verdict), NULL);
        if (!isfinite(d->value)) {
            svg_circle(t, svg_x(&up, share), at, newest ? 2 : 1.2, PAINT_PAPER, NULL);
        }
    }
    text_add(t, "</svg>");
}
