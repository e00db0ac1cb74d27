/* SPDX-License-Identifier: MIT */
/*
 * drtest init [DIR]: the files to start with: a scenario that runs and explains itself, a suite, settings, and the
 * schema that editors complete from.
 *
 * Nothing that exists is touched: all names are looked at first, and when one is taken nothing is written. The files
 * are carried along in the program, so they fit it.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/spec/schema.h"
#include "injectors/injector.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern const char first_drill_yaml[], drills_yaml[], drtest_yaml[];

#define SCHEMA "drtest.schema.json"

static const struct {
    const char *name, *text; /* text NULL: the schema */
} starters[] = {
    {"scenarios/first-drill.yaml", first_drill_yaml},
    {"scenarios/drills.yaml", drills_yaml},
    {"drtest.yaml", drtest_yaml},
    {SCHEMA, NULL},
};

static const char *below(struct call *c, const char *folder, const char *name)
{
    return arena_printf(&c->arena, "%s/%s", folder, name);
}

static int check_free(struct call *c, const char *folder, struct err *e)
{
    for (size_t i = 0; i < array_len(starters); i++) {
        const char *path = below(c, folder, starters[i].name);
        struct stat st;
        if (lstat(path, &st) == 0) {
            err_set(e, ERR_USAGE, path, "the file exists already; nothing was written");
            return err_help(e, "name another folder: drtest init DIR");
        }
    }
    return 0;
}

static int write_all(struct call *c, const char *folder, struct err *e)
{
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    scoped_json json_t *schema = spec_schema(types, verbs);
    scoped_free char *schema_json = json_dumps(schema, JSON_INDENT(1));
    const char *schema_text = arena_printf(&c->arena, "%s\n", schema_json);
    if (folder_make(below(c, folder, "scenarios"), e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < array_len(starters); i++) {
        const char *text = starters[i].text ? starters[i].text : schema_text;
        if (file_replace(below(c, folder, starters[i].name), text, strlen(text), e) < 0) {
            return -1;
        }
    }
    return 0;
}

static void print_names(struct call *c, const char *folder)
{
    scoped_json json_t *files = json_array();
    for (size_t i = 0; i < array_len(starters); i++) {
        const char *name = below(c, folder, starters[i].name);
        json_array_append_new(files, json_string(name));
        if (!c->globals.json) {
            puts(name);
        }
    }
    if (c->globals.json) {
        scoped_json json_t *doc = json_pack("{s:O}", "files", files);
        scoped_free char *text = json_dumps(doc, JSON_COMPACT);
        puts(text ? text : "{}");
    }
}

static int run(struct call *c)
{
    const char *folder = c->operands.len > 0 ? c->operands.at[0] : ".";
    struct err e = {0};
    if (check_free(c, folder, &e) < 0 || write_all(c, folder, &e) < 0) {
        return say_error(&c->err, &e);
    }
    print_names(c, folder);
    if (!c->globals.quiet) {
        fprintf(stderr, "next: drtest validate %s, then drtest run %s\n", below(c, folder, "scenarios"),
                below(c, folder, starters[0].name));
    }
    return 0;
}

const struct command command_init = {
    .name = "init",
    .operands = "[DIR]",
    .summary = "files to start with: a scenario that runs, a suite, settings, a schema",
    .text = "Nothing that exists is overwritten: when a name is taken, nothing is written.",
    .exits = "0 2 4",
    .operands_max = 1,
    .run = run};
