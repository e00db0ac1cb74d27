/* SPDX-License-Identifier: MIT */
/*
 * A command is a row: name, operands, summary, option table, function. main.c holds the table and does for all of them
 * what is the same: options, settings, --help, faces, error and exit code.
 *
 * A command returns its exit code. What it could not do it says itself (say_error) before it returns.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/cli/option.h"
#include "harness/cli/say.h"

struct globals {
    bool help, version, quiet, verbose, json, no_color, no_input;
    const char *color, *config;
};

struct call {
    const struct command *command;
    struct globals globals;
    void *flags;               /* the command's own struct, filled by its table */
    struct option_set sets[2]; /* the command's, the global one */
    struct option_list operands;
    char *const *words;      /* raw commands: everything after the command's name */
    const char *const *argv; /* the whole command line, NULL-terminated, for the record */
    struct arena arena;
    struct face out, err;
};

struct command {
    const char *name, *operands, *summary;
    const char *text;  /* more for --help, may be NULL */
    const char *exits; /* "0 1 4", for --help */
    const struct option_row *options;
    size_t option_count, flags_size;
    size_t operands_min, operands_max;
    bool raw; /* words are passed on unread */
    int (*run)(struct call *c);
};

extern const struct command command_run, command_validate, command_plan, command_list, command_explain, command_doctor,
    command_selftest, command_report, command_history, command_compare, command_due, command_diff, command_analyze,
    command_clean, command_gateway, command_ci, command_init, command_completion, command_schema, command_verify,
    command_export, command_version;
extern const struct command *const commands[]; /* NULL-terminated, in the order of --help */
extern const struct option_row global_options[];
extern const size_t global_option_count;

/* help.c: what --help prints on standard output; NULL: of drtest itself. */
void help_print(const struct command *c);
void version_print(bool json);

/* Facts about this binary. sha256 is "" when /proc/self/exe cannot be read. */
struct tool_facts {
    const char *version, *commit, *build_flags;
    char sha256[65];
};
const struct tool_facts *tool_facts(void);
