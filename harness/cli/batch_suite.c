/* SPDX-License-Identifier: MIT */
/*
 * A suite becomes the runs of its entries, in its order. --repeat multiplies what the suite says; --tag leaves entries
 * out. An entry that is wrong is reported beside all the others.
 */
#include "harness/base/err.h"
#include "harness/cli/batch.h"
#include "harness/spec/load.h"
#include "injectors/injector.h"

static struct batch_suite *suite_of(struct batch *b, const struct suite *s)
{
    struct batch_suite *mine = arena_new(&b->arena, struct batch_suite);
    *mine = (struct batch_suite){.name = arena_strdup(&b->arena, s->name),
                                 .file = arena_strdup(&b->arena, s->file),
                                 .stop_on_failure = s->stop_on_failure,
                                 .first = b->jobs.len};
    return mine;
}

/* One run of one entry. False: no use in more of it. */
static bool load_run(struct batch *b, const struct suite *s, size_t entry, struct batch_suite *mine, int64_t index,
                     int64_t count, const struct batch_options *o)
{
    struct plan *p = NULL;
    struct err e = {0};
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    struct diag_list *diags = batch_diags(b);
    int rc =
        suite_plan(s, entry, types, verbs, o->set->at, o->set->len, o->seed > 0 ? (uint64_t)o->seed : 0, &p, diags, &e);
    batch_count(b);
    b->errors += rc < 0 && diags->errors == 0;
    if (rc < 0) {
        return false;
    }
    if (!batch_selected(p, o->tags)) {
        plan_free(p);
        return false;
    }
    *vec_push(&b->plans) = p;
    *vec_push(&b->jobs) = (struct job){.plan = p, .suite = mine, .repeat_index = index, .repeat_count = count};
    mine->count++;
    return true;
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
            b->files++;
            for (int64_t k = 1; k <= count && load_run(b, s, i, mine, k, count, o); k++) {
            }
        }
        *vec_push(&b->suites) = mine;
    }
    suite_free(s);
}
