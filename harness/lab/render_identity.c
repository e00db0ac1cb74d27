/* SPDX-License-Identifier: MIT */
/*
 * A gateway's callers. All keys are known to all gateways, as hashes, or, where callers show tokens, what those are
 * signed with, in a file beside the configuration that the run makes (netns_tokens.c). Every route asks for one; a
 * second route leads to what any origin can give by itself, so that keys can be tried where no leader is in reach:
 *
 *     revocations  asked for ten times a second; stale after what the topology says
 *     limits       of the one limited caller, held by all gateways of all regions together
 */
#include "harness/lab/render.h"

#include "harness/base/json.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_MS = 100 };

static void put(json_t *doc, const char *key, json_t *value)
{
    if (!value || json_object_set_new(doc, key, value) != 0) {
        abort(); /* out of memory, or a literal format below is wrong: its unit tests would tell */
    }
}

static json_t *keys(const struct topology *t)
{
    json_t *list = json_object();
    for (int who = 0; who < CALLERS; who++) {
        char hash[SHA256_HEX];
        sha256_hex(t->callers[who].secret, strlen(t->callers[who].secret), hash);
        put(list, t->callers[who].name, json_pack("{s:s}", "sha256", hash));
    }
    return list;
}

static json_t *revocations(const struct topo_identity *id)
{
    return json_pack("{s:s, s:i, s:I, s:s}", "pool", "orders", "every_ms", EVERY_MS, "stale_after_ms",
                     (json_int_t)(id->stale_after_ns / NS_PER_MS), "when_stale",
                     id->when_stale == STALE_FAIL_CLOSED ? "fail_closed" : "fail_static");
}

static json_t *limits(const struct topology *t)
{
    static const char *const modes[] = {
        [LIMITS_LOCAL] = "local", [LIMITS_DIVIDED] = "divided", [LIMITS_SHARED] = "shared"};
    json_t *doc = json_pack("{s:s, s:I, s:s, s:i}", "mode", modes[t->limits.mode], "gateways",
                            (json_int_t)t->endpoint_count, "pool", "orders", "every_ms", EVERY_MS);
    json_t *subjects = json_object();
    char bulk[32];
    snprintf(bulk, sizeof(bulk), "%s:%.20s", topo_subject_kind(t), t->callers[CALLER_BULK].name);
    put(subjects, bulk, json_pack("{s:I}", "per_s", (json_int_t)(t->limits.rate_micro / PPM)));
    put(doc, "subjects", subjects);
    return doc;
}

static json_t *tokens(const struct topo_tokens *of)
{
    return json_pack("{s:s, s:s, s:I}", "keys", RENDER_TOKEN_KEYS, "audience", TOPO_AUDIENCE, "leeway_s",
                     (json_int_t)(of->leeway_ns / NS_PER_S));
}

void render_identity(json_t *doc, const struct topology *t)
{
    bool by_token = t->identity.tokens.there;
    const char *kind = by_token ? "token" : "api_key";
    json_t *routes = json_object_get(doc, "routes"), *identity = json_object();
    put(json_object_get(routes, "orders"), "identity", json_pack("[s]", kind));
    put(routes, "local",
        json_pack("{s:s, s:s, s:s, s:[s]}", "host", "*", "path", "/bytes/", "upstream", "pool:orders", "identity",
                  kind));
    put(identity, by_token ? "tokens" : "keys", by_token ? tokens(&t->identity.tokens) : keys(t));
    put(identity, "revocations", revocations(&t->identity));
    put(doc, "identity", identity);
    if (t->limits.given) {
        put(doc, "limits", limits(t));
    }
}
