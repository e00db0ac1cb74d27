/* SPDX-License-Identifier: MIT */
/*
 * The record of a suite, or of a set of repeats: its folder is made when its first run begins (so that its name says
 * when), suite.json and the reports made from it when its last run has ended, whatever ended it. Scenarios with repeats
 * get their statistics.
 */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/cli/outputs.h"
#include "harness/cli/statistics.h"
#include "harness/cli/suite_report.h"
#include "harness/evidence/evidence_write.h"

#include <string.h>
#include <unistd.h>

int suite_record_begin(struct suite_record *s, const struct batch_suite *suite, const struct job *jobs,
                       const char *output, struct err *e)
{
    *s = (struct suite_record){.suite = suite, .jobs = jobs};
    int64_t wall = clock_wall_ns();
    clock_rfc3339(wall, s->started_at);
    if (rundir_create(output, suite->name, wall, &s->path, e) < 0) {
        return -1;
    }
    scoped_text struct text nodes = {0};
    text_addf(&nodes, "%s/nodes", s->path);
    rmdir(text_str(&nodes)); /* of use to runs only */
    return 0;
}

void suite_record_add(struct suite_record *s, const struct job *job, const struct session_outcome *o)
{
    const char *slash = o->run_path ? strrchr(o->run_path, '/') : NULL;
    struct suite_run *r = vec_push(&s->runs);
    r->run_id = arena_strdup(&s->arena, slash ? slash + 1 : o->run_path);
    r->scenario = job->plan->name;
    r->seed = (int64_t)job->plan->seed;
    r->repeat_index = job->repeat_index;
    r->repeat_count = job->repeat_count;
    r->verdict = o->result ? o->result->run.verdict : INCONCLUSIVE;
    if (o->result) {
        scoped_json json_t *doc = result_to_json(o->result);
        r->pooled = arena_new(&s->arena, struct pool_run);
        *r->pooled = pool_run_of_result(&s->arena, doc);
    }
}

/* The four counts by verdict, and the rows. */
static void add_runs(struct suite_json *out, const struct suite_record *s)
{
    int64_t *const counts[] = {[INCONCLUSIVE] = &out->inconclusive_count,
                               [MET] = &out->met_count,
                               [MISSED] = &out->missed_count,
                               [SKIPPED] = &out->skipped_count};
    for (size_t i = 0; i < s->runs.len; i++) {
        const struct suite_run *r = &s->runs.at[i];
        ++*counts[r->verdict];
        *vec_push(&out->runs) = (struct suite_json_run){.run_id = r->run_id,
                                                        .scenario = r->scenario,
                                                        .repeat_index = r->repeat_index,
                                                        .verdict = r->verdict,
                                                        .repeat_count = r->repeat_count,
                                                        .seed = r->seed,
                                                        .left_out =
                                                            r->pooled ? pool_left_out(r->pooled) : RUN_UNJUDGED};
    }
}

/* What was to be run and was not: the command was interrupted, or stopped at a failure. */
static void add_not_run(struct suite_json *out, const struct suite_record *s)
{
    for (size_t i = s->runs.len; i < s->suite->count; i++) {
        const struct job *job = &s->jobs[i];
        *vec_push(&out->not_run) = (struct suite_json_not_run){.scenario = job->plan->name,
                                                               .title = job->plan->title,
                                                               .repeat_index = job->repeat_index,
                                                               .repeat_count = job->repeat_count,
                                                               .seed = (int64_t)job->plan->seed};
    }
}

/* Whether run k is the first of its pool: same scenario, and the same digest of it (a suite may list one twice, with
 * different values). */
static bool same_scenario(const struct pool_run *a, const struct pool_run *b)
{
    return text_eq(a->scenario, b->scenario) && text_eq(a->digest[DIGEST_SCENARIO], b->digest[DIGEST_SCENARIO]);
}

/* The runs of one pool, beginning with run k; none if it belongs to one that began before. */
static size_t pool_from(const struct suite_record *s, size_t k, const struct pool_run **in)
{
    size_t n = 0;
    for (size_t i = 0; i < s->runs.len; i++) {
        const struct pool_run *r = s->runs.at[i].pooled;
        if (!r || !s->runs.at[k].pooled || !same_scenario(r, s->runs.at[k].pooled)) {
            continue;
        }
        if (i < k) {
            return 0;
        }
        in[n++] = r;
    }
    return n;
}

static void add_statistics(struct suite_json *out, struct suite_record *s, struct text *said)
{
    const struct pool_run **in = arena_array(&s->arena, const struct pool_run *, s->runs.len + 1);
    for (size_t k = 0; k < s->runs.len; k++) {
        size_t n = pool_from(s, k, in);
        if (n < 2) {
            continue;
        }
        struct pool p = pool_of(&s->arena, in, n, NULL);
        *vec_push(&out->statistics) = statistics_row(&p);
        statistics_text(said, &p);
    }
}

static json_t *record_json(struct suite_record *s, int exit_code, struct text *said)
{
    char ended[32];
    struct suite_json out = {.schema_version = suite_doc.version,
                             .suite = s->suite->name,
                             .title = s->suite->title,
                             .started_at = s->started_at,
                             .ended_at = clock_rfc3339(clock_wall_ns(), ended),
                             .exit_code = exit_code,
                             .kind = s->suite->file ? "suite" : "repeats"};
    add_runs(&out, s);
    add_not_run(&out, s);
    add_statistics(&out, s, said);
    json_t *doc = json_of_struct(suite_doc.shape, &out);
    for (size_t i = 0; i < out.statistics.len; i++) {
        statistics_row_deinit(&out.statistics.at[i]);
    }
    vec_deinit(&out.statistics);
    vec_deinit(&out.not_run);
    vec_deinit(&out.runs);
    return doc;
}

int suite_record_end(struct suite_record *s, int exit_code, bool jenkins_style, struct text *said, struct err *e)
{
    scoped_json json_t *doc = record_json(s, exit_code, said);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    scoped_text struct text path = {0}, body = {0};
    text_addf(&path, "%s/suite.json", s->path);
    if (said->len) {
        text_addf(said, "  record %s\n", text_str(&path));
    }
    text_addf(&body, "%s\n", text ? text : "{}");
    const struct suite_copies none = {.jenkins_style = jenkins_style};
    return file_replace(text_str(&path), text_str(&body), body.len, e) < 0 ? -1 : suite_report_write(s->path, &none, e);
}

void suite_record_deinit(struct suite_record *s)
{
    vec_deinit(&s->runs);
    arena_deinit(&s->arena);
    free(s->path);
    *s = (struct suite_record){0};
}

int exit_code_worse(int a, int b)
{
    static const int order[] = {3, 1, 4, 5, 0};
    if (a >= 128 || b >= 128) {
        return a >= 128 ? a : b;
    }
    for (size_t i = 0; i < array_len(order); i++) {
        if (a == order[i] || b == order[i]) {
            return order[i];
        }
    }
    return a;
}
