/* SPDX-License-Identifier: MIT */
/*
 * Settings that stand outside the command line: DRTEST_<FLAG> in the environment, then the project's drtest.yaml (or
 * --config FILE), then $XDG_CONFIG_HOME/drtest/config.yaml, then /etc/drtest/config.yaml.
 *
 *     drtest: 1
 *     settings: {output: drills, repeat: 3, tag: [quarterly, "!slow"]}
 *
 * Flags have been given before; whoever ranks higher is not overwritten.
 */
#pragma once
#include "harness/cli/command.h"

#define SETTINGS_PROJECT_FILE "drtest.yaml"

/* 0; or the exit code after saying what is wrong. */
int settings_apply(struct call *c);

/* Whether an option is a setting (--help, --version and --config are not), and who gave it, in words; config is the
 * value of --config or NULL. */
struct text;
bool settings_settable(const struct option_row *row);
void settings_source(struct text *out, const struct option_row *row, enum option_origin origin,
                     const char *config);

const char *settings_variable(struct text *t, const char *option); /* DRTEST_FAIL_FAST of fail-fast */

/* For `drtest explain` (settings_doc.c). The topics are `settings` and settings.NAME. False: there is no such one. */
bool settings_explain(struct text *out, const char *topic);
void settings_topics(void (*see)(void *arg, const char *topic), void *arg);
