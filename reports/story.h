/* SPDX-License-Identifier: MIT */
/*
 * The drill in words: what broke, what clients saw, who took over, what was lost. Plain text; the caller escapes it.
 */
#pragma once
#include "reports/report.h"

struct text;
void story_tell(struct text *t, const struct report_input *in);
void story_fault(struct text *t, const struct result_fault *f);      /* "us-east lost power" */
/* Site that gave most good answers in [from_s, to_s); NULL without any. */
const char *story_served_by(const struct report_input *in, double from_s, double to_s);
