/* SPDX-License-Identifier: MIT */
/*
 * summary.md: the drill on one screen of GitHub Markdown; the same text goes into a job summary.
 *
 * A job summary above 1 MiB is dropped whole, so the text stops at CAP and says so. The only parts that can grow are
 * tables; each row is checked before it is added, and what follows the tables is short. The gantt chart counts
 * milliseconds of run time from the epoch, for Mermaid knows dates only.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "reports/escape.h"
#include "reports/format.h"
#include "reports/rows.h"

#include <math.h>

enum { CAP = 800 * 1024 };

static void cell(struct text *t, const char *s)
{
    text_add(t, " ");
    escape(t, ESCAPE_MARKDOWN, s);
    text_add(t, " |");
}

static bool full(struct text *t, size_t left)
{
    if (t->len < CAP) {
        return false;
    }
    text_addf(t, "\n%zu more rows are left out here; result.json has them.\n", left);
    return true;
}

static void capital(struct text *t, const char *word)
{
    text_addf(t, "%c%s", *word >= 'a' && *word <= 'z' ? *word - 'a' + 'A' : *word, *word ? word + 1 : "");
}

static void write_head(struct text *t, const struct result *r)
{
    text_addf(t, "## %s ", format_icon(r->run.verdict, true));
    capital(t, format_verdict(r->run.verdict));
    text_add(t, ": ");
    escape(t, ESCAPE_MARKDOWN, r->scenario.name);
    text_add(t, " (");
    format_counts(t, &r->run);
    text_add(t, ")\n\n");
    if (r->scenario.title) {
        escape(t, ESCAPE_MARKDOWN, r->scenario.title);
        text_add(t, "\n\n");
    }
    text_add(t, "Run ");
    escape(t, ESCAPE_MARKDOWN, r->run.id);
    text_add(t, ", started ");
    escape(t, ESCAPE_MARKDOWN, r->run.started_at);
    text_addf(t, ", %.1f s, seed %lld, lab ", format_run_end(r), (long long)r->run.seed);
    escape(t, ESCAPE_MARKDOWN, r->lab.kind);
    text_add(t, ".\n\n");
}

static void write_objectives(struct text *t, const struct result *r)
{
    if (r->objectives.len == 0) {
        text_add(t, "No objective was promised.\n\n");
        return;
    }
    text_add(t, "| | objective | target | achieved | floor | remark |\n|---|---|---|---:|---:|---|\n");
    for (size_t i = 0; i < r->objectives.len && !full(t, r->objectives.len - i); i++) {
        const struct result_objective *o = &r->objectives.at[i];
        scoped_text struct text target = {0}, achieved = {0}, floor = {0}, remark = {0}, elsewhere = {0};
        format_target(&target, o);
        format_achieved(&achieved, o);
        format_floor(&floor, o);
        format_recovered(&remark, o);
        if (o->verdict != MET && o->reason) {
            text_addf(&remark, "%s%s", remark.len ? "; " : "", o->reason);
        }
        format_elsewhere(&elsewhere, r, o);
        if (elsewhere.len) {
            text_addf(&remark, "%s%s", remark.len ? "; " : "", text_str(&elsewhere));
        }
        text_addf(t, "| %s %s |", format_icon(o->verdict, true), format_verdict(o->verdict));
        cell(t, format_label(o->name));
        cell(t, text_str(&target));
        cell(t, text_str(&achieved));
        cell(t, text_str(&floor));
        cell(t, text_str(&remark));
        text_add(t, "\n");
    }
    text_add(t, "\n");
}

static void write_checks(struct text *t, const struct result *r)
{
    if (r->checks.len == 0) {
        return;
    }
    text_add(t, "| | check | detail |\n|---|---|---|\n");
    for (size_t i = 0; i < r->checks.len && !full(t, r->checks.len - i); i++) {
        const struct result_check *c = &r->checks.at[i];
        text_addf(t, "| %s %s |", format_icon(c->verdict, true), format_verdict(c->verdict));
        cell(t, format_check(c->name));
        cell(t, c->detail);
        text_add(t, "\n");
    }
    text_add(t, "\n");
}

/* Clients that take answers of the DNS in different ways are back at different times. */
static void write_clients(struct text *t, const struct result *r)
{
    bool any = false;
    for (size_t i = 0; i < r->requests.by_vantage.len && !full(t, r->requests.by_vantage.len - i); i++) {
        const struct result_vantage *v = &r->requests.by_vantage.at[i];
        scoped_text struct text rto = {0};
        if (!format_led(v)) {
            continue;
        }
        format_interval(&rto, v->rto_lower_s, v->rto_upper_s, "s");
        text_add(t, any ? "|" : "| clients | answers of the DNS | RTO |\n|---|---|---:|\n|");
        cell(t, v->vantage);
        cell(t, v->dns);
        cell(t, text_str(&rto));
        text_add(t, "\n");
        any = true;
    }
    text_add(t, any ? "\nThe RTO is judged on the clients that honour what the DNS says.\n\n" : "");
}

static void write_traceless(struct text *t, const struct result *r)
{
    scoped_text struct text said = {0};
    format_traceless(&said, r);
    if (said.len > 0) {
        escape(t, ESCAPE_MARKDOWN, text_str(&said));
        text_add(t, ".\n\n");
    }
}

static void write_crosscheck(struct text *t, const struct result *r)
{
    scoped_text struct text said = {0};
    if (!r->quality.has_crosscheck) {
        return;
    }
    format_crosscheck(&said, r);
    text_add(t, "Second prober: ");
    escape(t, ESCAPE_MARKDOWN, text_str(&said));
    text_add(t, ".\n\n");
}

static void write_comparisons(struct text *t, const struct result *r)
{
    for (size_t i = 0; i < r->comparisons.len && !full(t, r->comparisons.len - i); i++) {
        scoped_text struct text said = {0}, line = {0};
        format_comparison(&said, &r->comparisons.at[i]);
        capital(&line, text_str(&said));
        escape(t, ESCAPE_MARKDOWN, text_str(&line));
        text_add(t, ".\n\n");
    }
}

static long long in_ms(double seconds)
{
    return isfinite(seconds) && seconds >= 0 && seconds < 1e9 ? llround(seconds * 1000) : 0;
}

static void task(struct text *t, const char *name, const char *tag, double begin, double end)
{
    text_add(t, "    ");
    escape(t, ESCAPE_MERMAID, name && *name ? name : "unnamed");
    text_addf(t, " :%s%lld, %lld\n", tag, in_ms(begin), in_ms(end > begin ? end : begin));
}

static void write_gantt(struct text *t, const struct result *r)
{
    double end = format_run_end(r);
    if (r->phases.len == 0) {
        return;
    }
    text_add(t, "```mermaid\ngantt\n    title Run time, minutes and seconds\n    dateFormat x\n    axisFormat %M:%S\n");
    text_add(t, "    section Phases\n");
    for (size_t i = 0; i < r->phases.len && !full(t, r->phases.len - i); i++) {
        const struct result_phase *p = &r->phases.at[i];
        task(t, p->name, "", p->begin_s, isfinite(p->end_s) ? p->end_s : end);
    }
    text_add(t, r->faults.len ? "    section Faults\n" : "");
    for (size_t i = 0; i < r->faults.len && !full(t, r->faults.len - i); i++) {
        const struct result_fault *f = &r->faults.at[i];
        if (!isfinite(f->t_ib_s)) {
            continue;
        }
        scoped_text struct text name = {0};
        text_add(&name, f->do_);
        for (size_t s = 0; s < f->subject.len; s++) {
            text_addf(&name, " %s", f->subject.at[s]);
        }
        task(t, text_str(&name), "crit, ", f->t_ib_s, isfinite(f->t_he_s) ? f->t_he_s : end);
    }
    text_add(t, r->events.len ? "    section Service\n" : "");
    for (size_t i = 0; i < r->events.len && !full(t, r->events.len - i); i++) {
        const struct result_event *ev = &r->events.at[i];
        scoped_text struct text name = {0};
        for (const char *c = ev->name; *c; c++) {
            text_addf(&name, "%c", *c == '_' ? ' ' : *c);
        }
        task(t, text_str(&name), "milestone, ", ev->t_s, ev->t_s);
    }
    text_add(t, "```\n\n");
}

static void write_selftest(struct text *t, const struct result *r)
{
    int64_t outages = 0, inside = 0;
    for (size_t i = 0; i < r->quality.selftest.len; i++) {
        outages += r->quality.selftest.at[i].outages;
        inside += r->quality.selftest.at[i].inside;
    }
    if (outages > 0) {
        text_addf(t, "Self-test of this binary on this host: %lld of %lld scripted outages and lies measured right.",
                  (long long)inside, (long long)outages);
        text_add(t, "\n\n");
    }
}

int summary_write(FILE *out, const struct report_input *in, struct err *e)
{
    const struct result *r = in->result;
    scoped_text struct text t = {0}, reproduce = {0};
    write_head(&t, r);
    write_objectives(&t, r);
    write_checks(&t, r);
    write_comparisons(&t, r);
    write_clients(&t, r);
    write_traceless(&t, r);
    write_crosscheck(&t, r);
    write_selftest(&t, r);
    write_gantt(&t, r);
    format_reproduce(&reproduce, r, in->plan);
    text_add(&t, "Run it again:\n\n    ");
    for (const char *c = text_str(&reproduce); *c; c++) { /* an indented block ends at a line break, so it gets none */
        text_addf(&t, "%c", (unsigned char)*c < 0x20 ? ' ' : *c);
    }
    text_add(&t, "\n\nThe whole story: [report.html](");
    text_add(&t, in->page ? in->page : "report.html");
    text_add(&t, ") in `");
    for (const char *c = in->run_path; *c; c++) {
        text_addf(&t, "%c", *c == '`' || (unsigned char)*c < 0x20 ? ' ' : *c);
    }
    text_add(&t, "`.\n");
    return report_emit(out, &t, "summary.md", e);
}
