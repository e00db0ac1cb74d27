/* SPDX-License-Identifier: MIT */
/*
 * A token and the key set that it is checked with: the first line is the set, the rest the token. Nobody who has no key
 * signs well: whatever token is made up, keys of this program's own do not hold for it.
 */
#include "gateway-under-test/jwt.h"
#include "harness/base/scoped.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const char own_set[] =
    "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"h\","
    "\"k\":\"c2VjcmV0LW9mLXRoZS1mdXp6ZXItbm9ib2R5LWtub3dzLWl0\"},"
    "{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static enum jwt_ruling check(const struct jwt_keys *k, const uint8_t *token, size_t len)
{
    struct jwt_claims claims = {0};
    const struct jwt_rules rules = {.audience = "shop", .now_s = 1300000000, .leeway_s = 1};
    enum jwt_ruling r = jwt_check(k, (const char *)token, len, &rules, &claims);
    fuzz_must(strlen(claims.subject) < JWT_SUBJECT && strlen(claims.id) < JWT_SUBJECT);
    fuzz_must(r == JWT_GOOD || (claims.subject[0] == '\0' && claims.id[0] == '\0'));
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwt_keys *given = NULL, *own = NULL;
    scoped_free char *line = NULL;
    if (!fuzz_line(&data, &size, &line))
        return 0;
    fuzz_must(jwt_keys_read(own_set, sizeof(own_set) - 1, "own", &own, NULL) == 0);
    fuzz_must(check(own, data, size) != JWT_GOOD);
    if (jwt_keys_read(line, strlen(line), "given", &given, NULL) == 0) {
        fuzz_must(jwt_keys_count(given) > 0);
        (void)check(given, data, size);
    }
    jwt_keys_free(given);
    jwt_keys_free(own);
    return 0;
}
