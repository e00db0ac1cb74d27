/* SPDX-License-Identifier: MIT */
/* Suite files; a.yaml beside them is a scenario that is right until a suite's defaults and `with` say otherwise. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/suite.h"
#include "injectors/injector.h"
#include "tests/fuzz/fuzz.h"

#define ENTRIES_MAX 4

static const char scenario[] = "drtest: 1\nname: a\n"
                               "timeline:\n  - {at: 0s, do: kill, region: us-east, for: 30s}\n"
                               "targets: {rto: 5s}\n";

static void plan_entry(const struct suite *s, size_t entry, struct diag_list *diags)
{
    size_t n;
    const struct action_type *const *types = injector_types(&n);
    struct plan *p = NULL;
    struct err e = {0};
    int rc = suite_plan(s, entry, types, n, &(struct spec_options){.seed = 7}, &p, diags, &e);
    fuzz_must(rc == 0 ? p != NULL : e.kind != ERR_NONE);
    plan_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *path;
    if (!path) {
        fuzz_put("a.yaml", scenario, sizeof(scenario) - 1);
        path = fuzz_path("suite.yaml");
    }
    fuzz_put("suite.yaml", data, size);
    struct diag_list diags = {0};
    struct suite *s = NULL;
    struct err e = {0};
    (void)spec_is_suite(path);
    int rc = suite_load(path, &s, &diags, &e);
    fuzz_must((rc == 0) == (diags.errors == 0));
    for (size_t i = 0; rc == 0 && i < s->count && i < ENTRIES_MAX; i++)
        plan_entry(s, i, &diags);
    scoped_text struct text out = {0};
    diag_print(&diags, &out, false);
    suite_free(s);
    diag_list_deinit(&diags);
    return 0;
}
