/* SPDX-License-Identifier: MIT */
/*
 * drtest analyze: the verdict again from timeline, samples and ledger alone. It must equal result.json.
 *
 * What is not in the evidence is taken from the stored result: who measured (tool), the run's place in a suite, the
 * history and what it was compared with, and the exit code, which also depends on flags. Everything else is compared,
 * key by key; differences are printed as the JSON Patch that leads from the stored result to the measured one.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/stored.h"
#include "harness/measure/measure.h"

#include <string.h>

struct analyze_flags {
    const char *output;
};

static const struct option_row options[] = {
    OPTION_OUTPUT(struct analyze_flags, "folder in which a run id and latest are looked up"),
};

static int measure_again(const struct stored_run *s, struct result **again, struct err *e)
{
    const struct result *r = s->result;
    struct measure_context ctx = {.run_id = r->run.id,
                                  .suite = r->run.suite,
                                  .repeat_index = r->run.repeat_index,
                                  .repeat_count = r->run.repeat_count,
                                  .tool_version = r->tool.version,
                                  .tool_commit = r->tool.commit,
                                  .tool_build_flags = r->tool.build_flags,
                                  .tool_sha256 = r->tool.sha256};
    if (measure_run(s->plan, s->evidence, &ctx, again, e) < 0) {
        return -1;
    }
    (*again)->run.exit_code = r->run.exit_code;
    (*again)->history = r->history;
    (*again)->comparisons = r->comparisons;
    return 0;
}

/* Through text and back, for a stored number has been through text, too. */
static json_t *as_stored(const struct result *r)
{
    scoped_json json_t *doc = result_to_json(r);
    scoped_free char *text = doc ? json_dumps(doc, JSON_REAL_PRECISION(15)) : NULL;
    return text ? json_loads(text, 0, NULL) : NULL;
}

static int compare(struct call *c, const struct result *stored, const struct result *again)
{
    scoped_json json_t *a = as_stored(stored);
    scoped_json json_t *b = as_stored(again);
    scoped_json json_t *diff = json_diff(a, b);
    size_t n = json_array_size(diff);
    scoped_free char *text = json_dumps(diff, n ? JSON_INDENT(1) : 0);
    if (c->globals.json) {
        puts(text ? text : "[]");
    } else if (n == 0) {
        printf("%s: %s again, equal in every value\n", stored->run.id, verdict_words[stored->run.verdict]);
    } else {
        printf("%s: stored %s, measured %s, %zu values differ\n%s\n", stored->run.id,
               verdict_words[stored->run.verdict], verdict_words[again->run.verdict], n, text ? text : "");
    }
    return n ? 1 : 0;
}

static int run(struct call *c)
{
    const struct analyze_flags *f = c->flags;
    struct err e = {0};
    struct stored_run s = {0};
    struct result *again = NULL;
    int code = stored_load(&s, f->output, c->operands.at[0], &e) < 0 || measure_again(&s, &again, &e) < 0
                   ? -1
                   : compare(c, s.result, again);
    result_free(again);
    stored_deinit(&s);
    return code < 0 ? say_error(&c->err, &e) : code;
}

const struct command command_analyze = {.name = "analyze",
                                        .operands = "RUN",
                                        .summary =
                                            "the verdict again from the evidence; 1 = it differs from result.json",
                                        .text = "RUN is a run directory, a run id, or latest.",
                                        .exits = "0 1 3",
                                        .options = options,
                                        .option_count = array_len(options),
                                        .flags_size = sizeof(struct analyze_flags),
                                        .operands_min = 1,
                                        .operands_max = 1,
                                        .run = run};
