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

/* 0; or the exit code after saying what is wrong. */
int settings_apply(struct call *c);
