/* SPDX-License-Identifier: MIT */
/*
 * Numbers and words as every report prints them, so that terminal, JUnit, Markdown and HTML say the same.
 *
 * Values are printed in their unit with at most three decimals (ratios as per cent), an interval as "5.285 to 5.340 s",
 * an open upper end as "5.285 s or more". Relies on LC_NUMERIC being "C". Nothing here escapes: what comes out of a
 * function that takes an objective may hold foreign text and is escaped by the caller.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/measure/result.h"

const char *format_label(const char *objective);  /* "rto" gives "RTO"; an unknown name stands for itself */
const char *format_check(const char *check);      /* "steady state before the fault" */
const char *format_outcome(unsigned outcome);     /* enum outcome of sample.h */
const char *format_icon(enum verdict v, bool utf8);
const char *format_verdict(enum verdict v);       /* never out of range */

void format_value(struct text *t, double value, const char *unit);    /* "5.285 s"; NAN gives "not measured" */
void format_short(struct text *t, double value, const char *unit);    /* the same without trailing zeros: "5 s" */
void format_interval(struct text *t, double lower, double upper, const char *unit);
void format_achieved(struct text *t, const struct result_objective *o);
void format_target(struct text *t, const struct result_objective *o); /* "at most 5 s" */
/* "0.500 to 1.950 s, 1.125 s on average; efficiency 21 %, excess 3.390 s", nothing without a floor. */
void format_floor(struct text *t, const struct result_objective *o);
void format_recovered(struct text *t, const struct result_objective *o); /* "recovered by failover", or nothing */
/* "RTO 5.285 to 5.340 s, target 5 s, recovered by failover", with the reason unless the numbers give it. */
void format_sentence(struct text *t, const struct result_objective *o);
/* Where the target is written: "scenarios/quarterly.yaml:47:5", "--set targets.rto=3s"; nothing where nobody knows. */
void format_place(struct text *t, const struct result *r, const struct result_objective *o);
/* "set at scenarios/quarterly.yaml:47:5", "set by --set targets.rto=3s"; nothing where the scenario itself has it. */
void format_elsewhere(struct text *t, const struct result *r, const struct result_objective *o);
bool format_in_scenario(const struct result_objective *o);        /* is the target's line one of the scenario's text? */
void format_counts(struct text *t, const struct result_run *run); /* "5 met, 1 missed, 0 inconclusive, 0 skipped" */
void format_plain(struct text *t, double value);                  /* shortest decimal that reads back the same */
void format_seconds(struct text *t, double seconds);              /* "22.0 s": for prose */

/* How to run it again: drtest run FILE --seed N --mechanism EFFECT=NAME --set KEY=VALUE, quoted for a POSIX shell. */
struct plan;
void format_reproduce(struct text *t, const struct result *r, const struct plan *plan);
/* What the second prober says about the RTO; for results with quality.has_crosscheck. */
void format_crosscheck(struct text *t, const struct result *r);
/* What the stores had set aside of the lost writes, in a sentence; none without a loss, or without known losses. */
void format_set_aside(struct text *t, const struct result *r);
/* "3 lost writes left no trace: ..."; none where none did, or nobody can say. */
void format_traceless(struct text *t, const struct result *r);
/* "against the last run of this configuration, RUN: RTO worse by 0.300 to 0.500 s; no change to be told in RPO". */
void format_comparison(struct text *t, const struct result_comparison *c);
/* Is the time without service of these clients worth a line, since a traffic manager leads them? */
bool format_led(const struct result_vantage *v);
double format_run_end(const struct result *r); /* duration_s, or the last end of a phase where that is not known */
