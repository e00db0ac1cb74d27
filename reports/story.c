/* SPDX-License-Identifier: MIT */
/*
 * Sentences put together from facts of the result; nothing is said that is not measured.
 *
 * One sentence per fault (three at most, then a count), one on what clients saw, one on writes, one on drift. When the
 * drill was void or interrupted, that comes first, because whatever follows is then without proof. Who took over is
 * asked of the samples: the region that gave most of the good answers between recovery and heal, if it is not the one
 * that was hit.
 */
#include "reports/story.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "reports/format.h"

#include <math.h>
#include <string.h>

enum { FAULTS_TOLD = 3 };

static const char *subject(const struct result_fault *f, size_t i)
{
    return i < f->subject.len ? f->subject.at[i] : "?";
}

static const char *param(const struct result_fault *f, const char *key)
{
    const char *s = json_string_value(json_object_get(f->params, key));
    return s ? s : "";
}

static const char *by_direction(const struct result_fault *f, const char *both, const char *forward,
                                const char *backward)
{
    const char *direction = param(f, "direction");
    return text_eq(direction, "forward") ? forward : text_eq(direction, "backward") ? backward : both;
}

/* "us-east | eu-west, ap-south" */
static void add_sides(struct text *t, const json_t *split)
{
    size_t i, k;
    json_t *side, *name;
    json_array_foreach(split, i, side)
    {
        json_array_foreach(side, k, name)
        {
            const char *word = json_string_value(name);
            text_addf(t, "%s%s", k ? ", " : i ? " | " : "", word ? word : "?");
        }
    }
}

/* ", replication only" */
static void add_only(struct text *t, const struct result_fault *f)
{
    text_addf(t, "%s%s%s", *param(f, "only") ? ", " : "", param(f, "only"), *param(f, "only") ? " only" : "");
}

static void tell_reject(struct text *t, const struct result_fault *f)
{
    bool forward = !text_eq(param(f, "direction"), "backward"),
         one_way = text_eq(param(f, "direction"), "forward") || !forward;
    bool many = f->subject.len > 2;
    text_addf(t, "packets %s %s %s %s were turned away", one_way && !many ? "from" : "between",
              subject(f, forward || many ? 0 : 1), one_way && !many ? "to" : "and",
              many ? "others" : subject(f, forward ? 1 : 0));
    add_only(t, f);
}

static void tell_partition(struct text *t, const struct result_fault *f)
{
    const char *first = subject(f, 0), *second = subject(f, 1), *alone = param(f, "isolate");
    const json_t *split = json_object_get(f->params, "split");
    bool one_way = text_eq(param(f, "direction"), "forward") || text_eq(param(f, "direction"), "backward");
    if (split) {
        text_add(t, by_direction(f, "the network fell apart: ", "nothing got rightwards any more: ",
                                 "nothing got leftwards any more: "));
        add_sides(t, split);
    } else if (*alone && one_way) {
        text_addf(t, "nothing got %s %s any more", by_direction(f, "", "out of", "into"), alone);
    } else if (*alone) {
        text_addf(t, "%s was cut off from everything else", alone);
    } else if (one_way) {
        text_addf(t, "nothing got from %s to %s any more", by_direction(f, "", first, second),
                  by_direction(f, "", second, first));
    } else {
        text_addf(t, "%s and %s were cut off from each other", first, second);
    }
    add_only(t, f);
}

void story_fault(struct text *t, const struct result_fault *f)
{
    const char *first = subject(f, 0), *second = subject(f, 1);
    if (text_eq(f->do_, "kill")) {
        bool crash = text_eq(param(f, "how"), "crash") || (!*param(f, "how") && strchr(first, '/'));
        text_addf(t, "%s %s", first, crash ? "crashed" : "lost power");
    } else if (text_eq(f->do_, "stop")) {
        text_addf(t, "%s was told to stop", first);
    } else if (text_eq(f->do_, "freeze")) {
        text_addf(t, "%s froze", first);
    } else if (text_eq(f->do_, "partition")) {
        tell_partition(t, f);
    } else if (text_eq(f->do_, "reject")) {
        tell_reject(t, f);
    } else if (text_eq(f->do_, "degrade")) {
        text_addf(t, f->subject.len > 2 ? "the links of %s went bad" : "the link between %s and %s went bad", first,
                  second);
    } else if (text_eq(f->do_, "drift")) {
        text_addf(t, *param(f, "via") ? "the control plane handed %s another configuration"
                                      : "the configuration of %s was changed behind its back", first);
    } else if (text_eq(f->do_, "tls")) {
        const char *certificate = param(f, "certificate");
        if (text_eq(certificate, "rotated")) {
            text_addf(t, "%s got a new certificate", first);
        } else if (*certificate) {
            text_addf(t, "%s showed a bad certificate", first);
        } else {
            text_addf(t, "%s answered no TLS handshake any more", first);
        }
    } else if (text_eq(f->do_, "clock")) {
        text_addf(t, "the clock of %s went wrong", first);
    } else if (text_eq(f->do_, "lag")) {
        bool config = text_eq(param(f, "of"), "config");
        text_addf(t, config ? "%s heard late of its configuration" : "what the others store reached %s late", first);
    } else if (text_eq(f->do_, "fail_over")) {
        text_addf(t, "the operator ordered a failover to %s", first);
    } else {
        text_addf(t, "%s hit %s", f->do_ ? f->do_ : "a fault", first);
    }
}

const char *story_served_by(const struct report_input *in, double from_s, double to_s)
{
    if (!in->plan || !in->plan->topology || !in->evidence) {
        return NULL;
    }
    const struct topology *topo = in->plan->topology;
    scoped_free uint64_t *served = xcalloc(topo->site_count + 1, sizeof(*served));
    for (size_t i = 0; i < in->evidence->sample_count; i++) {
        const struct sample_brief s = evidence_brief(in->evidence, i);
        double planned = (double)s.planned_ns / (double)NS_PER_S;
        if (s.outcome == OUTCOME_GOOD && s.region < topo->site_count && planned >= from_s && planned < to_s) {
            served[s.region]++;
        }
    }
    size_t best = 0;
    for (size_t i = 1; i < topo->site_count; i++) {
        best = served[i] > served[best] ? i : best;
    }
    return topo->site_count && served[best] ? topo->sites[best].name : NULL;
}

static const struct result_objective *objective(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        if (text_eq(r->objectives.at[i].name, name)) {
            return &r->objectives.at[i];
        }
    }
    return NULL;
}

static void begin_sentence(struct text *t)
{
    if (t->len) {
        text_add(t, " ");
    }
}

/* What the run's reason, the name of an objective or check, has to say; a sentence speaks for itself. */
static const char *reason_detail(const struct result *r)
{
    for (size_t i = 0; i < r->checks.len; i++) {
        if (text_eq(r->checks.at[i].name, r->run.reason)) {
            return r->checks.at[i].detail;
        }
    }
    const struct result_objective *o = r->run.reason ? objective(r, r->run.reason) : NULL;
    return o ? o->reason : r->run.reason;
}

static void tell_standing(struct text *t, const struct result *r)
{
    const char *detail = r->run.verdict == MISSED ? NULL : reason_detail(r);
    if (text_eq(r->run.status, "void")) {
        text_add(t, "The drill proves nothing");
    } else if (text_eq(r->run.status, "interrupted")) {
        text_add(t, "The drill was interrupted");
    } else if (text_eq(r->run.status, "unfit")) {
        text_add(t, "This machine could not run the drill");
    } else {
        return;
    }
    if (detail) {
        text_addf(t, ": %s", detail);
    }
    text_add(t, ".");
    if (isfinite(r->run.abort_s)) {
        text_addf(t, " What was open then was healed within %.3f s.", r->run.abort_s);
    }
}

static void tell_faults(struct text *t, const struct result *r)
{
    size_t told = 0, begun = 0;
    for (size_t i = 0; i < r->faults.len; i++) {
        const struct result_fault *f = &r->faults.at[i];
        begun += isfinite(f->t_ib_s) ? 1 : 0;
        if (!isfinite(f->t_ib_s) || told == FAULTS_TOLD) {
            continue;
        }
        scoped_text struct text what = {0};
        story_fault(&what, f);
        begin_sentence(t);
        if (what.at[0] >= 'a' && what.at[0] <= 'z' && !text_starts(what.at, subject(f, 0))) {
            what.at[0] = (char)(what.at[0] - 'a' + 'A');
        }
        text_addf(t, "%s %.1f s into the run.", what.at, f->t_ib_s);
        told++;
    }
    if (begun > told) {
        begin_sentence(t);
        text_addf(t, "%zu more faults followed.", begun - told);
    }
    if (begun == 0) {
        begin_sentence(t);
        text_add(t, "No fault was injected.");
    }
}

static bool hit(const struct result *r, const char *site)
{
    for (size_t i = 0; i < r->faults.len; i++) {
        for (size_t s = 0; s < r->faults.at[i].subject.len; s++) {
            if (text_eq(r->faults.at[i].subject.at[s], site) && text_eq(r->faults.at[i].do_, "kill")) {
                return true;
            }
        }
    }
    return false;
}

static void tell_service(struct text *t, const struct report_input *in)
{
    const struct result *r = in->result;
    const struct result_objective *rto = objective(r, "rto");
    const char *by = rto ? rto->recovered_by : NULL;
    double upper = r->measures.rto_client_upper_s;
    upper = isfinite(upper) ? upper : r->measures.rto_upper_s;
    if (r->requests.intended_count <= 0) {
        return;
    }
    begin_sentence(t);
    if (r->requests.bad_count == 0) {
        text_add(t, "No request failed.");
    } else if (text_eq(by, "never")) {
        text_add(t, "Clients saw errors, and service did not come back while the drill was watched.");
    } else if (text_eq(by, "heal")) {
        text_add(t, "Clients saw errors until the fault ended: the system did not recover by itself.");
    } else if (isfinite(upper) && upper > 0) {
        text_add(t, "Clients saw errors for ");
        format_seconds(t, upper);
        const struct result_fault *f = r->faults.len ? &r->faults.at[0] : NULL;
        double from = f ? f->t_ib_s + r->measures.rto_upper_s : (double)NAN;
        double to = f && isfinite(f->t_hb_s) ? f->t_hb_s : format_run_end(r);
        const char *who = text_eq(by, "failover") ? story_served_by(in, from, to) : NULL;
        if (who && !hit(r, who)) {
            text_addf(t, "; %s took over by itself", who);
        } else if (text_eq(by, "failover")) {
            text_add(t, "; the system recovered by itself");
        }
        text_add(t, ".");
    } else {
        text_addf(t, "%lld of %lld requests failed.", (long long)r->requests.bad_count,
                  (long long)r->requests.intended_count);
    }
}

static void tell_writes(struct text *t, const struct result *r)
{
    if (!r->has_ledger || !r->ledger.final_read_complete) {
        return;
    }
    long long lost;
    if (__builtin_add_overflow(r->ledger.lost_before_count, r->ledger.lost_after_count, &lost)) {
        return; /* no run counted these */
    }
    begin_sentence(t);
    if (lost == 0) {
        text_add(t, "No acknowledged write was lost.");
        return;
    }
    text_addf(t, "%lld acknowledged %s lost", lost, lost == 1 ? "write was" : "writes were");
    const char *const keys[] = {"lost_writes", "rpo", "lost_after"};
    bool met = false, missed = false;
    for (size_t i = 0; i < array_len(keys); i++) {
        const struct result_objective *o = objective(r, keys[i]);
        met = met || (o && o->verdict == MET);
        missed = missed || (o && o->verdict == MISSED);
    }
    text_add(t, missed ? ", more than promised." : met ? ", within the target." : ".");
}

/* What was missed, so that nobody has to look for it. */
static void tell_misses(struct text *t, const struct result *r)
{
    size_t told = 0;
    for (size_t i = 0; i < r->objectives.len; i++) {
        const struct result_objective *o = &r->objectives.at[i];
        if (o->verdict != MISSED) {
            continue;
        }
        begin_sentence(t);
        text_addf(t, "%s%s ", told++ ? "" : "Promise broken: ", format_label(o->name));
        format_achieved(t, o);
        text_add(t, ", promised ");
        format_target(t, o);
        text_add(t, ".");
    }
}

/* What is left open although the run counts: the interval lies astride the target, or a gate barred the objective. */
static void tell_undecided(struct text *t, const struct result *r)
{
    for (size_t i = 0; r->quality.valid && i < r->objectives.len; i++) {
        const struct result_objective *o = &r->objectives.at[i];
        if (o->verdict == INCONCLUSIVE) {
            begin_sentence(t);
            text_addf(t, "Undecided: %s ", format_label(o->name));
            format_achieved(t, o);
            text_add(t, ", promised ");
            format_target(t, o);
            text_add(t, ".");
        }
    }
}

static void tell_drift(struct text *t, const struct result *r)
{
    const struct result_objective *detected = objective(r, "detected"), *repaired = objective(r, "repaired");
    bool drift = false;
    for (size_t i = 0; i < r->faults.len; i++) {
        drift = drift || text_eq(r->faults.at[i].do_, "drift");
    }
    if (!drift || (!detected && !repaired)) {
        return;
    }
    double seen = r->measures.detected_upper_s, fixed = r->measures.repaired_upper_s;
    begin_sentence(t);
    if (isfinite(seen)) {
        text_add(t, "The drift was noticed within ");
        format_seconds(t, seen);
    } else {
        text_add(t, "The drift was not noticed");
    }
    if (isfinite(fixed)) {
        text_add(t, " and repaired within ");
        format_seconds(t, fixed);
    }
    text_add(t, ".");
}

void story_tell(struct text *t, const struct report_input *in)
{
    tell_standing(t, in->result);
    if (text_eq(in->result->run.status, "unfit")) {
        return;
    }
    tell_faults(t, in->result);
    tell_service(t, in);
    tell_writes(t, in->result);
    tell_drift(t, in->result);
    tell_misses(t, in->result);
    tell_undecided(t, in->result);
}
