/* SPDX-License-Identifier: MIT */
/*
 * The run among the earlier runs of its scenario, as the history had them when it was filed: what they came to, and
 * what so many of them support. Only runs with the same four digests and without a tripped gate are counted; nothing is
 * averaged.
 */
#include "reports/html/html.h"

#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/measure/stats.h"

#include <math.h>

enum { ROWS_MAX = 20 };

static void support(struct page *p, const struct pool *pool)
{
    scoped_text struct text t = {0};
    size_t misses = pool->n - pool->met;
    if (pool->n == 0) {
        text_add(&t, "No run so far counts: gates were tripped, or configuration, scenario, system or tool differ.");
    } else {
        text_addf(
            &t,
            "%zu of %zu comparable runs met, this one included: that supports a chance of at least %.1f %% to meet, at "
            "95 %% confidence.",
            pool->met, pool->n, 100 * pool->met_lower);
        if (misses <= 2) {
            text_addf(&t, " To support 90 %% takes %zu runs with %s.", stats_runs_needed(0.9, misses),
                      misses == 0 ? "no miss" : misses == 1 ? "one miss" : "two misses");
        }
    }
    html_element(p, "p", NULL, text_str(&t));
    text_add(p->out, "\n");
}

static void medians(struct page *p, const struct pool *pool)
{
    static const char *const columns[] = {"objective", "#runs", "median", "95 % interval of the median", "worst", NULL};
    if (pool->n < 2) {
        return;
    }
    html_table_begin(p, "data", columns);
    for (size_t i = 0; i < pool->series.len; i++) {
        const struct pool_series *s = &pool->series.at[i];
        scoped_text struct text middle = {0}, interval = {0}, worst = {0};
        if (s->n == 0) {
            continue;
        }
        format_value(&middle, s->median.value, s->unit);
        format_value(&worst, s->worst, s->unit);
        if (isnan(s->median.lower)) {
            text_add(&interval, "none from fewer than 6 runs");
        } else {
            format_interval(&interval, s->median.lower, s->median.upper, s->unit);
        }
        text_add(p->out, "<tr>");
        html_element(p, "td", NULL, format_label(s->name));
        html_number(p, "%zu", s->n);
        html_element(p, "td", NULL, text_str(&middle));
        html_element(p, "td", NULL, text_str(&interval));
        html_element(p, "td", NULL, isinf(s->worst) ? "not recovered" : text_str(&worst));
        text_add(p->out, "</tr>\n");
    }
    html_table_end(p);
}

/* A link where there is something to go to: others may have been cleared away, or belong to another output folder. */
static void run_name(struct page *p, const struct pool_run *run)
{
    if (run->has_report) {
        text_add(p->out, "<a href=\"../");
        html_escaped(p, run->run_id);
        text_add(p->out, "/report.html\">");
    }
    html_escaped(p, run->run_id);
    text_add(p->out, run->has_report ? "</a>" : "");
}

static void earlier_row(struct page *p, const struct pool_run *run, const struct pool_run *mine)
{
    const char *left_out = pool_left_out(run);
    text_add(p->out, "<tr><td>");
    run_name(p, run);
    text_add(p->out, "</td><td>");
    html_badge(p->out, run->verdict);
    text_add(p->out, "</td><td>");
    for (size_t i = 0, said = 0; i < run->objectives.len; i++) {
        const struct pool_objective *o = &run->objectives.at[i];
        scoped_text struct text value = {0};
        if (text_eq(o->name, "rto") || text_eq(o->name, "rpo")) {
            format_interval(&value, o->lower, o->upper, o->unit);
            text_addf(p->out, "%s%s ", said++ ? ", " : "", format_label(o->name));
            html_escaped(p, text_str(&value));
        }
    }
    text_add(p->out, "</td>");
    html_element(p, "td", NULL, left_out ? left_out : pool_same(run, mine) ? "yes" : "no: other digests");
    text_add(p->out, "</tr>\n");
}

static const char *change_words(const struct result_change *c)
{
    static const char *const words[][2] = {{"worse", "worse"},
                                           {"better", "better"},
                                           {"none_shown", "no change that can be told"},
                                           {"not_compared", "not decided in both"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text_eq(words[i][0], c->change)) {
            return words[i][1];
        }
    }
    return c->change;
}

/* The shift as an interval with its own signs: positive is worse. */
static void change_row(struct page *p, const struct result_change *c)
{
    scoped_text struct text then = {0}, shift = {0};
    format_interval(&then, c->earlier_lower, c->earlier_upper, c->unit);
    if (text_eq(c->change, "not_compared")) {
        text_add(&shift, "–");
    } else {
        format_interval(&shift, c->shift_lower, c->shift_upper, c->unit);
    }
    text_add(p->out, "<tr>");
    html_element(p, "td", NULL, format_label(c->name));
    html_element(p, "td", NULL, text_str(&then));
    html_element(p, "td", NULL, text_str(&shift));
    html_element(p, "td", NULL, change_words(c));
    text_add(p->out, "</tr>\n");
}

/* How each objective did beside the runs that this one was compared with. */
static void comparisons(struct page *p)
{
    static const char *const columns[] = {"objective", "then", "now worse by", "told apart", NULL};
    for (size_t i = 0; i < p->r->comparisons.len; i++) {
        const struct result_comparison *c = &p->r->comparisons.at[i];
        scoped_text struct text title = {0};
        if (c->objectives.len == 0) {
            continue;
        }
        text_addf(&title, "Compared with %s %s",
                  text_eq(c->with, "baseline") ? "the baseline" : "the last run of this configuration,", c->run_id);
        html_element(p, "h3", NULL, text_str(&title));
        html_table_begin(p, "data", columns);
        for (size_t k = 0; k < c->objectives.len; k++) {
            change_row(p, &c->objectives.at[k]);
        }
        html_table_end(p);
    }
    if (p->r->comparisons.len) {
        text_add(p->out, "<p class=\"note\">One run beside one: the phase of the fault moves numbers, too. Trends over "
                         "many runs are what <code>drtest history</code> tests.</p>\n");
    }
}

/* Where the run stands in the chain of runs. */
static void chain(struct page *p)
{
    const struct result_history *h = &p->r->history;
    if (h->line < 1 || !h->file) {
        return;
    }
    text_addf(p->out, "<p class=\"note\">Line %lld of <code>", (long long)h->line);
    html_escaped(p, h->file);
    text_add(p->out, "</code>.");
    if (h->before_run_id && h->before_manifest_sha256) {
        text_add(p->out, " The run before it, of whatever scenario, was <code>");
        html_escaped(p, h->before_run_id);
        text_add(p->out, "</code>; its manifest had the SHA-256 <code>");
        html_escaped(p, h->before_manifest_sha256);
        text_add(p->out, "</code>.");
    }
    text_add(p->out, "</p>\n");
}

/* That nothing was found is told from that nothing could be looked for. */
static void unread(struct page *p)
{
    text_add(p->out, "<p class=\"note\">The history <code>");
    html_escaped(p, p->r->history.file ? p->r->history.file : "history.jsonl");
    text_add(p->out, "</code> could not be used: ");
    html_escaped(p, p->in->earlier_unread);
    text_addf(p->out, ". %s.</p>\n",
              p->in->earlier_count ? "There may be more earlier runs than these" : "Earlier runs are not known");
}

void html_history(struct page *p)
{
    static const char *const columns[] = {"earlier run", "verdict", "RTO and RPO", "comparable", NULL};
    const struct report_input *in = p->in;
    const struct pool_run *mine = p->mine;
    html_heading(p, "history", "Earlier runs", NULL);
    chain(p);
    comparisons(p);
    if (in->earlier_unread) {
        unread(p);
    }
    if (in->earlier_count == 0 && in->earlier_unread) {
        return;
    }
    if (in->earlier_count == 0) {
        text_add(p->out, "<p>None is known: this is the first run of the scenario in this history.</p>\n");
        return;
    }
    const struct pool_run **all = arena_array(&p->arena, const struct pool_run *, in->earlier_count + 1);
    for (size_t i = 0; i < in->earlier_count; i++) {
        all[i] = &in->earlier[i];
    }
    all[in->earlier_count] = mine;
    struct pool pool = pool_of(&p->arena, all, in->earlier_count + 1, mine);
    support(p, &pool);
    medians(p, &pool);
    html_table_begin(p, "data", columns);
    for (size_t i = in->earlier_count; i > 0 && in->earlier_count - i < ROWS_MAX; i--) {
        earlier_row(p, &in->earlier[i - 1], mine);
    }
    html_table_end(p);
    html_rows_cut(p, in->earlier_count < ROWS_MAX ? in->earlier_count : ROWS_MAX, in->earlier_count, "earlier runs",
                  "the history");
}
