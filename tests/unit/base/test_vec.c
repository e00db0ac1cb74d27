/* SPDX-License-Identifier: MIT */
#include "harness/base/vec.h"

#include "tests/unit/runner.h"

#include <stdbool.h>

struct point {
    int x, y;
};

static void grows_and_keeps(void)
{
    vec_of(struct point) v = {0};
    for (int i = 0; i < 1000; i++) {
        *vec_push(&v) = (struct point){i, -i};
    }
    CU_ASSERT_EQUAL(v.len, 1000);
    CU_ASSERT(v.cap >= v.len);
    bool kept = true;
    for (int i = 0; i < 1000; i++) {
        kept &= v.at[i].x == i && v.at[i].y == -i;
    }
    CU_ASSERT(kept);
    vec_deinit(&v);
    CU_ASSERT(v.at == NULL && v.len == 0 && v.cap == 0);
}

static void new_elements_are_zeroed_also_in_old_places(void)
{
    vec_of(struct point) v = {0};
    *vec_push(&v) = (struct point){7, 8};
    v.len = 0;
    struct point *p = vec_push(&v);
    CU_ASSERT(p->x == 0 && p->y == 0);
    vec_deinit(&v);
}

static void works_for_single_bytes(void)
{
    vec_of(char) v = {0};
    for (const char *c = "many letters"; *c; c++) {
        *vec_push(&v) = *c;
    }
    *vec_push(&v) = '\0';
    CU_ASSERT_STRING_EQUAL(v.at, "many letters");
    vec_deinit(&v);
}

void suite_vec(void)
{
    runner_suite(NULL, NULL);
    runner_test(grows_and_keeps);
    runner_test(new_elements_are_zeroed_also_in_old_places);
    runner_test(works_for_single_bytes);
}
