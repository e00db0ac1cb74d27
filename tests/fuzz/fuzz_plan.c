/* SPDX-License-Identifier: MIT */
/* plan.yaml of a run directory, whose comment at the end is read, too, and the drtest analyze's view of it. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/plan_yaml.h"
#include "injectors/injector.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *path;
    if (!path)
        path = fuzz_path("plan.yaml");
    fuzz_put("plan.yaml", data, size);
    size_t n;
    const struct action_type *const *types = injector_types(&n);
    struct plan *p = NULL;
    struct err e = {0};
    int rc = plan_load(path, types, n, &p, &e);
    fuzz_must(rc == 0 ? p != NULL : e.kind != ERR_NONE);
    if (rc == 0) {
        scoped_text struct text out = {0};
        plan_yaml(p, &out);
        plan_free(p);
    }
    return 0;
}
