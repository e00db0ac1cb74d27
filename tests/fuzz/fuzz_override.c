/* SPDX-License-Identifier: MIT */
/* Overrides: every line of the input is a --set on a scenario that is right. */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"
#include "harness/spec/load_tree.h"
#include "injectors/injector.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const char scenario[] = "drtest: 1\nname: partitioned\ntopology: two-regions\n"
                               "workload:\n  reads: {rate: 100/s}\n  writes: {rate: 20/s}\n"
                               "timeline:\n  - {at: 0s, do: partition, between: [us-east, eu-west], for: 30s}\n"
                               "  - {at: 40s, do: kill, gateway: us-east/1, for: 20s}\n"
                               "targets: {rto: 5s, rpo: 5s}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vec_of(const char *) sets = {0};
    struct diag_list diags = {0};
    struct plan *p = NULL;
    struct err e = {0};
    for (char *line; sets.len < 8 && fuzz_line(&data, &size, &line);)
        *vec_push(&sets) = line;
    struct load l = {.path = "scenario.yaml", .text = scenario, .len = sizeof(scenario) - 1, .options = {.seed = 7}};
    l.types = injector_types(&l.type_count);
    l.options.sets = sets.at;
    l.options.set_count = sets.len;
    int rc = load_plan(&l, &p, &diags, &e);
    fuzz_must((rc == 0) == (diags.errors == 0));
    fuzz_must(rc == 0 || sets.len > 0);
    scoped_text struct text out = {0};
    diag_print(&diags, &out, false);
    plan_free(p);
    diag_list_deinit(&diags);
    for (size_t i = 0; i < sets.len; i++)
        free((void *)sets.at[i]);
    vec_deinit(&sets);
    return 0;
}
