/* SPDX-License-Identifier: MIT */
/*
 * Known ways to be fooled, and what stands against each:
 *
 *     alg "none", or another one than the key's     a key has one algorithm; no key has none
 *     a public key taken for an HMAC secret         likewise: a P-256 key never computes an HMAC
 *     "crit", or claims or members twice            refused: what two readers could read differently is not read
 *     base64url with padding, spare bits, junk      refused: a token has one spelling
 *     a signature of the wrong length               refused before any arithmetic
 *     a token without an end                        exp must be there
 *
 * Where the header names a key (kid) that key alone is tried, else all of its algorithm. HMACs are compared in constant
 * time. Times are whole seconds as the node's wall clock has them; fractions are cut off.
 */
#include "gateway-under-test/jwt.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define KEYS_MAX 16
#define KID_MAX 64
#define SECRET_MIN 32
#define SECRET_MAX 512
#define COORDINATE 32
#define MAC_LEN 32
#define TIME_MAX (INT64_C(1) << 40) /* s; far beyond any year with four digits */

enum algorithm { HS256, ES256 };
static const char *const algorithm_words[] = {"HS256", "ES256"};

struct jwt_key {
    char kid[KID_MAX]; /* empty: none */
    enum algorithm algorithm;
    unsigned char secret[SECRET_MAX];
    size_t secret_len;
    EVP_PKEY *key;
};

struct jwt_keys {
    struct jwt_key at[KEYS_MAX];
    size_t count;
};

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* base64url without padding, RFC 7515 section 2; -1 unless it is the one spelling of at most size bytes. */
static int64_t decode(const char *from, size_t len, unsigned char *to, size_t size)
{
    uint32_t bits = 0;
    size_t out = 0;
    if (len % 4 == 1 || len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0) > size)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int digit = digit_of(from[i]);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            to[out++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    uint32_t spare = len % 4 == 2 ? 0xF : len % 4 == 3 ? 0x3 : 0;
    return (bits & spare) == 0 ? (int64_t)out : -1;
}

/* ---- keys ---- */

/* The text of a member; NULL: absent or none. */
static const char *member(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    return json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v) ? json_string_value(v) : NULL;
}

static bool read_bytes(const json_t *jwk, const char *name, unsigned char *to, size_t size, size_t *len)
{
    const char *text = member(jwk, name);
    int64_t n = text ? decode(text, strlen(text), to, size) : -1;
    *len = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

static EVP_PKEY *public_key(const unsigned char x[COORDINATE], const unsigned char y[COORDINATE])
{
    unsigned char point[1 + 2 * COORDINATE] = {POINT_CONVERSION_UNCOMPRESSED};
    char group[] = "P-256";
    memcpy(point + 1, x, COORDINATE);
    memcpy(point + 1 + COORDINATE, y, COORDINATE);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int read_secret(const json_t *jwk, struct jwt_key *k, const char *at, struct err *e)
{
    if (!read_bytes(jwk, "k", k->secret, sizeof(k->secret), &k->secret_len) || k->secret_len < SECRET_MIN)
        return err_set(e, ERR_MEANING, at, "an oct key needs k, base64url of %d to %d bytes", SECRET_MIN, SECRET_MAX);
    return 0;
}

static int read_point(const json_t *jwk, struct jwt_key *k, const char *at, struct err *e)
{
    unsigned char x[COORDINATE], y[COORDINATE];
    size_t x_len, y_len;
    const char *curve = member(jwk, "crv");
    if (curve != NULL && strcmp(curve, "P-256") == 0 && read_bytes(jwk, "x", x, sizeof(x), &x_len) &&
        read_bytes(jwk, "y", y, sizeof(y), &y_len) && x_len == COORDINATE && y_len == COORDINATE)
        k->key = public_key(x, y);
    return k->key ? 0 : err_set(e, ERR_MEANING, at, "an EC key needs crv P-256 and the point x, y of it");
}

static int read_key(const json_t *jwk, struct jwt_key *k, const char *at, struct err *e)
{
    const char *type = member(jwk, "kty"), *algorithm = member(jwk, "alg"), *kid = member(jwk, "kid");
    bool secret = type != NULL && strcmp(type, "oct") == 0, point = type != NULL && strcmp(type, "EC") == 0;
    if (!secret && !point)
        return err_set(e, ERR_MEANING, at, "kty must be oct or EC");
    k->algorithm = secret ? HS256 : ES256;
    if (algorithm == NULL || strcmp(algorithm, algorithm_words[k->algorithm]) != 0)
        return err_set(e, ERR_MEANING, at, "alg of a key of kty %s must be %s", type, algorithm_words[k->algorithm]);
    if (json_object_get(jwk, "kid") != NULL && (kid == NULL || *kid == '\0' || strlen(kid) >= KID_MAX))
        return err_set(e, ERR_MEANING, at, "kid must be a text of 1 to %d bytes", KID_MAX - 1);
    if (json_object_get(jwk, "d") != NULL)
        return err_set(e, ERR_MEANING, at, "d is the private half of a key, which a gateway must not have");
    if (kid != NULL)
        memcpy(k->kid, kid, strlen(kid) + 1);
    return secret ? read_secret(jwk, k, at, e) : read_point(jwk, k, at, e);
}

int jwt_keys_read(const char *text, size_t len, const char *at, struct jwt_keys **out, struct err *e)
{
    *out = NULL;
    scoped_json json_t *doc = json_read(text, len, at, e);
    if (doc == NULL)
        return -1;
    const json_t *list = json_object_get(doc, "keys");
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > KEYS_MAX)
        return err_set(e, ERR_MEANING, at, "keys must be a list of 1 to %d keys", KEYS_MAX);
    struct jwt_keys *k = xcalloc(1, sizeof(*k));
    for (size_t i = 0; i < json_array_size(list); i++) {
        char place[256];
        (void)snprintf(place, sizeof(place), "%.200s: /keys/%zu", at, i);
        k->count++;
        if (read_key(json_array_get(list, i), &k->at[i], place, e) < 0) {
            jwt_keys_free(k);
            return -1;
        }
    }
    *out = k;
    return 0;
}

void jwt_keys_free(struct jwt_keys *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->count; i++)
        EVP_PKEY_free(k->at[i].key);
    OPENSSL_cleanse(k, sizeof(*k));
    free(k);
}

size_t jwt_keys_count(const struct jwt_keys *k)
{
    return k->count;
}

/* ---- tokens ---- */

struct part {
    const char *at;
    size_t len;
};

/* Exactly three parts with something in each. */
static bool split(const char *token, size_t len, struct part parts[3])
{
    size_t n = 0, from = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && token[i] != '.')
            continue;
        if (n == 3 || i == from)
            return false;
        parts[n++] = (struct part){token + from, i - from};
        from = i + 1;
    }
    return n == 3;
}

/* The object in a part; NULL: it is none, or one with a member twice. */
static json_t *object_in(struct part p)
{
    unsigned char bytes[JWT_MAX];
    int64_t len = decode(p.at, p.len, bytes, sizeof(bytes));
    json_t *doc = len < 0 ? NULL : json_loadb((const char *)bytes, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(doc))
        return doc;
    json_decref(doc);
    return NULL;
}

static bool hmac_holds(const struct jwt_key *k, struct part signed_part, const unsigned char *signature, size_t len)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    if (len != MAC_LEN || HMAC(EVP_sha256(), k->secret, (int)k->secret_len, (const unsigned char *)signed_part.at,
                               signed_part.len, mac, &mac_len) == NULL)
        return false;
    return mac_len == MAC_LEN && CRYPTO_memcmp(mac, signature, MAC_LEN) == 0;
}

/* r and s, side by side, as OpenSSL wants to read them; its length, 0 on failure. */
static size_t to_der(const unsigned char *signature, unsigned char **der)
{
    int len = -1;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, COORDINATE, NULL), *s = BN_bin2bn(signature + COORDINATE, COORDINATE, NULL);
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        len = i2d_ECDSA_SIG(sig, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static bool ecdsa_holds(const struct jwt_key *k, struct part signed_part, const unsigned char *signature, size_t len)
{
    unsigned char *der = NULL;
    size_t der_len = len == 2 * COORDINATE ? to_der(signature, &der) : 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool holds =
        der_len > 0 && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->key) == 1 &&
        EVP_DigestVerify(ctx, der, der_len, (const unsigned char *)signed_part.at, signed_part.len) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    return holds;
}

static enum jwt_ruling check_signature(const struct jwt_keys *keys, const json_t *header, struct part signed_part,
                                       struct part signature)
{
    unsigned char bytes[2 * COORDINATE];
    const char *algorithm = member(header, "alg"), *kid = member(header, "kid");
    int64_t len = decode(signature.at, signature.len, bytes, sizeof(bytes));
    bool found = false;
    if (algorithm == NULL || len < 0 || (json_object_get(header, "kid") != NULL && kid == NULL) ||
        json_object_get(header, "crit") != NULL)
        return JWT_MALFORMED;
    for (size_t i = 0; i < keys->count; i++) {
        const struct jwt_key *k = &keys->at[i];
        if (strcmp(algorithm, algorithm_words[k->algorithm]) != 0 || (kid != NULL && strcmp(kid, k->kid) != 0))
            continue;
        found = true;
        if (k->algorithm == HS256 ? hmac_holds(k, signed_part, bytes, (size_t)len)
                                  : ecdsa_holds(k, signed_part, bytes, (size_t)len))
            return JWT_GOOD;
    }
    return found ? JWT_BAD_SIGNATURE : JWT_UNKNOWN_KEY;
}

/* A NumericDate; false: there, and none. */
static bool time_of(const json_t *claims, const char *name, int64_t otherwise, int64_t *out)
{
    const json_t *v = json_object_get(claims, name);
    *out = otherwise;
    if (v == NULL)
        return true;
    double s = json_number_value(v);
    if (!json_is_number(v) || !(s >= 0) || s > (double)TIME_MAX)
        return false;
    *out = (int64_t)s;
    return true;
}

static bool names_audience(const json_t *claims, const char *audience)
{
    const json_t *aud = json_object_get(claims, "aud");
    const char *one = member(claims, "aud");
    bool named = one != NULL && strcmp(one, audience) == 0;
    for (size_t i = 0; i < json_array_size(aud); i++) {
        const char *each = json_string_value(json_array_get(aud, i));
        named = named || (each != NULL && strcmp(each, audience) == 0);
    }
    return named;
}

/* A name that revocations and limits can be about; false: there, and not such a text. */
static bool name_of(const json_t *claims, const char *claim, char out[JWT_SUBJECT])
{
    const char *s = member(claims, claim);
    out[0] = '\0';
    if (json_object_get(claims, claim) == NULL)
        return true;
    if (s == NULL || strlen(s) >= JWT_SUBJECT)
        return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

static enum jwt_ruling check_claims(const json_t *claims, const struct jwt_rules *rules, struct jwt_claims *out)
{
    int64_t ends, begins;
    if (json_object_get(claims, "exp") == NULL || !time_of(claims, "exp", 0, &ends) ||
        !time_of(claims, "nbf", 0, &begins) || !name_of(claims, "sub", out->subject) ||
        !name_of(claims, "jti", out->id))
        return JWT_MALFORMED;
    if (rules->now_s >= ends + rules->leeway_s)
        return JWT_EXPIRED;
    if (rules->now_s < begins - rules->leeway_s)
        return JWT_NOT_YET_VALID;
    if (rules->audience != NULL && !names_audience(claims, rules->audience))
        return JWT_WRONG_AUDIENCE;
    return JWT_GOOD;
}

enum jwt_ruling jwt_check(const struct jwt_keys *keys, const char *token, size_t len, const struct jwt_rules *rules,
                          struct jwt_claims *out)
{
    struct part parts[3];
    struct jwt_claims claims;
    if (len > JWT_MAX || !split(token, len, parts))
        return JWT_MALFORMED;
    scoped_json json_t *header = object_in(parts[0]), *payload = NULL;
    if (header == NULL)
        return JWT_MALFORMED;
    struct part signed_part = {token, (size_t)(parts[1].at + parts[1].len - token)};
    enum jwt_ruling ruling = check_signature(keys, header, signed_part, parts[2]);
    if (ruling != JWT_GOOD)
        return ruling;
    payload = object_in(parts[1]);
    ruling = payload ? check_claims(payload, rules, &claims) : JWT_MALFORMED;
    if (ruling == JWT_GOOD)
        *out = claims;
    return ruling;
}
