/* SPDX-License-Identifier: MIT */
/*
 * What the page of a suite and its summary have in common: rows, counts, and the words at the top. These are what the
 * exit code of the suite says, so that page and job agree; the counts of scenarios stand beside them.
 */
#include "reports/suite.h"

#include "harness/base/text.h"
#include "reports/escape.h"
#include "reports/format.h"

#include <string.h>

enum { INTERRUPTED_FROM = 128 }; /* exit codes: 128 and the signal */

int suite_rank(enum verdict v)
{
    return v == MISSED ? 3 : v == INCONCLUSIVE ? 2 : v == SKIPPED ? 1 : 0;
}

bool suite_row_leads(const struct suite_input *in, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (text_eq(in->entries[k].scenario, in->entries[i].scenario)) {
            return false;
        }
    }
    return true;
}

static size_t unreached_of(const struct suite_input *in, const char *scenario)
{
    size_t n = 0;
    for (size_t k = 0; k < in->unreached_count; k++) {
        n += text_eq(in->unreached[k].scenario, scenario);
    }
    return n;
}

bool suite_row_unreached(const struct suite_input *in, size_t i)
{
    bool leads = true;
    for (size_t k = 0; k < in->count; k++) {
        leads &= !text_eq(in->entries[k].scenario, in->unreached[i].scenario);
    }
    for (size_t k = 0; k < i; k++) {
        leads &= !text_eq(in->unreached[k].scenario, in->unreached[i].scenario);
    }
    return leads;
}

struct suite_row suite_row_of(const struct suite_input *in, size_t i)
{
    struct suite_row r = {.first = &in->entries[i], .verdict = MET};
    for (size_t k = i; k < in->count; k++) {
        const struct suite_entry *entry = &in->entries[k];
        if (!text_eq(entry->scenario, in->entries[i].scenario)) {
            continue;
        }
        r.runs++;
        r.met += entry->verdict == MET;
        r.newest = entry->result ? entry : r.newest;
        r.verdict = suite_rank(entry->verdict) > suite_rank(r.verdict) ? entry->verdict : r.verdict;
    }
    r.unreached = unreached_of(in, r.first->scenario);
    return r;
}

struct suite_tally suite_tally_of(const struct suite_input *in)
{
    struct suite_tally sum = {0};
    for (size_t i = 0; i < in->count; i++) {
        sum.took_s += in->entries[i].result ? format_run_end(in->entries[i].result) : 0;
        if (suite_row_leads(in, i)) {
            sum.rows++;
            sum.by_verdict[suite_row_of(in, i).verdict]++;
        }
    }
    for (size_t i = 0; i < in->unreached_count; i++) {
        sum.unreached += suite_row_unreached(in, i);
    }
    sum.rows += sum.unreached;
    return sum;
}

struct headline {
    const char *word;
    enum verdict verdict; /* gives sign and colour */
};

/* What the exit code says; 0 with nothing met is left of a suite of which all was skipped, and that was allowed. */
struct suite_headline suite_headline(const struct suite_input *in, const struct suite_tally *sum)
{
    enum verdict v = in->exit_code == 1     ? MISSED
                     : in->exit_code == 5   ? SKIPPED
                     : in->exit_code != 0   ? INCONCLUSIVE
                     : sum->by_verdict[MET] ? MET
                                            : SKIPPED;
    if (in->exit_code >= INTERRUPTED_FROM) {
        return (struct suite_headline){"interrupted", sum->by_verdict[MISSED] ? MISSED : INCONCLUSIVE};
    }
    return (struct suite_headline){format_verdict(v), v};
}

void suite_sentences(struct text *t, const struct suite_input *in, const struct suite_tally *sum)
{
    text_addf(t, "%zu of %zu scenario%s met.", sum->by_verdict[MET], sum->rows, sum->rows == 1 ? "" : "s");
    if (sum->by_verdict[MISSED]) {
        text_addf(t, " %zu missed what was promised.", sum->by_verdict[MISSED]);
    }
    if (sum->by_verdict[INCONCLUSIVE]) {
        text_addf(t, " %zu could not be decided.", sum->by_verdict[INCONCLUSIVE]);
    }
    if (sum->by_verdict[SKIPPED]) {
        text_addf(t, " %zu could not be done on this machine.", sum->by_verdict[SKIPPED]);
    }
    if (sum->unreached) {
        text_addf(t, " %zu %s not run.", sum->unreached, sum->unreached == 1 ? "was" : "were");
    }
    if (in->exit_code == 4 && !sum->by_verdict[INCONCLUSIVE]) {
        text_add(t, " A result or a report could not be written.");
    }
}

/* A link in Markdown, but not to a name that could end it. */
static void link_to(struct text *t, const char *run_id)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (run_id[strspn(run_id, plain)]) {
        escape(t, ESCAPE_MARKDOWN, run_id);
    } else {
        text_addf(t, "[%s](../%s/report.html)", run_id, run_id);
    }
}

static void summary_row(struct text *t, const struct suite_row *r)
{
    const char *title = r->newest ? r->newest->result->scenario.title : NULL;
    text_addf(t, "| %s %s | ", format_icon(r->verdict, true), format_verdict(r->verdict));
    escape(t, ESCAPE_MARKDOWN, r->first->scenario);
    text_add(t, " | ");
    escape(t, ESCAPE_MARKDOWN, title);
    text_addf(t, " | %zu of %zu | ", r->met, r->runs + r->unreached);
    if (r->newest) {
        link_to(t, r->newest->run_id);
    } else {
        text_add(t, "left no result");
    }
    text_add(t, " |\n");
}

void suite_summary(struct text *t, const struct suite_input *in)
{
    struct suite_tally sum = suite_tally_of(in);
    struct suite_headline h = suite_headline(in, &sum);
    text_addf(t, "# %s %c%s: ", format_icon(h.verdict, true), h.word[0] - 'a' + 'A', h.word + 1);
    escape(t, ESCAPE_MARKDOWN, in->title ? in->title : in->name);
    text_add(t, "\n\n");
    suite_sentences(t, in, &sum);
    text_add(t, "\n\n| | scenario | | met runs | newest run |\n|---|---|---|---:|---|\n");
    for (size_t i = 0; i < in->count; i++) {
        if (suite_row_leads(in, i)) {
            struct suite_row r = suite_row_of(in, i);
            summary_row(t, &r);
        }
    }
    for (size_t i = 0; i < in->unreached_count; i++) {
        if (suite_row_unreached(in, i)) {
            const struct suite_unreached *u = &in->unreached[i];
            text_addf(t, "| %s not run | ", format_icon(SKIPPED, true));
            escape(t, ESCAPE_MARKDOWN, u->scenario);
            text_add(t, " | ");
            escape(t, ESCAPE_MARKDOWN, u->title);
            text_addf(t, " | 0 of %zu | |\n", unreached_of(in, u->scenario));
        }
    }
}
