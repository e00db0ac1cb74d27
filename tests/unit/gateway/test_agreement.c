/* SPDX-License-Identifier: MIT */
/*
 * What the scenario loader accepts, the reference gateway can do: their lists of flaws are the same, and every
 * configuration that a lab renders from an accepted topology passes drgateway's own check, at every extreme.
 */
#include "gateway-under-test/config.h"
#include "gateway-under-test/flaws.h"
#include "gateway-under-test/jwt.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/lab/render.h"
#include "harness/spec/diag.h"
#include "harness/spec/load_tree.h"
#include "harness/spec/topology_spec.h"
#include "injectors/injector.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static struct plan *plan;

static int tear_down(void)
{
    plan_free(plan);
    plan = NULL;
    return 0;
}

/* Load a scenario with this topology, in flow form. What the loader said is in *said. */
static bool accepted(const char *topology, struct text *said)
{
    scoped_text struct text yaml = {0};
    struct diag_list diags = {0};
    struct load l = {.path = "t.yaml"};
    tear_down();
    text_addf(&yaml,
              "drtest: 1\nname: t\nworkload: {reads: {rate: 1000/s}}\ntopology: %s\n"
              "timeline: [{at: 0s, do: nothing}]\ntargets: {availability: 90%%}\n",
              topology);
    l.text = text_str(&yaml);
    l.len = yaml.len;
    l.types = injector_types(&l.type_count);
    load_plan(&l, &plan, &diags, NULL);
    text_clear(said);
    diag_print(&diags, said, false);
    diag_list_deinit(&diags);
    return plan != NULL;
}

/* The loader takes the topology, and drgateway takes the configuration of every node. */
static void fits(const char *topology)
{
    scoped_text struct text said = {0};
    bool good = accepted(topology, &said);
    CU_ASSERT(good);
    if (!good) {
        printf("\n  %.200s\n%s\n", topology, text_str(&said));
        return;
    }
    for (uint16_t i = 0; i < plan->topology->node_count; i++) {
        scoped_json json_t *doc = render_config(plan->topology, i);
        struct config *c = NULL;
        struct err e = {0};
        if (!doc) {
            continue;
        }
        int failed = config_parse(doc, plan->topology->nodes[i].name, &c, &e);
        CU_ASSERT_EQUAL(failed, 0);
        if (failed) {
            printf("\n  %.200s: %s: %s\n", topology, e.at, e.msg);
        }
        config_free(c);
    }
}

static void refused(const char *topology, const char *words)
{
    scoped_text struct text said = {0};
    bool good = !accepted(topology, &said) && strstr(text_str(&said), words);
    CU_ASSERT(good);
    if (!good) {
        printf("\n  %s: expected \"%s\", got:\n%s\n", topology, words, text_str(&said));
    }
}

static void both_know_the_same_flaws(void)
{
    const struct field *f = topology_set.fields;
    while (f < topology_set.fields + topology_set.count && strcmp(f->key, "flaws") != 0) {
        f++;
    }
    size_t n = 0;
    for (; f->words[n]; n++) {
        CU_ASSERT_NOT_EQUAL(flaw_find(f->words[n]), FLAW_COUNT);
    }
    CU_ASSERT_EQUAL(n, FLAW_COUNT);
    CU_ASSERT_EQUAL(f->max, FLAW_COUNT);
    for (int i = 0; i < FLAW_COUNT; i++) {
        char topology[80];
        snprintf(topology, sizeof(topology), "{flaws: [%s]}", flaw_rows[i].name);
        fits(topology);
    }
    refused("{flaws: [no_such_flaw]}", "unknown `flaws` entry `no_such_flaw`");
}

static void failover_at_its_limits(void)
{
    fits("two-regions");
    fits("{tls: true}");
    refused("{tls: true, traffic_manager: gdnsd}", "whose checks speak plain HTTP only");
    fits("{failover: {probe_every: 10ms, unhealthy_after: 3, healthy_after: 1}}");
    fits("{failover: {probe_every: 30ms, unhealthy_after: 1, probe_timeout: 10ms}}");
    fits("{failover: {probe_every: 15ms, unhealthy_after: 2}}");
    fits("{failover: {probe_every: 300500us, unhealthy_after: 7, healthy_after: 9}}");
    fits("{failover: {probe_every: 300s, unhealthy_after: 1, healthy_after: 2, probe_timeout: 600s}}");
    fits("{failover: {probe_every: 3s, unhealthy_after: 100, healthy_after: 100, dns_ttl: 1d}}");
    refused("{failover: {probe_every: 10ms, unhealthy_after: 2}}", "the product is from 30ms to 5m");
    refused("{failover: {probe_every: 29999us, unhealthy_after: 1}}", "is 29.999ms");
    refused("{failover: {probe_every: 150001ms, unhealthy_after: 2, healthy_after: 1}}", "`unhealthy_after` is 5m2ms");
    refused("{failover: {probe_every: 5s, unhealthy_after: 61}}", "the lease of the leading store");
    refused("{failover: {probe_every: 101s}}", "the lease of the leading store");
    refused("{failover: {probe_every: 100s, healthy_after: 7}}", "the product is at most 10m");
    refused("{failover: {probe_every: 100s, healthy_after: 7}}", "^");
    refused("{failover: {probe_every: 9ms}}", "too small");
}

static void replication_at_its_limits(void)
{
    fits("{replication: {mode: async, every: 1ms}}");
    fits("{replication: {mode: sync, every: 600s, degrade: block}}");
    refused("{replication: {every: 601s}}", "write at most 10m");
    refused("{replication: {every: 999us}}", "too small");
}

static void callers(void)
{
    fits("{identity: {}}");
    fits("{identity: {when_stale: fail_closed, stale_after: 100ms, patrol: 1000/s}}");
    fits("{identity: {stale_after: 600s}}");
    fits("{limits: {mode: local, rate: 1/s, offered: 1/s}}");
    fits("{limits: {mode: divided, rate: 100000/s, offered: 10000/s}}");
    fits("{identity: {}, limits: {mode: shared, rate: 40/s, offered: 50/s}}");
    const struct topo_caller *bulk = &plan->topology->callers[CALLER_BULK];
    scoped_json json_t *doc = render_config(plan->topology, 0);
    char hash[SHA256_HEX];
    sha256_hex(bulk->secret, strlen(bulk->secret), hash);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_at(doc, "/identity/keys/bulk/sha256")), hash);
    CU_ASSERT_EQUAL(json_integer_value(json_at(doc, "/limits/subjects/key:bulk/per_s")), 40);
    CU_ASSERT_EQUAL(json_integer_value(json_at(doc, "/limits/gateways")), 4);
    refused("{limits: {rate: 90/m, offered: 50/s}}", "not a whole number of requests per second");
}

static struct jwt_keys *keys_of(const struct token_key *k)
{
    struct jwt_keys *keys = NULL;
    scoped_json json_t *set = token_key_set(k, NULL);
    scoped_free char *text = json_canonical(set);
    CU_ASSERT_EQUAL_FATAL(jwt_keys_read(text, strlen(text), "jwks.json", &keys, NULL), 0);
    return keys;
}

static enum jwt_ruling judged(const struct jwt_keys *keys, const struct text *token, int64_t now_s, int64_t leeway_s)
{
    struct jwt_claims claims = {0};
    const struct jwt_rules rules = {TOPO_AUDIENCE, now_s, leeway_s};
    enum jwt_ruling r = jwt_check(keys, text_str(token), token->len, &rules, &claims);
    CU_ASSERT(r != JWT_GOOD || strcmp(claims.subject, "leaked") == 0);
    return r;
}

/* What customers sign, the gateway believes: as long as it is good, and with that key. */
static void a_token_is_believed(enum token_algorithm algorithm)
{
    const struct token_claims claims = {"leaked", TOPO_AUDIENCE, 1000, 1060};
    scoped_text struct text token = {0};
    struct token_key *own = NULL, *others = NULL, *pinned = NULL;
    CU_ASSERT_EQUAL_FATAL(token_key_new(&own, algorithm, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(token_key_new(&others, algorithm, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(token_key_new(&pinned, algorithm == TOKEN_HS256 ? TOKEN_ES256 : TOKEN_HS256, NULL), 0);
    struct jwt_keys *of_own = keys_of(own), *of_others = keys_of(others), *of_pinned = keys_of(pinned);
    CU_ASSERT_EQUAL(token_sign(own, &claims, &token, NULL), 0);
    CU_ASSERT_EQUAL(judged(of_own, &token, 1000, 0), JWT_GOOD);
    CU_ASSERT_EQUAL(judged(of_own, &token, 1059, 0), JWT_GOOD);
    CU_ASSERT_EQUAL(judged(of_own, &token, 1060, 0), JWT_EXPIRED);
    CU_ASSERT_EQUAL(judged(of_own, &token, 1062, 3), JWT_GOOD);
    CU_ASSERT_EQUAL(judged(of_own, &token, 999, 0), JWT_NOT_YET_VALID);
    CU_ASSERT_EQUAL(judged(of_others, &token, 1000, 0), JWT_BAD_SIGNATURE);
    CU_ASSERT_EQUAL(judged(of_pinned, &token, 1000, 0), JWT_UNKNOWN_KEY); /* a key has one algorithm */
    jwt_keys_free(of_own);
    jwt_keys_free(of_others);
    jwt_keys_free(of_pinned);
    token_key_free(own);
    token_key_free(others);
    token_key_free(pinned);
}

static void tokens(void)
{
    fits("{identity: {tokens: {}}}");
    fits("{identity: {tokens: {algorithm: ES256, lifetime: 4s, leeway: 300s}}, limits: {rate: 40/s, offered: 50/s}}");
    refused("{identity: {tokens: {algorithm: none}}}", "`algorithm`");
    refused("{identity: {tokens: {lifetime: 4500ms}}}", "`lifetime` is not a whole number of seconds");
    refused("{identity: {tokens: {leeway: 100ms}}}", "`leeway` is not a whole number of seconds");
    refused("{identity: {tokens: {leeway: 301s}}}", "too large");
    a_token_is_believed(TOKEN_HS256);
    a_token_is_believed(TOKEN_ES256);
}

static void access_logs(void)
{
    fits("{access_log: true}");
}

static void many_regions(void)
{
    scoped_text struct text t = {0};
    text_add(&t, "{regions: {");
    for (int i = 0; i < 99; i++) {
        text_addf(&t, "%sa-region-with-a-name-of-forty-letters-%02d: {gateways: 1, origins: 4}", i ? ", " : "", i);
    }
    text_add(&t, "}, vantages: {here: {home: a-region-with-a-name-of-forty-letters-00}}}");
    fits(text_str(&t));
    fits("{regions: {alone: {gateways: 8, origins: 4}}}");
    fits("{regions: {a: {role: active}, b: {role: active}}}");
}

void suite_agreement(void)
{
    runner_suite(NULL, tear_down);
    runner_test(both_know_the_same_flaws);
    runner_test(failover_at_its_limits);
    runner_test(replication_at_its_limits);
    runner_test(callers);
    runner_test(tokens);
    runner_test(access_logs);
    runner_test(many_regions);
}
