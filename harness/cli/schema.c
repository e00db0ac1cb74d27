/* SPDX-License-Identifier: MIT */
/*
 * drtest schema [KIND]: the formats of files as JSON Schema on standard output: of scenarios and suites for editors, of
 * what runs leave for other programs. The one in scenarios/ is the output of the first; a test compares the two.
 */
#include "harness/spec/schema.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/history_line.h"
#include "harness/cli/suite_json.h"
#include "harness/measure/result_shape.h"
#include "injectors/injector.h"

#include <stdio.h>

static json_t *scenario_schema(void)
{
    size_t n = 0;
    const struct action_type *const *types = injector_types(&n);
    return spec_schema(types, n);
}

static const struct {
    const char *kind;
    const struct json_doc *doc; /* NULL: of scenarios */
} kinds[] = {{"scenario", NULL}, {"result", &result_doc}, {"history", &history_doc}, {"suite", &suite_doc}};

static int print_schema(const struct json_doc *doc)
{
    scoped_json json_t *schema = doc ? json_doc_schema(doc) : scenario_schema();
    scoped_free char *text = json_dumps(schema, JSON_INDENT(1));
    puts(text);
    return 0;
}

static int run(struct call *c)
{
    const char *wanted = c->operands.len ? c->operands.at[0] : kinds[0].kind;
    struct err e = {0};
    for (size_t i = 0; i < array_len(kinds); i++) {
        if (text_eq(kinds[i].kind, wanted)) {
            return print_schema(kinds[i].doc);
        }
    }
    err_set(&e, ERR_USAGE, "command line", "there is no schema of `%.60s`", wanted);
    err_help(&e, "write one of scenario, result, history, suite");
    return say_error(&c->err, &e);
}

const struct command command_schema = {
    .name = "schema",
    .operands = "[KIND]",
    .summary = "a file format as JSON Schema (draft-07)",
    .text = "scenario, which is meant without KIND: of scenario and suite files. Put `# yaml-language-server: "
            "$schema=FILE` on the first line of a scenario and keep the output in FILE: editors then complete keys and "
            "mark wrong ones. result: of result.json; history: of a line of history.jsonl; suite: of suite.json.",
    .exits = "0 2",
    .operands_max = 1,
    .run = run};
