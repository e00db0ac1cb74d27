/* SPDX-License-Identifier: MIT */
/*
 * A suite becomes the runs of its entries. --repeat multiplies what the suite says; --tag leaves entries out. An entry
 * that is wrong is reported beside all the others.
 */
#include "harness/base/err.h"
#include "harness/cli/batch.h"
#include "harness/spec/suite.h"

static struct batch_suite *suite_of(struct batch *b, const struct suite *s)
{
    struct batch_suite *mine = arena_new(&b->arena, struct batch_suite);
    *mine = (struct batch_suite){.name = arena_strdup(&b->arena, s->name),
                                 .file = arena_strdup(&b->arena, s->file),
                                 .title = arena_strdup(&b->arena, s->title),
                                 .stop_on_failure = s->stop_on_failure,
                                 .first = b->jobs.len};
    return mine;
}

void batch_load_suite(struct batch *b, const char *path, const struct batch_options *o)
{
    struct suite *s = NULL;
    struct err e = {0};
    struct diag_list *diags = batch_diags(b);
    int rc = suite_load(path, &s, diags, &e);
    batch_count(b);
    b->errors += rc < 0 && diags->errors == 0;
    if (rc == 0) {
        struct batch_suite *mine = suite_of(b, s);
        for (size_t i = 0; i < s->count; i++) {
            int64_t count = s->entries[i].repeat * (o->repeat > 0 ? o->repeat : 1);
            batch_load_runs(b, &(struct batch_source){.suite = s, .entry = i}, count, mine, o);
        }
        batch_order(b, mine);
        *vec_push(&b->suites) = mine;
    }
    suite_free(s);
}
