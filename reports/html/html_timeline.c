/* SPDX-License-Identifier: MIT */
/*
 * Two views of the course of the drill: the recovery from one fault close up, and the whole run.
 *
 * The close-up starts a little before the fault and ends a little after the last instant that belongs to it: requests
 * in fine buckets (where good turns to bad and back), the RTO as an interval against its target, and its parts. The
 * view of the whole run has the phases, one bar per fault and every instant that was found. Labels of instants are put
 * on the first row where they do not touch their neighbour.
 */
#include "harness/base/units.h"
#include "reports/html/html.h"
#include "reports/story.h"

#include <math.h>
#include <stdlib.h>

enum { MARKS_MAX = 64, MARK_ROWS = 6, MARK_ROW = 16 };

struct mark {
    double at_s;
    const char *label;
    enum svg_paint paint;
};

struct marks {
    struct mark at[MARKS_MAX];
    size_t len;
};

static void add_mark(struct marks *m, double at_s, const char *label, enum svg_paint paint)
{
    if (isfinite(at_s) && m->len < MARKS_MAX) {
        m->at[m->len++] = (struct mark){at_s, label, paint};
    }
}

const char *html_event_label(const char *name)
{
    static const char *const labels[][2] = {
        {"first_failure", "first failure"}, {"first_success", "first success"}, {"failed_back", "failed back"}};
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (text_eq(labels[i][0], name)) {
            return labels[i][1];
        }
    }
    return name ? name : "";
}

static enum svg_paint event_paint(const char *name)
{
    return text_eq(name, "first_failure") ? PAINT_BAD : text_eq(name, "detected") ? PAINT_BLUE : PAINT_GOOD;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct mark *)a)->at_s, y = ((const struct mark *)b)->at_s;
    return (x > y) - (x < y);
}

/* What operators did, such as an ordered failover, in the words of the plan. */
static void action_marks(struct marks *m, const struct page *p)
{
    const struct plan *plan = p->in->plan;
    for (size_t i = 0; i < p->in->evidence->event_count; i++) {
        const struct event *ev = &p->in->evidence->events[i];
        const char *label = "operator action";
        for (size_t s = 0; plan && s < plan->step_count; s++) {
            label = plan->steps[s].id == ev->code && plan->steps[s].text ? plan->steps[s].text : label;
        }
        if (ev->kind == EVENT_ACTION) {
            add_mark(m, (double)ev->at_ns / (double)NS_PER_S, label, PAINT_INK);
        }
    }
}

static void fault_marks(struct marks *m, const struct result_fault *f)
{
    add_mark(m, f->t_ib_s, "begins (t_ib)", PAINT_FAULT);
    add_mark(m, f->t_ie_s, "in force (t_ie)", PAINT_FAULT);
    add_mark(m, f->proof.at_s, text_eq(f->proof.verdict, "proven") ? "proven" : f->proof.verdict, PAINT_FAULT);
    add_mark(m, f->t_he_s, "healed", PAINT_FAULT);
}

/* Marks nearer than `apart` units share one label ("t_ib, t_ie, proven"), since no eye could part their lines. */
static void draw_marks(struct page *p, const struct svg_axis *axis, struct marks *m, double top, double bottom)
{
    scoped_text struct text notes = {0};
    double taken[MARK_ROWS];
    for (int i = 0; i < MARK_ROWS; i++) {
        taken[i] = -1e9;
    }
    qsort(m->at, m->len, sizeof(m->at[0]), by_time);
    for (size_t i = 0; i < m->len;) {
        const struct mark *first = &m->at[i];
        double x = svg_x(axis, first->at_s);
        scoped_text struct text label = {0};
        for (; i < m->len && svg_x(axis, m->at[i].at_s) - x < 1.5; i++) {
            text_addf(&label, "%s%s", label.len ? ", " : "", m->at[i].label);
        }
        text_addf(&label, " %.3f", first->at_s);
        double width = svg_text_width(text_str(&label), 11);
        bool left = x + 5 + width > axis->right;
        double from = left ? x - 5 - width : x + 5;
        int row = 0;
        while (row < MARK_ROWS - 1 && taken[row] > from - 6) {
            row++;
        }
        taken[row] = from + width;
        double y = top + 11 + row * MARK_ROW;
        svg_line(p->out, x, y - 9, x, bottom, first->paint, 1.4, NULL);
        svg_note(&notes, left ? x - 5 : x + 5, y, left ? ANCHOR_END : ANCHOR_START, text_str(&label));
        text_add(&notes, "\n");
    }
    text_add(p->out, text_str(&notes)); /* above all lines */
}

static void marks_table(struct page *p, struct marks *m)
{
    for (size_t i = 0; i < m->len; i++) {
        text_add(p->out, "<tr>");
        html_time(p, m->at[i].at_s);
        html_element(p, "td", NULL, m->at[i].label);
        text_add(p->out, "</tr>\n");
    }
}

static const struct result_objective *rto_of(const struct result *r)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        if (text_eq(r->objectives.at[i].name, "rto")) {
            return &r->objectives.at[i];
        }
    }
    return NULL;
}

const struct result_fault *html_charged_fault(const struct result *r)
{
    const struct result_objective *rto = rto_of(r);
    const struct result_fault *first = NULL;
    for (size_t i = 0; i < r->faults.len; i++) {
        const struct result_fault *f = &r->faults.at[i];
        if (isfinite(f->t_ib_s) && rto && f->id == rto->fault_id) {
            return f;
        }
        first = first || !isfinite(f->t_ib_s) ? first : f;
    }
    return first;
}

static void close_traffic(struct page *p, const struct svg_axis *axis, double top, double height)
{
    scoped_series struct series fine = {0};
    series_make(&fine, p->in->evidence, p->in->plan, axis->from_s, axis->to_s, 160);
    scoped_text struct text good = {0}, bad = {0};
    for (size_t b = 0; b < fine.count; b++) {
        const struct series_bucket *k = &fine.buckets[b];
        double x = svg_x(axis, fine.from_s + (double)b * fine.width_s);
        double to = svg_x(axis, fine.from_s + (double)(b + 1) * fine.width_s), bottom = top + height;
        if (k->good + k->bad > 0) {
            double edge = top + height * k->bad / (k->good + k->bad);
            text_addf(&good, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x, bottom, edge, to, bottom);
            text_addf(&bad, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x, edge, top, to, edge);
        }
    }
    svg_area(p->out, text_str(&good), PAINT_GOOD, 40, false);
    svg_area(p->out, text_str(&bad), PAINT_BAD, 55, true);
    svg_line(p->out, axis->left, top + height, axis->right, top + height, PAINT_MUTED, 1, NULL);
    chart_label(p, top + height / 2, "requests", "share good and bad");
}

static void close_rto(struct page *p, const struct svg_axis *axis, const struct result_fault *f, double y)
{
    const struct result_measures *m = &p->r->measures;
    const struct result_objective *rto = rto_of(p->r);
    double from = svg_x(axis, f->t_ib_s), lower = svg_x(axis, f->t_ie_s + m->rto_lower_s);
    double upper = isfinite(m->rto_upper_s) ? svg_x(axis, f->t_ib_s + m->rto_upper_s) : axis->right;
    enum svg_paint paint = rto ? html_verdict_paint(rto->verdict) : PAINT_BLUE;
    scoped_text struct text label = {0}, beyond = {0};
    chart_label(p, y + 11, "RTO", rto ? "against its target" : "not promised");
    if (rto && isfinite(rto->target)) {
        double target = svg_x(axis, f->t_ib_s + rto->target);
        svg_rect(p->out, from, y, target - from, 18, PAINT_GOOD, 15, "promised");
        if (f->t_ib_s + rto->target <= axis->to_s) {
            svg_line(p->out, target, y - 5, target, y + 23, PAINT_INK, 2, NULL);
        } else {
            text_addf(&beyond, "target %g s →", rto->target);
            svg_text(p->out, target - 6, y + 13, ANCHOR_END, PAINT_INK, 11, false, text_str(&beyond));
        }
    }
    if (!isfinite(m->rto_lower_s)) {
        return;
    }
    svg_rect(p->out, from, y + 7, lower - from, 4, paint, 100, NULL);
    svg_rect(p->out, lower, y, fmax(upper - lower, 3), 18, paint, 100, NULL);
    format_interval(&label, m->rto_lower_s, m->rto_upper_s, "s");
    if (upper - lower > svg_text_width(text_str(&label), 12) + 16) {
        svg_text(p->out, (lower + upper) / 2, y + 13, ANCHOR_MIDDLE, PAINT_PAPER, 12, true, text_str(&label));
    } else if (upper + 8 + svg_text_width(text_str(&label), 12) < axis->right) {
        svg_text(p->out, upper + 8, y + 13, ANCHOR_START, PAINT_INK, 12, true, text_str(&label));
    } else {
        svg_note(p->out, (from + lower) / 2, y + 13, ANCHOR_MIDDLE, text_str(&label));
    }
}

/* The RTO split at observed events; each part begins where the one before it ends. */
struct part {
    const char *name;
    double s;
    enum svg_paint paint;
};
enum { PARTS = 6, PART_SHADE = 55 };

static void rto_parts(struct part at[PARTS], const struct result_measures *m)
{
    const struct part all[PARTS] = {
        {"detect", m->rto_detect_s, PAINT_SKY}, {"decide", m->rto_decide_s, PAINT_YELLOW},
        {"act", m->rto_act_s, PAINT_WARN},      {"propagate", m->rto_propagate_s, PAINT_FAULT},
        {"warm up", m->rto_warm_s, PAINT_GOOD}, {"unattributed", m->rto_unattributed_s, PAINT_MUTED},
    };
    for (size_t i = 0; i < PARTS; i++) {
        at[i] = all[i];
        at[i].s = isfinite(all[i].s) && all[i].s > 0 ? all[i].s : 0;
    }
}

static void close_parts(struct page *p, const struct svg_axis *axis, const struct result_fault *f, double y)
{
    struct part parts[PARTS];
    rto_parts(parts, &p->r->measures);
    double at = f->t_ib_s;
    for (size_t i = 0; i < PARTS; at += parts[i++].s) {
        if (parts[i].s <= 0) {
            continue;
        }
        double x = svg_x(axis, at), w = svg_x(axis, at + parts[i].s) - x;
        scoped_text struct text tip = {0};
        text_addf(&tip, "%s %.3f s", parts[i].name, parts[i].s);
        svg_rect(p->out, x, y, fmax(w - 1, 1), 18, parts[i].paint, PART_SHADE, text_str(&tip));
        if (svg_text_width(parts[i].name, 11) < w - 6) {
            svg_text(p->out, x + w / 2, y + 13, ANCHOR_MIDDLE, PAINT_INK, 11, false, parts[i].name);
        }
    }
    if (at > f->t_ib_s) {
        chart_label(p, y + 11, "made of", "by observed events");
    }
}

static void parts_legend(struct page *p)
{
    struct part parts[PARTS];
    rto_parts(parts, &p->r->measures);
    const char *open = "<p class=\"legend\">", *close = "";
    for (size_t i = 0; i < PARTS; i++) {
        if (parts[i].s <= 0) {
            continue;
        }
        text_addf(p->out, "%s<span><svg width=\"22\" height=\"12\" viewBox=\"0 0 22 12\" aria-hidden=\"true\">", open);
        svg_rect(p->out, 0, 0, 22, 12, parts[i].paint, PART_SHADE, NULL);
        text_addf(p->out, "</svg>%s %.3f s</span> ", parts[i].name, parts[i].s);
        open = "";
        close = "</p>\n";
    }
    text_add(p->out, close);
}

static void close_axis(struct page *p, const struct svg_axis *axis, double zero_s, double y)
{
    double step = svg_step(axis->to_s - axis->from_s, 8);
    for (double t = ceil((axis->from_s - zero_s) / step) * step; zero_s + t <= axis->to_s; t += step) {
        scoped_text struct text label = {0};
        text_addf(&label, step < 0.1 ? "%+.2f s" : step < 1 ? "%+.1f s" : "%+.0f s", t);
        svg_line(p->out, svg_x(axis, zero_s + t), y - 4, svg_x(axis, zero_s + t), y, PAINT_MUTED, 1, NULL);
        svg_text(p->out, svg_x(axis, zero_s + t), y + 14, ANCHOR_MIDDLE, PAINT_MUTED, 11, false,
                 fabs(t) < step / 2 ? "fault" : text_str(&label));
    }
    text_add(p->out, "\n");
}

/* How much to show after the fault: the RTO, and its target unless that is so far off that it would dwarf the RTO. */
static double close_span(const struct result *r, const struct result_objective *rto)
{
    double upper = isfinite(r->measures.rto_upper_s) ? r->measures.rto_upper_s : 0;
    double target = rto && isfinite(rto->target) ? rto->target : 0;
    return fmax(0.5, upper > 0 && target > 3 * upper ? 2 * upper : fmax(upper, target));
}

void html_recovery(struct page *p)
{
    const struct result *r = p->r;
    const struct result_fault *f = html_charged_fault(r);
    if (!f) {
        return;
    }
    static const char *const columns[] = {"#at, s", "what", NULL};
    const struct result_objective *rto = rto_of(r);
    struct marks marks = {0};
    add_mark(&marks, f->t_ib_s, "begins (t_ib)", PAINT_FAULT);
    add_mark(&marks, f->t_ie_s, "in force (t_ie)", PAINT_FAULT);
    add_mark(&marks, f->proof.at_s, f->proof.verdict, PAINT_FAULT);
    double until = f->t_ib_s + close_span(r, rto);
    if (!isfinite(r->measures.rto_upper_s) && isfinite(f->t_he_s)) {
        until = fmax(until, f->t_he_s);
        add_mark(&marks, f->t_he_s, "healed", PAINT_FAULT);
    }
    double next = isfinite(f->t_hb_s) && isfinite(r->measures.rto_upper_s) ? f->t_hb_s : p->end_s;
    for (size_t i = 0; i < r->events.len; i++) {
        const struct result_event *ev = &r->events.at[i];
        if (ev->t_s >= f->t_ib_s && ev->t_s <= next) {
            add_mark(&marks, ev->t_s, html_event_label(ev->name), event_paint(ev->name));
            until = fmax(until, ev->t_s < until + 5 ? ev->t_s : until);
        }
    }
    double span = until - f->t_ib_s;
    struct svg_axis axis = {f->t_ib_s - span * 0.1, fmin(until + span * 0.18, p->end_s), CHART_LEFT, CHART_RIGHT};
    scoped_text struct text what = {0}, desc = {0};
    story_fault(&what, f);
    html_heading(p, "recovery", "The recovery, close up",
                 "From the fault to stable service. Times at the marks are run time; the scale counts from the fault.");
    html_figure_begin(p, "Recovery close up", &axis);
    text_addf(&desc, "%s at %.3f s of run time. ", text_str(&what), f->t_ib_s);
    format_interval(&desc, r->measures.rto_lower_s, r->measures.rto_upper_s, "s");
    text_add(&desc, " until service was back.");
    svg_open(p->out, "recovery-chart", CHART_WIDTH, 274, "Recovery close up", text_str(&desc));
    double x = svg_x(&axis, f->t_ib_s), to = isfinite(f->t_he_s) ? svg_x(&axis, f->t_he_s) : axis.right;
    svg_rect(p->out, x, 56, to - x, 190, PAINT_FAULT, 10, NULL);
    close_traffic(p, &axis, 70, 86);
    close_rto(p, &axis, f, 174);
    close_parts(p, &axis, f, 214);
    draw_marks(p, &axis, &marks, 2, 246);
    close_axis(p, &axis, f->t_ib_s, 252);
    svg_close(p->out);
    html_figure_chart_end(p);
    parts_legend(p);
    html_figure_data(p, columns, "The instants as a table");
    marks_table(p, &marks);
    html_figure_end(p);
}

static void phase_bars(struct page *p, double y)
{
    for (size_t i = 0; i < p->r->phases.len; i++) {
        const struct result_phase *ph = &p->r->phases.at[i];
        double end = isfinite(ph->end_s) ? ph->end_s : p->end_s;
        double x = svg_x(&p->axis, ph->begin_s), w = svg_x(&p->axis, end) - x;
        scoped_text struct text tip = {0};
        text_addf(&tip, "%s: %.3f to %.3f s", ph->name, ph->begin_s, end);
        svg_rect(p->out, x, y, fmax(w - 1, 0.8), 22, i % 2 ? PAINT_GRID : PAINT_TRACK, 100, text_str(&tip));
        if (svg_text_width(ph->name, 11) < w - 4) {
            svg_text(p->out, x + w / 2, y + 15, ANCHOR_MIDDLE, PAINT_INK, 11, false, ph->name);
        }
    }
    chart_label(p, y + 15, "phases", "");
    text_add(p->out, "\n");
}

static double fault_bars(struct page *p, double y)
{
    for (size_t i = 0; i < p->r->faults.len && i < 24; i++, y += 26) {
        const struct result_fault *f = &p->r->faults.at[i];
        double end = isfinite(f->t_he_s) ? f->t_he_s : p->end_s;
        scoped_text struct text what = {0}, name = {0};
        text_addf(&name, "fault %lld: %s", (long long)f->id, f->do_);
        chart_label(p, y + 13, text_str(&name), "");
        if (!isfinite(f->t_ib_s)) {
            svg_text(p->out, CHART_LEFT, y + 13, ANCHOR_START, PAINT_MUTED, 11, false, "never injected");
            continue;
        }
        story_fault(&what, f);
        double x = svg_x(&p->axis, f->t_ib_s), w = fmax(svg_x(&p->axis, end) - x, 2);
        svg_rect(p->out, x, y, w, 18, PAINT_FAULT, 35, text_str(&what));
        bool inside = svg_text_width(text_str(&what), 11) < w - 24;
        svg_note(p->out, inside ? x + 10 : x + w + 8, y + 13, ANCHOR_START, text_str(&what));
    }
    text_add(p->out, "\n");
    return y;
}

void html_timeline(struct page *p)
{
    static const char *const columns[] = {"#at, s", "what", NULL};
    struct marks marks = {0};
    for (size_t i = 0; i < p->r->faults.len; i++) {
        fault_marks(&marks, &p->r->faults.at[i]);
    }
    for (size_t i = 0; i < p->r->events.len; i++) {
        add_mark(&marks, p->r->events.at[i].t_s, html_event_label(p->r->events.at[i].name),
                 event_paint(p->r->events.at[i].name));
    }
    action_marks(&marks, p);
    html_heading(p, "timeline", "The whole run", "All charts from here on share this time axis: look straight down.");
    html_figure_begin(p, "Timeline of the run", &p->axis);
    double faults = (double)(p->r->faults.len < 24 ? p->r->faults.len : 24) * 26;
    double bottom = 34 + faults + (marks.len ? MARK_ROWS * MARK_ROW + 8 : 4);
    svg_open(p->out, "timeline-chart", CHART_WIDTH, bottom + 26, "Timeline of the run",
             "Phases, faults from injection to heal, and the instants that were found.");
    chart_axis(p, 0, bottom);
    phase_bars(p, 4);
    double y = fault_bars(p, 34);
    draw_marks(p, &p->axis, &marks, y + 2, bottom);
    svg_close(p->out);
    html_figure_chart_end(p);
    html_figure_data(p, columns, "The instants as a table");
    marks_table(p, &marks);
    html_figure_end(p);
}
