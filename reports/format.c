/* SPDX-License-Identifier: MIT */
/*
 * Printing of values, and the small vocabulary of verdicts, objectives and checks.
 *
 * Decimals are cut to three and trailing zeros kept in intervals, so that columns line up ("5.285 to 5.340 s"); targets
 * are printed as short as they were written ("5 s"). An interval whose ends print alike is one number. An unknown name
 * (a result written by a later version) is printed as it is.
 */
#include "reports/format.h"

#include "harness/evidence/sample.h"
#include "harness/spec/plan.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct word {
    const char *key, *text;
};

static const struct word labels[] = {
    {"rto", "RTO"},
    {"rpo", "RPO"},
    {"lost_writes", "Lost writes"},
    {"lost_after", "Writes lost after the fault"},
    {"conflicting_writes", "Conflicting writes"},
    {"duplicated_writes", "Duplicated writes"},
    {"revoked", "Revoked key refused"},
    {"overshoot", "Limit overshoot"},
    {"stale_reads", "Stale reads"},
    {"converged", "Converged"},
    {"failback", "Failback"},
    {"availability", "Availability"},
    {"p99", "Latency p99"},
    {"detected", "Detected"},
    {"repaired", "Repaired"},
    {"retries", "Retries"},
    {"moved_users", "Users that changed servers"},
    {"alerted", "Alerted"},
    {"false_alarms", "False alarms"},
};

static const struct word checks[] = {
    {"steady_state", "steady state before the fault"},
    {"fault_proof", "every fault was in force"},
    {"harness", "the harness kept time"},
    {"ledger", "the write ledger is whole"},
    {"completed", "the drill ran to its end"},
    {"rollback", "nothing was left behind"},
};

static const char *find_word(const struct word *words, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (text_eq(words[i].key, key)) {
            return words[i].text;
        }
    }
    return key ? key : "";
}

const char *format_label(const char *objective)
{
    return find_word(labels, sizeof(labels) / sizeof(labels[0]), objective);
}

const char *format_check(const char *check)
{
    return find_word(checks, sizeof(checks) / sizeof(checks[0]), check);
}

const char *format_outcome(unsigned outcome)
{
    static const char *const words[OUTCOMES] = {"good",    "late",  "wrong",   "http_status",
                                                "refused", "reset", "timeout", "unsent", "tls"};
    return outcome < OUTCOMES ? words[outcome] : "unknown";
}

const char *format_icon(enum verdict v, bool utf8)
{
    switch (v) {
    case MET:
        return utf8 ? "✓" : "+";
    case MISSED:
        return utf8 ? "✗" : "x";
    case SKIPPED:
        return utf8 ? "–" : "-";
    case INCONCLUSIVE:
        break;
    }
    return "?";
}

const char *format_verdict(enum verdict v)
{
    static const char *const words[] = {"inconclusive", "met", "missed", "skipped"};
    return (unsigned)v <= SKIPPED ? words[v] : words[INCONCLUSIVE];
}

void format_plain(struct text *t, double value)
{
    char out[40] = "";
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out, sizeof(out), "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            break;
        }
    }
    text_add(t, out);
}

/* A number in its unit's scale: fixed has three decimals (whole counts none), short drops trailing zeros. */
static void number(struct text *t, double value, const char *unit, bool fixed)
{
    char out[64];
    double scaled = text_eq(unit, "ratio") ? value * 100 : value;
    bool whole = text_eq(unit, "count") && fabs(scaled - nearbyint(scaled)) < 1e-9;
    (void)snprintf(out, sizeof(out), "%.*f", whole ? 0 : text_eq(unit, "ms") && fixed ? 1 : 3, scaled);
    if (!fixed && strchr(out, '.')) {
        char *end = out + strlen(out);
        while (end[-1] == '0') {
            *--end = '\0';
        }
        if (end[-1] == '.') {
            end[-1] = '\0';
        }
    }
    text_add(t, strcmp(out, "-0") == 0 ? "0" : out);
}

static const char *suffix(const char *unit)
{
    return text_eq(unit, "ratio") ? " %" : text_eq(unit, "s") ? " s" : text_eq(unit, "ms") ? " ms" : "";
}

void format_value(struct text *t, double value, const char *unit)
{
    if (!isfinite(value)) {
        text_add(t, "not measured");
        return;
    }
    number(t, value, unit, true);
    text_add(t, suffix(unit));
}

void format_short(struct text *t, double value, const char *unit)
{
    number(t, value, unit, false);
    text_add(t, suffix(unit));
}

void format_interval(struct text *t, double lower, double upper, const char *unit)
{
    if (!isfinite(lower) && !isfinite(upper)) {
        text_add(t, "not measured");
        return;
    }
    if (!isfinite(lower)) {
        text_add(t, "up to ");
        format_value(t, upper, unit);
        return;
    }
    if (!isfinite(upper)) {
        format_value(t, lower, unit);
        text_add(t, " or more");
        return;
    }
    scoped_text struct text low = {0}, high = {0};
    number(&low, lower, unit, true);
    number(&high, upper, unit, true);
    text_add(t, text_str(&low));
    if (!text_eq(text_str(&low), text_str(&high))) {
        text_addf(t, " to %s", text_str(&high));
    }
    text_add(t, suffix(unit));
}

void format_achieved(struct text *t, const struct result_objective *o)
{
    format_interval(t, o->achieved_lower, o->achieved_upper, o->unit);
}

void format_target(struct text *t, const struct result_objective *o)
{
    text_add(t, text_eq(o->direction, "at_least") ? "at least " : "at most ");
    if (!isfinite(o->target)) {
        text_add(t, "?");
        return;
    }
    format_short(t, o->target, o->unit);
}

void format_floor(struct text *t, const struct result_objective *o)
{
    if (!isfinite(o->floor)) {
        return;
    }
    format_interval(t, o->floor, o->floor_max, o->unit);
    if (isfinite(o->floor_mean) && o->floor_max > o->floor) {
        text_add(t, ", ");
        format_value(t, o->floor_mean, o->unit);
        text_add(t, " on average");
    }
    if (isfinite(o->efficiency) && o->floor_mean > 0) {
        text_addf(t, "; efficiency %.0f %%", 100 * o->efficiency);
        if (o->excess > 0) {
            text_add(t, ", excess ");
            format_value(t, o->excess, o->unit);
        }
    }
}

bool format_led(const struct result_vantage *v)
{
    return v->dns && (isfinite(v->rto_lower_s) || isfinite(v->rto_upper_s));
}

void format_recovered(struct text *t, const struct result_objective *o)
{
    if (text_eq(o->recovered_by, "never")) {
        text_add(t, "never recovered");
    } else if (o->recovered_by) {
        text_addf(t, "recovered by %s", o->recovered_by);
    }
}

void format_sentence(struct text *t, const struct result_objective *o)
{
    text_addf(t, "%s ", format_label(o->name));
    format_achieved(t, o);
    text_add(t, ", target ");
    if (text_eq(o->direction, "at_least")) {
        text_add(t, "at least ");
    }
    format_short(t, o->target, o->unit);
    if (o->recovered_by) {
        text_add(t, ", ");
        format_recovered(t, o);
    }
    if (o->verdict != MISSED && o->reason) { /* a miss is explained by its numbers */
        text_addf(t, ": %s", o->reason);
    }
}

void format_counts(struct text *t, const struct result_run *run)
{
    text_addf(t, "%lld met, %lld missed, %lld inconclusive, %lld skipped", (long long)run->met_count,
              (long long)run->missed_count, (long long)run->inconclusive_count, (long long)run->skipped_count);
}

void format_seconds(struct text *t, double seconds)
{
    if (!isfinite(seconds)) {
        text_add(t, "an unknown time");
    } else if (fabs(seconds) < 0.9995) {
        text_addf(t, "%.0f ms", seconds * 1000);
    } else {
        text_addf(t, "%.1f s", seconds);
    }
}

/* A word for a POSIX shell: as it is where nothing in it is special, else in single quotes. */
static void shell_word(struct text *t, const char *word)
{
    bool plain = *word != '\0';
    for (const char *c = word; *c; c++) {
        plain = plain && (isalnum((unsigned char)*c) || strchr("/._-=:,@%+", *c));
    }
    if (plain) {
        text_add(t, word);
        return;
    }
    text_add(t, "'");
    for (const char *c = word; *c; c++) {
        if (*c == '\'') {
            text_add(t, "'\\''");
        } else {
            text_add_bytes(t, c, 1);
        }
    }
    text_add(t, "'");
}

/* Overrides as --set words. Maps are walked down to their leaves; key is the path so far. */
static void set_words(struct text *t, const json_t *value, const char *key, int depth)
{
    if (json_is_object(value) && depth < 8) {
        const char *name;
        json_t *member;
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            scoped_text struct text path = {0};
            text_addf(&path, "%s%s%s", key, *key ? "." : "", name);
            set_words(t, member, text_str(&path), depth + 1);
        }
        return;
    }
    scoped_text struct text word = {0};
    text_addf(&word, "%s=", key);
    if (json_is_string(value)) {
        text_add(&word, json_string_value(value));
    } else {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        text_add(&word, dumped ? dumped : "");
        free(dumped);
    }
    text_add(t, " --set ");
    shell_word(t, text_str(&word));
}

void format_reproduce(struct text *t, const struct result *r, const struct plan *plan)
{
    text_add(t, "drtest run ");
    shell_word(t, r->scenario.file ? r->scenario.file : "SCENARIO");
    text_addf(t, " --seed %lld%s%s", (long long)r->run.seed, text_eq(r->lab.kind, "sim") ? " --lab sim" : "",
              r->quality.has_crosscheck ? " --crosscheck" : "");
    for (size_t i = 0; i < r->lab.forced.len; i++) {
        text_add(t, " --mechanism ");
        shell_word(t, r->lab.forced.at[i]);
    }
    if (plan && json_is_object(plan->overrides)) {
        set_words(t, plan->overrides, "", 0);
    }
}

bool format_in_scenario(const struct result_objective *o)
{
    return o->line > 0 && !o->file && !o->assignment;
}

void format_place(struct text *t, const struct result *r, const struct result_objective *o)
{
    const char *file = o->file ? o->file : r->scenario.file;
    if (o->assignment) {
        text_add(t, "--set ");
        shell_word(t, o->assignment);
    } else if (file && o->line > 0) {
        text_addf(t, "%s:%lld:%lld", file, (long long)o->line, (long long)o->column);
    }
}

void format_elsewhere(struct text *t, const struct result *r, const struct result_objective *o)
{
    if (o->file || o->assignment) {
        text_add(t, o->assignment ? "set by " : "set at ");
        format_place(t, r, o);
    }
}

void format_crosscheck(struct text *t, const struct result *r)
{
    const struct result_crosscheck *c = &r->quality.crosscheck;
    if (!isfinite(c->difference_ms)) {
        text_addf(t, "%s: %s", c->agrees ? "agrees" : "does not confirm", c->detail ? c->detail : "without words");
        return;
    }
    text_add(t, c->agrees ? "agrees, " : "does not confirm, ");
    format_interval(t, c->lower_s, c->upper_s, "s");
    text_addf(t, ", upper ends %.1f ms apart, %.1f ms allowed", c->difference_ms, c->allowed_ms);
}

void format_traceless(struct text *t, const struct result *r)
{
    const struct result_ledger *l = &r->ledger;
    if (r->has_ledger && l->traceless_count != JSON_NONE && l->traceless_count > 0)
        text_addf(t, "%lld lost %s left no trace: in no store's log, and no store set %s aside",
                  (long long)l->traceless_count, l->traceless_count == 1 ? "write" : "writes",
                  l->traceless_count == 1 ? "it" : "them");
}

void format_set_aside(struct text *t, const struct result *r)
{
    const struct result_ledger *l = &r->ledger;
    long long lost;
    if (!r->has_ledger || __builtin_add_overflow(l->lost_before_count, l->lost_after_count, &lost) || lost <= 0)
        return;
    if (l->set_aside_regions.len == 0 || l->recoverable_count == JSON_NONE) {
        text_add(t, "No store told whether it had set lost writes aside.");
        return;
    }
    text_addf(t,
              "Stores had set aside %lld of %lld lost %s when they came back to another history: those can be had "
              "again from their lost logs.",
              (long long)l->recoverable_count, lost, lost == 1 ? "write" : "writes");
    if (l->traceless_count == JSON_NONE) {
        text_add(t, " Of the others nobody can say whether they left a trace: not every store told, or was read.");
    } else if (l->traceless_count > 0) {
        text_add(t, " ");
        format_traceless(t, r);
        text_add(t, ". A store that keeps its disk must not do that.");
    }
}

double format_run_end(const struct result *r)
{
    double end = isfinite(r->run.duration_s) && r->run.duration_s > 0 ? r->run.duration_s : 0;
    for (size_t i = 0; i < r->phases.len; i++) {
        double phase = r->phases.at[i].end_s;
        end = isfinite(phase) && phase > end ? phase : end;
    }
    return end;
}
