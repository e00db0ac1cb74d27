/* SPDX-License-Identifier: MIT */
/*
 * The table of commands, in the order of --help, and the options that all of them share.
 */
#include "harness/base/scoped.h"
#include "harness/cli/command.h"

static const char *const color_words[] = {"auto", "always", "never", NULL};

const struct option_row global_options[] = {
    {.name = "help", .letter = 'h', .offset = offsetof(struct globals, help), .help = "print this and exit"},
    {.name = "version", .offset = offsetof(struct globals, version), .help = "print the version and exit"},
    {.name = "quiet", .letter = 'q', .offset = offsetof(struct globals, quiet), .help = "no progress, only the result"},
    {.name = "verbose", .letter = 'v', .offset = offsetof(struct globals, verbose), .help = "every event"},
    {.name = "json", .offset = offsetof(struct globals, json), .help = "the result as JSON on standard output"},
    {.name = "color",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct globals, color),
     .value = "WHEN",
     .choices = color_words,
     .fallback = "auto",
     .help = "auto, always or never"},
    {.name = "no-color", .offset = offsetof(struct globals, no_color), .help = "the same as --color never"},
    {.name = "no-input",
     .offset = offsetof(struct globals, no_input),
     .help = "never ask anything (drtest never does)"},
    {.name = "config",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct globals, config),
     .value = "FILE",
     .help = "settings file instead of ./drtest.yaml"},
};
const size_t global_option_count = array_len(global_options);

const struct command *const commands[] = {
    &command_run,
    &command_validate,
    &command_plan,
    &command_list,
    &command_explain,
    &command_doctor,
    &command_selftest,
    &command_report,
    &command_history,
    &command_compare,
    &command_due,
    &command_diff,
    &command_analyze,
    &command_clean,
    &command_verify,
    &command_export,
    &command_gateway,
    &command_init,
    &command_ci,
    &command_schema,
    &command_completion,
    &command_version,
    NULL,
};
