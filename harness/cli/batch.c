/* SPDX-License-Identifier: MIT */
/*
 * Method: each path becomes files, each file plans. A scenario named twice is run twice; that is what was asked for.
 * Errors are collected file by file, so that one wrong file hides no other.
 */
#include "harness/cli/batch.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/load.h"
#include "injectors/injector.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 1000
#define DEPTH_MAX 8

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
    return d->d_name[0] != '.';
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
            rc = list_folder(files, a, below, depth + 1, e);
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

static void add_job(struct batch *b, struct plan *p, const struct batch_suite *suite, int64_t index, int64_t count)
{
    *vec_push(&b->plans) = p;
    *vec_push(&b->jobs) = (struct job){.plan = p, .suite = suite, .repeat_index = index, .repeat_count = count};
}

/* The seed of a repeat: as ordered, otherwise left to the scenario. */
static uint64_t seed_of(const struct batch_options *o)
{
    return o->seed > 0 ? (uint64_t)o->seed : 0;
}

/* Each repeat has a plan of its own, for a scenario without a seed draws a fresh one each time. */
static void load_scenario(struct batch *b, const char *path, const struct batch_options *o)
{
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    int64_t repeats = o->repeat > 0 ? o->repeat : 1;
    b->files++;
    for (int64_t i = 1; i <= repeats; i++) {
        struct plan *p = NULL;
        struct err e = {0};
        struct diag_list *diags = batch_diags(b);
        int rc = spec_load(path, types, verbs, o->set->at, o->set->len, seed_of(o), &p, diags, &e);
        batch_count(b);
        b->errors += rc < 0 && diags->errors == 0;
        if (rc < 0) {
            return;
        }
        if (!batch_selected(p, o->tags)) {
            plan_free(p);
            return;
        }
        add_job(b, p, NULL, i, repeats);
    }
}

static int load_path(struct batch *b, const char *path, const struct batch_options *o, struct err *e)
{
    struct option_list files = {0};
    bool folder = is_folder(path);
    int rc = batch_files(&files, &b->arena, path, e);
    for (size_t i = 0; i < files.len && rc == 0; i++) {
        bool suite = spec_is_suite(files.at[i]);
        if (suite && !folder) {
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
    for (size_t i = 0; i < paths->len; i++) {
        if (load_path(b, paths->at[i], o, e) < 0) {
            return -1;
        }
    }
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
    arena_deinit(&b->arena);
}
