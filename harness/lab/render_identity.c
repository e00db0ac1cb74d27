/* SPDX-License-Identifier: MIT */
/*
 * A gateway's callers. All keys are known to all gateways, as hashes; every route asks for one; a second route leads to
 * what any origin can give by itself, so that keys can be tried where no leader is in reach:
 *
 *     revocations  asked for ten times a second; stale after what the topology says
 *     limits       of the one limited key, held by all gateways of all regions together
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
    snprintf(bulk, sizeof(bulk), "key:%.20s", t->callers[CALLER_BULK].name);
    put(subjects, bulk, json_pack("{s:I}", "per_s", (json_int_t)(t->limits.rate_micro / PPM)));
    put(doc, "subjects", subjects);
    return doc;
}

void render_identity(json_t *doc, const struct topology *t)
{
    json_t *routes = json_object_get(doc, "routes");
    put(json_object_get(routes, "orders"), "identity", json_pack("[s]", "api_key"));
    put(routes, "local",
        json_pack("{s:s, s:s, s:s, s:[s]}", "host", "*", "path", "/bytes/", "upstream", "pool:orders", "identity",
                  "api_key"));
    put(doc, "identity", json_pack("{s:o, s:o}", "keys", keys(t), "revocations", revocations(&t->identity)));
    if (t->limits.given) {
        put(doc, "limits", limits(t));
    }
}
