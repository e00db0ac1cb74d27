/* SPDX-License-Identifier: MIT */
/*
 * Failure paths: a run without result.json (it died before it was judged) is an error with the remedy to analyze it;
 * scenario.yaml that no longer loads with this binary is an error that names the version of the run.
 */
#include "harness/cli/stored.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/tool.h"
#include "harness/spec/load.h"
#include "injectors/injector.h"

#include <string.h>

#define FILE_MAX (4 * 1024 * 1024)

static int write_file(const char *run_path, const char *name, const char *text, size_t len, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", run_path, name);
    return file_replace(text_str(&path), text, len, e);
}

int stored_write_plan(const char *run_path, const struct plan *p, struct err *e)
{
    scoped_json json_t *doc = json_pack("{s:i,s:s,s:I,s:O?}", "format", 1, "file", p->file, "seed", (json_int_t)p->seed,
                                        "overrides", p->overrides);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    if (write_file(run_path, "plan.yaml", p->yaml, strlen(p->yaml), e) < 0 ||
        write_file(run_path, "scenario.yaml", p->text, strlen(p->text), e) < 0) {
        return -1;
    }
    return write_file(run_path, STORED_OVERRIDES, text ? text : "{}", text ? strlen(text) : 2, e);
}

/* KEY=VALUE for each recorded override; lists go in flow form. */
static void sets_of(const json_t *overrides, struct arena *a, const char **sets)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)overrides, key, value) {
        scoped_free char *flow = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        *sets++ = arena_printf(a, "%s=%s", key, flow ? flow : json_string_value(value));
    }
}

static int load_plan(struct stored_run *s, const json_t *record, struct err *e)
{
    struct arena a = {0};
    struct diag_list diags = {0};
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    const json_t *overrides = json_object_get(record, "overrides");
    size_t n = json_object_size(overrides);
    const char **sets = arena_array(&a, const char *, n + 1);
    sets_of(overrides, &a, sets);
    scoped_text struct text path = {0};
    text_addf(&path, "%s/scenario.yaml", s->path);
    int rc = spec_load(text_str(&path), types, verbs, sets, n,
                       (uint64_t)json_integer_value(json_object_get(record, "seed")), &s->plan, &diags, e);
    if (rc < 0) {
        err_help(e, "use the version of drtest that made the run: %s", s->result->tool.version);
    } else {
        const char *file = json_string_value(json_object_get(record, "file"));
        s->plan->file = arena_strdup(&s->plan->arena, file ? file : s->plan->file);
    }
    diag_list_deinit(&diags);
    arena_deinit(&a);
    return rc;
}

int stored_load(struct stored_run *s, const char *output, const char *run, struct err *e)
{
    scoped_text struct text path = {0}, record = {0}, body = {0};
    if (tool_find_run(&path, output, run, e) < 0) {
        return -1;
    }
    s->path = text_steal(&path);
    text_addf(&record, "%s/%s", s->path, STORED_OVERRIDES);
    if (text_read_file(&body, text_str(&record), FILE_MAX, e) < 0) {
        return -1;
    }
    scoped_json json_t *doc = json_read(text_str(&body), body.len, text_str(&record), e);
    if (!doc) {
        return -1;
    }
    return result_load(s->path, &s->result, e) < 0 || load_plan(s, doc, e) < 0 ||
                   evidence_load(&s->evidence, s->path, e) < 0 ? -1 : 0;
}

void stored_deinit(struct stored_run *s)
{
    plan_free(s->plan);
    result_free(s->result);
    evidence_free(s->evidence);
    free(s->path);
    *s = (struct stored_run){0};
}
