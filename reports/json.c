/* SPDX-License-Identifier: MIT */
/*
 * result.json through the table of reporters, for copies outside the run directory. The text is the one that
 * result_store writes: canonical, one line.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "reports/rows.h"

int json_write(FILE *out, const struct report_input *in, struct err *e)
{
    scoped_json json_t *doc = result_to_json(in->result);
    scoped_free char *line = doc ? json_canonical(doc) : NULL;
    if (!line) {
        return err_set(e, ERR_DEFECT, "result.json", "the result cannot be written as JSON");
    }
    scoped_text struct text t = {0};
    text_addf(&t, "%s\n", line);
    return report_emit(out, &t, "result.json", e);
}
