/* SPDX-License-Identifier: MIT */
/*
 * metrics.prom: Prometheus text exposition format 0.0.4, without timestamps.
 *
 * Every family is declared by one row (name, type, help) right before its samples, which have to stand together.
 * A value that was not measured has no sample; an interval open to the right has +Inf as its upper bound. Requests
 * and durations are counted from the samples of the whole run. Durations are those of good requests from the planned
 * send, so a queue that the harness would have built up shows; phases are those of the run.
 *
 * When a drill last succeeded is written whatever became of this run: an alert on its age must not fall silent because
 * the newest run was missed, could not be decided or was skipped.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "reports/escape.h"
#include "reports/format.h"
#include "reports/rows.h"

#include <math.h>
#include <string.h>
#include <time.h>

struct label {
    const char *name, *value;
};

static void family(struct text *t, const char *name, const char *type, const char *help)
{
    text_addf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One sample; labels end at the first without a name. */
static void sample(struct text *t, const char *name, const struct label *labels, double value)
{
    text_add(t, name);
    for (size_t i = 0; labels[i].name; i++) {
        text_addf(t, "%s%s=\"", i ? "," : "{", labels[i].name);
        escape(t, ESCAPE_PROM_LABEL, labels[i].value);
        text_add(t, "\"");
    }
    text_add(t, labels[0].name ? "} " : " ");
    if (isinf(value)) {
        text_add(t, value > 0 ? "+Inf" : "-Inf");
    } else {
        format_plain(t, value);
    }
    text_add(t, "\n");
}
#define SAMPLE(t, name, value, ...) sample((t), (name), (const struct label[]){__VA_ARGS__, {NULL, NULL}}, (value))

static const struct result_objective *objective(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        if (text_eq(r->objectives.at[i].name, name)) {
            return &r->objectives.at[i];
        }
    }
    return NULL;
}

static void write_run(struct text *t, const struct result *r)
{
    const char *scenario = r->scenario.name;
    family(t, "drtest_run_info", "gauge", "Facts about the last run of a scenario; always 1.");
    SAMPLE(t, "drtest_run_info", 1, {"scenario", scenario}, {"suite", r->run.suite ? r->run.suite : ""},
           {"lab", r->lab.kind}, {"version", r->tool.version});
    family(t, "drtest_run_verdict", "gauge", "1 for the verdict of the last run, 0 for the others.");
    for (int v = INCONCLUSIVE; v <= SKIPPED; v++) {
        SAMPLE(t, "drtest_run_verdict", r->run.verdict == (enum verdict)v, {"scenario", scenario},
               {"verdict", format_verdict((enum verdict)v)});
    }
    if (r->objectives.len == 0) {
        return;
    }
    family(t, "drtest_objective_met", "gauge", "1 if the objective was met; skipped objectives have no sample.");
    for (size_t i = 0; i < r->objectives.len; i++) {
        const struct result_objective *o = &r->objectives.at[i];
        if (o->verdict != SKIPPED) {
            SAMPLE(t, "drtest_objective_met", o->verdict == MET, {"scenario", scenario}, {"objective", o->name});
        }
    }
}

static void write_interval(struct text *t, const struct result *r, const char *key, double lower, double upper)
{
    scoped_text struct text name = {0}, target = {0}, help = {0};
    text_addf(&name, "drtest_%s_seconds", key);
    text_addf(&target, "drtest_%s_target_seconds", key);
    if (isfinite(lower) || isfinite(upper)) {
        text_addf(&help, "Bounds of the achieved %s.", format_label(key));
        family(t, text_str(&name), "gauge", text_str(&help));
        if (isfinite(lower)) {
            SAMPLE(t, text_str(&name), lower, {"scenario", r->scenario.name}, {"bound", "lower"});
        }
        SAMPLE(t, text_str(&name), isfinite(upper) ? upper : INFINITY, {"scenario", r->scenario.name},
               {"bound", "upper"});
    }
    const struct result_objective *o = objective(r, key);
    if (o && isfinite(o->target)) {
        text_clear(&help);
        text_addf(&help, "The promised %s.", format_label(key));
        family(t, text_str(&target), "gauge", text_str(&help));
        SAMPLE(t, text_str(&target), o->target, {"scenario", r->scenario.name});
    }
}

static void write_losses(struct text *t, const struct result *r)
{
    const char *scenario = r->scenario.name;
    if (r->has_ledger) {
        family(t, "drtest_lost_writes", "gauge", "Acknowledged writes lost, acknowledged before or after the fault.");
        SAMPLE(t, "drtest_lost_writes", (double)r->ledger.lost_before_count, {"scenario", scenario},
               {"relative", "before"});
        SAMPLE(t, "drtest_lost_writes", (double)r->ledger.lost_after_count, {"scenario", scenario},
               {"relative", "after"});
    }
    if (isfinite(r->measures.availability_ratio)) {
        family(t, "drtest_availability_ratio", "gauge", "Good over planned requests while the drill was watched.");
        SAMPLE(t, "drtest_availability_ratio", r->measures.availability_ratio, {"scenario", scenario});
    }
}

/* The name of the vantage of a stream; NULL when the plan does not know its stream. */
static const char *vantage_of(const struct report_input *in, uint16_t stream, size_t *site)
{
    const struct plan *p = in->plan;
    if (!p || !p->topology || stream >= p->stream_count ||
        p->streams[stream].vantage >= p->topology->site_count) {
        return NULL;
    }
    *site = p->streams[stream].vantage;
    return p->topology->sites[*site].name;
}

static void write_requests(struct text *t, const struct report_input *in)
{
    uint64_t counts[TOPO_MAX_SITES][OUTCOMES] = {{0}};
    bool seen[TOPO_MAX_SITES] = {false}, any = false;
    for (size_t i = 0; in->evidence && i < in->evidence->sample_count; i++) {
        const struct sample_brief s = evidence_brief(in->evidence, i);
        size_t site = 0;
        if (s.outcome < OUTCOMES && vantage_of(in, s.stream, &site) && site < TOPO_MAX_SITES) {
            counts[site][s.outcome]++;
            any = seen[site] = true;
        }
    }
    if (!any) {
        return;
    }
    family(t, "drtest_requests_total", "counter", "Planned requests of the run by vantage and outcome.");
    for (size_t site = 0; site < TOPO_MAX_SITES; site++) {
        for (unsigned o = 0; seen[site] && o < OUTCOMES; o++) {
            SAMPLE(t, "drtest_requests_total", (double)counts[site][o], {"scenario", in->result->scenario.name},
                   {"vantage", in->plan->topology->sites[site].name}, {"outcome", format_outcome(o)});
        }
    }
}

static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};

static void write_histogram(struct text *t, const struct report_input *in, const struct result_phase *phase)
{
    uint64_t counts[array_len(bounds) + 1] = {0}, total = 0;
    int64_t sum_ns = 0; /* whole, so that the order of requests does not show */
    double end = isfinite(phase->end_s) ? phase->end_s : format_run_end(in->result);
    for (size_t i = 0; i < in->evidence->sample_count; i++) {
        const struct sample_brief s = evidence_brief(in->evidence, i);
        double planned = (double)s.planned_ns / (double)NS_PER_S;
        if (s.outcome != OUTCOME_GOOD || planned < phase->begin_s || planned >= end) {
            continue;
        }
        double took = (double)s.took_ns / (double)NS_PER_S;
        size_t b = 0;
        while (b < array_len(bounds) && took > bounds[b]) {
            b++;
        }
        counts[b]++;
        total++;
        sum_ns += s.took_ns;
    }
    if (total == 0) {
        return;
    }
    const char *scenario = in->result->scenario.name;
    uint64_t below = 0;
    for (size_t b = 0; b <= array_len(bounds); b++) {
        scoped_text struct text le = {0};
        below += counts[b];
        if (b < array_len(bounds)) {
            format_plain(&le, bounds[b]);
        } else {
            text_add(&le, "+Inf");
        }
        SAMPLE(t, "drtest_request_duration_seconds_bucket", (double)below, {"scenario", scenario},
               {"phase", phase->name}, {"le", text_str(&le)});
    }
    SAMPLE(t, "drtest_request_duration_seconds_sum", (double)sum_ns / (double)NS_PER_S, {"scenario", scenario},
           {"phase", phase->name});
    SAMPLE(t, "drtest_request_duration_seconds_count", (double)total, {"scenario", scenario}, {"phase", phase->name});
}

static void write_durations(struct text *t, const struct report_input *in)
{
    scoped_text struct text body = {0};
    for (size_t i = 0; in->evidence && i < in->result->phases.len; i++) {
        write_histogram(&body, in, &in->result->phases.at[i]);
    }
    if (body.len) {
        family(t, "drtest_request_duration_seconds", "histogram",
               "Good requests: planned send to completion, by phase of the run.");
        text_add(t, text_str(&body));
    }
}

static void write_drift(struct text *t, const struct result *r)
{
    if (!r->has_drift || r->drift.gateways.len == 0) {
        return;
    }
    family(t, "drtest_config_drift", "gauge",
           "1 if the gateway ended with a configuration that is not the desired one.");
    for (size_t i = 0; i < r->drift.gateways.len; i++) {
        const struct result_drift_gateway *g = &r->drift.gateways.at[i];
        SAMPLE(t, "drtest_config_drift", !text_eq(g->status, "in_sync"), {"scenario", r->scenario.name},
               {"gateway", g->gateway});
    }
}

/* Seconds since the epoch of an RFC 3339 instant in UTC, fraction cut off; NAN when it is none. */
static double epoch_of(const char *rfc3339)
{
    struct tm tm = {0};
    const char *end = rfc3339 ? strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    return end && (*end == 'Z' || *end == '.') ? (double)timegm(&tm) : (double)NAN;
}

/* A run on virtual time drills nobody. */
static bool is_success(enum verdict verdict, const char *lab)
{
    return verdict == MET && !text_eq(lab, "sim");
}

/* When the newest run that met every objective ended: this one, or one that the history knew before it; 0: none. NAN:
 * nobody can tell. */
static double last_success(const struct report_input *in)
{
    const struct result *r = in->result;
    if (is_success(r->run.verdict, r->lab.kind)) {
        return epoch_of(r->run.ended_at);
    }
    for (size_t i = in->earlier_count; i > 0; i--) {
        const struct pool_run *run = &in->earlier[i - 1];
        int64_t started_ns = clock_rfc3339_read(run->started_at);
        if (is_success(run->verdict, run->lab) && started_ns > 0) {
            return floor((double)started_ns / (double)NS_PER_S + (run->duration_s > 0 ? run->duration_s : 0));
        }
    }
    return 0;
}

static void write_instants(struct text *t, const struct report_input *in)
{
    const char *scenario = in->result->scenario.name;
    double ended = epoch_of(in->result->run.ended_at), success = last_success(in);
    if (isfinite(ended)) {
        family(t, "drtest_last_run_timestamp_seconds", "gauge", "When the last run of the scenario ended.");
        SAMPLE(t, "drtest_last_run_timestamp_seconds", ended, {"scenario", scenario});
    }
    if (isfinite(success)) {
        family(t, "drtest_last_success_timestamp_seconds", "gauge",
               "When the last run that met every objective ended, runs of the model aside; 0: none known.");
        SAMPLE(t, "drtest_last_success_timestamp_seconds", success, {"scenario", scenario});
    }
}

int metrics_write(FILE *out, const struct report_input *in, struct err *e)
{
    const struct result *r = in->result;
    const struct result_measures *m = &r->measures;
    scoped_text struct text t = {0};
    write_run(&t, r);
    write_interval(&t, r, "rto", m->rto_lower_s, m->rto_upper_s);
    write_interval(&t, r, "rpo", m->rpo_lower_s, m->rpo_upper_s);
    write_losses(&t, r);
    write_requests(&t, in);
    write_durations(&t, in);
    write_drift(&t, r);
    write_instants(&t, in);
    return report_emit(out, &t, "metrics.prom", e);
}
