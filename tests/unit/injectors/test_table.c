/* SPDX-License-Identifier: MIT */
#include "harness/spec/rounds.h"
#include "injectors/injector.h"
#include "tests/unit/runner.h"

#include <string.h>

static void rows_are_whole(void)
{
    size_t n = 0;
    const struct action_type *const *types = injector_types(&n);
    CU_ASSERT(n > 10);
    CU_ASSERT_PTR_NULL(types[n]);
    CU_ASSERT_PTR_EQUAL(types[--n], &flap_type); /* of which the plan makes rounds of another */
    for (size_t i = 0; i < n; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(injectors[i]);
        CU_ASSERT_PTR_EQUAL(&injectors[i]->type, types[i]);
        CU_ASSERT_PTR_EQUAL(injector_find(types[i]->verb), injectors[i]);
        CU_ASSERT_TRUE(injectors[i]->apply && injectors[i]->heal && injectors[i]->prove);
        CU_ASSERT_TRUE(strlen(types[i]->summary) > 10);
        CU_ASSERT_TRUE(types[i]->class != ACTION_FAULT || types[i]->targets != 0 ||
                       strcmp(types[i]->verb, "surge") == 0);
        for (size_t k = 0; k < types[i]->field_count; k++) {
            CU_ASSERT_TRUE(types[i]->fields[k].key && types[i]->fields[k].doc);
        }
    }
    CU_ASSERT_PTR_NULL(injectors[n]);
    CU_ASSERT_PTR_NULL(injector_find("explode"));
    CU_ASSERT_PTR_NULL(injector_find(""));
}

static void what_severs(void)
{
    CU_ASSERT_TRUE(injector_find("kill")->type.severing);
    CU_ASSERT_TRUE(injector_find("freeze")->type.severing);
    CU_ASSERT_TRUE(injector_find("partition")->type.severing);
    CU_ASSERT_TRUE(injector_find("reject")->type.severing);
    CU_ASSERT_FALSE(injector_find("degrade")->type.severing);
    CU_ASSERT_FALSE(injector_find("drift")->type.severing);
    CU_ASSERT_FALSE(injector_find("block_new")->type.severing);
    CU_ASSERT_FALSE(injector_find("disconnect")->type.severing);
    CU_ASSERT_TRUE(injector_find("unplug")->type.severing);
    CU_ASSERT_TRUE(injector_find("stop")->type.severing);
    CU_ASSERT_TRUE(injector_find("kill")->type.proven_once);
    CU_ASSERT_TRUE(injector_find("stop")->type.proven_once);
    CU_ASSERT_TRUE(injector_find("drift")->type.proven_once);
    CU_ASSERT_FALSE(injector_find("freeze")->type.proven_once);
    CU_ASSERT_FALSE(injector_find("partition")->type.proven_once);
}

void suite_table(void)
{
    runner_suite(NULL, NULL);
    runner_test(rows_are_whole);
    runner_test(what_severs);
}
