/* SPDX-License-Identifier: MIT */
/* The writers behind the table of reporters: one file each, all of the same shape (struct reporter.write). */
#pragma once
#include "reports/report.h"

int json_write(FILE *out, const struct report_input *in, struct err *e);
int junit_write(FILE *out, const struct report_input *in, struct err *e);
int html_write(FILE *out, const struct report_input *in, struct err *e);
int summary_write(FILE *out, const struct report_input *in, struct err *e);
int metrics_write(FILE *out, const struct report_input *in, struct err *e);

/* Hand a finished text to the file; -1 with ERR_OUTPUT when it cannot be written. */
struct text;
int report_emit(FILE *out, const struct text *t, const char *what, struct err *e);
