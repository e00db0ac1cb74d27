/* SPDX-License-Identifier: MIT */
/*
 * Scenario files through the whole of the spec room, with the verbs that drtest has. What compiles must be writable as
 * plan.yaml, and what is written must compile to the same again; what does not must say why, in all three forms.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/load_tree.h"
#include "harness/spec/plan_yaml.h"
#include "injectors/injector.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static int load(const char *text, size_t len, struct plan **plan, struct diag_list *diags)
{
    struct err e = {0};
    struct load l = {.path = "scenario.yaml", .text = text, .len = len, .options = {.seed = 7}};
    l.types = injector_types(&l.type_count);
    int rc = load_plan(&l, plan, diags, &e);
    fuzz_must((rc == 0) == (diags->errors == 0));
    fuzz_must((rc == 0) == (e.kind == ERR_NONE));
    return rc;
}

static void print(const struct diag_list *diags)
{
    scoped_text struct text out = {0};
    diag_print(diags, &out, true);
    diag_print(diags, &out, false);
    diag_print_github(diags, &out);
    scoped_json json_t *doc = diag_json(diags);
    fuzz_must(doc != NULL);
}

static void again(const struct plan *p)
{
    scoped_text struct text written = {0}, rewritten = {0};
    struct diag_list diags = {0};
    struct plan *second = NULL;
    plan_yaml(p, &written);
    fuzz_must(load(p->yaml, strlen(p->yaml), &second, &diags) == 0);
    fuzz_must(strcmp(p->yaml, second->yaml) == 0);
    fuzz_must(strcmp(p->targets_sha256, second->targets_sha256) == 0);
    fuzz_must(p->step_count == second->step_count && p->observe_ns == second->observe_ns);
    plan_free(second);
    fuzz_must(load(text_str(&written), written.len, &second, &diags) == 0);
    plan_yaml(second, &rewritten);
    plan_free(second);
    diag_list_deinit(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped_free char *text = fuzz_text(data, size);
    struct diag_list diags = {0};
    struct plan *p = NULL;
    if (load(text, size, &p, &diags) == 0)
        again(p);
    print(&diags);
    plan_free(p);
    diag_list_deinit(&diags);
    return 0;
}
