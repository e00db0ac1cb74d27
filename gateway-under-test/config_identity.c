/* SPDX-License-Identifier: MIT */
/*
 * Who may call, and how often: the parts `identity` and `limits` of a gateway's configuration, and what a route asks of
 * its callers. Secrets of tokens stand in a file of their own beside the configuration, API keys only as hashes, so
 * that a configuration can be shown to anybody.
 */
#include "gateway-under-test/config.h"
#include "gateway-under-test/limit_book.h"
#include "harness/base/err.h"
#include "harness/base/text.h"

#include <string.h>

#define KEYS_MAX 1000

static int find_pool(const struct config_place *p, const char *key, int *out)
{
    const struct config *c = p->config;
    const char *name;
    if (want_text(p, key, NULL, &name) < 0)
        return -1;
    for (size_t i = 0; i < c->pool_count; i++) {
        *out = (int)i;
        if (strcmp(c->pools[i].name, name) == 0)
            return 0;
    }
    return place_fail(p, key, "there is no pool named %s", name);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int want_hash(const struct config_place *p, const char *key, unsigned char out[CONFIG_HASH])
{
    const char *text;
    if (want_text(p, key, NULL, &text) < 0)
        return -1;
    bool fine = strlen(text) == (size_t)2 * CONFIG_HASH;
    for (size_t i = 0; fine && i < CONFIG_HASH; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        fine = high >= 0 && low >= 0;
        out[i] = (unsigned char)(high * 16 + low);
    }
    return fine ? 0 : place_fail(p, key, "must be a SHA-256 in 64 small hexadecimal digits");
}

static int parse_keys(const struct config_place *p, struct config_identity *id)
{
    static const char *const keys[] = {"sha256", NULL};
    struct config_place list, at;
    const char *name;
    json_t *value;
    if (json_object_get(p->object, "keys") == NULL)
        return 0;
    if (place_enter(p, "keys", &list) < 0)
        return -1;
    if (json_object_size(list.object) > KEYS_MAX)
        return place_fail(p, "keys", "must be at most %d keys", KEYS_MAX);
    id->keys = arena_array(&p->config->arena, struct config_key, json_object_size(list.object));
    json_object_foreach((json_t *)list.object, name, value)
    {
        struct config_key *k = &id->keys[id->key_count++];
        k->id = arena_strdup(&p->config->arena, name);
        if (place_enter(&list, name, &at) < 0 || place_keys(&at, keys) < 0 || want_hash(&at, "sha256", k->hash) < 0)
            return -1;
        if (*name == '\0' || strlen(name) >= CONFIG_KEY_ID || strpbrk(name, ". ") != NULL)
            return place_fail(&list, name, "the name of a key must be 1 to %d bytes without dots and spaces",
                              CONFIG_KEY_ID - 1);
    }
    return 0;
}

static int parse_tokens(const struct config_place *p, struct config_identity *id)
{
    static const char *const keys[] = {"keys", "audience", "leeway_s", NULL};
    struct config_place at;
    if (json_object_get(p->object, "tokens") == NULL)
        return 0;
    if (place_enter(p, "tokens", &at) < 0 || place_keys(&at, keys) < 0 ||
        want_text(&at, "keys", NULL, &id->token_keys) < 0 || want_int(&at, "leeway_s", 0, 300, 0, &id->leeway_s) < 0)
        return -1;
    return json_object_get(at.object, "audience") == NULL ? 0 : want_text(&at, "audience", NULL, &id->audience);
}

static int parse_revocations(const struct config_place *p, struct config_identity *id)
{
    static const char *const keys[] = {"pool", "every_ms", "stale_after_ms", "when_stale", NULL};
    static const char *const policies[] = {"fail_static", "fail_closed", NULL};
    struct config_place at;
    int policy = 0;
    id->revocation_pool = -1;
    if (json_object_get(p->object, "revocations") == NULL)
        return 0;
    if (place_enter(p, "revocations", &at) < 0 || place_keys(&at, keys) < 0 ||
        find_pool(&at, "pool", &id->revocation_pool) < 0 ||
        want_int(&at, "every_ms", 10, 600000, 100, &id->every_ms) < 0 ||
        want_int(&at, "stale_after_ms", 10, 600000, 2000, &id->stale_after_ms) < 0 ||
        want_word(&at, "when_stale", policies, "fail_static", &policy) < 0)
        return -1;
    id->fail_closed = policy == 1;
    return 0;
}

static int parse_subjects(const struct config_place *p, struct config_limits *l)
{
    static const char *const keys[] = {"per_s", NULL};
    struct config_place list, at;
    const char *name;
    json_t *value;
    if (place_enter(p, "subjects", &list) < 0)
        return -1;
    l->count = 0;
    l->at = arena_array(&p->config->arena, struct config_limit, json_object_size(list.object) + 1);
    if (json_object_size(list.object) > LIMIT_SUBJECTS_MAX)
        return place_fail(p, "subjects", "must be at most %d subjects", LIMIT_SUBJECTS_MAX);
    json_object_foreach((json_t *)list.object, name, value)
    {
        struct config_limit *one = &l->at[l->count++];
        one->subject = arena_strdup(&p->config->arena, name);
        if (place_enter(&list, name, &at) < 0 || place_keys(&at, keys) < 0 ||
            want_int(&at, "per_s", 1, LIMIT_PER_S_MAX, WANTED, &one->per_s) < 0)
            return -1;
        if (*name == '\0' || strlen(name) >= LIMIT_NAME)
            return place_fail(&list, name, "the name of a subject must be 1 to %d bytes", LIMIT_NAME - 1);
    }
    return 0;
}

static int parse_limits(const struct config_place *top, struct config_limits *l)
{
    static const char *const keys[] = {"mode", "gateways", "pool", "every_ms", "subjects", NULL};
    static const char *const modes[] = {"local", "divided", "shared", NULL};
    struct config_place at;
    int mode = 0;
    l->pool = -1;
    if (json_object_get(top->object, "limits") == NULL)
        return 0;
    if (place_enter(top, "limits", &at) < 0 || place_keys(&at, keys) < 0 ||
        want_word(&at, "mode", modes, "local", &mode) < 0 ||
        want_int(&at, "gateways", 1, 10000, 1, &l->gateways) < 0 ||
        want_int(&at, "every_ms", 10, 10000, 100, &l->every_ms) < 0 || parse_subjects(&at, l) < 0)
        return -1;
    l->mode = (enum limit_mode)mode;
    return l->mode == LIMIT_SHARED ? find_pool(&at, "pool", &l->pool) : 0;
}

int config_parse_route_identity(const struct config_place *p, struct config_route *r)
{
    static const char *const kinds[] = {"api_key", "token", NULL};
    const char **given;
    size_t count;
    if (json_object_get(p->object, "identity") == NULL)
        return 0;
    if (want_texts(p, "identity", &given, &count) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        bool key = strcmp(given[i], kinds[0]) == 0, token = strcmp(given[i], kinds[1]) == 0;
        if (!key && !token)
            return place_fail(p, "identity", "must be a list of api_key, token");
        r->takes_key = r->takes_key || key;
        r->takes_token = r->takes_token || token;
    }
    return 0;
}

/* A route whose callers nobody can know would refuse everybody. */
static int check_routes(const struct config_place *top)
{
    const struct config *c = top->config;
    for (size_t i = 0; i < c->route_count; i++) {
        const struct config_route *r = &c->routes[i];
        if ((r->takes_key && c->identity.key_count == 0) || (r->takes_token && c->identity.token_keys == NULL))
            return place_fail(top, "identity", "route %s asks for %s and there are none", r->name,
                              r->takes_key && c->identity.key_count == 0 ? "API keys" : "tokens");
    }
    return 0;
}

int config_parse_identity(const struct config_place *top)
{
    static const char *const keys[] = {"keys", "tokens", "revocations", NULL};
    struct config_identity *id = &top->config->identity;
    struct config_place at;
    id->revocation_pool = -1;
    if (json_object_get(top->object, "identity") != NULL &&
        (place_enter(top, "identity", &at) < 0 || place_keys(&at, keys) < 0 || parse_keys(&at, id) < 0 ||
         parse_tokens(&at, id) < 0 || parse_revocations(&at, id) < 0))
        return -1;
    return check_routes(top) < 0 ? -1 : parse_limits(top, &top->config->limits);
}
