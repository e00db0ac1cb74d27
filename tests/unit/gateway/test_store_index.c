/* SPDX-License-Identifier: MIT */
/*
 * The index against the plainest possible reckoning, and the common ground of two histories against a search that
 * compares entry by entry.
 */
#include "gateway-under-test/store_index.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static struct record order(int64_t lsn, int64_t epoch, int key)
{
    struct record r = {.lsn = lsn, .epoch = epoch};
    (void)snprintf(r.key, sizeof(r.key), "k%d", key);
    (void)snprintf(r.op, sizeof(r.op), "c%d-%lld", key, (long long)lsn);
    (void)snprintf(r.idem, sizeof(r.idem), "run/%s", r.op);
    strcpy(r.value, "v");
    return r;
}

static void versions_count_per_key(void)
{
    struct store_index x;
    int64_t versions[16] = {0};
    index_init(&x);
    for (int64_t lsn = 1; lsn <= 1000; lsn++) {
        int key = (int)(lsn * 7 % 16);
        struct record r = order(lsn, 1, key);
        CU_ASSERT_EQUAL(index_add(&x, &r)->version, ++versions[key]);
        CU_ASSERT_EQUAL(index_by_idem(&x, r.idem)->lsn, lsn);
    }
    for (int key = 0; key < 16; key++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "k%d", key);
        CU_ASSERT_EQUAL(index_by_key(&x, name)->version, versions[key]);
    }
    CU_ASSERT_PTR_NULL(index_by_key(&x, "k99"));
    CU_ASSERT_PTR_NULL(index_at(&x, 0));
    CU_ASSERT_PTR_NULL(index_at(&x, 1001));
    index_deinit(&x);
}

static void digest_is_of_the_sorted_op_ids(void)
{
    struct store_index x;
    char digest[SHA256_HEX], wanted[SHA256_HEX];
    static const char *const ops[] = {"c9-1", "c10-1", "c1-20", "c1-3"}, sorted[] = "c1-20\nc1-3\nc10-1\nc9-1\n";
    index_init(&x);
    for (int64_t i = 0; i < 4; i++) {
        struct record r = order(i + 1, 1, 0);
        (void)snprintf(r.op, sizeof(r.op), "%s", ops[i]);
        index_add(&x, &r);
    }
    index_digest(&x, digest);
    sha256_hex(sorted, sizeof(sorted) - 1, wanted);
    CU_ASSERT_STRING_EQUAL(digest, wanted);
    index_deinit(&x);
}

static void asking_for_the_digest_changes_none_that_follows(void)
{
    struct store_index often, once;
    char a[SHA256_HEX], b[SHA256_HEX];
    struct rng r;
    index_init(&often);
    index_init(&once);
    rng_init(&r, 11, "tests/index");
    for (int64_t lsn = 1; lsn <= 300; lsn++) {
        struct record rec = order(lsn, 1, 0);
        (void)snprintf(rec.op, sizeof(rec.op), "c%d-%d", (int)rng_below(&r, 20), (int)rng_below(&r, 50));
        index_add(&often, &rec);
        index_add(&once, &rec);
        if (rng_below(&r, 7) == 0)
            index_digest(&often, a);
    }
    index_digest(&often, a);
    index_digest(&once, b);
    CU_ASSERT_STRING_EQUAL(a, b);
    for (size_t i = 1; i < often.sorted.len; i++)
        CU_ASSERT_TRUE(strcmp(index_at(&often, often.sorted.at[i - 1])->op, index_at(&often, often.sorted.at[i])->op) <=
                       0);
    index_deinit(&often);
    index_deinit(&once);
}

static void a_cut_is_like_never_having_been_there(void)
{
    struct store_index x, y;
    char cut[SHA256_HEX], fresh[SHA256_HEX];
    index_init(&x);
    index_init(&y);
    for (int64_t lsn = 1; lsn <= 200; lsn++) {
        struct record r = order(lsn, lsn > 150 ? 2 : 1, (int)(lsn % 5));
        index_add(&x, &r);
        if (lsn <= 120)
            index_add(&y, &r);
    }
    index_cut(&x, 120);
    index_digest(&x, cut);
    index_digest(&y, fresh);
    CU_ASSERT_STRING_EQUAL(cut, fresh);
    CU_ASSERT_EQUAL(index_last(&x), 120);
    CU_ASSERT_EQUAL(x.boundaries.len, 1);
    CU_ASSERT_PTR_NULL(index_by_idem(&x, "run/c1-151"));
    CU_ASSERT_EQUAL(index_by_key(&x, "k1")->version, index_by_key(&y, "k1")->version);
    index_deinit(&x);
    index_deinit(&y);
}

/* A history: a shared beginning, then each goes its own way through epochs of its own. */
static void grow(struct store_index *x, struct rng *r, int64_t to, int64_t first_epoch, int64_t step)
{
    int64_t epoch = first_epoch;
    for (int64_t lsn = index_last(x) + 1; lsn <= to; lsn++) {
        if (rng_below(r, 10) == 0)
            epoch += step;
        struct record rec = order(lsn, epoch, 0);
        index_add(x, &rec);
    }
}

static void common_ground_is_found_in_random_histories(void)
{
    struct rng r;
    rng_init(&r, 7, "tests/index");
    for (int round = 0; round < 300; round++) {
        struct store_index a, b;
        index_init(&a);
        index_init(&b);
        int64_t shared = (int64_t)rng_below(&r, 40);
        struct rng twin = r;
        grow(&a, &r, shared, 1, 1);
        grow(&b, &twin, shared, 1, 1);
        int64_t epoch = shared > 0 ? index_at(&a, shared)->epoch : 0;
        grow(&a, &r, shared + (int64_t)rng_below(&r, 30), epoch + 1, 2);
        grow(&b, &r, shared + (int64_t)rng_below(&r, 30), epoch + 2, 2);
        int64_t common = index_common(a.boundaries.at, a.boundaries.len, index_last(&a), b.boundaries.at,
                                      b.boundaries.len, index_last(&b));
        CU_ASSERT_EQUAL(common, shared);
        index_deinit(&a);
        index_deinit(&b);
    }
}

static void prefixes_have_all_of_the_shorter_in_common(void)
{
    struct boundary h[] = {{1, 1}, {2, 50}};
    CU_ASSERT_EQUAL(index_common(h, 2, 80, h, 1, 30), 30);
    CU_ASSERT_EQUAL(index_common(h, 1, 49, h, 2, 80), 49);
    CU_ASSERT_EQUAL(index_common(h, 2, 80, h, 2, 80), 80);
    CU_ASSERT_EQUAL(index_common(NULL, 0, 0, h, 2, 80), 0);
    struct boundary other[] = {{3, 1}};
    CU_ASSERT_EQUAL(index_common(h, 2, 80, other, 1, 80), 0);
}

void suite_store_index(void)
{
    runner_suite(NULL, NULL);
    runner_test(versions_count_per_key);
    runner_test(digest_is_of_the_sorted_op_ids);
    runner_test(asking_for_the_digest_changes_none_that_follows);
    runner_test(a_cut_is_like_never_having_been_there);
    runner_test(common_ground_is_found_in_random_histories);
    runner_test(prefixes_have_all_of_the_shorter_in_common);
}
