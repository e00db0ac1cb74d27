/* SPDX-License-Identifier: MIT */
/*
 * drtest validate: read and check everything, start nothing, need nothing. All errors of all files come at once.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/batch.h"
#include "harness/cli/command.h"
#include "harness/spec/profile.h"

#include <string.h>

struct validate_flags {
    const char *format, *profile;
    struct option_list set;
};

static const char *const formats[] = {"human", "json", "github", NULL};
static const struct option_row options[] = {
    {.name = "format",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct validate_flags, format),
     .value = "FORM",
     .choices = formats,
     .help = "human, json or github"},
    {.name = "profile",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct validate_flags, profile),
     .value = "NAME",
     .choices = profile_words,
     .help = "ci or article: the same with other times of checks and names"},
    {.name = "set",
     .kind = OPTION_LIST,
     .offset = offsetof(struct validate_flags, set),
     .value = "KEY=VALUE",
     .help = "override a value of the scenarios first"},
};

static const char *format_of(const struct call *c, const struct validate_flags *f)
{
    if (f->format) {
        return f->format;
    }
    return c->globals.json ? "json" : text_eq(getenv("GITHUB_ACTIONS"), "true") ? "github" : "human";
}

/* The files of all operands, folders opened. */
static int collect(struct call *c, struct option_list *files, struct err *e)
{
    for (size_t i = 0; i < c->operands.len; i++) {
        if (batch_files(files, &c->arena, c->operands.at[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int conclude(struct call *c, const struct batch *b, const struct validate_flags *f, size_t files)
{
    const char *format = format_of(c, f);
    scoped_text struct text t = {0};
    batch_print(b, &t, format, text_eq(format, "human") && c->err.colour);
    fputs(text_str(&t), text_eq(format, "human") ? stderr : stdout);
    if (text_eq(format, "human") && !c->globals.quiet) {
        printf("%zu file%s, %zu error%s, %zu warning%s\n", files, files == 1 ? "" : "s", b->errors,
               b->errors == 1 ? "" : "s", b->warnings, b->warnings == 1 ? "" : "s");
    }
    return b->errors > 0 ? 3 : files == 0 ? 6 : 0;
}

static int run(struct call *c)
{
    const struct validate_flags *f = c->flags;
    struct err e = {0};
    struct batch b = {0};
    struct option_list files = {0}, no_tags = {0};
    struct batch_options o = {.set = &f->set, .tags = &no_tags, .repeat = -1, .seed = -1, .profile = f->profile};
    int code = collect(c, &files, &e) < 0 || batch_load(&b, &files, &o, &e) < 0 ? -1 : conclude(c, &b, f, files.len);
    batch_deinit(&b);
    option_list_deinit(&files);
    return code < 0 ? say_error(&c->err, &e) : code;
}

const struct command command_validate = {
    .name = "validate",
    .operands = "PATH...",
    .summary = "check files, all errors at once; needs no privilege",
    .text = "A folder stands for all .yaml and .yml files in it and below, but for drtest.yaml and the directories of "
            "runs.",
    .exits = "0 3 6",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct validate_flags),
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .run = run};
