/* SPDX-License-Identifier: MIT */
/*
 * The small print an auditor asks for: where it ran, by which mechanisms, how good the measurement was, what the drill
 * does not show, how to run it again, and the files behind the page.
 */
#include "reports/html/html.h"

#include <math.h>
#include <unistd.h>

static void row(struct page *p, const char *name, const char *value)
{
    text_add(p->out, "<tr>");
    html_element(p, "th", NULL, name);
    html_element(p, "td", NULL, value && *value ? value : "–");
    text_add(p->out, "</tr>\n");
}

static void row_count(struct page *p, const char *name, int64_t n)
{
    scoped_text struct text t = {0};
    if (n != JSON_NONE) {
        text_addf(&t, "%lld", (long long)n);
    }
    row(p, name, text_str(&t));
}

static void row_value(struct page *p, const char *name, double value, const char *unit)
{
    scoped_text struct text t = {0};
    format_value(&t, value, unit);
    row(p, name, text_str(&t));
}

static void row_joined(struct page *p, const char *name, const struct texts *list, const char *between)
{
    scoped_text struct text t = {0};
    for (size_t i = 0; i < list->len; i++) {
        text_addf(&t, "%s%s", i ? between : "", list->at[i]);
    }
    row(p, name, text_str(&t));
}

static void table_begin(struct page *p, const char *title)
{
    text_add(p->out, "<div class=\"facts-table\">");
    html_element(p, "h3", NULL, title);
    text_add(p->out, "<table class=\"pairs\"><tbody>\n");
}

static void table_end(struct page *p)
{
    text_add(p->out, "</tbody></table></div>\n");
}

static void host(struct page *p)
{
    const struct result_host *h = &p->r->host;
    scoped_text struct text memory = {0};
    text_addf(&memory, "%.1f GiB", (double)h->memory_bytes / (1024.0 * 1024 * 1024));
    table_begin(p, "Host");
    row(p, "Name", h->hostname);
    row(p, "System", h->os);
    row(p, "Kernel", h->kernel);
    row(p, "Architecture", h->arch);
    row_count(p, "Processors", h->cpu_count);
    row(p, "Memory", text_str(&memory));
    row(p, "Clock source", h->clocksource);
    row(p, "Rights", h->rootless ? "ordinary user" : "root");
    table_end(p);
}

static void lab(struct page *p)
{
    const struct result *r = p->r;
    table_begin(p, "Lab and tool");
    row(p, "Lab", r->lab.kind);
    row_joined(p, "Regions", &r->lab.regions, ", ");
    row_joined(p, "Vantages", &r->lab.vantages, ", ");
    row_count(p, "Nodes", r->lab.node_count);
    row(p, "Gateway binary, SHA-256", r->lab.system_sha256);
    row(p, "Configuration, SHA-256", r->lab.config_sha256);
    row(p, "drtest", r->tool.version);
    row(p, "Commit", r->tool.commit);
    row(p, "Build", r->tool.build_flags);
    row(p, "Binary, SHA-256", r->tool.sha256);
    table_end(p);
}

/* What was allowed to break, by the plan. */
static void blast(struct page *p)
{
    const struct result_blast *b = &p->r->blast_radius;
    table_begin(p, "Blast radius, by the plan");
    row_joined(p, "Regions", &b->regions, ", ");
    row_joined(p, "Nodes", &b->nodes, ", ");
    row_joined(p, "Links", &b->links, ", ");
    row_joined(p, "Vantages", &b->vantages, ", ");
    table_end(p);
}

void html_environment(struct page *p)
{
    static const char *const columns[] = {"effect", "mechanism", "why this one", NULL};
    html_heading(p, "environment", "Environment", NULL);
    text_add(p->out, "<div class=\"columns\">\n");
    host(p);
    lab(p);
    if (p->r->has_blast_radius) {
        blast(p);
    }
    text_add(p->out, "</div>\n");
    if (p->r->mechanisms.len == 0) {
        return;
    }
    text_add(p->out, "<h3>Mechanisms</h3>\n");
    html_table_begin(p, "data", columns);
    for (size_t i = 0; i < p->r->mechanisms.len; i++) {
        const struct result_mechanism *m = &p->r->mechanisms.at[i];
        text_add(p->out, "<tr>");
        html_element(p, "td", NULL, m->effect);
        html_element(p, "td", NULL, m->name);
        html_element(p, "td", NULL, m->why);
        text_add(p->out, "</tr>\n");
    }
    html_table_end(p);
}

static void requests(struct page *p)
{
    const struct result_requests *q = &p->r->requests;
    table_begin(p, "Requests in the window");
    row_count(p, "Planned", q->intended_count);
    row_count(p, "Sent", q->sent_count);
    row_count(p, "Good", q->good_count);
    row_count(p, "Bad", q->bad_count);
    row_count(p, "… refused", q->refused_count);
    row_count(p, "… TLS", q->tls_count);
    row_count(p, "… reset", q->reset_count);
    row_count(p, "… timed out", q->timeout_count);
    row_count(p, "… HTTP status", q->http_status_count);
    row_count(p, "… late", q->late_count);
    row_count(p, "… wrong", q->wrong_count);
    row_count(p, "… not sent", q->unsent_count);
    table_end(p);
}

static void measurement(struct page *p)
{
    const struct result_quality *q = &p->r->quality;
    scoped_text struct text slew = {0};
    text_addf(&slew, "%.1f ppm", q->clock_slew_ppm);
    table_begin(p, "Measurement");
    row(p, "Valid", q->valid ? "yes" : "no");
    row(p, "Self-test", q->selftest_ok ? "passed" : "no pass on this host");
    row_value(p, "Probe interval", q->probe_interval_ms, "ms");
    row_value(p, "Injection took", q->injection_width_ms, "ms");
    row_value(p, "Baseline", q->baseline_s, "s");
    row_value(p, "Hold", q->hold_s, "s");
    row_value(p, "Largest slip of a send", q->max_slip_ms, "ms");
    row_value(p, "Largest stall of the harness", q->max_stall_ms, "ms");
    row_count(p, "Suspect requests", q->suspect_count);
    row_count(p, "Errors of the harness", q->harness_error_count);
    row(p, "Host suspended", q->suspended ? "yes" : "no");
    row(p, "Clock slewing seen", isfinite(q->clock_slew_ppm) ? text_str(&slew) : NULL);
    row_value(p, "Replication lag", q->replication_lag_ms, "ms");
    row_count(p, "Writes exposed to loss", q->exposure_write_count);
    row(p, "Second prober", q->has_crosscheck ? q->crosscheck.agrees ? "agrees" : "does not confirm" : "not asked for");
    table_end(p);
}

/* What another prober, made otherwise, saw of the same outage. */
static void second_prober(struct page *p)
{
    const struct result_crosscheck *c = &p->r->quality.crosscheck;
    scoped_text struct text rto = {0};
    format_interval(&rto, c->lower_s, c->upper_s, "s");
    table_begin(p, "Second prober");
    row(p, "Verdict", c->agrees ? "agrees with the first" : "does not confirm the first");
    row(p, "RTO of its fresh reads", isfinite(c->lower_s) || isfinite(c->upper_s) ? text_str(&rto) : NULL);
    row_value(p, "Probe interval", c->interval_ms, "ms");
    row_value(p, "Upper ends apart", c->difference_ms, "ms");
    row_value(p, "Allowed", c->allowed_ms, "ms");
    row(p, "By vantage, second beside first", c->detail);
    table_end(p);
}

static void bound(struct page *p, double ms)
{
    if (isfinite(ms)) {
        html_number(p, "%.1f ms", ms);
    } else {
        html_number(p, "–");
    }
}

/* Truth against measurement, as this binary showed it before it was believed. */
static void selftest(struct page *p)
{
    static const char *const columns[] = {"scripted", "#gap", "#times", "#right", "#nearest to its limit", "#limit",
                                          NULL};
    const struct result_quality *q = &p->r->quality;
    if (q->selftest.len == 0) {
        return;
    }
    text_add(p->out, "<h3 id=\"selftest\">Self-test</h3>\n<p>Outages and lies of known extent, measured by this binary "
                     "on this host before the drill: how far the upper end of the RTO lay beyond the truth, for the "
                     "outage that came nearest to what is allowed.</p>\n");
    html_table_begin(p, "data", columns);
    for (size_t i = 0; i < q->selftest.len; i++) {
        const struct result_selftest *s = &q->selftest.at[i];
        text_add(p->out, "<tr>");
        html_element(p, "td", NULL, s->mode);
        html_number(p, "%g ms", s->gap_ms);
        html_number(p, "%lld", (long long)s->outages);
        html_number(p, "%lld", (long long)s->inside);
        bound(p, s->worst_excess_ms);
        bound(p, s->allowed_ms);
        text_add(p->out, "</tr>\n");
    }
    html_table_end(p);
}

void html_quality(struct page *p)
{
    static const char *const vantages[] = {"vantage", "#planned", "#good", "#bad", "RTO", NULL};
    const struct result_requests *q = &p->r->requests;
    html_heading(p, "quality", "Quality of the measurement",
                 "Clients, nodes and harness share one monotonic clock; there is no offset between them.");
    text_add(p->out, "<div class=\"columns\">\n");
    requests(p);
    measurement(p);
    if (p->r->quality.has_crosscheck) {
        second_prober(p);
    }
    text_add(p->out, "</div>\n");
    if (q->by_vantage.len) {
        text_add(p->out, "<h3>By vantage</h3>\n");
        html_table_begin(p, "data", vantages);
        for (size_t i = 0; i < q->by_vantage.len; i++) {
            const struct result_vantage *v = &q->by_vantage.at[i];
            scoped_text struct text rto = {0}, who = {0};
            format_interval(&rto, v->rto_lower_s, v->rto_upper_s, "s");
            text_add(p->out, "<tr>");
            text_add(&who, v->vantage);
            if (v->dns) {
                text_addf(&who, " (dns: %s)", v->dns);
            }
            html_element(p, "td", NULL, text_str(&who));
            html_number(p, "%lld", (long long)v->intended_count);
            html_number(p, "%lld", (long long)v->good_count);
            html_number(p, "%lld", (long long)v->bad_count);
            html_element(p, "td", NULL, text_str(&rto));
            text_add(p->out, "</tr>\n");
        }
        html_table_end(p);
    }
    selftest(p);
    if (p->r->limits.len) {
        text_add(p->out, "<h3 id=\"limits\">What this drill does not show</h3>\n<ul class=\"limits\">\n");
        for (size_t i = 0; i < p->r->limits.len; i++) {
            html_element(p, "li", NULL, p->r->limits.at[i]);
        }
        text_add(p->out, "</ul>\n");
    }
}

/* Whether this run has the file; the log of events came later than the other files. */
static bool has_file(const struct page *p, const char *name)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", p->in->run_path, name);
    return text_eq(name, "ledger.bin")       ? p->r->has_ledger
           : text_eq(name, "crosscheck.csv") ? p->r->quality.has_crosscheck
           : text_eq(name, "events.jsonl")   ? access(text_str(&path), F_OK) == 0
                                             : true;
}

void html_reproduce(struct page *p)
{
    static const char *const files[][2] = {
        {"result.json", "every number on this page"}, {"timeline.jsonl", "the minutes: one event per line"},
        {"samples.bin", "one record per request"},    {"ledger.bin", "the write ledger"},
        {"plan.yaml", "the scenario as it was run"},  {"crosscheck.csv", "one line per request of the second prober"},
        {"junit.xml", "for CI servers"},              {"events.jsonl", "what others are told, as CloudEvents"},
        {"summary.md", "for pull requests"},          {"metrics.prom", "for alerts"},
        {"manifest.sha256", "check with sha256sum -c"}};
    scoped_text struct text command = {0};
    format_reproduce(&command, p->r, p->in->plan);
    html_heading(p, "reproduce", "Run it again", NULL);
    text_add(p->out, "<pre class=\"command scroll\" tabindex=\"0\">");
    html_escaped(p, text_str(&command));
    text_add(p->out,
             "</pre>\n<p class=\"note\">Load, order and phases come from the seed; the machine adds the rest.</p>\n"
             "<h3 id=\"files\">Files of this run</h3>\n<ul class=\"files\">\n");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (has_file(p, files[i][0])) {
            text_addf(p->out, "<li><a href=\"%s\">%s</a> <span>%s</span></li>\n", files[i][0], files[i][0],
                      files[i][1]);
        }
    }
    text_add(p->out, "</ul>\n");
}
