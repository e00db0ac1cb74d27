/* SPDX-License-Identifier: MIT */
#include "bench/plan.h"

#include "bench/bench.h"
#include "harness/base/text.h"
#include "harness/spec/load.h"
#include "injectors/injector.h"

#include <stdio.h>

struct plan *bench_plan(const char *path)
{
    struct diag_list diags = {0};
    struct plan *plan = NULL;
    struct err e = {0};
    size_t n;
    const struct action_type *const *types = injector_types(&n);
    if (spec_load(path, types, n, NULL, &plan, &diags, &e) != 0) {
        scoped_text struct text words = {0};
        diag_print(&diags, &words, false);
        fprintf(stderr, "%s", text_str(&words));
        bench_fail(&e, "scenario");
    }
    diag_list_deinit(&diags);
    return plan;
}
