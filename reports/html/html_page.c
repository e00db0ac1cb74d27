/* SPDX-License-Identifier: MIT */
/*
 * report.html: one file, no network, nothing that needs scripts.
 *
 * The page is a list of sections over one derived model. Its content security policy allows exactly one style sheet
 * and one script, by hash; the hashes are computed here from the very bytes that are written, so they cannot drift
 * apart. The table of contents lists the headings that the sections wrote, so it is made last and put in before them.
 * No style= and no on*= attribute exists anywhere. Everything foreign is escaped where it is added. Above
 * PAGE_MAX the remaining sections are left out, and the page says so.
 */
#include "reports/html/html.h"

#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "reports/rows.h"

#include <string.h>

enum { PAGE_MAX = 5 * 1000 * 1000, BUCKETS = 240 };

static void (*const sections[])(struct page *p) = {
    html_verdict_section, html_cards,    html_recovery,    html_timeline, html_lanes,
    html_traffic,         html_latency,  html_writes,      html_drift,    html_events,
    html_errors,          html_scenario, html_environment, html_quality,  html_reproduce,
};

/* 'sha256-<base64>' of a text, as in CSP level 3. */
static void csp_hash(struct text *t, const char *body)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[SHA256_HEX];
    unsigned char digest[33] = {0};
    sha256_hex(body, strlen(body), hex);
    for (int i = 0; i < 32; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        digest[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    text_add(t, "'sha256-");
    for (int i = 0; i < 33; i += 3) {
        unsigned v = (unsigned)digest[i] << 16 | (unsigned)digest[i + 1] << 8 | digest[i + 2];
        const char four[5] = {letters[v >> 18], letters[v >> 12 & 63], letters[v >> 6 & 63],
                              i == 30 ? '=' : letters[v & 63], '\0'};
        text_add(t, four);
    }
    text_add(t, "'");
}

static void head(struct page *p)
{
    const struct result *r = p->r;
    scoped_text struct text script = {0}, style = {0};
    csp_hash(&script, report_js);
    csp_hash(&style, report_css);
    text_add(p->out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    text_addf(p->out,
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src %s; style-src %s; "
              "base-uri 'none'; form-action 'none'\">\n",
              text_str(&script), text_str(&style));
    text_add(p->out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_escaped(p, r->scenario.name);
    text_addf(p->out, " %s</title>\n<style>", format_verdict(r->run.verdict));
    text_add(p->out, report_css);
    text_add(p->out, "</style>\n</head>\n<body>\n");
}

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
    text_add(p->out, ".</p></footer>\n<script>");
    text_add(p->out, report_js);
    text_add(p->out, "</script>\n</body>\n</html>\n");
}

int html_write(FILE *out, const struct report_input *in, struct err *e)
{
    static const struct evidence nothing = {0}; /* a run that never started has no evidence */
    scoped_text struct text t = {0}, body = {0};
    struct report_input input = *in;
    input.evidence = in->evidence ? in->evidence : &nothing;
    struct page p = {.out = &t, .in = &input, .r = in->result, .end_s = format_run_end(in->result)};
    p.axis = (struct svg_axis){0, p.end_s > 0 ? p.end_s : 1, CHART_LEFT, CHART_RIGHT};
    series_make(&p.series, input.evidence, in->plan, 0, p.axis.to_s, BUCKETS);
    lanes_make(&p.lanes, &input, p.axis.to_s);
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
    head(&p);
    svg_patterns(p.out);
    masthead(&p);
    sections[0](&p);
    text_addf(p.out, "<nav aria-label=\"On this page\"><ul>%s</ul></nav>\n", text_str(&p.contents));
    text_add(p.out, text_str(&body));
    footer(&p);
    lanes_deinit(&p.lanes);
    series_deinit(&p.series);
    text_deinit(&p.contents);
    return report_emit(out, &t, "report.html", e);
}
