/* SPDX-License-Identifier: MIT */
/*
 * A suite at a glance: what it came to, then a row per scenario with verdict, each objective against its target, what
 * the last runs came to, when it ran, and the way to its report.
 *
 * Repeats of a scenario share a row: the verdict is their worst, an objective's value that of its worst run, and each
 * run has a mark that leads to it. Scenarios that were never reached have a row that says so. Bars have the target at
 * two thirds of their width, so that rows can be compared by eye whatever their units; what lies beyond the right end
 * is cut there.
 */
#include "reports/suite.h"

#include "harness/base/scoped.h"
#include "reports/escape.h"
#include "reports/format.h"
#include "reports/html/document.h"
#include "reports/html/marks.h"
#include "reports/html/spark.h"
#include "reports/rows.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { BAR_WIDTH = 96, BAR_HEIGHT = 14, TARGET_AT = 64 };

/* Of an objective a run that measured tells more than one that was skipped. */
static int objective_rank(enum verdict v)
{
    return v == SKIPPED ? -1 : suite_rank(v);
}

/* Opens an element that link_end closes: a link where there is a page. */
static void link_begin(struct text *t, const struct suite_entry *entry)
{
    text_add(t, entry->has_report ? "<a href=\"../" : "<span>");
    if (entry->has_report) {
        escape(t, ESCAPE_HTML, entry->run_id);
        text_add(t, "/report.html\">");
    }
}

static void link_end(struct text *t, const struct suite_entry *entry)
{
    text_add(t, entry->has_report ? "</a>" : "</span>");
}

/* How far the judged end of the interval is on the way to its target: 1 is the target, more is too much. */
static double share_of(const struct result_objective *o)
{
    bool least = text_eq(o->direction, "at_least");
    double value = least ? 1 - o->achieved_lower : o->achieved_upper, target = least ? 1 - o->target : o->target;
    if (isnan(value)) {
        return isfinite(least ? o->achieved_upper : o->achieved_lower) ? INFINITY : (double)NAN;
    }
    return target > 0 ? value / target : value > 0 ? INFINITY : 0;
}

/* The run of the row in which the objective came out worst. */
static const struct result_objective *worst_of(const struct suite_input *in, const struct suite_row *r,
                                               const char *name)
{
    const struct result_objective *worst = NULL;
    for (size_t k = 0; k < in->count; k++) {
        const struct result *result =
            text_eq(in->entries[k].scenario, r->first->scenario) ? in->entries[k].result : NULL;
        for (size_t i = 0; result && i < result->objectives.len; i++) {
            const struct result_objective *o = &result->objectives.at[i];
            if (!text_eq(o->name, name)) {
                continue;
            }
            bool worse = !worst || objective_rank(o->verdict) > objective_rank(worst->verdict) ||
                         (o->verdict == worst->verdict && share_of(o) > share_of(worst));
            worst = worse ? o : worst;
        }
    }
    return worst;
}

static void bar(struct text *t, const struct result_objective *o)
{
    double share = share_of(o), to = isnan(share) ? 0 : fmin(share * TARGET_AT, BAR_WIDTH);
    text_addf(t, "<svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">", BAR_WIDTH, BAR_HEIGHT,
              BAR_WIDTH, BAR_HEIGHT);
    svg_rect(t, 0, 4, BAR_WIDTH, 6, PAINT_TRACK, 100, NULL);
    svg_rect(t, 0, 4, fmax(to, isnan(share) ? 0 : 2), 6, html_verdict_paint(o->verdict), 100, NULL);
    svg_line(t, TARGET_AT, 0, TARGET_AT, BAR_HEIGHT, PAINT_INK, 1.6, NULL);
    text_add(t, "</svg>");
}

static void objective(struct text *t, const struct result_objective *o)
{
    scoped_text struct text achieved = {0}, target = {0};
    bool least = text_eq(o->direction, "at_least");
    format_achieved(&achieved, o);
    format_short(&target, o->target, o->unit);
    text_addf(t, "<li class=\"v-%s\"><span class=\"what\">", format_verdict(o->verdict));
    escape(t, ESCAPE_HTML, format_label(o->name));
    text_add(t, "</span>");
    bar(t, o);
    text_addf(t, "<span class=\"value\"><span class=\"hidden\">%s: </span>", format_verdict(o->verdict));
    escape(t, ESCAPE_HTML, text_str(&achieved));
    text_addf(t,
              "</span><span class=\"target\"><span aria-hidden=\"true\">%s</span><span class=\"hidden\">at %s</span> ",
              least ? "≥" : "≤", least ? "least" : "most");
    escape(t, ESCAPE_HTML, text_str(&target));
    text_add(t, "</span></li>\n");
}

static void objectives(struct text *t, const struct suite_input *in, const struct suite_row *r,
                       const struct result *newest)
{
    text_add(t, "<td><ul class=\"goals\">\n");
    size_t told = 0;
    for (size_t i = 0; newest && i < newest->objectives.len; i++) {
        const struct result_objective *o = worst_of(in, r, newest->objectives.at[i].name);
        if (!o->implied || o->verdict != MET) {
            objective(t, o);
            told++;
        }
    }
    text_add(t, told ? "</ul></td>" : "<li>nothing was judged</li></ul></td>");
}

/* The objective that tells most about a scenario over time: the one that was missed, else its first. */
static const char *headline(const struct suite_input *in, const struct suite_row *r)
{
    const struct result *result = r->newest ? r->newest->result : NULL;
    for (size_t i = 0; result && i < result->objectives.len; i++) {
        if (worst_of(in, r, result->objectives.at[i].name)->verdict == MISSED) {
            return result->objectives.at[i].name;
        }
    }
    return result && result->objectives.len ? result->objectives.at[0].name : NULL;
}

static void trail(struct text *t, const struct suite_input *in, const struct suite_row *r)
{
    const char *name = headline(in, r);
    text_add(t, "<td class=\"last\">");
    if (name) {
        struct spark s = spark_of(r->first->earlier, r->first->earlier_count, name, r->runs);
        size_t met = 0;
        for (size_t k = 0; k < in->count; k++) {
            const struct pool_run *run =
                text_eq(in->entries[k].scenario, r->first->scenario) ? in->entries[k].pooled : NULL;
            for (size_t i = 0; run && i < run->objectives.len; i++) {
                if (text_eq(run->objectives.at[i].name, name)) {
                    spark_add(&s, &run->objectives.at[i]);
                }
            }
        }
        for (size_t i = 0; i < s.count; i++) {
            met += s.dots[i].verdict == MET;
        }
        spark_draw(t, &s);
        text_add(t, "<span>");
        escape(t, ESCAPE_HTML, format_label(name));
        text_addf(t, ", met %zu of %zu</span>", met, s.count);
    }
    text_add(t, "</td>");
}

static void when(struct text *t, const struct suite_row *r, const struct result *newest)
{
    text_add(t, "<td class=\"when\">");
    if (newest) {
        html_date(t, newest->run.started_at);
        text_addf(t, "<span>took %.0f s, %s</span>", format_run_end(newest),
                  text_eq(newest->lab.kind, "sim") ? "on virtual time" : "on real processes");
    }
    if (r->first->earlier_count) {
        text_add(t, "<span>before that ");
        html_date(t, r->first->earlier[r->first->earlier_count - 1].started_at);
        text_add(t, "</span>");
    }
    text_add(t, "</td>");
}

static void runs(struct text *t, const struct suite_input *in, const struct suite_row *r)
{
    if (r->runs < 2) {
        return;
    }
    text_addf(t, "<span class=\"note\">met %zu of %zu runs</span><span class=\"runs\">", r->met, r->runs);
    for (size_t k = 0, n = 0; k < in->count; k++) {
        const struct suite_entry *entry = &in->entries[k];
        if (text_eq(entry->scenario, r->first->scenario)) {
            text_addf(t, "<span class=\"badge v-%s\">", format_verdict(entry->verdict));
            link_begin(t, entry);
            text_addf(t, "<span aria-hidden=\"true\">%s</span><span class=\"hidden\">%s, </span> %zu",
                      format_icon(entry->verdict, true), format_verdict(entry->verdict), ++n);
            link_end(t, entry);
            text_add(t, "</span>");
        }
    }
    text_add(t, "</span>");
}

static void table_row(struct text *t, const struct suite_input *in, const struct suite_row *r)
{
    const struct result *result = r->newest ? r->newest->result : NULL;
    text_addf(t, "<tr class=\"v-%s\"><th scope=\"row\">", format_verdict(r->verdict));
    html_badge(t, r->verdict);
    if (result) {
        link_begin(t, r->newest);
        escape(t, ESCAPE_HTML, result->scenario.title ? result->scenario.title : result->scenario.name);
        link_end(t, r->newest);
    }
    text_add(t, "<code>");
    escape(t, ESCAPE_HTML, r->first->scenario);
    text_add(t, "</code>");
    if (!result) {
        text_add(t, "<span class=\"note\">the run left no result</span>");
    }
    if (r->unreached) {
        text_addf(t, "<span class=\"note\">%zu more not run</span>", r->unreached);
    }
    runs(t, in, r);
    text_add(t, "</th>");
    objectives(t, in, r, result);
    trail(t, in, r);
    when(t, r, result);
    text_add(t, "</tr>\n");
}

static void unreached_row(struct text *t, const struct suite_unreached *u)
{
    text_add(t, "<tr class=\"v-skipped\"><th scope=\"row\"><span class=\"badge v-skipped\"><span "
                "aria-hidden=\"true\">–</span> not run</span><span class=\"name\">");
    escape(t, ESCAPE_HTML, u->title ? u->title : u->scenario);
    text_add(t, "</span><code>");
    escape(t, ESCAPE_HTML, u->scenario);
    text_add(t, "</code><span class=\"note\">the suite ended before it</span></th><td></td><td class=\"last\"></td>"
                "<td class=\"when\"></td></tr>\n");
}

static void masthead(struct text *t, const struct suite_input *in, const struct suite_tally *sum)
{
    struct suite_headline h = suite_headline(in, sum);
    text_addf(t, "<header class=\"masthead\"><p class=\"eyebrow\">%s</p>\n<h1>",
              text_eq(in->kind, "repeats") ? "Repeated disaster-recovery drill" : "Suite of disaster-recovery drills");
    escape(t, ESCAPE_HTML, in->title ? in->title : in->name);
    text_add(t, "</h1>\n");
    if (in->title) {
        text_add(t, "<ul class=\"tags\"><li>");
        escape(t, ESCAPE_HTML, in->name);
        text_add(t, "</li></ul>");
    }
    text_addf(t, "</header>\n<main>\n<section class=\"verdict v-%s\" aria-labelledby=\"verdict\">",
              format_verdict(h.verdict));
    html_icon(t, h.verdict);
    text_addf(t, "<div><h2 id=\"verdict\">%c%s</h2><p class=\"story\">", h.word[0] - 'a' + 'A', h.word + 1);
    suite_sentences(t, in, sum);
    text_addf(t, "</p></div></section>\n<dl class=\"facts\"><div><dt>Started</dt><dd>");
    html_date(t, in->started_at);
    text_add(t, "</dd></div><div><dt>Ended</dt><dd>");
    html_date(t, in->ended_at);
    text_addf(t,
              "</dd></div><div><dt>Runs</dt><dd>%zu</dd></div><div><dt>Run time, all together</dt><dd>%.0f s</dd></div>"
              "<div><dt>Exit code</dt><dd>%lld</dd></div></dl>\n",
              in->count, sum->took_s, (long long)in->exit_code);
}

/* A path as a link, whatever is in it. */
static void link_file(struct text *t, const char *path)
{
    text_add(t, "<a href=\"");
    for (const char *c = path; *c; c++) {
        text_addf(t, isalnum((unsigned char)*c) || strchr("/._-", *c) ? "%c" : "%%%02X", (unsigned char)*c);
    }
    text_add(t, "\">");
    escape(t, ESCAPE_HTML, path);
    text_add(t, "</a>");
}

static void files(struct text *t, const struct suite_input *in)
{
    text_add(t, "<h3 id=\"files\">Files</h3>\n<ul class=\"files\"><li><a href=\"suite.json\">suite.json</a> "
                "<span>the runs, and what repeats support</span></li>"
                "<li><a href=\"junit.xml\">junit.xml</a>, <a href=\"summary.md\">summary.md</a>, "
                "<a href=\"metrics.prom\">metrics.prom</a> <span>its runs, for other programs</span></li>"
                "<li><a href=\"manifest.sha256\">manifest.sha256</a> <span>digests of these files</span></li>");
    if (in->history) {
        text_add(t, "<li>");
        link_file(t, in->history);
        text_add(t, " <span>every run so far</span></li>");
    }
    text_add(t, "</ul>\n");
}

int suite_html_write(FILE *out, const struct suite_input *in, struct err *e)
{
    static const char *const columns[] = {"scenario", "achieved against target", "last runs", "when", NULL};
    scoped_text struct text t = {0}, title = {0};
    struct suite_tally sum = suite_tally_of(in);
    text_addf(&title, "%s: %s", suite_headline(in, &sum).word, in->title ? in->title : in->name);
    document_begin(&t, &document_suite, text_str(&title));
    svg_patterns(&t);
    masthead(&t, in, &sum);
    text_add(
        &t,
        "<h2 id=\"scenarios\">Scenarios</h2>\n<p class=\"lead\">Bars show the judged end of each interval against its "
        "target, the upright line. Dots are the last runs, oldest first, the dashed line their target.</p>\n"
        "<table class=\"suite\"><thead><tr>");
    for (size_t i = 0; columns[i]; i++) {
        text_addf(&t, "<th scope=\"col\">%s</th>", columns[i]);
    }
    text_add(&t, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < in->count; i++) {
        if (suite_row_leads(in, i)) {
            struct suite_row r = suite_row_of(in, i);
            table_row(&t, in, &r);
        }
    }
    for (size_t i = 0; i < in->unreached_count; i++) {
        if (suite_row_unreached(in, i)) {
            unreached_row(&t, &in->unreached[i]);
        }
    }
    text_add(&t, "</tbody></table>\n");
    files(&t, in);
    text_add(&t, "</main>\n<footer><p>Ages are counted from when this page is opened.</p></footer>\n");
    document_end(&t, &document_suite);
    return report_emit(out, &t, "report.html", e);
}
