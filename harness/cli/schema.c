/* SPDX-License-Identifier: MIT */
/*
 * drtest schema: the format of scenarios and suites for editors, as JSON Schema on standard output. The one in
 * scenarios/ is its output; a test compares the two.
 */
#include "harness/base/scoped.h"
#include "harness/cli/command.h"
#include "harness/spec/schema.h"
#include "injectors/injector.h"

#include <stdio.h>

static int run(struct call *c)
{
    (void)c;
    size_t n = 0;
    const struct action_type *const *types = injector_types(&n);
    scoped_json json_t *schema = spec_schema(types, n);
    scoped_free char *text = json_dumps(schema, JSON_INDENT(1));
    puts(text);
    return 0;
}

const struct command command_schema = {.name = "schema",
                                       .operands = "",
                                       .summary = "the file format as JSON Schema (draft-07), for editors",
                                       .text = "Put `# yaml-language-server: $schema=FILE` on the first line of a scenario and keep "
                                               "the output in FILE: editors then complete keys and mark wrong ones.",
                                       .exits = "0",
                                       .run = run};
