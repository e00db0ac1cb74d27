/* SPDX-License-Identifier: MIT */
/*
 * The record of a suite: its folder is made when its first run begins (so that its name says when), suite.json when its
 * last run has ended, whatever ended it.
 */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/cli/outputs.h"
#include "harness/evidence/evidence_write.h"

#include <string.h>
#include <unistd.h>

int suite_record_begin(struct suite_record *s, const struct batch_suite *suite, const char *output, struct err *e)
{
    *s = (struct suite_record){.suite = suite};
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
    r->repeat_index = job->repeat_index;
    r->verdict = o->result ? o->result->run.verdict : INCONCLUSIVE;
}

static json_t *runs_json(const struct suite_record *s, int64_t counts[4])
{
    json_t *runs = json_array();
    for (size_t i = 0; i < s->runs.len; i++) {
        const struct suite_run *r = &s->runs.at[i];
        counts[r->verdict]++;
        json_array_append_new(runs, json_pack("{s:s?,s:s,s:I,s:s}", "run_id", r->run_id, "scenario", r->scenario,
                                              "repeat_index", (json_int_t)r->repeat_index, "verdict",
                                              verdict_words[r->verdict]));
    }
    return runs;
}

int suite_record_end(struct suite_record *s, int exit_code, struct err *e)
{
    int64_t counts[4] = {0};
    char ended[32];
    json_t *runs = runs_json(s, counts);
    scoped_json json_t *doc = json_pack(
        "{s:i,s:s,s:s,s:s,s:i,s:I,s:I,s:I,s:I,s:o}", "schema_version", 1, "suite", s->suite->name, "started_at",
        s->started_at, "ended_at", clock_rfc3339(clock_wall_ns(), ended), "exit_code", exit_code, "met_count",
        (json_int_t)counts[MET], "missed_count", (json_int_t)counts[MISSED], "inconclusive_count",
        (json_int_t)counts[INCONCLUSIVE], "skipped_count", (json_int_t)counts[SKIPPED], "runs", runs);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    scoped_text struct text path = {0}, body = {0};
    text_addf(&path, "%s/suite.json", s->path);
    text_addf(&body, "%s\n", text ? text : "{}");
    return file_replace(text_str(&path), text_str(&body), body.len, e);
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
