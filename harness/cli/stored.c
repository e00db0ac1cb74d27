/* SPDX-License-Identifier: MIT */
/*
 * Overrides, suite defaults and `with` have been merged into plan.yaml, so compiling that file gives the same steps and
 * targets whatever they came from; then digests, name and places are put back from origin.json.
 *
 * Failure paths: a run without result.json (it died before it was judged) and a plan.yaml that this binary reads
 * differently (another number of steps or targets) are errors that name the remedy; hostile files meet the limits of
 * the readers.
 */
#include "harness/cli/stored.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/tool.h"
#include "harness/spec/load.h"
#include "injectors/injector.h"

#include <limits.h>
#include <string.h>

#define ORIGIN_FILE "origin.json"
#define FILE_BYTES_MAX (4 * 1024 * 1024)

static int write_file(const char *run_path, const char *name, const char *text, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", run_path, name);
    return file_replace(text_str(&path), text, strlen(text), e);
}

static json_t *origin_of(const struct plan *p)
{
    json_t *steps = json_array(), *targets = json_array();
    for (size_t i = 0; i < p->step_count; i++) {
        json_array_append_new(steps, json_pack("{s:i,s:i,s:i}", "id", p->steps[i].id, "line", p->steps[i].line,
                                               "column", p->steps[i].column));
    }
    for (size_t i = 0; i < p->target_count; i++) {
        const struct plan_target *t = &p->targets[i];
        json_array_append_new(targets, json_pack("{s:s,s:b,s:i,s:i}", "name", target_types[t->key].key, "implied",
                                                 t->implied, "line", t->line, "column", t->column));
    }
    return json_pack("{s:i,s:s,s:s,s:s,s:I,s:O?,s:o,s:o}", "format", 1, "file", p->file, "sha256", p->sha256,
                     "targets_sha256", p->targets_sha256, "seed", (json_int_t)p->seed, "overrides", p->overrides,
                     "steps", steps, "targets", targets);
}

int stored_write_plan(const char *run_path, const struct plan *p, struct err *e)
{
    scoped_json json_t *origin = origin_of(p);
    scoped_free char *text = json_dumps(origin, JSON_INDENT(1));
    if (!text) {
        return err_set(e, ERR_DEFECT, ORIGIN_FILE, "the origin of the plan cannot be written as JSON");
    }
    return write_file(run_path, "plan.yaml", p->yaml, e) < 0 || write_file(run_path, "scenario.yaml", p->text, e) < 0
               ? -1
               : write_file(run_path, ORIGIN_FILE, text, e);
}

static int read_file(struct text *out, const struct stored_run *s, const char *name, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", s->path, name);
    return text_read_file(out, text_str(&path), FILE_BYTES_MAX, e);
}

static int whole(const json_t *o, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(o, key));
    return v < 0 || v > INT_MAX ? 0 : (int)v;
}

static void digest(char out[65], const json_t *origin, const char *key)
{
    const char *s = json_string_value(json_object_get(origin, key));
    if (s && strlen(s) == 64) {
        memcpy(out, s, 65);
    }
}

static const json_t *named(const json_t *list, const char *name)
{
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)(uintptr_t)list, i, o)
    {
        if (text_eq(json_string_value(json_object_get(o, "name")), name)) {
            return o;
        }
    }
    return NULL;
}

static const json_t *numbered(const json_t *list, int id)
{
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)(uintptr_t)list, i, o)
    {
        if (whole(o, "id") == id) {
            return o;
        }
    }
    return NULL;
}

static int restore_places(struct plan *p, const json_t *origin, struct err *e)
{
    const json_t *steps = json_object_get(origin, "steps"), *targets = json_object_get(origin, "targets");
    bool same = json_array_size(steps) == p->step_count && json_array_size(targets) == p->target_count;
    for (size_t i = 0; i < p->step_count && same; i++) {
        const json_t *o = numbered(steps, p->steps[i].id);
        p->steps[i].line = whole(o, "line");
        p->steps[i].column = whole(o, "column");
        same = o != NULL;
    }
    for (size_t i = 0; i < p->target_count && same; i++) {
        const json_t *o = named(targets, target_types[p->targets[i].key].key);
        p->targets[i].implied = json_is_true(json_object_get(o, "implied"));
        p->targets[i].line = whole(o, "line");
        p->targets[i].column = whole(o, "column");
        same = o != NULL;
    }
    return same ? 0 : err_set(e, ERR_MEANING, p->file, "plan.yaml and " ORIGIN_FILE " do not belong together");
}

static int restore_origin(struct stored_run *s, struct err *e)
{
    scoped_text struct text body = {0}, written = {0};
    if (read_file(&body, s, ORIGIN_FILE, e) < 0 || read_file(&written, s, "scenario.yaml", e) < 0) {
        return -1;
    }
    scoped_json json_t *origin = json_read(text_str(&body), body.len, ORIGIN_FILE, e);
    if (!origin || restore_places(s->plan, origin, e) < 0) {
        return -1;
    }
    struct plan *p = s->plan;
    const char *file = json_string_value(json_object_get(origin, "file"));
    p->file = arena_strdup(&p->arena, file ? file : p->file);
    p->text = arena_strdup(&p->arena, text_str(&written));
    const json_t *overrides = json_object_get(origin, "overrides");
    json_decref(p->overrides);
    p->overrides = json_is_object(overrides) ? json_deep_copy(overrides) : NULL;
    digest(p->sha256, origin, "sha256");
    digest(p->targets_sha256, origin, "targets_sha256");
    return 0;
}

static int load_plan(struct stored_run *s, struct err *e)
{
    struct diag_list diags = {0};
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    scoped_text struct text path = {0};
    text_addf(&path, "%s/plan.yaml", s->path);
    int rc = spec_load(text_str(&path), types, verbs, NULL, 0, 0, &s->plan, &diags, e);
    if (rc < 0) {
        err_help(e, "use the version of drtest that made the run: %s", s->result->tool.version);
    }
    diag_list_deinit(&diags);
    return rc < 0 ? -1 : restore_origin(s, e);
}

int stored_load(struct stored_run *s, const char *output, const char *run, struct err *e)
{
    scoped_text struct text path = {0};
    if (tool_find_run(&path, output, run, e) < 0) {
        return -1;
    }
    s->path = text_steal(&path);
    return result_load(s->path, &s->result, e) < 0 || load_plan(s, e) < 0 || evidence_load(&s->evidence, s->path, e) < 0
               ? -1
               : 0;
}

void stored_deinit(struct stored_run *s)
{
    plan_free(s->plan);
    result_free(s->result);
    evidence_free(s->evidence);
    free(s->path);
    *s = (struct stored_run){0};
}
