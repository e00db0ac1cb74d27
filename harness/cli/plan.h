/* SPDX-License-Identifier: MIT */
/* What `plan PATH` and `run -n` print: what would happen, on this machine, without anything happening. */
#pragma once
#include "harness/cli/batch.h"
#include "harness/cli/command.h"

/* Standard output gets one plan per job (a JSON document each with --json), repeats being one. settings
 * (show_config) may be NULL. Returns the exit code, -1 with e. */
int plan_show(struct call *c, const struct batch *b, bool simulated, const struct option_list *mechanisms,
              json_t *settings, struct err *e);
