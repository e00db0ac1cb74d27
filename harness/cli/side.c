/* SPDX-License-Identifier: MIT */
/*
 * Method: a word is tried whole first, as a file, as a set and as a run, and taken apart at its commas only if it is
 * none of them. A set names its runs; they lie beside its folder. A file is one result if it is one JSON document with
 * a run in it, otherwise a history. Nothing of plan or evidence is needed, so runs of other versions of drtest can be
 * compared as long as their result.json has the keys that a comparison is about.
 *
 * Failure paths: a word that is nothing, a file that is no JSON, a set that names a run with a path in it, or a run
 * that is gone, are errors that name the place. Files larger than any result are refused.
 */
#include "harness/cli/side.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/history.h"
#include "harness/cli/outputs.h"
#include "harness/cli/tool.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESULT_MAX (64u * 1024u * 1024u)
#define RUNS_MAX 100000

static json_t *read_document(const char *folder, const char *file, struct err *e)
{
    scoped_text struct text path = {0}, body = {0};
    text_addf(&path, "%s/%s", folder, file);
    if (text_read_file(&body, text_str(&path), RESULT_MAX, e) < 0) {
        return NULL;
    }
    return json_read(text_str(&body), body.len, text_str(&path), e);
}

static void note_scenario(struct side *s, const char *name)
{
    for (size_t i = 0; i < s->scenarios.len; i++) {
        if (text_eq(s->scenarios.at[i], name)) {
            return;
        }
    }
    *vec_push(&s->scenarios) = name;
}

static int add_known(struct side *s, const char *at, const struct pool_run *run, struct err *e)
{
    if (!run->run_id || !run->scenario) {
        return err_set(e, ERR_READING, at, "result.json names no run and scenario");
    }
    if (s->runs.len >= RUNS_MAX) {
        return err_set(e, ERR_READING, at, "more than %d runs on one side", RUNS_MAX);
    }
    *vec_push(&s->runs) = *run;
    note_scenario(s, run->scenario);
    return 0;
}

static int add_run(struct side *s, const char *folder, struct err *e)
{
    scoped_json json_t *doc = read_document(folder, "result.json", e);
    if (!doc) {
        return -1;
    }
    struct pool_run run = pool_run_of_result(s->arena, doc);
    return add_known(s, folder, &run, e);
}

static const struct pool_run *newest(const struct pool_run *runs, size_t n, const char *scenario)
{
    const struct pool_run *last = NULL;
    for (size_t i = n; i > 0; i--) {
        if (!text_eq(runs[i - 1].scenario, scenario)) {
            continue;
        }
        if (!pool_left_out(&runs[i - 1])) {
            return &runs[i - 1];
        }
        last = last ? last : &runs[i - 1];
    }
    return last;
}

const struct pool_run *side_newest(const struct side *s, const char *scenario)
{
    return newest(s->runs.at, s->runs.len, scenario);
}

/* Of a history only the newest run of each scenario is taken: what was before has been superseded. */
static int add_history(struct side *s, const char *path, struct err *e)
{
    struct history_runs all = {0};
    int rc = history_read_runs(&all, s->arena, path, e);
    size_t first = s->runs.len;
    for (size_t i = all.len; i > 0 && rc == 0; i--) {
        const char *scenario = all.at[i - 1].scenario;
        if (!newest(s->runs.at + first, s->runs.len - first, scenario)) {
            rc = add_known(s, path, newest(all.at, i, scenario), e);
        }
    }
    if (rc == 0 && all.len == 0) {
        rc = err_set(e, ERR_READING, path, "this is neither a result.json nor a history: it tells of no run");
    }
    history_runs_deinit(&all);
    s->newest = true;
    return rc;
}

static int add_file(struct side *s, const char *path, struct err *e)
{
    scoped_text struct text body = {0};
    if (text_read_file(&body, path, RESULT_MAX, e) < 0) {
        return -1;
    }
    scoped_json json_t *doc = json_loadb(text_str(&body), body.len, 0, NULL);
    if (!json_is_object(json_object_get(doc, "run"))) {
        return add_history(s, path, e);
    }
    struct pool_run run = pool_run_of_result(s->arena, doc);
    return add_known(s, path, &run, e);
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A run that ended before it could be judged: nothing to read, but it is counted as left out. */
static void add_unjudged(struct side *s, const json_t *run)
{
    const char *scenario = json_string_value(json_object_get(run, "scenario"));
    if (scenario) {
        struct pool_run *r = vec_push(&s->runs);
        *r = (struct pool_run){.run_id = arena_strdup(s->arena, json_string_value(json_object_get(run, "run_id"))),
                               .scenario = arena_strdup(s->arena, scenario),
                               .status = RUN_UNJUDGED};
        note_scenario(s, r->scenario);
    }
}

static int add_set(struct side *s, const char *folder, struct err *e)
{
    scoped_json json_t *doc = read_document(folder, "suite.json", e);
    if (!doc) {
        return -1;
    }
    size_t i;
    json_t *run;
    json_array_foreach(json_object_get(doc, "runs"), i, run)
    {
        const char *id = json_string_value(json_object_get(run, "run_id"));
        scoped_text struct text path = {0};
        if (!id || text_eq(json_string_value(json_object_get(run, "left_out")), RUN_UNJUDGED)) {
            add_unjudged(s, run);
            continue;
        }
        if (strchr(id, '/') || text_eq(id, "..")) {
            return err_set(e, ERR_READING, folder, "suite.json names `%s` as a run, which is no run id", id);
        }
        text_addf(&path, "%s/../%s", folder, id);
        if (add_run(s, text_str(&path), e) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool is_set(const char *folder)
{
    scoped_text struct text t = {0};
    text_addf(&t, "%s/suite.json", folder);
    return access(text_str(&t), F_OK) == 0;
}

/* One file, run or set. `found` says whether the word is any; if not, e says what was looked for. */
static int add_word(struct side *s, const char *output, const char *word, bool *set, bool *found, struct err *e)
{
    scoped_text struct text below = {0}, run = {0};
    text_addf(&below, "%s/%s", output, word);
    *found = true;
    *set = false;
    if (is_file(word)) {
        return add_file(s, word, e);
    }
    *set = is_set(word) || is_set(text_str(&below));
    if (*set) {
        return add_set(s, is_set(word) ? word : text_str(&below), e);
    }
    if (tool_find_run(&run, output, word, e) < 0) {
        *found = false;
        return -1;
    }
    return add_run(s, text_str(&run), e);
}

static int add_list(struct side *s, const char *output, const char *word, struct err *e)
{
    scoped_free char *all = xstrdup(word);
    char *rest = all, *one;
    bool set, found;
    while ((one = strsep(&rest, ","))) {
        if (*one && add_word(s, output, one, &set, &found, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int side_load(struct side *s, struct arena *a, const char *output, const char *word, struct err *e)
{
    bool set = false, found = false;
    *s = (struct side){.word = word, .arena = a};
    int rc = add_word(s, output, word, &set, &found, e);
    if (rc < 0 && !found && strchr(word, ',')) {
        if (e) {
            *e = (struct err){0};
        }
        set = true;
        rc = add_list(s, output, word, e);
    }
    s->newest &= !set;
    s->single = !set && !s->newest;
    if (rc == 0 && s->runs.len == 0) {
        return err_set(e, ERR_READING, word, "there is no run in it");
    }
    return rc;
}

void side_deinit(struct side *s)
{
    vec_deinit(&s->runs);
    vec_deinit(&s->scenarios);
}

/* Runs that count must have equal digests, or what is pooled is not one thing. */
static int check_same(const struct side *s, const struct pool_run *const *runs, size_t n, struct err *e)
{
    const struct pool_run *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (pool_left_out(runs[i])) {
            continue;
        }
        first = first ? first : runs[i];
        scoped_text struct text differ = {0};
        for (int d = 0; d < POOL_DIGESTS; d++) {
            if (!first->digest[d] || !text_eq(first->digest[d], runs[i]->digest[d])) {
                text_addf(&differ, "%s%s", differ.len ? ", " : "", pool_digest_words[d]);
            }
        }
        if (differ.len) {
            err_set(e, ERR_MEANING, s->word, "%s and %s cannot be pooled: they differ in %s", first->run_id,
                    runs[i]->run_id, text_str(&differ));
            return err_help(e, "put runs of equal digests on a side; the two sides may differ");
        }
    }
    return 0;
}

int side_pool(const struct side *s, const char *scenario, struct pool *out, struct err *e)
{
    size_t n = 0;
    const struct pool_run **runs = arena_array(s->arena, const struct pool_run *, s->runs.len + 1);
    for (size_t i = 0; i < s->runs.len; i++) {
        if (text_eq(s->runs.at[i].scenario, scenario)) {
            runs[n++] = &s->runs.at[i];
        }
    }
    if (check_same(s, runs, n, e) < 0) {
        return -1;
    }
    *out = pool_of(s->arena, runs, n, NULL);
    if (out->n > STATS_SIDE_MAX) {
        err_set(e, ERR_MEANING, s->word, "%zu runs of %s are more than the exact test is made for", out->n, scenario);
        return err_help(e, "give at most %d runs a side", STATS_SIDE_MAX);
    }
    return 0;
}
