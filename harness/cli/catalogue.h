/* SPDX-License-Identifier: MIT */
/*
 * A folder of scenarios and suites as two Markdown tables (list --markdown): what a README or a wiki page shows.
 *
 * What a scenario is for stands in its tags: strategy-NAME for what it drills, catches-FLAW for the flaw of the
 * reference gateway that turns it red. Links are relative to the folder.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/cli/option.h"

/* files: scenarios and suites of the folder (may be a file), in order. Invalid ones are left out: validate tells.
 * Returns how many scenarios are in the first table. */
size_t catalogue_print(struct text *out, const char *folder, const struct option_list *files);
