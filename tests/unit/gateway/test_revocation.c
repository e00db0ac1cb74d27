/* SPDX-License-Identifier: MIT */
/*
 * Revocations: as records among orders, as a list on its way to a gateway; and the shared counter of rate limits.
 */
#include "gateway-under-test/limit_book.h"
#include "gateway-under-test/revocation.h"
#include "gateway-under-test/store_index.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static struct record record_of(int64_t lsn, bool revocation, const char *key)
{
    struct record r = {.lsn = lsn, .epoch = 1, .revocation = revocation, .op = "op", .idem = "idem", .value = "v"};
    (void)snprintf(r.key, sizeof(r.key), "%s", key);
    return r;
}

static void a_revocation_is_a_record_and_no_order(void)
{
    struct store_index x;
    char before[SHA256_HEX], after[SHA256_HEX];
    index_init(&x);
    struct record order = record_of(1, false, "k1"), revoked = record_of(2, true, "k1");
    index_add(&x, &order);
    index_digest(&x, before);
    CU_ASSERT_EQUAL(index_last_revocation(&x), 0);
    index_add(&x, &revoked);
    index_digest(&x, after);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT(index_last(&x) == 2 && index_orders(&x) == 1 && index_last_revocation(&x) == 2);
    CU_ASSERT_EQUAL(index_by_key(&x, "k1")->lsn, 1);
    CU_ASSERT_EQUAL(index_revocation(&x, "k1")->lsn, 2);
    CU_ASSERT_PTR_NULL(index_revocation(&x, "k2"));
    index_cut(&x, 1);
    CU_ASSERT_PTR_NULL(index_revocation(&x, "k1"));
    CU_ASSERT_EQUAL(index_last_revocation(&x), 0);
    index_deinit(&x);
}

static void it_keeps_its_kind_on_disk_and_on_the_wire(void)
{
    scoped_text struct text bytes = {0};
    struct record revoked = record_of(2, true, "key:leaked"), order = record_of(3, false, "k1"), r;
    size_t used = 0;
    record_write(&revoked, &bytes);
    CU_ASSERT_EQUAL(record_read(bytes.at, bytes.len, &r, &used), RECORD_OK);
    CU_ASSERT(r.revocation && used == bytes.len);
    CU_ASSERT_STRING_EQUAL(r.key, "key:leaked");
    text_clear(&bytes);
    record_write(&order, &bytes);
    CU_ASSERT_EQUAL(record_read(bytes.at, bytes.len, &r, &used), RECORD_OK);
    CU_ASSERT_FALSE(r.revocation);
}

static bool reads(const char *text)
{
    struct revocation_list l;
    bool fine = revocation_list_read(&l, text, strlen(text));
    revocation_list_free(&l);
    return fine;
}

static void a_list_is_read(void)
{
    static const char text[] =
        "{\"age_ms\":12,\"epoch\":1,\"lsn\":9,\"revoked\":[\"sub:eve\",\"key:a\",\"key:leaked\"]}";
    struct revocation_list l;
    CU_ASSERT_TRUE_FATAL(revocation_list_read(&l, text, sizeof(text) - 1));
    CU_ASSERT(l.count == 3 && l.age_ms == 12 && l.lsn == 9);
    CU_ASSERT(revocation_listed(&l, "key:a") && revocation_listed(&l, "key:leaked") &&
              revocation_listed(&l, "sub:eve"));
    CU_ASSERT_FALSE(revocation_listed(&l, "key:b") || revocation_listed(&l, "key:leake") || revocation_listed(&l, ""));
    revocation_list_free(&l);
    CU_ASSERT_TRUE(reads("{\"age_ms\":null,\"lsn\":0,\"revoked\":[]}"));
}

static void what_is_no_list_is_refused(void)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"age_ms\":0,\"lsn\":1}",
                                      "{\"lsn\":1,\"revoked\":[]}",
                                      "{\"age_ms\":-1,\"lsn\":1,\"revoked\":[]}",
                                      "{\"age_ms\":\"0\",\"lsn\":1,\"revoked\":[]}",
                                      "{\"age_ms\":0,\"lsn\":-1,\"revoked\":[]}",
                                      "{\"age_ms\":0,\"lsn\":1,\"revoked\":{}}",
                                      "{\"age_ms\":0,\"lsn\":1,\"revoked\":[\"key:a\",7]}",
                                      "{\"age_ms\":0,\"lsn\":1,\"revoked\":[\"\"]}",
                                      "{\"age_ms\":0,\"lsn\":1,\"revoked\":[\"key:a b\"]}",
                                      "{\"age_ms\":0,\"lsn\":1,\"revoked\":[\"key:a-name-that-is-too-long\"]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_FALSE(reads(bad[i]));
}

/* What the book grants to one question; -1: refused. */
static json_int_t ask(struct limit_book *b, const char *name, int per_s, int want, int64_t now_ns)
{
    scoped_json json_t *wish = json_pack("{s:[{s:s, s:i, s:i}]}", "limits", "name", name, "per_s", per_s, "want", want);
    scoped_json json_t *answer = limit_book_grant(b, wish, now_ns);
    return answer ? json_integer_value(json_object_get(json_object_get(answer, "granted"), name)) : -1;
}

static void no_more_is_granted_than_the_rate_allows(void)
{
    struct limit_book b = {0};
    json_int_t granted = 0;
    CU_ASSERT_EQUAL(ask(&b, "key:bulk", 40, 10, NS_PER_S), 0); /* a new leader begins with nothing */
    for (int64_t i = 1; i <= 100; i++)
        granted += ask(&b, "key:bulk", 40, 25, NS_PER_S + i * 100 * NS_PER_MS);
    CU_ASSERT_EQUAL(granted, 400);
    CU_ASSERT_EQUAL(ask(&b, "key:bulk", 40, 1000, 1000 * NS_PER_S), 40); /* one second's worth gathers */
    CU_ASSERT_EQUAL(ask(&b, "key:other", 40, 1, 1000 * NS_PER_S), 0);
    limit_book_deinit(&b);
}

static void strange_wishes_are_refused(void)
{
    struct limit_book b = {0};
    CU_ASSERT_EQUAL(ask(&b, "", 40, 1, 1), -1);
    CU_ASSERT_EQUAL(ask(&b, "key:a-name-that-is-too-long", 40, 1, 1), -1);
    CU_ASSERT_EQUAL(ask(&b, "key:a", 0, 1, 1), -1);
    CU_ASSERT_EQUAL(ask(&b, "key:a", 40, -1, 1), -1);
    scoped_json json_t *none = json_object();
    CU_ASSERT_PTR_NULL(limit_book_grant(&b, none, 1));
    CU_ASSERT_PTR_NULL(limit_book_grant(&b, NULL, 1));
    limit_book_deinit(&b);
}

void suite_revocation(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_revocation_is_a_record_and_no_order);
    runner_test(it_keeps_its_kind_on_disk_and_on_the_wire);
    runner_test(a_list_is_read);
    runner_test(what_is_no_list_is_refused);
    runner_test(no_more_is_granted_than_the_rate_allows);
    runner_test(strange_wishes_are_refused);
}
