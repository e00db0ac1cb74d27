/* SPDX-License-Identifier: MIT */
/*
 * A token is three parts in base64url: the header, the claims, and the signature of both as they stand there, dots
 * included. A signature of ES256 is r and s side by side, 32 bytes each, where OpenSSL has them in DER.
 *
 * What fails here is OpenSSL's: no random numbers, no such curve. The first failure is told, nothing is half made.
 */
#include "harness/base/token.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#define KEY_ID "run"
enum { SECRET = 32, COORDINATE = 32, DER_MAX = 80 };

const char *const token_algorithm_words[] = {"HS256", "ES256", NULL};

struct token_key {
    enum token_algorithm algorithm;
    unsigned char secret[SECRET]; /* HS256 */
    EVP_PKEY *pair;               /* ES256 */
};

/* base64url without padding, RFC 7515 section 2: OpenSSL's base64 in another alphabet. */
static void add_encoded(struct text *out, const unsigned char *at, size_t len)
{
    scoped_free unsigned char *plain = xcalloc(1, 4 * ((len + 2) / 3) + 1);
    EVP_EncodeBlock(plain, at, (int)len);
    for (unsigned char *c = plain; *c && *c != '='; c++) {
        text_add_bytes(out, *c == '+' ? "-" : *c == '/' ? "_" : (const char *)c, 1);
    }
}

int token_key_new(struct token_key **out, enum token_algorithm algorithm, struct err *e)
{
    struct token_key *k = xcalloc(1, sizeof(*k));
    *out = NULL;
    ERR_clear_error();
    k->algorithm = algorithm;
    if (algorithm == TOKEN_ES256) {
        k->pair = EVP_EC_gen("P-256");
    }
    if (algorithm == TOKEN_ES256 ? k->pair == NULL : RAND_bytes(k->secret, SECRET) != 1) {
        token_key_free(k);
        return err_openssl(e, ERR_MACHINE, "tokens", "a key cannot be made");
    }
    *out = k;
    return 0;
}

void token_key_free(struct token_key *k)
{
    if (!k) {
        return;
    }
    EVP_PKEY_free(k->pair);
    OPENSSL_cleanse(k, sizeof(*k));
    free(k);
}

/* ---- what others check by ---- */

static bool put_encoded(json_t *jwk, const char *name, const unsigned char *at, size_t len)
{
    scoped_text struct text encoded = {0};
    add_encoded(&encoded, at, len);
    return json_object_set_new(jwk, name, json_string(text_str(&encoded))) == 0;
}

static bool put_coordinate(json_t *jwk, const char *name, const EVP_PKEY *pair, const char *param)
{
    unsigned char bytes[COORDINATE];
    BIGNUM *n = NULL;
    bool right = EVP_PKEY_get_bn_param(pair, param, &n) == 1 && BN_bn2binpad(n, bytes, COORDINATE) == COORDINATE &&
                 put_encoded(jwk, name, bytes, COORDINATE);
    BN_free(n);
    return right;
}

json_t *token_key_set(const struct token_key *k, struct err *e)
{
    bool pair = k->algorithm == TOKEN_ES256;
    scoped_json json_t *jwk = json_pack("{s:s, s:s, s:s, s:s}", "kty", pair ? "EC" : "oct", "alg",
                                        token_algorithm_words[k->algorithm], "kid", KEY_ID, "use", "sig");
    bool right = pair ? json_object_set_new(jwk, "crv", json_string("P-256")) == 0 &&
                            put_coordinate(jwk, "x", k->pair, OSSL_PKEY_PARAM_EC_PUB_X) &&
                            put_coordinate(jwk, "y", k->pair, OSSL_PKEY_PARAM_EC_PUB_Y)
                      : put_encoded(jwk, "k", k->secret, SECRET);
    if (!right) {
        err_openssl(e, ERR_MACHINE, "tokens", "a key cannot be written");
        return NULL;
    }
    return json_pack("{s:[O]}", "keys", jwk);
}

/* ---- tokens ---- */

static void add_object(struct text *out, json_t *object)
{
    scoped_free char *bytes = json_canonical(object);
    add_encoded(out, (const unsigned char *)bytes, strlen(bytes));
    json_decref(object);
}

/* r and s side by side, from DER. */
static bool side_by_side(const unsigned char *der, size_t len, unsigned char out[2 * COORDINATE])
{
    ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool right = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), out, COORDINATE) == COORDINATE &&
                 BN_bn2binpad(ECDSA_SIG_get0_s(s), out + COORDINATE, COORDINATE) == COORDINATE;
    ECDSA_SIG_free(s);
    return right;
}

static size_t sign_pair(const struct token_key *k, const struct text *what, unsigned char out[2 * COORDINATE])
{
    unsigned char der[DER_MAX];
    size_t len = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool right = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pair) == 1 &&
                 EVP_DigestSign(ctx, der, &len, (const unsigned char *)what->at, what->len) == 1 &&
                 side_by_side(der, len, out);
    EVP_MD_CTX_free(ctx);
    return right ? 2 * COORDINATE : 0;
}

static size_t sign_secret(const struct token_key *k, const struct text *what, unsigned char out[EVP_MAX_MD_SIZE])
{
    unsigned len = 0;
    bool right = HMAC(EVP_sha256(), k->secret, SECRET, (const unsigned char *)what->at, what->len, out, &len) != NULL;
    return right ? len : 0;
}

int token_sign(const struct token_key *k, const struct token_claims *claims, struct text *out, struct err *e)
{
    unsigned char signature[EVP_MAX_MD_SIZE];
    scoped_text struct text token = {0};
    ERR_clear_error();
    add_object(&token, json_pack("{s:s, s:s, s:s}", "alg", token_algorithm_words[k->algorithm], "kid", KEY_ID, "typ",
                                 "JWT"));
    text_add(&token, ".");
    add_object(&token,
               json_pack("{s:s, s:s, s:I, s:I}", "sub", claims->subject, "aud", claims->audience, "nbf",
                         (json_int_t)claims->begins_s, "exp", (json_int_t)claims->ends_s));
    size_t len = k->algorithm == TOKEN_ES256 ? sign_pair(k, &token, signature) : sign_secret(k, &token, signature);
    if (len == 0) {
        return err_openssl(e, ERR_MACHINE, "tokens", "a token cannot be signed");
    }
    text_add(&token, ".");
    add_encoded(&token, signature, len);
    text_add(out, text_str(&token));
    return 0;
}
