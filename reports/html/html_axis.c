/* SPDX-License-Identifier: MIT */
/*
 * What the charts over the whole run have in common: the same margins and time axis, so that one can look straight down
 * from a fault to what it did; the shaded windows of the faults; labels in the left margin, cut to fit with the whole
 * name as a tooltip.
 */
#include "reports/html/html.h"

#include <math.h>
#include <string.h>

void chart_faults(struct page *p, double top, double height)
{
    for (size_t i = 0; i < p->r->faults.len; i++) {
        const struct result_fault *f = &p->r->faults.at[i];
        if (!isfinite(f->t_ib_s)) {
            continue;
        }
        double x = svg_x(&p->axis, f->t_ib_s);
        double to = svg_x(&p->axis, isfinite(f->t_he_s) ? f->t_he_s : p->end_s);
        svg_rect(p->out, x, top, to - x > 1 ? to - x : 1, height, PAINT_FAULT, 13, NULL);
        svg_line(p->out, x, top, x, top + height, PAINT_FAULT, 1.2, NULL);
        if (isfinite(f->t_he_s)) {
            svg_line(p->out, to, top, to, top + height, PAINT_FAULT, 1.2, "3 3");
        }
    }
}

void chart_axis(struct page *p, double top, double bottom)
{
    double step = svg_step(p->axis.to_s - p->axis.from_s, 10);
    for (double t = ceil(p->axis.from_s / step) * step; t <= p->axis.to_s; t += step) {
        double x = svg_x(&p->axis, t);
        scoped_text struct text label = {0};
        text_addf(&label, step < 1 ? "%.1f s" : "%.0f s", t);
        svg_line(p->out, x, top, x, bottom, PAINT_GRID, 1, NULL);
        svg_text(p->out, x, bottom + 16, ANCHOR_MIDDLE, PAINT_MUTED, 11, false, text_str(&label));
    }
    text_add(p->out, "\n");
}

void chart_label(struct page *p, double y, const char *name, const char *sub)
{
    const size_t room = 20;
    scoped_text struct text cut = {0};
    text_add(p->out, "<g><title>");
    html_escaped(p, name);
    text_add(p->out, "</title>");
    if (strlen(name) > room) {
        escape_bytes(&cut, ESCAPE_TERMINAL, name, room - 1);
        text_add(&cut, "…");
    } else {
        text_add(&cut, name);
    }
    svg_text(p->out, CHART_LEFT - 12, y, ANCHOR_END, sub ? PAINT_INK : PAINT_MUTED, sub ? 12 : 11, sub != NULL,
             text_str(&cut));
    if (sub && *sub) {
        svg_text(p->out, CHART_LEFT - 12, y + 14, ANCHOR_END, PAINT_MUTED, 10, false, sub);
    }
    text_add(p->out, "</g>");
}

void chart_values(struct page *p, double y, double height, double top, const char *unit)
{
    double step = svg_step(top, 4);
    for (double v = 0; v <= top * 1.0001; v += step) {
        double at = y + height - v / top * height;
        scoped_text struct text label = {0};
        text_addf(&label, step < 1 ? "%.1f%s" : "%.0f%s", v, unit);
        svg_line(p->out, p->axis.left, at, p->axis.right, at, PAINT_GRID, 1, NULL);
        svg_text(p->out, p->axis.left - 8, at + 4, ANCHOR_END, PAINT_MUTED, 11, false, text_str(&label));
    }
}

double chart_top(double largest)
{
    double step = svg_step(largest, 4);
    return largest > 0 ? ceil(largest / step - 1e-9) * step : 1;
}

void chart_bar(const struct page *p, struct text *d, size_t b, double y, double h)
{
    if (h > 0) {
        double x = svg_x(&p->axis, p->series.from_s + (double)b * p->series.width_s);
        double to = svg_x(&p->axis, p->series.from_s + (double)(b + 1) * p->series.width_s);
        text_addf(d, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x, y, y - h, to, y);
    }
}
