/* SPDX-License-Identifier: MIT */
/*
 * What was asked of the system, and what was fixed before the drill began: streams with rate, interval and time-out,
 * what counts as good and as steady, how long service must hold, when the drill would have been called off.
 */
#include "reports/html/html.h"

#include "harness/base/units.h"

#include <math.h>

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void streams(struct page *p, const struct plan *plan)
{
    static const char *const columns[] = {"clients", "stream", "#per s", "#every, ms", "#time-out, s", NULL};
    static const char *const kinds[] = {"fresh reads", "keep-alive reads", "writes"};
    html_table_begin(p, "data", columns);
    for (size_t i = 0; i < plan->stream_count; i++) {
        const struct plan_stream *s = &plan->streams[i];
        double rate = (double)s->rate_micro / 1e6;
        text_add(p->out, "<tr>");
        html_element(p, "td", NULL,
                     s->vantage < plan->topology->site_count ? plan->topology->sites[s->vantage].name : "unknown");
        html_element(p, "td", NULL, (unsigned)s->kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[s->kind] : "unknown");
        html_number(p, "%g", rate);
        html_number(p, "%.3g", rate > 0 ? 1000 / rate : 0);
        html_number(p, "%g", seconds(s->timeout_ns));
        text_add(p->out, "</tr>\n");
    }
    html_table_end(p);
}

static void row(struct page *p, const char *name, const struct text *value)
{
    text_add(p->out, "<tr>");
    text_add(p->out, "<th scope=\"row\">");
    html_escaped(p, name);
    text_add(p->out, "</th>");
    html_element(p, "td", NULL, text_str(value));
    text_add(p->out, "</tr>\n");
}

static void rules(struct page *p, const struct plan *plan)
{
    scoped_text struct text good = {0}, latency = {0}, baseline = {0}, hold = {0}, abort_rule = {0};
    text_addf(&good, "%g %% of the requests of any %g s", (double)plan->good_ratio_ppm / 1e4, seconds(plan->window_ns));
    text_addf(&latency, plan->baseline_p99_ns > 0 ? "99th percentile at most %g ms" : "no condition",
              seconds(plan->baseline_p99_ns) * 1000);
    text_addf(&baseline, "steady for %.1f s within %.0f s", seconds(plan->baseline_hold_ns),
              seconds(plan->baseline_within_ns));
    text_addf(&hold, "good for %.1f s on end", seconds(plan->hold_max_ns));
    if (plan->abort_availability_ppm > 0) {
        text_addf(&abort_rule, "less than %g %% good for %g s; ", (double)plan->abort_availability_ppm / 1e4,
                  seconds(plan->abort_for_ns));
        text_add(&abort_rule, isfinite(p->r->run.abort_s) ? "it was called off" : "it did not come to that");
    } else {
        text_add(&abort_rule, "no rule given");
    }
    text_add(p->out, "<table class=\"pairs\"><tbody>\n");
    row(p, "Well is", &good);
    row(p, "… and quick", &latency);
    row(p, "Before the fault", &baseline);
    row(p, "Recovered is", &hold);
    row(p, "Called off at", &abort_rule);
    text_add(p->out, "</tbody></table>\n");
}

void html_load(struct page *p)
{
    const struct plan *plan = p->in->plan;
    if (!plan || !plan->topology || plan->stream_count == 0) {
        return;
    }
    html_heading(p, "load", "Load and criteria",
                 "Fixed before the drill began; requests leave when they are planned, whatever became of those "
                 "before.");
    text_add(p->out, "<p class=\"lead\">Targets, SHA-256 before the start: <code>");
    html_escaped(p, p->r->scenario.targets_sha256);
    text_add(p->out, "</code></p>\n<div class=\"columns\">\n<div>");
    streams(p, plan);
    text_add(p->out, "</div>\n<div>");
    rules(p, plan);
    text_add(p->out, "</div>\n</div>\n");
}
