/* SPDX-License-Identifier: MIT */
/*
 * Tokens as they are written. That others read them as they are meant is in tests/unit/gateway/test_agreement.c, where
 * another hand's reader is.
 */
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/token.h"
#include "tests/unit/runner.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const struct token_claims claims = {"customer", "drtest", 1000, 1060};

/* base64url of OpenSSL's, which knows the other alphabet and wants padding; -1: it is none. */
static int decode(const char *at, size_t len, unsigned char *out)
{
    char padded[400] = "";
    memcpy(padded, at, len);
    for (size_t i = 0; i < len; i++) {
        padded[i] = (char)(at[i] == '-' ? '+' : at[i] == '_' ? '/' : at[i]);
    }
    size_t whole = (len + 3) / 4 * 4;
    memset(padded + len, '=', whole - len);
    int n = EVP_DecodeBlock(out, (const unsigned char *)padded, (int)whole);
    return n < 0 ? -1 : n - (int)(whole - len);
}

static void sign(struct text *out, const struct token_key *k)
{
    text_clear(out);
    CU_ASSERT_EQUAL(token_sign(k, &claims, out, NULL), 0);
}

static void a_token_says_what_it_is_about(void)
{
    scoped_text struct text token = {0};
    unsigned char part[400];
    struct token_key *k = NULL;
    CU_ASSERT_EQUAL_FATAL(token_key_new(&k, TOKEN_HS256, NULL), 0);
    sign(&token, k);
    size_t header = strcspn(text_str(&token), ".");
    CU_ASSERT_FATAL(header < token.len);
    const char *second = text_str(&token) + header + 1;
    size_t second_len = strcspn(second, ".");
    CU_ASSERT_FATAL(second[second_len] == '.' && strchr(second + second_len + 1, '.') == NULL);
    int n = decode(text_str(&token), header, part);
    CU_ASSERT_EQUAL_FATAL(n, 39);
    CU_ASSERT_NSTRING_EQUAL(part, "{\"alg\":\"HS256\",\"kid\":\"run\",\"typ\":\"JWT\"}", 39);
    n = decode(second, second_len, part);
    const char *meant = "{\"aud\":\"drtest\",\"exp\":1060,\"nbf\":1000,\"sub\":\"customer\"}";
    CU_ASSERT_EQUAL_FATAL(n, (int)strlen(meant));
    CU_ASSERT_NSTRING_EQUAL(part, meant, strlen(meant));
    token_key_free(k);
}

static void the_signature_is_over_both_parts(void)
{
    scoped_text struct text token = {0};
    unsigned char secret[64], signature[64], mac[32];
    struct token_key *k = NULL;
    CU_ASSERT_EQUAL_FATAL(token_key_new(&k, TOKEN_HS256, NULL), 0);
    scoped_json json_t *set = token_key_set(k, NULL);
    const char *encoded = json_string_value(json_at(set, "/keys/0/k"));
    CU_ASSERT_FATAL(encoded != NULL && decode(encoded, strlen(encoded), secret) == 32);
    sign(&token, k);
    const char *last = strrchr(text_str(&token), '.');
    HMAC(EVP_sha256(), secret, 32, (const unsigned char *)token.at, (size_t)(last - token.at), mac, NULL);
    CU_ASSERT_EQUAL_FATAL(decode(last + 1, strlen(last + 1), signature), 32);
    CU_ASSERT_EQUAL(memcmp(mac, signature, 32), 0);
    token_key_free(k);
}

static void who_checks_gets_the_public_half(void)
{
    scoped_text struct text token = {0};
    unsigned char bytes[400];
    struct token_key *k = NULL;
    CU_ASSERT_EQUAL_FATAL(token_key_new(&k, TOKEN_ES256, NULL), 0);
    scoped_json json_t *set = token_key_set(k, NULL);
    const json_t *jwk = json_at(set, "/keys/0");
    const char *x = json_string_value(json_object_get(jwk, "x"));
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(jwk, "kty")), "EC");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(jwk, "alg")), "ES256");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(jwk, "crv")), "P-256");
    CU_ASSERT_FATAL(x != NULL && decode(x, strlen(x), bytes) == 32);
    CU_ASSERT_PTR_NULL(json_object_get(jwk, "d"));
    CU_ASSERT_PTR_NULL(json_object_get(jwk, "k"));
    sign(&token, k);
    const char *last = strrchr(text_str(&token), '.');
    CU_ASSERT_EQUAL(decode(last + 1, strlen(last + 1), bytes), 64);
    token_key_free(k);
}

static void each_run_has_a_key_of_its_own(void)
{
    for (int algorithm = TOKEN_HS256; algorithm <= TOKEN_ES256; algorithm++) {
        struct token_key *a = NULL, *b = NULL;
        CU_ASSERT_EQUAL(token_key_new(&a, (enum token_algorithm)algorithm, NULL), 0);
        CU_ASSERT_EQUAL(token_key_new(&b, (enum token_algorithm)algorithm, NULL), 0);
        scoped_json json_t *of_a = token_key_set(a, NULL), *of_b = token_key_set(b, NULL);
        CU_ASSERT_FALSE(json_equal(of_a, of_b));
        token_key_free(a);
        token_key_free(b);
    }
    token_key_free(NULL);
}

void suite_token(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_token_says_what_it_is_about);
    runner_test(the_signature_is_over_both_parts);
    runner_test(who_checks_gets_the_public_half);
    runner_test(each_run_has_a_key_of_its_own);
}
