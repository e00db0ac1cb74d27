/* SPDX-License-Identifier: MIT */
/* GitHub's workflow commands on standard error if GITHUB_ACTIONS is true, and a step summary appended to the file that
 * GITHUB_STEP_SUMMARY names, if it does. */
#pragma once
#include "reports/report.h"

struct text;

int annotate(const struct report_input *in, struct err *e);
/* One line of annotations per missed or inconclusive objective, as annotate prints them. */
void annotate_text(struct text *out, const struct result *r);
