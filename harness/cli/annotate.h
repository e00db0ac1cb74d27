/* SPDX-License-Identifier: MIT */
/* GitHub's workflow commands on standard error and its step summary; nothing unless GITHUB_ACTIONS is true. */
#pragma once
#include "reports/report.h"

struct text;

int annotate(const struct report_input *in, struct err *e);
/* One line of annotations per missed or inconclusive objective, as annotate prints them. */
void annotate_text(struct text *out, const struct result *r);
