/* SPDX-License-Identifier: MIT */
/*
 * result.json in and out.
 *
 * Written with 15 significant digits, which is exact for run times up to eleven days in whole nanoseconds, indented by
 * two for people and diff. Reading back fills a struct in its own arena; a missing key or a wrong type is an error that
 * names the file, an unknown key is one from a later version and is ignored. Numbers are rounded to nine decimals
 * before (instants are whole nanoseconds to begin with), so that 15 digits say all of them.
 */
#include "harness/measure/result_shape.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <math.h>
#include <stdlib.h>

enum { RESULT_MAX = 64 * 1024 * 1024 };

void result_free(struct result *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->faults.len; i++)
        json_decref(r->faults.at[i].params);
    json_decref(r->drift.patch);
    json_decref(r->drift.undo_patch);
    arena_deinit(&r->arena);
    free(r);
}

json_t *result_to_json(const struct result *r)
{
    return json_of_struct(&result_shape, r);
}

int result_from_json(const json_t *doc, struct result **out, const char *at, struct err *e)
{
    struct result *r = xcalloc(1, sizeof(*r));
    *out = NULL;
    if (json_to_struct(&result_shape, doc, r, &r->arena, at, e) < 0) {
        result_free(r);
        return -1;
    }
    if (r->schema_version != 1) {
        err_set(e, ERR_READING, at, "schema_version is %lld, this drtest reads 1", (long long)r->schema_version);
        result_free(r);
        return -1;
    }
    *out = r;
    return 0;
}

int result_load(const char *run_path, struct result **out, struct err *e)
{
    scoped_text struct text path = {0};
    scoped_text struct text bytes = {0};
    *out = NULL;
    text_addf(&path, "%s/result.json", run_path);
    if (text_read_file(&bytes, text_str(&path), RESULT_MAX, e) < 0)
        return -1;
    scoped_json json_t *doc = json_read(text_str(&bytes), bytes.len, text_str(&path), e);
    return doc ? result_from_json(doc, out, text_str(&path), e) : -1;
}

int result_store(const char *run_path, const struct result *r, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/result.json", run_path);
    scoped_json json_t *doc = result_to_json(r);
    scoped_free char *dumped = doc ? json_dumps(doc, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    if (!dumped)
        return err_set(e, ERR_OUTPUT, text_str(&path), "the result holds a text that is not UTF-8");
    scoped_text struct text whole = {0};
    text_addf(&whole, "%s\n", dumped);
    return file_replace(text_str(&path), text_str(&whole), whole.len, e);
}

/* ---- rounding ---- */

struct any_list {
    char *at;
    size_t len, cap;
};

static void round_numbers(const struct json_shape *shape, void *of)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        void *member = (char *)of + f->offset;
        if (f->kind == JB_NUMBER) {
            double *x = member, scaled = round(*x * 1e9);
            if (fabs(scaled) < 9e15)
                *x = scaled / 1e9 == 0 ? 0 : scaled / 1e9; /* no minus zero */
            else if (!isnan(*x) && isinf(*x))
                *x = NAN;
        } else if (f->kind == JB_OBJECT) {
            round_numbers(f->of, member);
        } else if (f->kind == JB_LIST) {
            const struct any_list *list = member;
            for (size_t k = 0; k < list->len; k++)
                round_numbers(f->of, list->at + k * f->of->size);
        }
    }
}

void result_round(struct result *r)
{
    round_numbers(&result_shape, r);
}
