/* SPDX-License-Identifier: MIT */
#include "harness/base/arena.h"

#include "tests/unit/runner.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i]) {
            return false;
        }
    }
    return true;
}

static void memory_is_zeroed_aligned_and_apart(void)
{
    struct arena a = {0};
    unsigned char *before = NULL;
    size_t before_size = 0;
    for (size_t size = 0; size < 6000; size += 7) {
        unsigned char *p = arena_alloc(&a, size);
        CU_ASSERT_EQUAL((uintptr_t)p % alignof(max_align_t), 0);
        CU_ASSERT(all_zero(p, size));
        memset(p, 0xee, size);
        CU_ASSERT(!before || before_size == 0 || before[before_size - 1] == 0xee);
        before = p;
        before_size = size;
    }
    arena_deinit(&a);
}

static void empty_requests_get_places_of_their_own(void)
{
    struct arena a = {0};
    CU_ASSERT_PTR_NOT_EQUAL(arena_alloc(&a, 0), arena_alloc(&a, 0));
    arena_deinit(&a);
}

static void large_requests_fit(void)
{
    struct arena a = {0};
    char *small = arena_strdup(&a, "small");
    unsigned char *large = arena_alloc(&a, 5u << 20);
    CU_ASSERT(all_zero(large, 5u << 20));
    large[(5u << 20) - 1] = 1;
    CU_ASSERT_STRING_EQUAL(small, "small");
    CU_ASSERT_STRING_EQUAL(arena_strdup(&a, "after"), "after");
    arena_deinit(&a);
}

static void strings(void)
{
    struct arena a = {0};
    CU_ASSERT_PTR_NULL(arena_strdup(&a, NULL));
    CU_ASSERT_PTR_NULL(arena_strndup(&a, NULL, 3));
    CU_ASSERT_STRING_EQUAL(arena_strndup(&a, "abcdef", 3), "abc");
    CU_ASSERT_STRING_EQUAL(arena_strndup(&a, "ab\0def", 5), "ab");
    CU_ASSERT_STRING_EQUAL(arena_strndup(&a, "", 0), "");
    CU_ASSERT_STRING_EQUAL(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    const char *wide = arena_printf(&a, "%10000d", 1);
    CU_ASSERT_EQUAL(strlen(wide), 10000);
    arena_deinit(&a);
}

static void deinit_leaves_it_ready(void)
{
    struct arena a = {0};
    arena_deinit(&a);
    arena_new(&a, struct arena);
    arena_deinit(&a);
    CU_ASSERT_STRING_EQUAL(arena_strdup(&a, "again"), "again");
    arena_deinit(&a);
    CU_ASSERT_PTR_NULL(a.head);
}

void suite_arena(void)
{
    runner_suite(NULL, NULL);
    runner_test(memory_is_zeroed_aligned_and_apart);
    runner_test(empty_requests_get_places_of_their_own);
    runner_test(large_requests_fit);
    runner_test(strings);
    runner_test(deinit_leaves_it_ready);
}
