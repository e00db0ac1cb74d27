/* SPDX-License-Identifier: MIT */
/*
 * Who may call the bundled gateway, and how often, with real processes on loopback: gateway_identity DRGATEWAY NAME,
 * the names being listed at the end. Exit code 0 or a message.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define OLD_KEY \
    "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\",\"k\":\"b2xkIHNlY3JldCBvZiB0aGUgbGl2ZSB0ZXN0LCAzMiBiKw\"}"
#define NEW_KEY \
    "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"b\",\"k\":\"bmV3IHNlY3JldCBvZiB0aGUgbGl2ZSB0ZXN0LCAzMiBiKw\"}"
/* Of alice for the shop, with the id t1, until the year 2100; the last one ended in 2001. */
#define OLD_TOKEN                                                                                                 \
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ."                                                                         \
    "eyJzdWIiOiJhbGljZSIsImF1ZCI6InNob3AiLCJleHAiOjQxMDI0NDQ4MDAsImp0aSI6InQxIn0."                                \
    "MkA3PktGIo7vixw96m9ZvcGaDTDp5WomTRS5-dDZ_yA"
#define NEW_TOKEN                                                                                                 \
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImIifQ."                                                                         \
    "eyJzdWIiOiJhbGljZSIsImF1ZCI6InNob3AiLCJleHAiOjQxMDI0NDQ4MDAsImp0aSI6InQxIn0."                                \
    "Ok9me0W-ETazPxV2W1KI7PlXDQR9hr_JEm5D7MDVUUk"
#define ENDED_TOKEN                                                                                               \
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImIifQ."                                                                         \
    "eyJzdWIiOiJhbGljZSIsImF1ZCI6InNob3AiLCJleHAiOjEwMDAwMDAwMDAsImp0aSI6InQyIn0."                                \
    "qph29WYNsugHrk7N3TeOb1kcsrPkvLWSvpzxiHlI-Ak"
#define SHOP "X-API-Key: shop.open sesame\r\n"
#define BULK "X-API-Key: bulk.bulk secret\r\n"
#define BEARER(token) "Authorization: Bearer " token "\r\n"

enum { PER_S = 20 };

static struct stage stage;
static struct reply answer;

static void put(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", stage.dir, name);
    check(file_replace(path, text, strlen(text), NULL) == 0);
}

/* Give a gateway callers: its file, its desired state, and the word to read them. */
static void furnish(enum stage_node gate)
{
    static const char *const files[] = {"json", "desired"};
    char path[128];
    scoped_text struct text bytes = {0};
    stage_path(&stage, gate, "json", path);
    check(text_read_file(&bytes, path, 1 << 20, NULL) == 0);
    scoped_json json_t *doc = json_loads(text_str(&bytes), 0, NULL);
    check(doc != NULL);
    json_object_set_new(
        doc, "identity",
        json_pack("{s:{s:{s:s}, s:{s:s}}, s:{s:s, s:s}, s:{s:s, s:i, s:i, s:s}}", "keys", "shop", "sha256",
                  "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb", "bulk", "sha256",
                  "0805102dc0545074030a0c003c58c77d03ad11b48ed8efb540688a272c16c6a6", "tokens", "keys", "jwks.json",
                  "audience", "shop", "revocations", "pool", "orders", "every_ms", 50, "stale_after_ms", 1000,
                  "when_stale", "fail_closed"));
    json_object_set_new(doc, "limits",
                        json_pack("{s:s, s:i, s:s, s:i, s:{s:{s:i}}}", "mode", "shared", "gateways", 2, "pool",
                                  "orders", "every_ms", 50, "subjects", "key:bulk", "per_s", PER_S));
    json_t *routes = json_object_get(doc, "routes");
    json_object_set_new(json_object_get(routes, "orders"), "identity", json_pack("[s, s]", "api_key", "token"));
    json_object_set_new(routes, "bytes", json_pack("{s:s, s:s, s:[s]}", "path", "/bytes/", "upstream", "pool:orders",
                                                   "identity", "api_key"));
    scoped_free char *text = json_canonical(doc);
    for (size_t i = 0; i < array_len(files); i++) {
        stage_path(&stage, gate, files[i], path);
        check(file_replace(path, text, strlen(text), NULL) == 0);
    }
    stage_signal(&stage, gate, SIGHUP);
}

/* Status of a request with these fields; *why, if wanted, is its X-DR-Reason. */
static int get(enum stage_node gate, const char *target, const char *fields, char why[64])
{
    char none[64] = "";
    if (!ask(stage_port(&stage, gate), "GET", target, fields, "", 2000, &answer))
        return 0;
    if (!field(&answer, "X-DR-Reason", why ? why : none, 64) && why)
        why[0] = '\0';
    return answer.status;
}

static bool is(enum stage_node gate, const char *fields, int status, const char *reason)
{
    char why[64];
    return get(gate, "/v1/orders?key=k1", fields, why) == status && strcmp(why, reason) == 0;
}

static void wait_is(enum stage_node gate, const char *fields, int status, const char *reason, int64_t limit_ms)
{
    for (int64_t end = now_ms() + limit_ms; !is(gate, fields, status, reason); pause_ms(10))
        check(now_ms() < end && "the gateway changes its mind in time");
}

static void open_world(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 50});
    wait_leader(&stage, STORE_US, 5000);
    wait_in_sync(&stage, 5000);
    put("jwks.json", "{\"keys\":[" OLD_KEY "]}");
    furnish(GATE_US);
    furnish(GATE_EU);
    wait_is(GATE_US, SHOP, 200, "", 2000);
    wait_is(GATE_EU, SHOP, 200, "", 2000);
}

static void keys(void)
{
    open_world();
    check(is(GATE_US, "", 401, "no_credential"));
    check(is(GATE_US, "X-API-Key: shop.open sesam\r\n", 401, "unknown_key"));
    check(is(GATE_US, "X-API-Key: shop\r\n", 401, "unknown_key"));
    check(is(GATE_US, "X-API-Key: nobody.open sesame\r\n", 401, "unknown_key"));
    check(is(GATE_US, SHOP BEARER(OLD_TOKEN), 401, "two_credentials"));
    check(is(GATE_US, BEARER(OLD_TOKEN), 200, ""));
    check(is(GATE_US, BEARER(NEW_TOKEN), 401, "unknown_token_key"));
    check(is(GATE_US, BEARER("a.b"), 401, "malformed_token"));
    char why[64];
    check(get(GATE_US, "/bytes/8", BEARER(OLD_TOKEN), why) == 403 && strcmp(why, "kind_not_taken") == 0);
    check(get(GATE_US, "/bytes/8", SHOP, NULL) == 200);
    /* The new key comes before the old one goes; a broken set is refused, and what runs is kept. */
    put("jwks.json", "{\"keys\":[" OLD_KEY "," NEW_KEY "]}");
    stage_signal(&stage, GATE_US, SIGHUP);
    wait_is(GATE_US, BEARER(NEW_TOKEN), 200, "", 2000);
    check(is(GATE_US, BEARER(OLD_TOKEN), 200, ""));
    put("jwks.json", "{\"keys\":[]}");
    stage_signal(&stage, GATE_US, SIGHUP);
    pause_ms(200);
    check(is(GATE_US, BEARER(NEW_TOKEN), 200, ""));
    put("jwks.json", "{\"keys\":[" NEW_KEY "]}");
    stage_signal(&stage, GATE_US, SIGHUP);
    wait_is(GATE_US, BEARER(OLD_TOKEN), 401, "unknown_token_key", 2000);
    check(is(GATE_US, BEARER(ENDED_TOKEN), 401, "expired"));
    check(is(GATE_EU, BEARER(OLD_TOKEN), 200, "")); /* nobody told this one */
}

static int order_revocation(enum stage_node store, const char *subject)
{
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"subject\":\"%s\"}", subject);
    check(ask(stage_admin(&stage, store), "POST", "/revocations", "", body, 2000, &answer));
    return answer.status;
}

static void revocation(void)
{
    open_world();
    check(order_revocation(STORE_EU, "key:shop") == 409);
    check(order_revocation(STORE_US, "key shop") == 400);
    check(order_revocation(STORE_US, "key:shop") == 200 && order_revocation(STORE_US, "key:shop") == 200);
    wait_is(GATE_US, SHOP, 403, "revoked", 500);
    wait_is(GATE_EU, SHOP, 403, "revoked", 500);
    check(is(GATE_US, BEARER(OLD_TOKEN), 200, ""));
    check(order_revocation(STORE_US, "jti:t1") == 200);
    wait_is(GATE_US, BEARER(OLD_TOKEN), 403, "revoked", 500);
    scoped_json json_t *ops = all_ops(&stage, STORE_EU);
    check(json_array_size(ops) == 0); /* it is no order */
    /* The next leader has it; and who is started again with nobody to ask still refuses whom he refused. */
    stage_kill(&stage, STORE_US);
    wait_leader(&stage, STORE_EU, 3000);
    wait_is(GATE_EU, BULK, 200, "", 1000);
    check(is(GATE_EU, SHOP, 403, "revoked"));
    stage_kill(&stage, STORE_EU);
    wait_is(GATE_EU, BULK, 503, "revocations_stale", 2500);
    stage_kill(&stage, GATE_EU);
    stage_start(&stage, GATE_EU);
    wait_is(GATE_EU, SHOP, 403, "revoked", 2000);
    check(is(GATE_EU, BULK, 503, "revocations_stale"));
}

/* Requests of the limited caller that both gateways together let through, asked for so long as fast as they answer. */
static int let_through(int64_t ms)
{
    int n = 0;
    for (int64_t end = now_ms() + ms; now_ms() < end; pause_ms(4)) {
        n += get(GATE_US, "/bytes/8", BULK, NULL) == 200;
        n += get(GATE_EU, "/bytes/8", BULK, NULL) == 200;
    }
    return n;
}

static void limits(void)
{
    open_world();
    char why[64], after[64];
    (void)let_through(1000); /* what had gathered is spent */
    int n = let_through(3000), due = 3 * PER_S;
    (void)printf("let through %d, %d a second being allowed for three\n", n, PER_S);
    /* A machine that stands still lets a second's worth gather; each gateway for itself would make it twice as much. */
    check(n >= due / 2 && n <= due + PER_S + PER_S / 2);
    while (get(GATE_US, "/bytes/8", BULK, why) == 200)
        continue;
    check(answer.status == 429 && strcmp(why, "rate_limited") == 0 &&
          field(&answer, "Retry-After", after, sizeof(after)));
    check(get(GATE_US, "/bytes/8", SHOP, NULL) == 200);
}

int main(int argc, char **argv)
{
    static const struct stage_drill drills[] = {{"keys", keys}, {"revocation", revocation}, {"limits", limits}};
    return stage_main(&stage, argc, argv, drills, array_len(drills));
}
