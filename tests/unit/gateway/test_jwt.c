/* SPDX-License-Identifier: MIT */
/*
 * Tokens: the published examples of RFC 7515 and RFC 7519, and tokens that want to be believed and must not.
 */
#include "gateway-under-test/jwt.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

/* RFC 7515, A.1 and A.3: keys, and tokens of one payload that ends at 1300819380. */
#define SECRET "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define POINT                                               \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define MAC "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define OF_MAC "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD "."
#define OF_EC "eyJhbGciOiJFUzI1NiJ9." PAYLOAD "."
#define ENDS 1300819380

static const char both[] = "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"h\",\"k\":\"" SECRET "\"},"
                           "{\"kty\":\"EC\",\"alg\":\"ES256\",\"kid\":\"e\",\"crv\":\"P-256\"," POINT "}]}";
static const char only_ec[] =
    "{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"kid\":\"e\",\"crv\":\"P-256\"," POINT "}]}";

static struct jwt_keys *keys;

static struct jwt_keys *keys_of(const char *set)
{
    struct jwt_keys *k = NULL;
    struct err e = {0};
    if (jwt_keys_read(set, strlen(set), "jwks.json", &k, &e) < 0)
        printf("    %s: %s\n", e.at, e.msg);
    return k;
}

static int set_up(void)
{
    keys = keys_of(both);
    return keys ? 0 : -1;
}

static int tear_down(void)
{
    jwt_keys_free(keys);
    return 0;
}

static enum jwt_ruling at(const char *token, int64_t now_s)
{
    struct jwt_claims claims;
    const struct jwt_rules rules = {.now_s = now_s};
    return jwt_check(keys, token, strlen(token), &rules, &claims);
}

static void encode(const void *bytes, size_t len, struct text *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *b = bytes;
    for (size_t i = 0; i < len; i += 3) {
        unsigned n = (unsigned)b[i] << 16 | (i + 1 < len ? (unsigned)b[i + 1] << 8 : 0) | (i + 2 < len ? b[i + 2] : 0);
        for (size_t k = 0; k < 4 && i + k <= len; k++)
            text_add_bytes(out, &digits[n >> (18 - 6 * k) & 63], 1);
    }
}

/* A token signed with these bytes as the HMAC key, whatever they are. */
static void forge(struct text *out, const char *header, const char *payload, const void *key, size_t key_len)
{
    unsigned char mac[32];
    text_clear(out);
    encode(header, strlen(header), out);
    text_add(out, ".");
    encode(payload, strlen(payload), out);
    HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)out->at, out->len, mac, NULL);
    text_add(out, ".");
    encode(mac, sizeof(mac), out);
}

/* The same with the right secret. */
static enum jwt_ruling signed_at(const char *header, const char *payload, const struct jwt_rules *rules,
                                 struct jwt_claims *claims)
{
    static const unsigned char secret[] = {
        3,   35,  53,  75,  43,  15,  165, 188, 131, 126, 6,   101, 119, 123, 166, 143, 90,  179, 40,  230, 240, 84,
        201, 40,  169, 15,  132, 178, 210, 80,  46,  191, 211, 251, 90,  146, 210, 6,   71,  239, 150, 138, 180, 195,
        119, 98,  61,  34,  61,  46,  33,  114, 5,   46,  79,  8,   192, 205, 154, 245, 103, 208, 128, 163};
    scoped_text struct text token = {0};
    struct jwt_claims own;
    forge(&token, header, payload, secret, sizeof(secret));
    return jwt_check(keys, text_str(&token), token.len, rules, claims ? claims : &own);
}

static enum jwt_ruling claims_at(const char *payload, int64_t now_s)
{
    return signed_at("{\"alg\":\"HS256\"}", payload, &(struct jwt_rules){.now_s = now_s}, NULL);
}

static void published_examples_hold(void)
{
    CU_ASSERT_EQUAL(jwt_keys_count(keys), 2);
    CU_ASSERT_EQUAL(at(OF_MAC MAC, ENDS - 1), JWT_GOOD);
    CU_ASSERT_EQUAL(at(OF_EC SIGNATURE, ENDS - 1), JWT_GOOD);
    CU_ASSERT_EQUAL(at(OF_MAC MAC, ENDS), JWT_EXPIRED);
    CU_ASSERT_EQUAL(at(OF_EC SIGNATURE, ENDS), JWT_EXPIRED);
}

static void an_unsecured_token_is_none(void)
{
    CU_ASSERT_EQUAL(at("eyJhbGciOiJub25lIn0." PAYLOAD ".", ENDS - 1), JWT_MALFORMED); /* RFC 7519, 6.1 */
    CU_ASSERT_EQUAL(at("eyJhbGciOiJub25lIn0." PAYLOAD "." MAC, ENDS - 1), JWT_UNKNOWN_KEY);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"none\"}", "{\"exp\":9}", &(struct jwt_rules){.now_s = 1}, NULL),
                    JWT_UNKNOWN_KEY);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"NONE\"}", "{\"exp\":9}", &(struct jwt_rules){.now_s = 1}, NULL),
                    JWT_UNKNOWN_KEY);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":null}", "{\"exp\":9}", &(struct jwt_rules){.now_s = 1}, NULL), JWT_MALFORMED);
    CU_ASSERT_EQUAL(signed_at("{}", "{\"exp\":9}", &(struct jwt_rules){.now_s = 1}, NULL), JWT_MALFORMED);
}

/* What a gateway that lets the token choose would verify: an HMAC made with the
 * public key, in every form it is known in. */
static void a_public_key_is_no_secret(void)
{
    static const char *const forms[] = {POINT, only_ec, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"};
    scoped_text struct text token = {0};
    struct jwt_keys *ec = keys_of(only_ec);
    struct jwt_claims claims;
    const struct jwt_rules rules = {.now_s = 1};
    CU_ASSERT_PTR_NOT_NULL_FATAL(ec);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        forge(&token, "{\"alg\":\"HS256\",\"kid\":\"e\"}", "{\"exp\":9}", forms[i], strlen(forms[i]));
        CU_ASSERT_EQUAL(jwt_check(ec, text_str(&token), token.len, &rules, &claims), JWT_UNKNOWN_KEY);
        forge(&token, "{\"alg\":\"ES256\",\"kid\":\"e\"}", "{\"exp\":9}", forms[i], strlen(forms[i]));
        CU_ASSERT_EQUAL(jwt_check(ec, text_str(&token), token.len, &rules, &claims), JWT_BAD_SIGNATURE);
    }
    jwt_keys_free(ec);
}

static void a_signature_is_of_these_bytes_and_this_key(void)
{
    CU_ASSERT_EQUAL(at(OF_MAC "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", 1), JWT_MALFORMED); /* spare bits */
    CU_ASSERT_EQUAL(at(OF_MAC "eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", 1), JWT_BAD_SIGNATURE);
    CU_ASSERT_EQUAL(at(OF_MAC SIGNATURE, 1), JWT_BAD_SIGNATURE);
    CU_ASSERT_EQUAL(at(OF_EC MAC, 1), JWT_BAD_SIGNATURE);
    CU_ASSERT_EQUAL(at(OF_MAC "dBjf", 1), JWT_BAD_SIGNATURE);
    CU_ASSERT_EQUAL(
        at(OF_EC "EtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", 1),
        JWT_BAD_SIGNATURE);
    CU_ASSERT_EQUAL(
        at(OF_EC "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1),
        JWT_BAD_SIGNATURE); /* r and s of nothing */
}

static void a_kid_names_one_key(void)
{
    const struct jwt_rules rules = {.now_s = 1};
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\",\"kid\":\"h\"}", "{\"exp\":9}", &rules, NULL), JWT_GOOD);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\",\"kid\":\"e\"}", "{\"exp\":9}", &rules, NULL), JWT_UNKNOWN_KEY);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\",\"kid\":\"../h\"}", "{\"exp\":9}", &rules, NULL), JWT_UNKNOWN_KEY);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\",\"kid\":7}", "{\"exp\":9}", &rules, NULL), JWT_MALFORMED);
}

static void malformed_tokens_are_refused(void)
{
    static const char *const bad[] = {
        "", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", OF_MAC, "." PAYLOAD "." MAC, OF_MAC MAC ".",
        OF_MAC MAC "=", OF_MAC MAC " ", " " OF_MAC MAC, OF_MAC "dBjftJeZ4CVP+mB92K27uhbUJU1p1r/wW1gFWFOEjXk",
        OF_MAC "dBjf\ntJeZ", "W10." PAYLOAD "." MAC, "Int9Ig." PAYLOAD "." MAC, "eyJ9." PAYLOAD "." MAC};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_EQUAL(at(bad[i], 1), JWT_MALFORMED);
    const struct jwt_rules rules = {.now_s = 1};
    static const char *const headers[] = {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
                                          "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{\"alg\":[\"HS256\"]}", "[]", "7"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        CU_ASSERT_EQUAL(signed_at(headers[i], "{\"exp\":9}", &rules, NULL), JWT_MALFORMED);
    static const char *const payloads[] = {"{}", "[]", "{\"exp\":\"9\"}", "{\"exp\":9,\"exp\":99}", "{\"exp\":-1}",
                                           "{\"exp\":1e300}", "{\"exp\":9,\"nbf\":\"x\"}", "{\"exp\":9,\"sub\":7}",
                                           "{\"exp\":9,\"jti\":[]}", "{\"exp\":null}"};
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        CU_ASSERT_EQUAL(claims_at(payloads[i], 1), JWT_MALFORMED);
}

static void huge_ones_are_refused(void)
{
    scoped_text struct text token = {0};
    while (token.len < JWT_MAX + 1)
        text_add(&token, "A");
    CU_ASSERT_EQUAL(at(text_str(&token), 1), JWT_MALFORMED);
    token.at[10] = token.at[20] = '.';
    CU_ASSERT_EQUAL(at(text_str(&token), 1), JWT_MALFORMED);
}

static void time_and_audience_are_looked_at(void)
{
    struct jwt_claims claims;
    const char *payload = "{\"exp\":100,\"nbf\":50,\"sub\":\"alice\",\"jti\":\"t-1\",\"aud\":[\"other\",\"shop\"]}";
    struct jwt_rules rules = {.audience = "shop", .now_s = 60};
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\"}", payload, &rules, &claims), JWT_GOOD);
    CU_ASSERT_STRING_EQUAL(claims.subject, "alice");
    CU_ASSERT_STRING_EQUAL(claims.id, "t-1");
    rules.audience = "sho";
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\"}", payload, &rules, NULL), JWT_WRONG_AUDIENCE);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\"}", "{\"exp\":100}", &rules, NULL), JWT_WRONG_AUDIENCE);
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\"}", "{\"exp\":100,\"aud\":\"sho\"}", &rules, NULL), JWT_GOOD);
    CU_ASSERT_EQUAL(claims_at(payload, 49), JWT_NOT_YET_VALID);
    CU_ASSERT_EQUAL(claims_at(payload, 50), JWT_GOOD);
    CU_ASSERT_EQUAL(claims_at(payload, 99), JWT_GOOD);
    CU_ASSERT_EQUAL(claims_at(payload, 100), JWT_EXPIRED);
    const struct jwt_rules lenient = {.now_s = 104, .leeway_s = 5};
    CU_ASSERT_EQUAL(signed_at("{\"alg\":\"HS256\"}", payload, &lenient, NULL), JWT_GOOD);
}

static void key_sets_are_read_strictly(void)
{
    static const char *const bad[] = {
        "{}", "{\"keys\":[]}", "{\"keys\":[{}]}", "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" SECRET "\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"ES256\",\"k\":\"" SECRET "\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"alg\":\"HS256\",\"crv\":\"P-256\"," POINT "}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-384\"," POINT "}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"c2hvcnQ\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"d\":\"x\"," POINT "}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}", /* not on the curve */
        "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"\",\"k\":\"" SECRET "\"}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct jwt_keys *k = NULL;
        struct err e = {0};
        CU_ASSERT_EQUAL(jwt_keys_read(bad[i], strlen(bad[i]), "jwks.json", &k, &e), -1);
        CU_ASSERT_PTR_NULL(k);
        CU_ASSERT_TRUE(strlen(e.msg) > 0);
    }
}

void suite_jwt(void)
{
    runner_suite(set_up, tear_down);
    runner_test(published_examples_hold);
    runner_test(an_unsecured_token_is_none);
    runner_test(a_public_key_is_no_secret);
    runner_test(a_signature_is_of_these_bytes_and_this_key);
    runner_test(a_kid_names_one_key);
    runner_test(malformed_tokens_are_refused);
    runner_test(huge_ones_are_refused);
    runner_test(time_and_audience_are_looked_at);
    runner_test(key_sets_are_read_strictly);
}
