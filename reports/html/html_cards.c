/* SPDX-License-Identifier: MIT */
/*
 * The verdict in words, and a card per objective.
 *
 * A card draws the achieved interval on one scale with the promise (tinted: what was promised; a line: its limit)
 * and the floor (hatched: what the configuration alone explains). The scale starts at zero for at-most objectives and
 * just below the smallest number for at-least ones. An interval open to the right fades out at the edge.
 */
#include "reports/html/html.h"
#include "reports/html/spark.h"
#include "reports/story.h"

#include <ctype.h>
#include <math.h>

enum { BAR_LEFT = 4, BAR_RIGHT = 316, BAR_WIDTH = 320, BAR_HEIGHT = 62 };

static void fact(struct page *p, const char *name, const char *value)
{
    text_add(p->out, "<div>");
    html_element(p, "dt", NULL, name);
    html_element(p, "dd", NULL, value);
    text_add(p->out, "</div>");
}

static void count_of(struct text *t, size_t n, const char *what)
{
    if (n) {
        text_addf(t, "%s%zu %s%s", t->len ? ", " : "", n, what, n == 1 ? "" : "s");
    }
}

/* How much; the names are among the small print. */
static void blast_radius(struct page *p, const struct result_blast *b)
{
    scoped_text struct text t = {0};
    count_of(&t, b->regions.len, "region");
    count_of(&t, b->nodes.len, "node");
    count_of(&t, b->links.len, "link");
    count_of(&t, b->vantages.len, "vantage");
    fact(p, "Blast radius", t.len ? text_str(&t) : "nothing");
}

static void facts(struct page *p)
{
    const struct result *r = p->r;
    scoped_text struct text duration = {0}, seed = {0}, regions = {0};
    text_addf(&duration, "%.1f s", p->end_s);
    text_addf(&seed, "%lld", (long long)r->run.seed);
    for (size_t i = 0; i < r->lab.regions.len; i++) {
        text_addf(&regions, "%s%s", i ? ", " : "", r->lab.regions.at[i]);
    }
    text_add(p->out, "<dl class=\"facts\">");
    text_add(p->out, "<div><dt>Started</dt><dd>");
    html_date(p->out, r->run.started_at);
    text_add(p->out, "</dd></div>");
    fact(p, "Took", text_str(&duration));
    fact(p, "Regions", text_str(&regions));
    if (r->has_blast_radius) {
        blast_radius(p, &r->blast_radius);
    }
    fact(p, "Lab", r->lab.kind);
    fact(p, "Seed", text_str(&seed));
    fact(p, "Owner", r->scenario.owner ? r->scenario.owner : "nobody named");
    text_add(p->out, "</dl>\n");
}

static void checks(struct page *p)
{
    text_add(p->out, "<section aria-label=\"Checks: what must hold before the numbers count\"><ul class=\"checks\">\n");
    for (size_t i = 0; i < p->r->checks.len; i++) {
        const struct result_check *c = &p->r->checks.at[i];
        text_addf(p->out, "<li class=\"c-%s\"><span aria-hidden=\"true\">%s</span><b>", format_verdict(c->verdict),
                  format_icon(c->verdict, true));
        html_escaped(p, format_check(c->name));
        text_add(p->out, "</b>");
        if (c->verdict != MET) {
            text_addf(p->out, " <em>%s</em>", format_verdict(c->verdict));
        }
        text_add(p->out, " ");
        html_element(p, "span", "detail", c->detail);
        text_add(p->out, "</li>\n");
    }
    text_add(p->out, "</ul></section>\n");
}

void html_verdict_section(struct page *p)
{
    const struct result *r = p->r;
    const char *word = format_verdict(r->run.verdict);
    scoped_text struct text story = {0}, counts = {0};
    story_tell(&story, p->in);
    format_counts(&counts, &r->run);
    text_addf(p->out, "<section class=\"verdict v-%s\" aria-labelledby=\"verdict\">", word);
    html_icon(p->out, r->run.verdict);
    text_addf(p->out, "<div><h2 id=\"verdict\">%c%s</h2>", word[0] - 'a' + 'A', word + 1);
    html_element(p, "p", "story", text_str(&story));
    text_add(p->out, "<p class=\"counts\">Objectives: ");
    html_escaped(p, text_str(&counts));
    text_add(p->out, "</p>");
    for (size_t i = 0; i < r->comparisons.len; i++) {
        scoped_text struct text said = {0};
        format_comparison(&said, &r->comparisons.at[i]);
        said.at[0] = (char)toupper((unsigned char)said.at[0]);
        html_element(p, "p", "counts", text_str(&said));
    }
    text_add(p->out, "</div></section>\n");
    facts(p);
    checks(p);
}

/* The scale of a card: from..to in the objective's unit. */
static struct svg_axis bar_scale(const struct result_objective *o)
{
    double low = isfinite(o->achieved_lower) ? o->achieved_lower : o->target;
    double high = isfinite(o->achieved_upper) ? o->achieved_upper : low;
    double top = fmax(fmax(o->target, high), isfinite(o->floor_max) ? o->floor_max : 0);
    top = isfinite(o->achieved_upper) ? top * 1.1 : fmax(top, low * 1.3);
    double step = svg_step(top, 6);
    struct svg_axis axis = {0, top > 0 ? ceil(top / step) * step : 1, BAR_LEFT, BAR_RIGHT};
    if (text_eq(o->direction, "at_least") && text_eq(o->unit, "ratio")) {
        double least = fmin(o->target, low);
        step = svg_step((1 - least) * 1.2, 4);
        double shown = least < 1 ? ceil((1 - least) * 1.2 / step) * step : 0.01;
        axis = (struct svg_axis){fmax(0, 1 - shown), 1, BAR_LEFT, BAR_RIGHT};
    }
    return axis;
}

static void bar_interval(struct page *p, const struct result_objective *o, const struct svg_axis *axis)
{
    enum svg_paint paint = html_verdict_paint(o->verdict);
    bool open = !isfinite(o->achieved_upper);
    double from = svg_x(axis, isfinite(o->achieved_lower) ? o->achieved_lower : axis->from_s);
    double to = open ? BAR_RIGHT : svg_x(axis, o->achieved_upper);
    double start = svg_x(axis, axis->from_s);
    if (!text_eq(o->direction, "at_least")) {
        svg_rect(p->out, start, 30, from - start, 4, paint, 100, NULL);
    }
    if (to - from < 5) { /* narrow: keep it visible, centred */
        double middle = (from + to) / 2;
        from = fmax(BAR_LEFT, middle - 2.5);
        to = from + 5;
    }
    svg_rect(p->out, from, 22, to - from, 20, paint, open ? 60 : 100, NULL);
    if (open) {
        svg_hatch(p->out, from, 22, to - from, 20, paint == PAINT_GOOD ? PAINT_MUTED : paint);
        svg_path(p->out, "M312 26l5 6-5 6", PAINT_INK, 2, NULL);
    }
}

static void bar(struct page *p, const struct result_objective *o, size_t i)
{
    struct svg_axis axis = bar_scale(o);
    bool least = text_eq(o->direction, "at_least");
    scoped_text struct text id = {0}, desc = {0}, low = {0}, high = {0}, at = {0};
    text_addf(&id, "card%zu", i);
    text_add(&at, "target ");
    format_short(&at, o->target, o->unit);
    format_sentence(&desc, o);
    svg_open(p->out, text_str(&id), BAR_WIDTH, BAR_HEIGHT, "Achieved against target", text_str(&desc));
    double target = svg_x(&axis, o->target), edge = svg_x(&axis, least ? axis.to_s : axis.from_s);
    svg_rect(p->out, BAR_LEFT, 26, BAR_RIGHT - BAR_LEFT, 12, PAINT_TRACK, 100, NULL);
    svg_rect(p->out, fmin(target, edge), 26, fabs(target - edge), 12, PAINT_GOOD, 18, "promised");
    if (isfinite(o->achieved_lower) || isfinite(o->achieved_upper)) {
        bar_interval(p, o, &axis);
    }
    if (isfinite(o->floor) && isfinite(o->floor_max) && o->floor_max > o->floor) {
        double x = svg_x(&axis, o->floor);
        svg_hatch(p->out, x, 39, svg_x(&axis, o->floor_max) - x, 6, PAINT_MUTED);
    }
    svg_line(p->out, target, 17, target, 46, PAINT_INK, 2, NULL);
    svg_text(p->out, target, 12,
             target > 240  ? ANCHOR_END
             : target < 60 ? ANCHOR_START
                           : ANCHOR_MIDDLE,
             PAINT_INK, 11, true, text_str(&at));
    format_short(&low, axis.from_s, o->unit);
    format_short(&high, axis.to_s, o->unit);
    svg_text(p->out, BAR_LEFT, 58, ANCHOR_START, PAINT_MUTED, 10, false, axis.from_s > 0 ? text_str(&low) : "0");
    svg_text(p->out, BAR_RIGHT, 58, ANCHOR_END, PAINT_MUTED, 10, false, text_str(&high));
    svg_close(p->out);
}

static const char *method_words(const char *method)
{
    static const char *const methods[][2] = {{"timestamp", "timestamps of requests"},
                                             {"ledger", "write ledger and final read"},
                                             {"window", "requests in the window"},
                                             {"poll", "polls of the admin port"}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (text_eq(methods[i][0], method)) {
            return methods[i][1];
        }
    }
    return method ? method : "unknown";
}

static void evidence(struct page *p, const struct result_objective *o)
{
    text_add(p->out, "<div><dt>Evidence</dt><dd>");
    for (size_t i = 0; i < o->evidence.len; i++) {
        text_add(p->out, i ? "<br>" : "");
        html_evidence(p, &o->evidence.at[i]);
    }
    text_add(p->out, "</dd></div>");
}

static void card_facts(struct page *p, const struct result_objective *o)
{
    scoped_text struct text resolution = {0}, floor = {0}, flags = {0};
    format_value(&resolution, o->resolution, o->unit);
    format_floor(&floor, o);
    for (size_t i = 0; i < o->flags.len; i++) {
        text_addf(&flags, "%s%s", i ? ", " : "", o->flags.at[i]);
    }
    text_add(p->out, "<details><summary>How it was measured</summary><dl>");
    fact(p, "Measured by", method_words(o->method));
    if (isfinite(o->resolution)) {
        fact(p, "Resolution", text_str(&resolution));
    }
    if (floor.len) {
        fact(p, "Floor", text_str(&floor));
    }
    if (flags.len) {
        fact(p, "Flags", text_str(&flags));
    }
    if (o->evidence.len) {
        evidence(p, o);
    }
    text_add(p->out, "</dl></details>");
}

/* What earlier runs came to, and this one. */
static void trail(struct page *p, const struct result_objective *o)
{
    struct spark s = spark_of(p->in->earlier, p->in->earlier_count, o->name, 1);
    if (s.count == 0) {
        return;
    }
    scoped_text struct text label = {0};
    size_t met = 0, all = s.count;
    for (size_t i = 0; i < s.count; i++) {
        met += s.dots[i].verdict == MET;
    }
    for (size_t i = 0; i < p->mine->objectives.len; i++) {
        if (text_eq(p->mine->objectives.at[i].name, o->name)) {
            spark_add(&s, &p->mine->objectives.at[i]);
        }
    }
    text_addf(&label, "%zu of %zu earlier runs met", met, all);
    text_add(p->out, "<p class=\"trail\">");
    spark_draw(p->out, &s);
    html_element(p, "span", NULL, text_str(&label));
    text_add(p->out, "</p>");
}

static void card(struct page *p, const struct result_objective *o, size_t i)
{
    scoped_text struct text achieved = {0}, target = {0}, recovered = {0}, elsewhere = {0};
    format_achieved(&achieved, o);
    format_target(&target, o);
    format_recovered(&recovered, o);
    format_elsewhere(&elsewhere, p->r, o);
    text_addf(p->out, "<article class=\"card v-%s\" id=\"objective-", format_verdict(o->verdict));
    for (const char *c = o->name; *c; c++) { /* a name of an objective; of anything else, what an id may hold */
        text_add_bytes(p->out, isalnum((unsigned char)*c) ? c : "-", 1);
    }
    text_add(p->out, "\"><header>");
    html_element(p, "h3", NULL, format_label(o->name));
    html_badge(p->out, o->verdict);
    text_add(p->out, "</header>");
    html_element(p, "p", "achieved", text_str(&achieved));
    text_add(p->out, "<p class=\"target\">");
    html_escaped(p, text_str(&target));
    if (o->implied) {
        text_add(p->out, " (implied)");
    }
    if (recovered.len) {
        text_add(p->out, " · ");
        html_escaped(p, text_str(&recovered));
    }
    if (elsewhere.len) {
        text_add(p->out, " · ");
        html_escaped(p, text_str(&elsewhere));
    }
    text_add(p->out, "</p>");
    if (isfinite(o->target)) {
        bar(p, o, i);
    }
    if (o->reason && o->verdict != MET) {
        html_element(p, "p", "reason", o->reason);
    }
    trail(p, o);
    card_facts(p, o);
    text_add(p->out, "</article>\n");
}

/* How to read the bars. */
static void key(struct page *p)
{
    static const char open[] = "<span><svg width=\"26\" height=\"14\" viewBox=\"0 0 26 14\" aria-hidden=\"true\">";
    text_addf(p->out, "<p class=\"legend\">%s", open);
    svg_rect(p->out, 3, 2, 20, 10, PAINT_GOOD, 100, NULL);
    text_addf(p->out, "</svg>achieved, as an interval</span>%s", open);
    svg_rect(p->out, 0, 4, 15, 6, PAINT_GOOD, 18, "promised");
    svg_line(p->out, 16, 0, 16, 14, PAINT_INK, 2, NULL);
    text_addf(p->out, "</svg>promised, up to the target</span>%s", open);
    svg_hatch(p->out, 1, 4, 24, 6, PAINT_MUTED);
    text_add(p->out, "</svg>floor: what the configuration alone explains</span></p>\n");
}

void html_cards(struct page *p)
{
    html_heading(
        p, "objectives", "Objectives",
        "Achieved values are intervals: the truth lies inside. Judged by their worse end, never by the middle.");
    if (p->r->objectives.len == 0) {
        text_add(p->out, "<p>The scenario promises nothing.</p>\n");
        return;
    }
    key(p);
    text_add(p->out, "<div class=\"cards\">\n");
    for (size_t i = 0; i < p->r->objectives.len; i++) {
        card(p, &p->r->objectives.at[i], i);
    }
    text_add(p->out, "</div>\n");
}
