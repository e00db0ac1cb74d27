/* SPDX-License-Identifier: MIT */
/*
 * What is read rather than looked at: events, errors, the scenario with its verdicts in the margin.
 *
 * Every list has a cap, and the cut is announced where it happens. Replication positions, canary readings and clock
 * samples are left out of the event table: they are material for measures, thousands of lines of it.
 */
#include "reports/html/html.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 5000, ERRORS_MAX = 50, SCENARIO_MAX = 64 * 1024 };

static bool noise(enum event_kind k)
{
    return k == EVENT_POSITION || k == EVENT_CANARY || k == EVENT_CLOCK || k == EVENT_HEADER;
}

/* A line of the timeline that the table has is one click away; anything else is in its file. */
void html_evidence(struct page *p, const struct result_evidence *found)
{
    const struct evidence *ev = p->in->evidence;
    bool listed = false;
    for (size_t i = 0, told = 0; text_eq(found->file, "timeline.jsonl") && i < ev->event_count && told < EVENTS_MAX;
         i++) {
        listed = listed || (ev->events[i].seq == found->seq && !noise(ev->events[i].kind));
        told += !noise(ev->events[i].kind);
    }
    html_escaped(p, found->what);
    text_add(p->out, ": <a href=\"");
    if (listed) {
        text_addf(p->out, "#e%lld", (long long)found->seq);
    } else {
        html_escaped(p, found->file);
    }
    text_add(p->out, "\">");
    html_escaped(p, found->file);
    text_addf(p->out, " #%lld</a>", (long long)found->seq);
}

static void event_row(struct page *p, const struct event *ev)
{
    const char *kind = (unsigned)ev->kind < EVENT_KIND_COUNT ? event_words[ev->kind] : "unknown";
    text_addf(p->out, "<tr id=\"e%lld\" data-kind=\"%s\">", (long long)ev->seq, kind);
    html_number(p, "%.3f", (double)ev->at_ns / (double)NS_PER_S);
    if (ev->end_ns > ev->at_ns) {
        html_number(p, "%.1f", (double)(ev->end_ns - ev->at_ns) / (double)NS_PER_MS);
    } else {
        text_add(p->out, "<td></td>");
    }
    html_element(p, "td", "kind", kind);
    html_element(p, "td", "subject", ev->subject);
    text_add(p->out, "<td>");
    html_escaped(p, ev->outcome);
    text_add(p->out, ev->outcome && ev->detail ? ": " : "");
    html_escaped(p, ev->detail);
    text_add(p->out, "</td>");
    html_number(p, "%lld", (long long)ev->seq);
    text_add(p->out, "</tr>\n");
}

void html_events(struct page *p)
{
    static const char *const columns[] = {"#run time, s", "#took, ms", "event", "subject", "what", "#line", NULL};
    const struct evidence *ev = p->in->evidence;
    size_t told = 0, all = 0;
    for (size_t i = 0; i < ev->event_count; i++) {
        all += !noise(ev->events[i].kind);
    }
    html_heading(p, "events", "Events", "The minutes of the drill, kept by the harness alone.");
    text_addf(p->out, "<details id=\"event-list\"><summary>%zu events</summary>\n", all);
    html_table_begin(p, "data events", columns);
    for (size_t i = 0; i < ev->event_count && told < EVENTS_MAX; i++) {
        if (!noise(ev->events[i].kind)) {
            event_row(p, &ev->events[i]);
            told++;
        }
    }
    html_table_end(p);
    text_add(p->out, "</details>\n");
    html_rows_cut(p, told, all, "events", "timeline.jsonl");
    if (ev->event_count > all) {
        text_addf(p->out,
                  "<p class=\"note\">%zu clock samples, path checks and replication positions are not listed; "
                  "<code>timeline.jsonl</code> has them.</p>\n",
                  ev->event_count - all);
    }
}

struct group {
    struct sample_brief of; /* planned_ns is the first */
    int64_t last_ns;
    size_t count;
};

static bool same(const struct sample_brief *a, const struct sample_brief *b)
{
    return a->outcome == b->outcome && a->status == b->status && a->code == b->code && a->stream == b->stream &&
           a->endpoint == b->endpoint;
}

/* The largest first, then the earliest, then by what they are: the order in which requests were read shall not show. */
static int by_count(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    int64_t order[] = {(int64_t)b->count - (int64_t)a->count, a->of.planned_ns - b->of.planned_ns,
                       a->of.stream - b->of.stream,           a->of.endpoint - b->of.endpoint,
                       a->of.outcome - b->of.outcome,         a->of.status - b->of.status,
                       (int64_t)a->of.code - b->of.code};
    for (size_t i = 0; i < array_len(order); i++) {
        if (order[i] != 0) {
            return order[i] < 0 ? -1 : 1;
        }
    }
    return 0;
}

static const char *stream_name(const struct page *p, uint16_t stream, const char **vantage)
{
    static const char *const kinds[] = {"fresh reads", "keep-alive reads", "writes"};
    const struct plan *plan = p->in->plan;
    *vantage = "unknown";
    if (!plan || stream >= plan->stream_count) {
        return "unknown";
    }
    const struct plan_stream *s = &plan->streams[stream];
    *vantage =
        plan->topology && s->vantage < plan->topology->site_count ? plan->topology->sites[s->vantage].name : "unknown";
    return (unsigned)s->kind < array_len(kinds) ? kinds[s->kind] : "unknown";
}

static void error_row(struct page *p, const struct group *g)
{
    const struct topology *topo = p->in->plan ? p->in->plan->topology : NULL;
    const char *vantage, *stream = stream_name(p, g->of.stream, &vantage);
    text_add(p->out, "<tr>");
    html_number(p, "%zu", g->count);
    html_element(p, "td", NULL,
                 g->of.outcome == OUTCOME_HTTP_STATUS ? "HTTP status" : format_outcome(g->of.outcome));
    if (g->of.status) {
        html_number(p, "%u", g->of.status);
    } else {
        text_add(p->out, "<td></td>");
    }
    html_number(p, "%d", g->of.code);
    html_element(p, "td", NULL, vantage);
    html_element(p, "td", NULL, stream);
    html_element(p, "td", NULL,
                 topo && g->of.endpoint < topo->node_count ? topo->nodes[g->of.endpoint].name : "");
    html_time(p, (double)g->of.planned_ns / (double)NS_PER_S);
    html_time(p, (double)g->last_ns / (double)NS_PER_S);
    text_add(p->out, "</tr>\n");
}

void html_errors(struct page *p)
{
    static const char *const columns[] = {"#requests", "outcome", "#status",   "#code",    "vantage",
                                          "stream",    "asked",   "#first, s", "#last, s", NULL};
    enum { GROUPS_MAX = 4096 };
    const struct evidence *ev = p->in->evidence;
    scoped_free struct group *groups = xcalloc(GROUPS_MAX, sizeof(*groups));
    size_t len = 0, beyond = 0;
    for (size_t i = 0, hit = 0; i < ev->sample_count; i++) {
        const struct sample_brief s = evidence_brief(ev, i);
        if (s.outcome == OUTCOME_GOOD) {
            continue;
        }
        if (hit >= len || !same(&groups[hit].of, &s)) { /* errors come in bursts: try the last group first */
            for (hit = 0; hit < len && !same(&groups[hit].of, &s); hit++) {
            }
        }
        if (hit == len && len < GROUPS_MAX) {
            groups[len++] = (struct group){.of = s, .last_ns = s.planned_ns};
        }
        if (hit < len) {
            groups[hit].count++;
            groups[hit].of.planned_ns =
                s.planned_ns < groups[hit].of.planned_ns ? s.planned_ns : groups[hit].of.planned_ns;
            groups[hit].last_ns = s.planned_ns > groups[hit].last_ns ? s.planned_ns : groups[hit].last_ns;
        } else {
            beyond++;
        }
    }
    html_heading(p, "errors", "Errors, grouped", "Everything a client was not pleased with, over the whole run.");
    if (len == 0) {
        text_add(p->out, "<p>None: every request of the run was good.</p>\n");
        return;
    }
    qsort(groups, len, sizeof(*groups), by_count);
    html_table_begin(p, "data", columns);
    for (size_t i = 0; i < len && i < ERRORS_MAX; i++) {
        error_row(p, &groups[i]);
    }
    html_table_end(p);
    html_rows_cut(p, len < ERRORS_MAX ? len : ERRORS_MAX, len + (beyond > 0), "kinds of error", "samples.bin");
}

/* The verdict of the objective written on this line of the scenario, or -1. */
static int verdict_on(const struct result *r, int64_t line)
{
    int found = -1;
    for (size_t i = 0; i < r->objectives.len; i++) {
        const struct result_objective *o = &r->objectives.at[i];
        if (o->line == line && format_in_scenario(o) && !o->implied && (found != MISSED)) {
            found = (int)o->verdict;
        }
    }
    return found;
}

static bool fault_on(const struct result *r, int64_t line)
{
    for (size_t i = 0; i < r->faults.len; i++) {
        if (r->faults.at[i].line == line) {
            return true;
        }
    }
    return false;
}

/* Targets that this text does not show, for a suite or --set gave them. */
static void targets_elsewhere(struct page *p)
{
    scoped_text struct text all = {0};
    for (size_t i = 0; i < p->r->objectives.len; i++) {
        const struct result_objective *o = &p->r->objectives.at[i];
        scoped_text struct text where = {0};
        format_elsewhere(&where, p->r, o);
        if (where.len && !o->implied) {
            text_addf(&all, "%s%s (%s), %s", all.len ? "; " : "", format_label(o->name), format_verdict(o->verdict),
                      text_str(&where));
        }
    }
    if (all.len) {
        text_add(p->out, "<p class=\"note\">Targets that are not from this text: ");
        html_escaped(p, text_str(&all));
        text_add(p->out, ".</p>\n");
    }
}

void html_scenario(struct page *p)
{
    const char *text = p->in->plan ? p->in->plan->text : NULL;
    if (!text) {
        return;
    }
    size_t len = strlen(text), shown = len < SCENARIO_MAX ? len : SCENARIO_MAX;
    html_heading(p, "scenario", "The scenario", NULL);
    text_add(p->out, "<p class=\"lead\"><code>");
    html_escaped(p, p->r->scenario.file);
    text_add(p->out, "</code>, SHA-256 <code>");
    html_escaped(p, p->r->scenario.sha256);
    text_add(p->out, "</code></p>\n<pre class=\"source scroll\" tabindex=\"0\">");
    int64_t line = 1;
    for (size_t at = 0; at < shown; line++) {
        size_t end = at + strcspn(text + at, "\n");
        end = end < shown ? end : shown;
        int verdict = verdict_on(p->r, line);
        const char *word = verdict >= 0 ? format_verdict((enum verdict)verdict) : NULL;
        text_addf(p->out, "<span class=\"line%s%s%s\"><span class=\"no\">%lld</span> ", word ? " v-" : "",
                  word ? word : "", fault_on(p->r, line) ? " fault" : "", (long long)line);
        escape_bytes(p->out, ESCAPE_HTML, text + at, end - at);
        if (word) {
            text_addf(p->out, " <span class=\"mark\">%s %s</span>", format_icon((enum verdict)verdict, true), word);
        }
        text_add(p->out, "\n</span>");
        at = end + 1;
    }
    text_add(p->out, "</pre>\n");
    if (len > shown) {
        text_addf(p->out,
                  "<p class=\"cut\">Cut here after 64 KiB of %zu bytes; <code>plan.yaml</code> has it all.</p>\n", len);
    }
    targets_elsewhere(p);
}
