/* SPDX-License-Identifier: MIT */
/*
 * Requests and latency over time, on the time axis of all charts.
 *
 * Requests are stacked bars per bucket: good below, bad above and hatched, so that the outline is the offered load and
 * a gap in it would be the harness's own failure. Latency is drawn on a logarithmic scale, since a failover moves p99
 * by orders of magnitude; a bucket without a good answer leaves a gap instead of a zero.
 */
#include "reports/html/html.h"

#include <math.h>
#include <stdio.h>

static void width_sentence(struct page *p, struct text *t, const char *what)
{
    text_addf(t, "%s, per %g s.", what, p->series.width_s);
}

void html_traffic(struct page *p)
{
    static const char *const columns[] = {"#from, s", "#good", "#bad", "#good, %", NULL};
    enum { TOP = 10, HEIGHT = 150 };
    const struct series *s = &p->series;
    scoped_text struct text good = {0}, bad = {0}, lead = {0};
    if (s->count == 0) {
        return;
    }
    double most = chart_top(s->rate_max), bottom = TOP + HEIGHT;
    for (size_t b = 0; b < s->count; b++) {
        double scale = HEIGHT / (most * s->width_s);
        chart_bar(p, &good, b, bottom, s->buckets[b].good * scale);
        chart_bar(p, &bad, b, bottom - s->buckets[b].good * scale, s->buckets[b].bad * scale);
    }
    width_sentence(p, &lead,
                   "Planned requests by what became of them; open loop, so the load does not shrink during an outage");
    html_heading(p, "availability", "Availability over time", text_str(&lead));
    html_figure_begin(p, "Requests over time", &p->axis);
    svg_open(p->out, "traffic-chart", CHART_WIDTH, bottom + 26, "Requests over time",
             "Good and bad requests per second, stacked, with the fault windows shaded.");
    chart_axis(p, TOP, bottom);
    chart_values(p, TOP, HEIGHT, most, "/s");
    chart_faults(p, TOP, HEIGHT);
    svg_area(p->out, text_str(&good), PAINT_GOOD, 40, false);
    svg_area(p->out, text_str(&bad), PAINT_BAD, 55, true);
    svg_line(p->out, p->axis.left, bottom, p->axis.right, bottom, PAINT_MUTED, 1, NULL);
    svg_close(p->out);
    html_figure_chart_end(p);
    text_add(p->out, "<p class=\"legend\"><span class=\"key f-good\"></span>good <span class=\"key f-bad\"></span>bad "
                     "<span class=\"key f-fault\"></span>fault in force</p>\n");
    html_figure_data(p, columns, "Requests as a table");
    for (size_t b = 0; b < s->count; b++) {
        const struct series_bucket *k = &s->buckets[b];
        if (k->good + k->bad == 0) {
            continue;
        }
        text_add(p->out, "<tr>");
        html_number(p, "%g", s->from_s + (double)b * s->width_s);
        html_number(p, "%u", k->good);
        html_number(p, "%u", k->bad);
        html_number(p, "%.1f", 100.0 * k->good / (k->good + k->bad));
        text_add(p->out, "</tr>\n");
    }
    html_figure_end(p);
}

struct log_scale {
    double low, high, top, height;
};

static double log_y(const struct log_scale *l, double v)
{
    double at = (log10(v) - log10(l->low)) / (log10(l->high) - log10(l->low));
    at = at < 0 ? 0 : at > 1 ? 1 : at;
    return l->top + l->height - at * l->height;
}

static void log_grid(struct page *p, const struct log_scale *l)
{
    static const double times[] = {1, 2, 5};
    bool dense = l->high / l->low < 200;
    for (double power = l->low; power <= l->high * 1.001; power *= 10) {
        for (size_t i = 0; i < (dense ? 3u : 1u); i++) {
            double v = power * times[i];
            if (v > l->high * 1.001) {
                break;
            }
            scoped_text struct text label = {0};
            text_addf(&label, "%g ms", v * 1000);
            svg_line(p->out, p->axis.left, log_y(l, v), p->axis.right, log_y(l, v), PAINT_GRID, 1, NULL);
            svg_text(p->out, p->axis.left - 8, log_y(l, v) + 4, ANCHOR_END, PAINT_MUTED, 11, false, text_str(&label));
        }
    }
}

static double percentile_of(const struct series_bucket *k, int which)
{
    return which == 0 ? k->p50_s : which == 1 ? k->p95_s : k->p99_s;
}

static void latency_line(struct page *p, const struct log_scale *l, int which)
{
    static const enum svg_paint paints[] = {PAINT_BLUE, PAINT_WARN, PAINT_BAD};
    static const char *const dashes[] = {NULL, "5 2", "2 2"};
    static const double widths[] = {2, 1.5, 1.5};
    const struct series *s = &p->series;
    scoped_text struct text d = {0};
    bool drawing = false;
    for (size_t b = 0; b < s->count; b++) {
        double v = percentile_of(&s->buckets[b], which);
        if (!(v > 0)) {
            drawing = false;
            continue;
        }
        double x = svg_x(&p->axis, s->from_s + ((double)b + 0.5) * s->width_s);
        text_addf(&d, "%c%.1f %.1f", drawing ? 'L' : 'M', x, log_y(l, v));
        if (!drawing) { /* a lone bucket is a dot: a line of no length with round ends would not show everywhere */
            text_addf(&d, "h0.6");
        }
        drawing = true;
    }
    if (d.len) {
        svg_path(p->out, text_str(&d), paints[which], widths[which], dashes[which]);
    }
}

static void latency_table(struct page *p)
{
    static const char *const columns[] = {"#from, s", "#p50, ms", "#p95, ms", "#p99, ms", "#largest, ms", NULL};
    html_figure_data(p, columns, "Latency as a table");
    for (size_t b = 0; b < p->series.count; b++) {
        const struct series_bucket *k = &p->series.buckets[b];
        if (k->good + k->bad == 0) {
            continue;
        }
        text_add(p->out, "<tr>");
        html_number(p, "%g", p->series.from_s + (double)b * p->series.width_s);
        const double values[] = {k->p50_s, k->p95_s, k->p99_s, k->max_s};
        for (size_t i = 0; i < 4; i++) {
            if (isfinite(values[i])) {
                html_number(p, "%.1f", values[i] * 1000);
            } else {
                html_number(p, "–");
            }
        }
        text_add(p->out, "</tr>\n");
    }
    html_figure_end(p);
}

void html_latency(struct page *p)
{
    enum { TOP = 10, HEIGHT = 170 };
    const struct series *s = &p->series;
    if (s->count == 0 || !isfinite(s->latency_min_s) || s->latency_min_s <= 0) {
        return;
    }
    struct log_scale l = {pow(10, floor(log10(s->latency_min_s * 0.8))), pow(10, ceil(log10(s->latency_max_s))), TOP,
                          HEIGHT};
    l.high = l.high > l.low ? l.high : l.low * 10;
    double bottom = TOP + HEIGHT;
    scoped_text struct text lead = {0};
    width_sentence(p, &lead, "Good answers, from the planned send, on a logarithmic scale");
    html_heading(p, "latency", "Latency over time", text_str(&lead));
    html_figure_begin(p, "Latency over time", &p->axis);
    svg_open(p->out, "latency-chart", CHART_WIDTH, bottom + 26, "Latency over time",
             "Median, 95th and 99th percentile of good answers, with the fault windows shaded.");
    chart_axis(p, TOP, bottom);
    log_grid(p, &l);
    chart_faults(p, TOP, HEIGHT);
    for (int which = 2; which >= 0; which--) {
        latency_line(p, &l, which);
    }
    svg_close(p->out);
    html_figure_chart_end(p);
    text_add(p->out,
             "<p class=\"legend\"><span class=\"stroke k-blue\"></span>p50 <span class=\"stroke k-warn dashed\">"
             "</span>p95 <span class=\"stroke k-bad dotted\"></span>p99</p>\n");
    latency_table(p);
}
