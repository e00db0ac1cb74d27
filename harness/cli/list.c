/* SPDX-License-Identifier: MIT */
/*
 * drtest list: the scenarios of a folder with their tags, targets and how the last run of each went.
 *
 * A file that is no valid scenario does not stop the list; it gets a row that says so.
 */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/batch.h"
#include "harness/cli/catalogue.h"
#include "harness/cli/command.h"
#include "harness/cli/history.h"
#include "harness/cli/targets.h"
#include "harness/spec/load.h"
#include "injectors/injector.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct list_flags {
    const char *output, *history;
    struct option_list tags;
    bool markdown;
};

static const struct option_row options[] = {
    OPTION_OUTPUT(struct list_flags, "folder whose history is looked at"),
    OPTION_HISTORY(struct list_flags),
    {.name = "tag",
     .kind = OPTION_LIST,
     .offset = offsetof(struct list_flags, tags),
     .value = "TAG",
     .help = "only scenarios with this tag, !TAG: only those without; may be given again"},
    {.name = "markdown",
     .offset = offsetof(struct list_flags, markdown),
     .help = "two tables for a README: the drills with what they are for, and the suites"},
};

struct listing {
    struct call *call;
    struct history_latest history;
    json_t *rows; /* with --json */
    size_t shown, wrong;
};

static void tags_text(struct text *t, const struct plan *p)
{
    for (size_t i = 0; i < p->tag_count; i++) {
        text_addf(t, "%s%s", i ? "," : "", p->tags[i]);
    }
}

static void show_json(struct listing *l, const struct plan *p, const char *file, const struct history_entry *last)
{
    json_t *tags = json_array(), *targets = json_object();
    for (size_t i = 0; i < p->tag_count; i++) {
        json_array_append_new(tags, json_string(p->tags[i]));
    }
    for (size_t i = 0; i < p->target_count; i++) {
        char value[UNIT_MAX];
        json_object_set_new(targets, target_types[p->targets[i].key].key,
                            json_string(target_print(&p->targets[i], value)));
    }
    double age = last ? (double)(clock_wall_ns() - last->started_wall_ns) / 1e9 : 0;
    json_array_append_new(l->rows, json_pack("{s:s,s:s,s:s,s:o,s:o,s:s?,s:s?,s:o}", "name", p->name, "title", p->title,
                                             "file", file, "tags", tags, "targets", targets, "last_verdict",
                                             last ? last->verdict : NULL, "last_run_id", last ? last->run_id : NULL,
                                             "age_s", last ? json_real(age) : json_null()));
}

static void show_text(const struct plan *p, const char *file, const struct history_entry *last)
{
    scoped_text struct text tags = {0}, targets = {0};
    char age[32] = "";
    tags_text(&tags, p);
    target_list_text(&targets, p);
    if (last) {
        say_age(age, (double)(clock_wall_ns() - last->started_wall_ns) / 1e9);
    }
    printf("%-22s %-12s %-8s %s\n", p->name, last ? last->verdict : "never run", age, p->title);
    printf("  %s%s%s\n  %s\n", file, tags.len ? "  tags " : "", text_str(&tags), text_str(&targets));
}

static void show(struct listing *l, const char *file)
{
    const struct list_flags *f = l->call->flags;
    struct plan *p = NULL;
    struct diag_list diags = {0};
    struct err e = {0};
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    if (spec_load(file, types, verbs, NULL, &p, &diags, &e) < 0) {
        l->wrong += diags.errors > 0;
        if (!l->call->globals.json && diags.errors > 0) {
            printf("%-22s %s\n", "(not valid)", file);
        }
    } else if (batch_selected(p, &f->tags)) {
        const struct history_entry *last = history_latest_find(&l->history, p->name);
        l->shown++;
        if (l->rows) {
            show_json(l, p, file, last);
        } else {
            show_text(p, file, last);
        }
    }
    plan_free(p);
    diag_list_deinit(&diags);
}

static const char *folder_of(const struct call *c)
{
    return c->operands.len > 0 ? c->operands.at[0] : access("scenarios", F_OK) == 0 ? "scenarios" : ".";
}

/* Returns the exit code. */
static int conclude(const struct listing *l, size_t files)
{
    if (l->wrong > 0 && !l->call->globals.quiet) {
        fprintf(stderr, "drtest: %zu file%s not valid; `drtest validate %s` says why\n", l->wrong,
                l->wrong == 1 ? " is" : "s are", folder_of(l->call));
    }
    return l->shown == 0 ? say_no_match(files) : 0;
}

static int check_folder(const struct call *c, struct err *e)
{
    return access(folder_of(c), F_OK) == 0 ? 0
                                           : err_os(e, ERR_READING, errno, folder_of(c), "cannot look for scenarios");
}

static int print_tables(struct call *c)
{
    struct err e = {0};
    struct option_list files = {0};
    scoped_text struct text out = {0};
    int code =
        check_folder(c, &e) < 0 || batch_files(&files, &c->arena, folder_of(c), &e) < 0 ? say_error(&c->err, &e) : 0;
    if (code == 0) {
        code = catalogue_print(&out, folder_of(c), &files) == 0 ? 6 : 0;
        fputs(text_str(&out), stdout);
    }
    option_list_deinit(&files);
    return code;
}

static int run(struct call *c)
{
    const struct list_flags *f = c->flags;
    struct err e = {0};
    struct option_list files = {0};
    scoped_text struct text path = {0};
    if (f->markdown) {
        return print_tables(c);
    }
    scoped_json json_t *rows = c->globals.json ? json_array() : NULL;
    struct listing l = {.call = c, .rows = rows};
    text_addf(&path, "%s%s", f->history ? f->history : f->output, f->history ? "" : "/history.jsonl");
    int code = check_folder(c, &e) < 0 || batch_files(&files, &c->arena, folder_of(c), &e) < 0 ||
                       history_read_latest(&l.history, text_str(&path), &e) < 0
                   ? say_error(&c->err, &e)
                   : 0;
    for (size_t i = 0; i < files.len && code == 0; i++) {
        if (!spec_is_suite(files.at[i])) {
            show(&l, files.at[i]);
        }
    }
    if (code == 0 && rows) {
        scoped_free char *text = json_dumps(rows, JSON_INDENT(1));
        puts(text ? text : "[]");
    }
    code = code ? code : conclude(&l, files.len);
    history_latest_deinit(&l.history);
    option_list_deinit(&files);
    return code;
}

const struct command command_list = {.name = "list",
                                     .operands = "[PATH]",
                                     .summary = "scenarios with tags, targets, last verdict and its age",
                                     .text =
                                         "Without PATH the folder scenarios, or the current one where there is none.",
                                     .exits = "0 3 6",
                                     .options = options,
                                     .option_count = array_len(options),
                                     .flags_size = sizeof(struct list_flags),
                                     .operands_max = 1,
                                     .run = run};
