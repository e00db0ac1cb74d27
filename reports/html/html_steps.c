/* SPDX-License-Identifier: MIT */
/*
 * The recovery step by step: injected, proven, first failure, detected, first success, stable, healed, failed back,
 * converged, in the order in which they came.
 *
 * Steps before the heal are drawn on a scale that counts from the fault, the others on one that counts from the heal: a
 * failover of half a second beside a fault of a minute would be a dot. A step that was not seen stays in the table and
 * says so.
 */
#include "reports/html/html.h"

#include "harness/base/arena.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS_MAX = 9, BAR_WIDTH = 260, BAR_HEIGHT = 18 };

struct step {
    const char *name;
    double at_s; /* NAN: not seen */
    enum svg_paint paint;
    struct text how;
};

struct steps {
    struct step at[STEPS_MAX];
    size_t len;
};

static struct text *add(struct steps *s, const char *name, double at_s, enum svg_paint paint)
{
    s->at[s->len] = (struct step){.name = name, .at_s = at_s, .paint = paint};
    return &s->at[s->len++].how;
}

static const struct result_event *event_after(const struct result *r, const char *name, double from_s)
{
    for (size_t i = 0; i < r->events.len; i++) {
        if (text_eq(r->events.at[i].name, name) && r->events.at[i].t_s >= from_s) {
            return &r->events.at[i];
        }
    }
    return NULL;
}

static void add_event(struct steps *s, const struct page *p, const char *name, const char *said, enum svg_paint paint,
                      const char *what, double lower_s, double upper_s)
{
    const struct result_event *ev = event_after(p->r, name, html_charged_fault(p->r)->t_ib_s);
    struct text *how = add(s, said, ev ? ev->t_s : (double)NAN, paint);
    if (!ev) {
        text_add(how, "not seen in this run");
        return;
    }
    text_add(how, what);
    if (ev->subject) {
        text_addf(how, ", %s", ev->subject);
    }
    if (isfinite(lower_s) || isfinite(upper_s)) {
        text_add(how, "; after ");
        format_interval(how, lower_s, upper_s, "s");
    }
}

/* Of a gateway that was told to leave: what it took along. */
static void say_what_was_cut(struct text *how, const struct result *r, int64_t fault_id)
{
    for (size_t i = 0; i < r->stops.len; i++) {
        const struct result_stop *stop = &r->stops.at[i];
        if (stop->fault_id == fault_id) {
            text_addf(how, "; of %lld requests under way there %lld were cut off and %lld not answered in time",
                      (long long)stop->under_way_count, (long long)stop->cut_count, (long long)stop->unanswered_count);
        }
    }
}

static void add_proof(struct steps *s, const struct page *p, const struct result_fault *f)
{
    struct text *how = add(s, "proven", text_eq(f->proof.verdict, "proven") ? f->proof.at_s : (double)NAN, PAINT_FAULT);
    text_add(how, f->proof.method ? f->proof.method : "no proof");
    if (f->proof.verdict && !text_eq(f->proof.verdict, "proven")) {
        text_addf(how, ": %s", f->proof.verdict);
    }
    say_what_was_cut(how, p->r, f->id);
}

static void collect(struct steps *s, const struct page *p, const struct result_fault *f)
{
    const struct result_measures *m = &p->r->measures;
    text_addf(add(s, "injected", f->t_ib_s, PAINT_FAULT), "%s by %s, took %.1f ms", f->do_ ? f->do_ : "a fault",
              f->mechanism ? f->mechanism : "no mechanism of ours", (f->t_ie_s - f->t_ib_s) * 1000);
    add_proof(s, p, f);
    add_event(s, p, "first_failure", "first failure", PAINT_BAD, "first bad answer", (double)NAN, (double)NAN);
    add_event(s, p, "detected", "detected", PAINT_BLUE, "a node said so of itself", m->detected_lower_s,
              m->detected_upper_s);
    add_event(s, p, "first_success", "first success", PAINT_WARN, "first good answer after the first bad one",
              (double)NAN, (double)NAN);
    add_event(s, p, "recovered", "stable", PAINT_GOOD, "good from here on", m->rto_lower_s, m->rto_upper_s);
    struct text *how = add(s, "healed", f->t_he_s, PAINT_FAULT);
    text_add(how, !isfinite(f->t_he_s) ? "never" : text_eq(f->ended_by, "for") ? "its time was over"
                  : f->ended_by ? f->ended_by : "ended");
    if (f->has_heal_proof && f->heal_proof.method) {
        text_addf(how, "; %s", f->heal_proof.method);
    }
    add_event(s, p, "failed_back", "failed back", PAINT_GOOD, "every client served from home again",
              m->failback_lower_s, m->failback_upper_s);
    add_event(s, p, "converged", "converged", PAINT_GOOD, "all regions hold the same writes", m->converged_lower_s,
              m->converged_upper_s);
}

/* By time; what was not seen comes last, in the order of the list. */
static void sort(struct steps *s)
{
    for (size_t i = 1; i < s->len; i++) {
        struct step moving = s->at[i];
        size_t k = i;
        for (; k > 0 && isfinite(moving.at_s) && !(s->at[k - 1].at_s <= moving.at_s); k--) {
            s->at[k] = s->at[k - 1];
        }
        s->at[k] = moving;
    }
}

static void bar(struct page *p, double from_s, double before_s, double at_s, double to_s, enum svg_paint paint)
{
    const struct svg_axis axis = {from_s, to_s > from_s ? to_s : from_s + 1, 6, BAR_WIDTH - 6};
    double x = svg_x(&axis, before_s), to = svg_x(&axis, at_s), y = BAR_HEIGHT / 2.0;
    text_addf(p->out, "<td class=\"bar\"><svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">",
              BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH, BAR_HEIGHT);
    svg_line(p->out, axis.left, y, axis.right, y, PAINT_TRACK, 6, NULL);
    svg_line(p->out, x, y, to, y, paint, 6, NULL);
    svg_circle(p->out, to, y, 5.5, paint, NULL);
    text_add(p->out, "</svg></td>");
}

static void row(struct page *p, const struct step *s, double from_s, double before_s, double to_s)
{
    bool seen = isfinite(s->at_s);
    text_addf(p->out, "<tr%s><th scope=\"row\">%s</th>", seen ? "" : " class=\"unseen\"", s->name);
    if (seen) {
        html_number(p, "+%.3f", s->at_s - from_s);
        html_number(p, "%.3f", s->at_s - before_s);
        bar(p, from_s, before_s, s->at_s, to_s, s->paint);
        html_time(p, s->at_s);
    } else {
        text_add(p->out, "<td class=\"n\">–</td><td class=\"n\">–</td><td class=\"bar\"></td><td class=\"n\">–</td>");
    }
    html_element(p, "td", "how", text_str(&s->how));
    text_add(p->out, "</tr>\n");
}

/* The steps from the first-th on whose instant lies before `until`; those not seen belong to the last group. */
static size_t group(struct page *p, const struct steps *s, size_t first, double from_s, double until_s,
                    const char *title)
{
    size_t end = first;
    double last = from_s, before = from_s;
    while (end < s->len && (isfinite(s->at[end].at_s) ? s->at[end].at_s < until_s : isinf(until_s))) {
        last = isfinite(s->at[end].at_s) ? s->at[end].at_s : last;
        end++;
    }
    if (end == first) {
        return end;
    }
    text_addf(p->out, "<tbody><tr class=\"group\"><th colspan=\"6\" scope=\"rowgroup\">%s</th></tr>\n", title);
    for (size_t i = first; i < end; i++) {
        row(p, &s->at[i], from_s, before, last);
        before = isfinite(s->at[i].at_s) ? s->at[i].at_s : before;
    }
    text_add(p->out, "</tbody>\n");
    return end;
}

void html_steps(struct page *p)
{
    const struct result_fault *f = html_charged_fault(p->r);
    struct steps s = {0};
    if (!f) {
        return;
    }
    collect(&s, p, f);
    sort(&s);
    text_add(p->out,
             "<h3 id=\"steps\">Step by step</h3>\n<div class=\"scroll\" tabindex=\"0\"><table class=\"steps\"><thead>"
             "<tr><th scope=\"col\">step</th><th scope=\"col\" class=\"n\">after, s</th><th scope=\"col\" class=\"n\">"
             "since the last, s</th><th scope=\"col\" class=\"bar\">course</th><th scope=\"col\" class=\"n\">"
             "run time, s</th><th scope=\"col\">how it is known</th></tr></thead>\n");
    bool heals = isfinite(f->t_hb_s) && f->t_hb_s > f->t_ib_s;
    size_t next = group(p, &s, 0, f->t_ib_s, heals ? f->t_hb_s : INFINITY, "Counted from the fault");
    group(p, &s, next, heals ? f->t_hb_s : f->t_ib_s, INFINITY, heals ? "Counted from the heal" : "Not seen");
    text_add(p->out, "</table></div>\n");
    for (size_t i = 0; i < s.len; i++) {
        text_deinit(&s.at[i].how);
    }
}
