/* SPDX-License-Identifier: MIT */
/* plan --show-config: every setting that `run` would have here, and who gave it. */
#pragma once
#include "harness/base/json.h"
#include "harness/cli/command.h"

/* c is a call of `plan`; its flags count as those of `run`. As a JSON list to be owned by the caller, NULL after saying
 * what is wrong with a settings file (*code is the exit code then). */
json_t *show_config(struct call *c, int *code);
void show_config_print(const json_t *settings);
