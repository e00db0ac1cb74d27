/* SPDX-License-Identifier: MIT */
/*
 * report.html: one file, no network, nothing that needs scripts.
 *
 * The page is a list of sections over one derived model, in the shell of document.c. The table of contents lists the
 * headings that the sections wrote, so it is made last and put in before them. No style= and no on*= attribute exists
 * anywhere. Everything foreign is escaped where it is added. Above PAGE_MAX the remaining sections are left out, and
 * the page says so.
 */
#include "reports/html/html.h"
#include "reports/html/document.h"

#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "reports/rows.h"

#include <string.h>

enum { PAGE_MAX = 5 * 1000 * 1000, BUCKETS = 240 };

static void (*const sections[])(struct page *p) = {
    html_verdict_section, html_cards,  html_recovery, html_steps,    html_world,       html_timeline, html_lanes,
    html_traffic,         html_latency, html_dense,   html_writes,   html_drift,       html_events,   html_errors,
    html_scenario,        html_measures, html_history, html_load,    html_environment, html_quality,  html_reproduce,
    html_record,
};

static void masthead(struct page *p)
{
    const struct result *r = p->r;
    text_add(p->out, "<header class=\"masthead\"><p class=\"eyebrow\">Disaster-recovery drill");
    if (r->run.suite) {
        text_add(p->out, " · ");
        html_escaped(p, r->run.suite);
    }
    if (r->run.repeat_count > 1) {
        text_addf(p->out, " · run %lld of %lld", (long long)r->run.repeat_index, (long long)r->run.repeat_count);
    }
    text_add(p->out, "</p>\n");
    html_element(p, "h1", NULL, r->scenario.title ? r->scenario.title : r->scenario.name);
    if (r->scenario.description) {
        html_element(p, "p", "description", r->scenario.description);
    }
    text_add(p->out, "<ul class=\"tags\"><li>");
    html_escaped(p, r->scenario.name);
    text_add(p->out, "</li>");
    for (size_t i = 0; i < r->scenario.tags.len; i++) {
        html_element(p, "li", NULL, r->scenario.tags.at[i]);
    }
    text_add(p->out, "</ul></header>\n<main>\n");
}

static void footer(struct page *p)
{
    text_add(p->out, "</main>\n<footer><p>Run <code>");
    html_escaped(p, p->r->run.id);
    text_add(p->out, "</code>, made by drtest ");
    html_escaped(p, p->r->tool.version);
    text_add(p->out, ". Times in this report are seconds of a monotonic clock since the run began at ");
    html_escaped(p, p->r->clock.zero_at);
    text_add(p->out, ".</p></footer>\n");
}

int html_write(FILE *out, const struct report_input *in, struct err *e)
{
    static const struct evidence nothing = {0}; /* a run that never started has no evidence */
    scoped_text struct text t = {0}, body = {0}, title = {0};
    struct report_input input = *in;
    input.evidence = in->evidence ? in->evidence : &nothing;
    struct page p = {.out = &t, .in = &input, .r = in->result, .end_s = format_run_end(in->result)};
    p.axis = (struct svg_axis){0, p.end_s > 0 ? p.end_s : 1, CHART_LEFT, CHART_RIGHT};
    series_make(&p.series, input.evidence, in->plan, 0, p.axis.to_s, BUCKETS);
    lanes_make(&p.lanes, &input, p.axis.to_s);
    scoped_json json_t *doc = result_to_json(p.r);
    struct pool_run mine = pool_run_of_result(&p.arena, doc);
    p.mine = &mine;
    size_t i = 1;
    p.out = &body;
    for (; i < array_len(sections) && body.len < PAGE_MAX; i++) {
        sections[i](&p);
    }
    if (i < array_len(sections)) {
        text_addf(p.out, "<p class=\"cut\">Cut here after 5 MB: %zu sections are left out.</p>\n",
                  array_len(sections) - i);
    }
    p.out = &t;
    text_addf(&title, "%s: %s", format_verdict(p.r->run.verdict), p.r->scenario.name);
    document_begin(&t, &document_run, text_str(&title));
    svg_patterns(p.out);
    masthead(&p);
    sections[0](&p);
    text_addf(p.out, "<nav aria-label=\"On this page\"><ul>%s</ul></nav>\n", text_str(&p.contents));
    text_add(p.out, text_str(&body));
    footer(&p);
    document_end(&t, &document_run);
    arena_deinit(&p.arena);
    lanes_deinit(&p.lanes);
    series_deinit(&p.series);
    text_deinit(&p.contents);
    return report_emit(out, &t, "report.html", e);
}
