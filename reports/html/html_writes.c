/* SPDX-License-Identifier: MIT */
/*
 * Writes over time: acknowledged, replicated, lost.
 *
 * Bars are acknowledged writes per bucket, apart what every final read had (below) and what was lost (above, hatched),
 * then unknown ones. A cross marks each lost write at the moment it was acknowledged. Below, a tick per comparison of
 * the regions' copies after the heal: equal, different, or a region that could not be asked. The counts that decide
 * come first, then a sentence on what the stores had set aside of the lost ones, all others behind a fold.
 */
#include "reports/html/html.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdio.h>

enum { LOST_MAX = 1000, TOP = 34, HEIGHT = 84, COPIES = 16, COPIES_MAX = 400 };

struct count {
    const char *name;
    int64_t n;
    const char *what;
    bool harm; /* more than none is bad */
};

/* Not known where the counts, which come from a file, cannot all be true. */
static int64_t replicated(const struct result_ledger *l)
{
    int64_t before = l->lost_before_count, after = l->lost_after_count;
    bool makes_sense = before >= 0 && after >= 0 && before <= l->acked_count && after <= l->acked_count - before;
    return makes_sense ? l->acked_count - before - after : JSON_NONE;
}

static void main_counts(struct page *p, const struct result_ledger *l)
{
    const struct count counts[] = {
        {"acknowledged", l->acked_count, "the client was told: stored", false},
        {"replicated", replicated(l), "of these, in every copy at the end", false},
        {"lost before", l->lost_before_count, "acknowledged before the fault, gone", true},
        {"lost after", l->lost_after_count, "acknowledged during the fault, gone", true},
        {"unknown", l->unknown_count, "may or may not have happened", false},
        {"failed", l->failed_count, "provably not applied", false},
    };
    text_add(p->out, "<dl class=\"counts-grid\">");
    for (size_t i = 0; i < array_len(counts); i++) {
        if (counts[i].n != JSON_NONE) {
            text_addf(p->out, "<div><dt>%s</dt><dd%s>%lld</dd><dd class=\"note\">%s</dd></div>", counts[i].name,
                      counts[i].harm && counts[i].n > 0 ? " class=\"bad\"" : "", (long long)counts[i].n,
                      counts[i].what);
        }
    }
    text_add(p->out, "</dl>\n");
}

/* Where no store told what it had set aside, there is nothing to count. */
static int64_t told(const struct result_ledger *l, int64_t n)
{
    return l->set_aside_regions.len > 0 ? n : JSON_NONE;
}

static void set_aside(struct page *p)
{
    scoped_text struct text said = {0};
    format_set_aside(&said, p->r);
    if (said.len > 0) {
        html_element(p, "p", "note", text_str(&said));
    }
}

static void other_counts(struct page *p, const struct result_ledger *l)
{
    static const char *const columns[] = {"#writes", "count", "meaning", NULL};
    const struct count counts[] = {
        {"written", l->write_count, "planned writes", false},
        {"gone", l->gone_count, "of the lost: nowhere to be found", true},
        {"stranded", l->stranded_count, "lost, but still in some region", true},
        {"recoverable", told(l, l->recoverable_count), "of the lost: a store had set them aside", false},
        {"traceless", told(l, l->traceless_count), "of the lost: in no log, and not set aside", true},
        {"set aside, kept", told(l, l->set_aside_kept_count), "set aside, and yet in every copy", false},
        {"set aside, not acknowledged", told(l, l->set_aside_unacked_count), "nobody was told: stored", false},
        {"set aside, foreign", told(l, l->set_aside_foreign_count), "set aside, but nobody sent them so", true},
        {"lost at most", l->lost_most_count, "with all unknown writes that are not stored", true},
        {"landed", l->landed_count, "unknown, and stored", false},
        {"vanished", l->vanished_count, "unknown, and not stored everywhere", false},
        {"contradicted", l->contradicted_count, "told failed, yet stored", true},
        {"foreign", l->foreign_count, "stored, but nobody sent them", true},
        {"duplicated", l->duplicated_count, "stored twice", true},
        {"corrupt", l->corrupt_count, "stored with another value", true},
        {"conflicting", l->conflicting_count, "keys on which regions disagree", true},
    };
    html_figure_data(p, columns, "All counts of the write ledger");
    for (size_t i = 0; i < array_len(counts); i++) {
        if (counts[i].n != JSON_NONE) {
            text_addf(p->out, "<tr><td class=\"n%s\">%lld</td><td>%s</td><td>%s</td></tr>\n",
                      counts[i].harm && counts[i].n > 0 ? " bad" : "", (long long)counts[i].n, counts[i].name,
                      counts[i].what);
        }
    }
    html_table_end(p);
    text_add(p->out, "</details>\n");
}

static void lost_marks(struct page *p, double top, double height)
{
    const struct result_ledger *l = &p->r->ledger;
    scoped_text struct text d = {0};
    for (size_t i = 0; i < l->lost.len && i < LOST_MAX; i++) {
        double x = svg_x(&p->axis, l->lost.at[i].acked_at_s), y = top + height / 2;
        if (isfinite(l->lost.at[i].acked_at_s)) {
            text_addf(&d, "M%.1f %.1fl7 7m0 -7l-7 7", x - 3.5, y - 3.5);
        }
    }
    if (d.len) {
        svg_path(p->out, text_str(&d), PAINT_BAD, 2, NULL);
    }
}

/* Lost writes per bucket of the page's series, by when they were acknowledged. */
static uint32_t *lost_by_bucket(const struct page *p)
{
    const struct series *s = &p->series;
    uint32_t *lost = xcalloc(s->count + 1, sizeof(*lost));
    for (size_t i = 0; i < p->r->ledger.lost.len; i++) {
        double bucket = (p->r->ledger.lost.at[i].acked_at_s - s->from_s) / (s->width_s > 0 ? s->width_s : 1);
        if (bucket >= 0 && bucket < (double)s->count) {
            lost[(size_t)bucket]++;
        }
    }
    return lost;
}

static void bars(struct page *p, double bottom, double most)
{
    scoped_free uint32_t *lost_in = lost_by_bucket(p);
    scoped_text struct text kept = {0}, lost = {0}, unknown = {0};
    for (size_t b = 0; b < p->series.count; b++) {
        const struct series_bucket *k = &p->series.buckets[b];
        double gone = fmin(lost_in[b], k->acked), y = bottom;
        chart_bar(p, &kept, b, y, (k->acked - gone) / most * HEIGHT);
        y -= (k->acked - gone) / most * HEIGHT;
        chart_bar(p, &lost, b, y, gone / most * HEIGHT);
        y -= gone / most * HEIGHT;
        chart_bar(p, &unknown, b, y, k->unknown / most * HEIGHT);
    }
    svg_area(p->out, text_str(&kept), PAINT_BLUE, 45, false);
    svg_area(p->out, text_str(&lost), PAINT_BAD, 60, true);
    svg_area(p->out, text_str(&unknown), PAINT_WARN, 60, true);
}

static void copies(struct page *p, double y)
{
    const struct evidence *ev = p->in->evidence;
    size_t drawn = 0;
    for (size_t i = 0; i < ev->event_count && drawn < COPIES_MAX; i++) {
        const struct event *e = &ev->events[i];
        if (e->kind != EVENT_CONVERGE) {
            continue;
        }
        bool equal = text_eq(e->outcome, "equal"), different = text_eq(e->outcome, "different");
        double at = (double)e->at_ns / (double)NS_PER_S, x = svg_x(&p->axis, at);
        scoped_text struct text tip = {0};
        text_addf(&tip, "copies %s at %.3f s", equal ? "equal" : different ? "different" : "not all readable", at);
        svg_rect(p->out, x - 1.5, equal ? y + 5 : y, 3, equal ? COPIES - 5 : COPIES,
                 equal ? PAINT_GOOD : different ? PAINT_BAD : PAINT_MUTED, 100, text_str(&tip));
        drawn++;
    }
    if (drawn) {
        svg_text(p->out, p->axis.left - 8, y + 13, ANCHOR_END, PAINT_MUTED, 11, false, "copies agree");
    }
}

static void chart(struct page *p)
{
    double most = 0, bottom = TOP + HEIGHT;
    for (size_t b = 0; b < p->series.count; b++) {
        most = fmax(most, p->series.buckets[b].acked + p->series.buckets[b].unknown);
    }
    double width = p->series.width_s > 0 ? p->series.width_s : 1, rate = chart_top(most / width);
    svg_open(p->out, "writes-chart", CHART_WIDTH, bottom + COPIES + 34, "Writes over time",
             "Acknowledged writes, kept and lost, with a cross for each lost one at the moment it was acknowledged.");
    chart_axis(p, 8, bottom + COPIES + 8);
    chart_values(p, TOP, HEIGHT, rate, "/s");
    chart_faults(p, 8, bottom + COPIES);
    svg_text(p->out, p->axis.left - 8, 24, ANCHOR_END, PAINT_MUTED, 11, false, "lost");
    bars(p, bottom, rate * width);
    lost_marks(p, 8, 24);
    svg_line(p->out, p->axis.left, bottom, p->axis.right, bottom, PAINT_MUTED, 1, NULL);
    copies(p, bottom + 5);
    svg_close(p->out);
}

static void lost_table(struct page *p)
{
    static const char *const columns[] = {"#write", "#acknowledged at, s", "by region", "relative to the fault", "key",
                                          "value", "now", NULL};
    const struct result_ledger *l = &p->r->ledger;
    if (l->lost.len == 0) {
        return;
    }
    html_figure_data(p, columns, "Lost writes as a table");
    for (size_t i = 0; i < l->lost.len && i < LOST_MAX; i++) {
        const struct result_lost *w = &l->lost.at[i];
        text_add(p->out, "<tr>");
        html_number(p, "c%lld-%lld", (long long)(w->id >> 32), (long long)(w->id & 0xffffffff));
        html_time(p, w->acked_at_s);
        html_element(p, "td", NULL, w->region);
        html_element(p, "td", NULL, w->when);
        html_element(p, "td", NULL, w->key);
        html_element(p, "td", NULL, w->value);
        scoped_text struct text now = {0};
        text_addf(&now, "%s%s", w->class ? w->class : "", w->set_aside ? ", set aside" : "");
        html_element(p, "td", NULL, text_str(&now));
        text_add(p->out, "</tr>\n");
    }
    html_table_end(p);
    text_add(p->out, "</details>\n");
    if (l->lost_truncated) {
        text_add(p->out,
                 "<p class=\"cut\">Cut here: more writes were lost than are listed; <code>ledger.bin</code> has "
                 "them all.</p>\n");
    }
}

/* The numbers behind the bars. */
static void bucket_table(struct page *p)
{
    static const char *const columns[] = {"#from, s", "#acknowledged", "#unknown", "#refused", NULL};
    html_figure_data(p, columns, "Writes as a table");
    for (size_t b = 0; b < p->series.count; b++) {
        const struct series_bucket *k = &p->series.buckets[b];
        if (k->acked + k->unknown + k->refused > 0) {
            text_add(p->out, "<tr>");
            html_number(p, "%g", p->series.from_s + (double)b * p->series.width_s);
            html_number(p, "%u", k->acked);
            html_number(p, "%u", k->unknown);
            html_number(p, "%u", k->refused);
            text_add(p->out, "</tr>\n");
        }
    }
    html_figure_end(p);
}

void html_writes(struct page *p)
{
    const struct result_ledger *l = &p->r->ledger;
    if (!p->r->has_ledger) {
        return;
    }
    html_heading(p, "writes", "Writes",
                 l->final_read_complete ? "Every write was on record before it left, and looked for afterwards."
                                        : "The final read is not complete: losses are not fully known.");
    main_counts(p, l);
    set_aside(p);
    html_figure_begin(p, "Writes over time", &p->axis);
    chart(p);
    html_figure_chart_end(p);
    text_add(
        p->out,
        "<p class=\"legend\"><span class=\"key f-blue\"></span>acknowledged and kept <span class=\"key f-bad\">"
        "</span>acknowledged and lost <span class=\"key f-warn\"></span>unknown <span>× a lost write</span></p>\n");
    bucket_table(p);
    lost_table(p);
    other_counts(p, l);
}
