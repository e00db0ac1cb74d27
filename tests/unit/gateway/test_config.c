/* SPDX-License-Identifier: MIT */
/*
 * Configurations that are right, and one wrong thing at a time with the place where it is.
 */
#include "gateway-under-test/breaker.h"
#include "gateway-under-test/config.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static const char gateway[] =
    "{\"node\":\"eu-west/1\",\"role\":\"gateway\",\"region\":\"eu-west\",\"listen\":8080,\"admin\":9900,\"flaws\":[],"
    "\"drain_ms\":500,\"routes\":{\"orders\":{\"host\":\"*\",\"path\":\"/v1/\",\"upstream\":\"pool:orders\","
    "\"rate_limit\":{\"per_s\":100000}},\"x\":{\"upstream\":\"http://10.0.0.1:81\"}},"
    "\"pools\":{\"orders\":{\"policy\":\"least_conn\",\"regions\":[\"us-east\",\"eu-west\"],\"members\":["
    "{\"name\":\"us-east/origin-1\",\"region\":\"us-east\",\"address\":\"10.1.3.2\",\"port\":8080}],"
    "\"check\":{\"path\":\"/healthz\",\"every_ms\":250,\"timeout_ms\":200,\"unhealthy_after\":3,\"healthy_after\":4},"
    "\"passive\":{\"failures\":5,\"eject_ms\":2000},\"connect_ms\":250,\"try_ms\":800,\"total_ms\":950,\"retries\":2}},"
    "\"drift\":{\"check_ms\":1000,\"policy\":\"revert\",\"revert_after_ms\":2000}}";

/* The same with TLS. */
static const char secure[] =
    "{\"node\":\"eu-west/1\",\"role\":\"gateway\",\"region\":\"eu-west\",\"listen\":8080,\"admin\":9900,\"flaws\":[],"
    "\"tls\":{\"listen\":8443,\"certificate\":\"tls.pem\",\"key\":\"key.pem\",\"handshake_ms\":500},"
    "\"routes\":{\"x\":{\"upstream\":\"http://10.0.0.1:81\"}},\"pools\":{}}";

/* With callers. */
static const char asking[] =
    "{\"node\":\"eu-west/1\",\"role\":\"gateway\",\"region\":\"eu-west\",\"listen\":8080,\"admin\":9900,\"flaws\":[],"
    "\"routes\":{\"orders\":{\"path\":\"/v1/\",\"upstream\":\"pool:orders\",\"identity\":[\"api_key\",\"token\"]},"
    "\"open\":{\"upstream\":\"pool:orders\"}},\"pools\":{\"orders\":{\"regions\":[\"us-east\"],\"members\":[{\"name\":"
    "\"us-east/origin-1\",\"region\":\"us-east\",\"address\":\"10.1.3.2\",\"port\":8080}]}},"
    "\"identity\":{\"keys\":{\"shop\":{"
    "\"sha256\":\"41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb\"}},"
    "\"tokens\":{\"keys\":\"jwks.json\",\"audience\":\"shop\",\"leeway_s\":5},"
    "\"revocations\":{\"pool\":\"orders\",\"every_ms\":50,\"stale_after_ms\":1000,\"when_stale\":\"fail_closed\"}},"
    "\"limits\":{\"mode\":\"shared\",\"gateways\":2,\"pool\":\"orders\",\"every_ms\":50,"
    "\"subjects\":{\"key:shop\":{\"per_s\":20}}}}";

static const char store[] =
    "{\"node\":\"us-east/origin-1\",\"role\":\"origin\",\"region\":\"us-east\",\"listen\":8080,\"admin\":9900,"
    "\"flaws\":[\"no_fencing\",\"slow_detect\"],\"store\":{\"mode\":\"sync\",\"every_ms\":200,\"degrade\":\"block\","
    "\"degrade_after_ms\":1000,\"port\":7001,\"home\":true,\"peers\":[{\"region\":\"eu-west\",\"address\":\"10.2.3.2\","
    "\"port\":7001}],\"witness\":{\"address\":\"10.9.1.2\",\"port\":7002},\"lease_ms\":750,\"renew_ms\":250,"
    "\"failback_hold_ms\":1000}}";

static const char passer[] =
    "{\"node\":\"us-east/origin-2\",\"role\":\"origin\",\"region\":\"us-east\",\"listen\":8080,"
    "\"admin\":9900,\"flaws\":[],\"store_at\":{\"address\":\"10.1.3.2\",\"port\":8080}}";

static const char witness[] =
    "{\"node\":\"witness/1\",\"role\":\"witness\",\"region\":\"witness\",\"listen\":7002,\"admin\":9900,\"flaws\":[],"
    "\"lease_ms\":750,\"prefer\":\"us-east\",\"grace_ms\":1500,\"regions\":[\"us-east\",\"eu-west\"]}";

/* A gateway that hears of a control plane, an origin that scales, a control endpoint. */
static const char controlled[] =
    "{\"node\":\"eu-west/1\",\"role\":\"gateway\",\"region\":\"eu-west\",\"listen\":8080,\"admin\":9900,"
    "\"drift\":{\"policy\":\"quarantine\"},\"control\":{\"endpoints\":[{\"address\":\"10.2.4.2\",\"port\":7003}],"
    "\"wait_ms\":1000,\"when_stale\":\"refuse\"},\"routes\":{\"x\":{\"upstream\":\"http://10.0.0.1:81\"}},"
    "\"pools\":{}}";
static const char scaled[] =
    "{\"node\":\"us-east/origin-2\",\"role\":\"origin\",\"region\":\"us-east\",\"listen\":8080,\"admin\":9900,"
    "\"store_at\":{\"address\":\"10.1.3.2\",\"port\":8080},\"scaling\":{\"cold_start_ms\":800,\"most\":8,\"least\":0}}";
static const char control[] =
    "{\"node\":\"us-east/control-1\",\"role\":\"control\",\"region\":\"us-east\",\"listen\":7003,\"admin\":9900}";

static struct config *parsed(const char *text, struct err *e)
{
    struct config *c = NULL;
    scoped_json json_t *doc = json_read(text, strlen(text), "test.json", e);
    if (doc != NULL)
        (void)config_parse(doc, "test.json", &c, e);
    return c;
}

static void all_roles_are_read(void)
{
    struct err e = {0};
    struct config *c = parsed(gateway, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->role == ROLE_GATEWAY && c->route_count == 2 && c->pool_count == 2);
    CU_ASSERT(c->pools[0].policy == POLICY_LEAST_CONN && c->pools[0].check.healthy_after == 4);
    CU_ASSERT(c->drift.revert && c->drift.revert_after_ms == 2000 && c->pools[c->routes[1].pool].members[0].port == 81);
    CU_ASSERT_EQUAL(strlen(c->fingerprint), 64);
    config_free(c);
    c = parsed(secure, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->tls.listen == 8443 && c->tls.handshake_ms == 500);
    CU_ASSERT_STRING_EQUAL(c->tls.certificate, "tls.pem");
    CU_ASSERT_STRING_EQUAL(c->tls.key, "key.pem");
    config_free(c);
    c = parsed(store, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->store != NULL && c->store->sync && !c->store->degrade_async && c->store->home && !c->store->force);
    CU_ASSERT(config_flaw(c, FLAW_no_fencing) && config_flaw(c, FLAW_slow_detect) && !config_flaw(c, FLAW_no_failover));
    config_free(c);
    c = parsed(passer, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->store == NULL && c->store_at != NULL);
    config_free(c);
    c = parsed(controlled, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->control.count == 1 && c->control.wait_ms == 1000 && c->control.refuse_stale &&
              c->control.stale_after_ms == 5000);
    CU_ASSERT(c->drift.quarantine && !c->drift.revert);
    config_free(c);
    c = parsed(scaled, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->scaling.cold_start_ms == 800 && c->scaling.most == 8 && c->scaling.least == 0 &&
              c->scaling.per_instance == 10);
    config_free(c);
    c = parsed(control, &e);
    CU_ASSERT(c != NULL && c->role == ROLE_CONTROL);
    config_free(c);
    c = parsed(witness, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->region_count == 2 && strcmp(c->prefer, "us-east") == 0);
    config_free(c);
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
}

/* Put `to` in the place of the first `from`, and expect a failure at the pointer `at`. */
static void breaks(const char *text, const char *from, const char *to, const char *at)
{
    char edited[2048];
    const char *place = strstr(text, from);
    struct err e = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    (void)snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    struct config *c = parsed(edited, &e);
    if (c != NULL || strstr(e.at, at) == NULL) {
        (void)fprintf(stderr, "%s -> %s: %s, at %s: %s\n", from, to, c ? "accepted" : "refused", e.at, e.msg);
        CU_FAIL("not refused at the right place");
    }
    config_free(c);
}

static void wrong_gateways_are_refused_where_they_are_wrong(void)
{
    breaks(gateway, "\"listen\":8080", "\"listen\":0", "/listen");
    breaks(gateway, "\"listen\":8080", "\"listen\":\"8080\"", "/listen");
    breaks(gateway, "\"admin\":9900", "\"admin\":8080", "/admin");
    breaks(gateway, "\"role\":\"gateway\"", "\"role\":\"router\"", "/role");
    breaks(gateway, "\"flaws\":[]", "\"flaws\":[\"no_failovr\"]", "/flaws");
    breaks(gateway, "\"flaws\":[]", "\"flaws\":\"no_failover\"", "/flaws");
    breaks(gateway, "\"drain_ms\"", "\"drain\"", "/drain");
    breaks(gateway, "\"drain_ms\":500", "\"finish_ms\":600001", "/finish_ms");
    breaks(gateway, "\"drain_ms\":500", "\"secrets\":\"5be0cd19\"", "/secrets"); /* no whole fingerprint */
    breaks(gateway, "\"drain_ms\":500", "\"secrets\":7", "/secrets");
    breaks(gateway, "pool:orders", "pool:other", "/routes/orders/upstream");
    breaks(gateway, "http://10.0.0.1:81", "http://10.0.0.1:81/x", "/routes/x/upstream");
    breaks(gateway, "http://10.0.0.1:81", "http://10.0.0.300:81", "/routes/x/upstream");
    breaks(gateway, "\"path\":\"/v1/\"", "\"path\":\"v1\"", "/routes/orders/path");
    breaks(gateway, "\"path\":\"/v1/\"", "\"methods\":[]", "/routes/orders/methods");
    breaks(gateway, "\"path\":\"/v1/\"", "\"methods\":[\"get\"]", "/routes/orders/methods");
    breaks(gateway, "\"path\":\"/v1/\"", "\"methods\":[\"GET\",\"GET\"]", "/routes/orders/methods");
    breaks(gateway, "\"path\":\"/v1/\"", "\"methods\":[\"ABCDEFGHIJKLMNOPQ\"]", "/routes/orders/methods");
    breaks(gateway, "\"per_s\":100000", "\"per_s\":0", "/routes/orders/rate_limit/per_s");
    breaks(gateway, "least_conn", "fastest", "/pools/orders/policy");
    breaks(gateway, "\"regions\":[\"us-east\",\"eu-west\"]", "\"regions\":[\"eu-west\"]",
           "/pools/orders/members/0/region");
    breaks(gateway, "\"regions\":[\"us-east\",\"eu-west\"]", "\"regions\":[]", "/pools/orders/regions");
    breaks(gateway, "\"regions\":[\"us-east\",", "\"regions\":[\"eu-west\",", "/pools/orders/regions");
    breaks(gateway, "10.1.3.2", "origin.example", "/pools/orders/members/0/address");
    breaks(gateway, "\"every_ms\":250", "\"every_ms\":250.5", "/pools/orders/check/every_ms");
    breaks(gateway, "\"path\":\"/healthz\"", "\"path\":\"/a b\"", "/pools/orders/check/path");
    breaks(gateway, "\"try_ms\":800", "\"try_ms\":951", "/pools/orders/try_ms");
    breaks(gateway, "\"try_ms\":800", "\"try_ms\":99999999999999999999", "");
    breaks(gateway, "\"policy\":\"revert\"", "\"policy\":\"ignore\"", "/drift/policy");
    breaks(secure, "8443", "8080", "/tls/listen");
    breaks(secure, "8443", "9900", "/tls/listen");
    breaks(secure, "\"certificate\":\"tls.pem\"", "\"certificate\":\"\"", "/tls/certificate");
    breaks(secure, "\"certificate\":\"tls.pem\",", "", "/tls/certificate");
    breaks(secure, "\"handshake_ms\":500", "\"handshake_ms\":0", "/tls/handshake_ms");
    breaks(secure, "handshake_ms", "hanshake_ms", "/tls/hanshake_ms");
    breaks(secure, "\"role\":\"gateway\"", "\"role\":\"origin\"", "/tls");
}

/* One pool that says all it can. */
static const char balanced[] =
    "{\"node\":\"a/1\",\"role\":\"gateway\",\"region\":\"a\",\"listen\":8080,\"admin\":9900,\"in_flight\":50,"
    "\"routes\":{\"x\":{\"upstream\":\"pool:p\"}},\"pools\":{\"p\":{\"policy\":\"ip_hash\",\"hash\":\"modulo\","
    "\"user\":\"query:key\",\"panic\":\"fail_fast\",\"spill_over\":true,\"regions\":[\"a\"],\"members\":["
    "{\"name\":\"m\",\"region\":\"a\",\"address\":\"10.1.3.2\",\"port\":8080,\"weight\":7}],\"check\":{"
    "\"FullyQualifiedDomainName\":\"api.example\",\"Port\":81,\"RequestInterval\":10,\"FailureThreshold\":2,"
    "\"SuccessThreshold\":5,\"status\":204},\"passive\":{\"eject_share\":30},\"breaker\":{\"failures\":9,"
    "\"open_ms\":70,\"probes\":4,\"triggers\":[\"refuse\",\"5xx\"]},\"first_byte_ms\":300,\"backoff_ms\":10}}}";

static void a_pool_says_how_it_shares(void)
{
    struct err e = {0};
    struct config *c = parsed(balanced, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    const struct config_pool *p = &c->pools[0];
    CU_ASSERT(c->in_flight == 50 && p->policy == POLICY_IP_HASH && p->hash == HASH_MODULO && p->spill_over);
    CU_ASSERT(p->user_by == USER_BY_QUERY && p->panic == PANIC_FAIL_FAST && p->panic_below == 50);
    CU_ASSERT_STRING_EQUAL(p->user_key, "key");
    CU_ASSERT(p->members[0].weight == 7 && p->passive.eject_share == 30 && p->passive.failures == 5);
    CU_ASSERT(p->breaker.failures == 9 && p->breaker.open_ms == 70 && p->breaker.probes == 4);
    CU_ASSERT_EQUAL(p->breaker.triggers, 1u << ATTEMPT_REFUSE | 1u << ATTEMPT_5XX);
    CU_ASSERT(p->first_byte_ms == 300 && p->backoff_ms == 10 && p->try_ms == 800);
    config_free(c);
}

static void checks_can_be_written_as_in_managed_dns(void)
{
    struct err e = {0};
    struct config *c = parsed(balanced, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    const struct config_check *k = &c->pools[0].check;
    CU_ASSERT_STRING_EQUAL(k->host, "api.example");
    CU_ASSERT(k->port == 81 && k->every_ms == 10000 && k->unhealthy_after == 2 && k->healthy_after == 5 &&
              k->status == 204);
    config_free(c);
    breaks(balanced, "\"FailureThreshold\":2", "\"FailureThreshold\":2,\"unhealthy_after\":2",
           "/check/FailureThreshold");
    breaks(balanced, "\"RequestInterval\":10", "\"RequestInterval\":0", "/check/RequestInterval");
}

static void wrong_pools_are_refused_where_they_are_wrong(void)
{
    breaks(balanced, "query:key", "query:", "/pools/p/user");
    breaks(balanced, "query:key", "cookie", "/pools/p/user");
    breaks(balanced, "\"weight\":7", "\"weight\":0", "/pools/p/members/0/weight");
    breaks(balanced, "\"5xx\"", "\"4xx\"", "/pools/p/breaker/triggers");
    breaks(balanced, "fail_fast", "hope", "/pools/p/panic");
    breaks(balanced, "modulo", "random", "/pools/p/hash");
    breaks(balanced, "\"eject_share\":30", "\"eject_share\":101", "/pools/p/passive/eject_share");
    breaks(balanced, "\"in_flight\":50", "\"in_flight\":-1", "/in_flight");
    breaks(passer, "\"flaws\":[]", "\"capacity\":{\"slots\":2}", "/capacity/service_us");
}

/* What a gateway watches and a store backs up, put behind `"flaws":`. */
static void watching_and_backups_are_optional(void)
{
    char text[2048];
    struct err e = {0};
    const char *at = strstr(store, "\"store\"");
    struct config *c = parsed(gateway, &e);
    CU_ASSERT(c != NULL && c->alerts == NULL && c->access_log == NULL);
    config_free(c);
    (void)snprintf(text, sizeof(text), "{\"alerts\":{\"rules\":[\"errors\"]},\"access_log\":{\"path\":\"a.log\"},%s",
                   gateway + 1);
    c = parsed(text, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->alerts->window_ms == 1000 && c->alerts->slow_percent == 120 && c->alerts->rules == 2);
    CU_ASSERT_STRING_EQUAL(c->access_log, "a.log");
    CU_ASSERT_EQUAL(c->access_log_max, 0);
    config_free(c);
    breaks(text, "\"errors\"", "\"loud\"", "/alerts/rules");
    breaks(text, "[\"errors\"]", "[]", "/alerts/rules");
    breaks(text, "\"rules\":", "\"slow_percent\":100,\"rules\":", "/alerts/slow_percent");
    breaks(text, "\"rules\":", "\"windows_ms\":100,\"rules\":", "/alerts/windows_ms");
    breaks(text, "\"path\":\"a.log\"", "\"path\":7", "/access_log/path");
    breaks(text, "\"path\":\"a.log\"", "", "/access_log/path");
    breaks(text, "\"a.log\"", "\"a.log\",\"max_bytes\":-1", "/access_log/max_bytes");
    (void)snprintf(text, sizeof(text),
                   "%.*s\"backup\":{\"every_ms\":500,\"offsite\":[{\"region\":\"eu-west\",\"address\":"
                   "\"10.2.3.2\",\"port\":8080}]},%s",
                   (int)(at - store), store, at);
    c = parsed(text, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->backup->every_ms == 500 && c->backup->offsite_count == 1);
    config_free(c);
    breaks(text, "\"every_ms\":500", "\"every_ms\":5", "/backup/every_ms");
    breaks(text, "\"region\":\"eu-west\",\"address\":\"10.2.3.2\",\"port\":8080",
           "\"region\":\"../west\",\"address\":\"10.2.3.2\",\"port\":8080", "/backup/offsite/0/region");
    breaks(text, "10.2.3.2", "elsewhere", "/backup/offsite/0/address");
    breaks(passer, "\"flaws\":[]", "\"flaws\":[],\"backup\":{}", "/backup");
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
}

/* Would a gateway that runs the fixture, with more routes of that sort, go over to what the merge patch makes of it? */
static bool admits(int more, const char *patch, const char *flaw)
{
    struct err e = {0};
    struct config *now = NULL, *next = NULL;
    scoped_json json_t *doc = json_loads(gateway, 0, NULL), *change = json_loads(patch, 0, NULL);
    char name[] = "a";
    for (; more > 0; more--, name[0]++)
        json_object_set_new(json_object_get(doc, "routes"), name, json_pack("{s:s}", "upstream", "pool:orders"));
    if (flaw)
        json_array_append_new(json_object_get(doc, "flaws"), json_string(flaw));
    scoped_json json_t *changed = json_merge(doc, change);
    CU_ASSERT_EQUAL_FATAL(config_parse(doc, "now", &now, &e), 0);
    CU_ASSERT_EQUAL_FATAL(config_parse(changed, "next", &next, &e), 0);
    bool fine = config_guard(now, next, &e) == 0;
    CU_ASSERT(fine || (e.kind == ERR_MEANING && strstr(e.help, "force") != NULL));
    config_free(now);
    config_free(next);
    return fine;
}

static void the_guard_refuses_what_offers_too_little(void)
{
    const char *empty = "{\"routes\": {\"orders\": null, \"x\": null}}", *one_less = "{\"routes\": {\"x\": null}}";
    const char *forced = "{\"routes\": {\"orders\": null, \"x\": null}, \"force\": true}";
    const char *half = "{\"routes\": {\"orders\": null, \"a\": null}, \"pools\": {\"orders\": null}}";
    CU_ASSERT_TRUE(admits(0, "{}", NULL));
    CU_ASSERT_TRUE(admits(0, one_less, NULL));
    CU_ASSERT_TRUE(admits(0, half, NULL)); /* of 2 routes and 2 members, 1 and 1 are left */
    CU_ASSERT_FALSE(admits(1, half, NULL)); /* of 3 and 2 */
    CU_ASSERT_TRUE(admits(1, half, "accept_empty_config"));
    CU_ASSERT_FALSE(admits(0, empty, NULL));
    CU_ASSERT_TRUE(admits(0, forced, NULL));
    CU_ASSERT_TRUE(admits(0, empty, "accept_empty_config"));
}

static void wrong_stores_and_witnesses_are_refused(void)
{
    breaks(store, "\"mode\":\"sync\"", "\"mode\":\"semi\"", "/store/mode");
    breaks(store, "\"renew_ms\":250", "\"renew_ms\":400", "/store/renew_ms");
    breaks(store, "\"home\":true", "\"home\":1", "/store/home");
    breaks(store, "\"home\":true", "\"durability\":\"paper\"", "/store/durability");
    breaks(store, "\"port\":7001,\"home\"", "\"port\":8080,\"home\"", "/store/port");
    breaks(store, "\"region\":\"eu-west\"", "\"region\":\"us-east\"", "/store/peers/0/region");
    breaks(store, "\"failback_hold_ms\":1000}",
           "\"failback_hold_ms\":1000},\"store_at\":{\"address\":\"1.2.3.4\",\"port\":1}", "/store");
    breaks(passer, ",\"store_at\":{\"address\":\"10.1.3.2\",\"port\":8080}", "", "/store");
    breaks(passer, "\"port\":8080}", "\"port\":65536}", "/store_at/port");
    breaks(witness, "\"prefer\":\"us-east\"", "\"prefer\":\"us-west\"", "/prefer");
    breaks(witness, "\"regions\":[\"us-east\",\"eu-west\"]", "\"regions\":[\"us-east\",7]", "/regions");
}

static void help_names_what_was_meant(void)
{
    struct err e = {0};
    char edited[2048];
    (void)snprintf(edited, sizeof(edited), "%s", witness);
    memcpy(strstr(edited, "grace_ms"), "grase_ms", 8);
    CU_ASSERT_PTR_NULL(parsed(edited, &e));
    CU_ASSERT_PTR_NOT_NULL(strstr(e.help, "grace_ms"));
}

static void callers_are_read(void)
{
    struct err e = {0};
    struct config *c = parsed(asking, &e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->routes[0].takes_key && c->routes[0].takes_token && !c->routes[1].takes_key &&
              !c->routes[1].takes_token);
    CU_ASSERT(c->identity.key_count == 1 && c->identity.keys[0].hash[0] == 0x41 &&
              c->identity.keys[0].hash[31] == 0xeb);
    CU_ASSERT(c->identity.fail_closed && c->identity.stale_after_ms == 1000 && c->identity.revocation_pool == 0);
    CU_ASSERT(c->identity.leeway_s == 5 && strcmp(c->identity.audience, "shop") == 0);
    CU_ASSERT(c->limits.mode == LIMIT_SHARED && c->limits.gateways == 2 && c->limits.count == 1 &&
              c->limits.at[0].per_s == 20);
    config_free(c);
    c = parsed(gateway, &e);
    CU_ASSERT(c->identity.revocation_pool == -1 && c->limits.count == 0 && c->limits.pool == -1);
    config_free(c);
}

static void wrong_callers_are_refused_where_they_are_wrong(void)
{
    breaks(asking, "\"api_key\",\"token\"", "", "/routes/orders/identity");
    breaks(asking, "\"api_key\",\"token\"", "\"password\"", "/routes/orders/identity");
    breaks(asking, "\"shop\":{\"sha", "\"a.b\":{\"sha", "/identity/keys/a.b");
    breaks(asking, "\"shop\":{\"sha", "\"a-name-that-is-too-long\":{\"sha", "/identity/keys/a-name-that-is-too-long");
    breaks(asking, "41ef", "41EF", "/identity/keys/shop/sha256");
    breaks(asking, "41ef", "41e", "/identity/keys/shop/sha256");
    breaks(asking, "\"keys\":\"jwks.json\",", "", "/identity/tokens/keys");
    breaks(asking,
           "\"keys\":{\"shop\":{\"sha256\":\"41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb\"}},", "",
           "/identity"); /* nobody could show a key */
    breaks(asking, "\"leeway_s\":5", "\"leeway_s\":-1", "/identity/tokens/leeway_s");
    breaks(asking, "\"pool\":\"orders\",\"every_ms\":50,\"st", "\"pool\":\"x\",\"every_ms\":50,\"st",
           "/identity/revocations/pool");
    breaks(asking, "fail_closed", "fail_open", "/identity/revocations/when_stale");
    breaks(asking, "\"shared\"", "\"central\"", "/limits/mode");
    breaks(asking, "\"gateways\":2", "\"gateways\":0", "/limits/gateways");
    breaks(asking, "\"pool\":\"orders\",\"every_ms\":50,\"su", "\"every_ms\":50,\"su", "/limits/pool");
    breaks(asking, "\"per_s\":20", "\"per_s\":0", "/limits/subjects/key:shop/per_s");
    breaks(asking, "\"key:shop\"", "\"key:a-name-that-is-too-long\"", "/limits/subjects/key:a-name-that-is-too-long");
}

static void no_document_is_no_configuration(void)
{
    static const char *const rows[] = {"", "[]", "null", "7", "{", "{}", "{\"node\":{}}", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < array_len(rows); i++) {
        struct err e = {0};
        CU_ASSERT_PTR_NULL(parsed(rows[i], &e));
        CU_ASSERT_NOT_EQUAL(e.kind, ERR_NONE);
    }
    struct config *c = NULL;
    CU_ASSERT_EQUAL(config_read("/nonexistent.json", &c, NULL), -1);
    CU_ASSERT_EQUAL(config_read("/tmp", &c, NULL), -1);
}

void suite_config(void)
{
    runner_suite(NULL, NULL);
    runner_test(all_roles_are_read);
    runner_test(watching_and_backups_are_optional);
    runner_test(wrong_gateways_are_refused_where_they_are_wrong);
    runner_test(a_pool_says_how_it_shares);
    runner_test(checks_can_be_written_as_in_managed_dns);
    runner_test(wrong_pools_are_refused_where_they_are_wrong);
    runner_test(the_guard_refuses_what_offers_too_little);
    runner_test(wrong_stores_and_witnesses_are_refused);
    runner_test(help_names_what_was_meant);
    runner_test(callers_are_read);
    runner_test(wrong_callers_are_refused_where_they_are_wrong);
    runner_test(no_document_is_no_configuration);
}
