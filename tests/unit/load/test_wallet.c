/* SPDX-License-Identifier: MIT */
/*
 * What customers show, and when they need another.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/client.h"
#include "harness/load/wallet.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/runner.h"

#include <openssl/evp.h>
#include <string.h>

#define T0 (1000 * NS_PER_S)

static struct topology topology = {
    .identity = {.asked = true, .tokens = {.there = true, .lifetime_ns = 20 * NS_PER_S}},
    .callers = {{"customer", "a", "customer.a"}, {"leaked", "b", "leaked.b"}, {"bulk", "c", "bulk.c"}}};
static struct wallet wallet;
static struct token_key *key;

static int set_up(void)
{
    return token_key_new(&key, TOKEN_ES256, NULL);
}

static int tear_down(void)
{
    token_key_free(key);
    return 0;
}

/* The claims of what is shown now; what is shown itself, if wanted, in kept. */
static json_t *shown(enum caller who, int64_t now_ns, struct text *kept)
{
    struct exchange_request r = {0};
    char padded[256] = "";
    unsigned char claims[256];
    CU_ASSERT_EQUAL(wallet_show(&wallet, who, now_ns, &r, NULL), 0);
    CU_ASSERT_PTR_NULL(r.api_key);
    must(r.token != NULL);
    if (kept) {
        text_clear(kept);
        text_add(kept, r.token);
    }
    const char *from = strchr(r.token, '.') + 1;
    size_t len = strcspn(from, ".");
    memcpy(padded, from, len);
    memset(padded + len, '=', (4 - len % 4) % 4);
    int n = EVP_DecodeBlock(claims, (const unsigned char *)padded, (int)strlen(padded));
    return json_loadb((const char *)claims, (size_t)n - (4 - len % 4) % 4, 0, NULL);
}

static void a_token_is_its_owners_and_ends(void)
{
    int64_t before_s = clock_wall_ns() / NS_PER_S;
    wallet_init(&wallet, &topology, key);
    scoped_json json_t *claims = shown(CALLER_LEAKED, T0, NULL);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(claims, "sub")), "leaked");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(claims, "aud")), TOPO_AUDIENCE);
    int64_t begins = json_integer_value(json_object_get(claims, "nbf"));
    CU_ASSERT(begins >= before_s && begins <= clock_wall_ns() / NS_PER_S);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(claims, "exp")), begins + 20);
    wallet_deinit(&wallet);
}

static void it_is_renewed_at_half_of_its_life(void)
{
    scoped_text struct text first = {0}, kept = {0}, next = {0}, others = {0};
    wallet_init(&wallet, &topology, key);
    json_decref(shown(CALLER_CUSTOMER, T0, &first));
    json_decref(shown(CALLER_BULK, T0 + 9 * NS_PER_S, &others));
    json_decref(shown(CALLER_CUSTOMER, T0 + 10 * NS_PER_S - 1, &kept));
    CU_ASSERT_STRING_EQUAL(text_str(&first), text_str(&kept));
    /* A signature of ES256 is another one each time, also of the same claims. */
    json_decref(shown(CALLER_CUSTOMER, T0 + 10 * NS_PER_S, &next));
    CU_ASSERT_STRING_NOT_EQUAL(text_str(&first), text_str(&next));
    json_decref(shown(CALLER_BULK, T0 + 10 * NS_PER_S, &kept));
    CU_ASSERT_STRING_EQUAL(text_str(&others), text_str(&kept));
    wallet_deinit(&wallet);
}

static void without_a_key_it_is_an_api_key(void)
{
    struct exchange_request r = {0};
    wallet_init(&wallet, &topology, NULL);
    CU_ASSERT_EQUAL(wallet_show(&wallet, CALLER_BULK, T0, &r, NULL), 0);
    CU_ASSERT_STRING_EQUAL(r.api_key, "bulk.c");
    CU_ASSERT_PTR_NULL(r.token);
    wallet_deinit(&wallet);
}

void suite_wallet(void)
{
    runner_suite(set_up, tear_down);
    runner_test(a_token_is_its_owners_and_ends);
    runner_test(it_is_renewed_at_half_of_its_life);
    runner_test(without_a_key_it_is_an_api_key);
}
