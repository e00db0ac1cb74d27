/* SPDX-License-Identifier: MIT */
/*
 * Method: each path becomes files, each file plans. A folder stands for its YAML files, but not for the project's
 * settings nor for what runs have left there. A scenario named twice is run twice; that is what was asked for. Errors
 * are collected file by file, so that one wrong file hides no other.
 *
 * Each repeat has a plan of its own with a seed of its own, derived from that of the first: the phase of the fault
 * against the system's timers must differ between repeats also where the scenario or --seed fixes the seed.
 */
#include "harness/cli/batch.h"

#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/floors.h"
#include "harness/cli/settings.h"
#include "harness/spec/load.h"
#include "harness/spec/suite.h"
#include "injectors/injector.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1000
#define DEPTH_MAX 8
#define SEED_MAX (UINT64_C(1) << 53)

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_yaml(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (text_eq(dot, ".yaml") || text_eq(dot, ".yml"));
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.' && !text_eq(d->d_name, SETTINGS_PROJECT_FILE);
}

/* What a run left is a record, its plan.yaml no scenario of the folder. */
static bool is_record(const char *path)
{
    scoped_text struct text t = {0};
    text_addf(&t, "%s/timeline.jsonl", path);
    return access(text_str(&t), F_OK) == 0;
}

static int list_folder(struct option_list *files, struct arena *a, const char *path, int depth, struct err *e)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, visible, alphasort);
    if (n < 0) {
        return err_os(e, ERR_READING, errno, path, "cannot list the folder");
    }
    int rc = 0;
    for (int i = 0; i < n; i++) {
        const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
        const char *below = arena_printf(a, "%s%s%s", path, slash, names[i]->d_name);
        if (rc == 0 && is_folder(below) && depth < DEPTH_MAX) {
            rc = is_record(below) ? 0 : list_folder(files, a, below, depth + 1, e);
        } else if (rc == 0 && is_yaml(below) && files->len >= FILES_MAX) {
            rc = err_set(e, ERR_READING, path, "more than %d files", FILES_MAX);
        } else if (rc == 0 && is_yaml(below) && !is_folder(below)) {
            option_list_add(files, below);
        }
        free(names[i]);
    }
    free(names);
    return rc;
}

int batch_files(struct option_list *files, struct arena *a, const char *path, struct err *e)
{
    if (is_folder(path)) {
        return list_folder(files, a, path, 0, e);
    }
    option_list_add(files, path);
    return 0;
}

bool batch_selected(const struct plan *p, const struct option_list *tags)
{
    for (size_t i = 0; i < tags->len; i++) {
        bool excluded = tags->at[i][0] == '!';
        bool has = false;
        for (size_t k = 0; k < p->tag_count; k++) {
            has |= text_eq(p->tags[k], tags->at[i] + excluded);
        }
        if (has == excluded) {
            return false;
        }
    }
    return true;
}

struct diag_list *batch_diags(struct batch *b)
{
    struct diag_list *l = xcalloc(1, sizeof(*l));
    *vec_push(&b->diags) = l;
    return l;
}

void batch_count(struct batch *b)
{
    const struct diag_list *l = b->diags.at[b->diags.len - 1];
    b->errors += l->errors;
    b->warnings += l->warnings;
}

uint64_t batch_repeat_seed(uint64_t base, int64_t repeat)
{
    char consumer[40];
    struct rng r;
    if (repeat <= 1) {
        return base;
    }
    snprintf(consumer, sizeof(consumer), "repeat/%lld", (long long)repeat);
    rng_init(&r, base, consumer);
    return 1 + rng_below(&r, SEED_MAX - 1);
}

/* Read and compile one run. What is to be said of the files is said at the first repeat. */
static struct plan *load_run(struct batch *b, const struct batch_source *from, uint64_t seed, bool again,
                             const struct batch_options *o)
{
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    struct plan *p = NULL;
    struct err e = {0};
    struct diag_list *diags = batch_diags(b);
    const struct spec_options read = {
        .profile = o->profile, .sets = o->set->at, .set_count = o->set->len, .seed = seed};
    int rc = from->suite ? suite_plan(from->suite, from->entry, types, verbs, &read, &p, diags, &e)
                         : spec_load(from->path, types, verbs, &read, &p, diags, &e);
    if (rc == 0 && again) {
        diag_list_deinit(diags);
        *diags = (struct diag_list){0};
        return p;
    }
    if (rc == 0) {
        floor_warn(p, from->suite ? suite_text(from->suite) : NULL, diags);
    }
    batch_count(b);
    b->errors += rc < 0 && diags->errors == 0;
    return p;
}

void batch_load_runs(struct batch *b, const struct batch_source *from, int64_t count, struct batch_suite *set,
                     const struct batch_options *o)
{
    uint64_t seed = o->seed > 0 ? (uint64_t)o->seed : 0; /* 0: left to the scenario */
    uint64_t base = 0;
    b->files++;
    for (int64_t i = 1; i <= count; i++) {
        struct plan *p = load_run(b, from, i == 1 ? seed : batch_repeat_seed(base, i), i > 1, o);
        if (!p) {
            return;
        }
        if (!batch_selected(p, o->tags)) {
            plan_free(p);
            return;
        }
        base = i == 1 ? p->seed : base;
        *vec_push(&b->plans) = p;
        *vec_push(&b->jobs) = (struct job){.plan = p, .suite = set, .repeat_index = i, .repeat_count = count};
        if (set) {
            set->count++;
        }
    }
}

struct placed_job {
    struct job job;
    size_t at;
};

static int by_round(const void *a, const void *b)
{
    const struct placed_job *x = a, *y = b;
    if (x->job.repeat_index != y->job.repeat_index) {
        return x->job.repeat_index < y->job.repeat_index ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

static void shuffle(struct placed_job *jobs, size_t n, struct rng *r)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = rng_below(r, i);
        struct placed_job swap = jobs[i - 1];
        jobs[i - 1] = jobs[k];
        jobs[k] = swap;
    }
}

void batch_order(struct batch *b, const struct batch_suite *set)
{
    if (set->stop_on_failure || set->count < 2) {
        return;
    }
    struct job *jobs = b->jobs.at + set->first;
    struct placed_job *placed = xcalloc(set->count, sizeof(*placed));
    struct rng r;
    rng_init(&r, jobs[0].plan->seed, "order");
    for (size_t i = 0; i < set->count; i++) {
        placed[i] = (struct placed_job){jobs[i], i};
    }
    qsort(placed, set->count, sizeof(*placed), by_round);
    for (size_t from = 0, to = 0; from < set->count; from = to) {
        while (to < set->count && placed[to].job.repeat_index == placed[from].job.repeat_index) {
            to++;
        }
        if (placed[from].job.repeat_index > 1) {
            shuffle(placed + from, to - from, &r);
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        jobs[i] = placed[i].job;
    }
    free(placed);
}

/* The set of repeats that scenarios named one after the other share. */
static struct batch_suite *repeats_set(struct batch *b)
{
    if (!b->repeats) {
        b->repeats = arena_new(&b->arena, struct batch_suite);
        b->repeats->first = b->jobs.len;
        *vec_push(&b->suites) = b->repeats;
    }
    return b->repeats;
}

/* Name and order of the set, once all its runs are known. */
static void end_repeats(struct batch *b)
{
    struct batch_suite *set = b->repeats;
    b->repeats = NULL;
    if (!set || set->count == 0) {
        return;
    }
    bool one = true;
    const char *first = b->jobs.at[set->first].plan->name;
    for (size_t i = 1; i < set->count; i++) {
        one &= text_eq(b->jobs.at[set->first + i].plan->name, first);
    }
    set->name = one ? arena_printf(&b->arena, "%s-repeats", first) : "repeats";
    batch_order(b, set);
}

static void load_scenario(struct batch *b, const char *path, const struct batch_options *o)
{
    int64_t repeats = o->repeat > 0 ? o->repeat : 1;
    batch_load_runs(b, &(struct batch_source){.path = path}, repeats, repeats > 1 ? repeats_set(b) : NULL, o);
}

static int load_path(struct batch *b, const char *path, const struct batch_options *o, struct err *e)
{
    struct option_list files = {0};
    bool folder = is_folder(path);
    int rc = batch_files(&files, &b->arena, path, e);
    for (size_t i = 0; i < files.len && rc == 0; i++) {
        bool suite = spec_is_suite(files.at[i]);
        if (suite && !folder) {
            end_repeats(b);
            batch_load_suite(b, files.at[i], o);
        } else if (!suite) {
            load_scenario(b, files.at[i], o);
        }
    }
    option_list_deinit(&files);
    return rc;
}

int batch_load(struct batch *b, const struct option_list *paths, const struct batch_options *o, struct err *e)
{
    b->read_by = o;
    for (size_t i = 0; i < paths->len; i++) {
        if (load_path(b, paths->at[i], o, e) < 0) {
            return -1;
        }
    }
    end_repeats(b);
    return 0;
}

void batch_print(const struct batch *b, struct text *out, const char *format, bool colour)
{
    scoped_json json_t *all = text_eq(format, "json") ? json_array() : NULL;
    for (size_t i = 0; i < b->diags.len; i++) {
        const struct diag_list *l = b->diags.at[i];
        if (all) {
            scoped_json json_t *one = diag_json(l);
            json_array_extend(all, one);
        } else if (text_eq(format, "github")) {
            diag_print_github(l, out);
        } else if (l->count > 0) {
            text_add(out, out->len ? "\n" : "");
            diag_print(l, out, colour);
        }
    }
    scoped_free char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    if (text) {
        text_addf(out, "%s\n", text);
    }
}

void batch_deinit(struct batch *b)
{
    for (size_t i = 0; i < b->plans.len; i++) {
        plan_free(b->plans.at[i]);
    }
    for (size_t i = 0; i < b->diags.len; i++) {
        diag_list_deinit(b->diags.at[i]);
        free(b->diags.at[i]);
    }
    vec_deinit(&b->plans);
    vec_deinit(&b->diags);
    vec_deinit(&b->jobs);
    vec_deinit(&b->suites);
    b->repeats = NULL;
    arena_deinit(&b->arena);
}
