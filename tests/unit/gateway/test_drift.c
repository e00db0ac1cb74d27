/* SPDX-License-Identifier: MIT */
/*
 * Of which kind a drift is: one gateway on the loop, with a file, a desired state and keys of its own, and each way to
 * make them differ.
 */
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/secrets.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/gateway/scratch.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK_MS 20

static struct loop *loop;
static char folder[64], file[96], desired[96], keys[96], data[96];
static int ports[2];
static struct node node;
static json_t *good;

static int set_up(void)
{
    loop = loop_new(NULL);
    if (loop == NULL || scratch_folder(folder, sizeof(folder), "drift") != 0 ||
        scratch_ports(ports, array_len(ports)) != 0)
        return -1;
    snprintf(file, sizeof(file), "%s/gateway.json", folder);
    snprintf(desired, sizeof(desired), "%s/desired.json", folder);
    snprintf(keys, sizeof(keys), "%s/jwks.json", folder);
    snprintf(data, sizeof(data), "%s/data", folder);
    return mkdir(data, 0700);
}

static int tear_down(void)
{
    loop_free(loop);
    return scratch_remove(folder);
}

static void put(const char *path, const json_t *doc)
{
    scoped_free char *bytes = json_canonical(doc);
    CU_ASSERT_EQUAL(file_replace(path, bytes, strlen(bytes), NULL), 0);
}

/* A JWK set with a key that is written in this letter alone. */
static void put_keys(char letter)
{
    char text[160];
    char key[45] = "";
    memset(key, letter, sizeof(key) - 1);
    snprintf(text, sizeof(text), "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\",\"k\":\"%s\"}]}", key);
    CU_ASSERT_EQUAL(file_replace(keys, text, strlen(text), NULL), 0);
}

static json_t *configuration(const char *policy)
{
    char print[SHA256_HEX];
    sha256_hex("secret", 6, print);
    json_t *route = json_pack("{s:s, s:[s, s]}", "upstream", "http://127.0.0.1:1", "identity", "api_key", "token");
    json_t *identity =
        json_pack("{s:{s:{s:s}}, s:{s:s}}", "keys", "shop", "sha256", print, "tokens", "keys", "jwks.json");
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:{s:o}, s:{}, s:o, s:{s:s, s:i, s:i}}", "node", "us-east/1", "role",
                     "gateway", "region", "us-east", "listen", ports[0], "admin", ports[1], "routes", "x", route,
                     "pools", "identity", identity, "drift", "policy", policy, "check_ms", CHECK_MS, "revert_after_ms",
                     0);
}

static void open_gateway(const char *policy)
{
    struct err e = {0};
    struct config *c = NULL;
    good = configuration(policy);
    put(file, good);
    put(desired, good);
    put_keys('A');
    node = (struct node){.config_path = file, .desired_path = desired, .data_dir = data};
    CU_ASSERT_EQUAL_FATAL(config_read(file, &c, &e), 0);
    CU_ASSERT_EQUAL_FATAL(node_open(&node, loop, c, &e), 0);
}

static void close_gateway(void)
{
    node_close(&node);
    json_decref(good);
    good = NULL;
}

/* The kind that it tells after a few looks, "none" without drift. */
static const char *kind(void)
{
    static char word[32];
    for (int i = 0; i < 8; i++) /* in short turns: however long this process must wait, a few looks are in between */
        loop_run(loop, loop_tick(loop) + CHECK_MS * NS_PER_MS / 2, NULL, NULL);
    scoped_json json_t *status = json_object();
    node.ops->status(&node, status);
    const char *told = json_string_value(json_object_get(status, "drift_kind"));
    CU_ASSERT_EQUAL(json_is_true(json_object_get(status, "drift")), told != NULL);
    snprintf(word, sizeof(word), "%s", told ? told : "none");
    return word;
}

static json_int_t told(const char *word)
{
    scoped_json json_t *status = json_object();
    node.ops->status(&node, status);
    return json_integer_value(json_object_get(json_object_get(status, "drifts"), word));
}

static json_t *with(const char *key, int value)
{
    scoped_json json_t *more = json_pack("{s:i}", key, value);
    return json_merge(good, more);
}

static json_t *with_another_key(void)
{
    char print[SHA256_HEX];
    sha256_hex("leaked", 6, print);
    scoped_json json_t *more = json_pack("{s:{s:{s:{s:s}}}}", "identity", "keys", "shop", "sha256", print);
    return json_merge(good, more);
}

static void a_file_told_of_or_not(void)
{
    open_gateway("alert");
    scoped_json json_t *next = with("drain_ms", 7);
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    put(file, next);
    CU_ASSERT_STRING_EQUAL(kind(), "file_edit"); /* it waits for the next start */
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "file_edit");
    CU_ASSERT_EQUAL(told("file_edit"), 1);
    put(file, good);
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    CU_ASSERT_EQUAL(unlink(file), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "file_edit");
    CU_ASSERT_EQUAL(told("file_edit"), 2);
    close_gateway();
}

static void what_the_file_no_longer_says_is_foreign(void)
{
    open_gateway("alert");
    scoped_json json_t *edited = with("drain_ms", 7);
    put(file, edited);
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    put(file, good); /* and nobody says so */
    CU_ASSERT_STRING_EQUAL(kind(), "foreign");
    close_gateway();
}

static void a_patch_in_the_process(void)
{
    open_gateway("alert");
    scoped_json json_t *patched = with("drain_ms", 7);
    struct config *last = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(node_patch(&node, patched, &e), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "runtime_patch");
    CU_ASSERT_STRING_NOT_EQUAL(node.applied, node.config->fingerprint);
    CU_ASSERT_EQUAL(last_good_read(&node, &last, &e), 0);
    CU_ASSERT_STRING_EQUAL(last->fingerprint, node.applied); /* the next start knows nothing of it */
    config_free(last);
    put(file, patched); /* whoever edits the file as well has still patched the process */
    CU_ASSERT_STRING_EQUAL(kind(), "runtime_patch");
    scoped_json json_t *empty = json_deep_copy(good);
    json_object_clear(json_object_get(empty, "routes"));
    CU_ASSERT_EQUAL(node_patch(&node, empty, &e), -1); /* the guard */
    CU_ASSERT_EQUAL(node.config->drain_ms, 7);
    close_gateway();
}

static void by_policy_a_patch_is_taken_back(void)
{
    open_gateway("revert");
    scoped_json json_t *patched = with("drain_ms", 7);
    CU_ASSERT_EQUAL(node_patch(&node, patched, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    CU_ASSERT_EQUAL(told("runtime_patch"), 1);
    CU_ASSERT_EQUAL(node.counters[COUNTER_reverts], 1);
    CU_ASSERT_STRING_EQUAL(node.applied, node.config->fingerprint);
    close_gateway();
}

static void an_older_desired_one_lags(void)
{
    open_gateway("alert");
    scoped_json json_t *newer = with("drain_ms", 7), *newest = with("drain_ms", 8);
    put(desired, newer);
    CU_ASSERT_STRING_EQUAL(kind(), "lagging");
    put(desired, newest);
    CU_ASSERT_STRING_EQUAL(kind(), "lagging");
    put(file, newest);
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    put(file, newer); /* what was desired once, put back by hand, is an edit */
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "file_edit");
    close_gateway();
}

static void what_waits_for_a_start_is_applied_in_part(void)
{
    open_gateway("revert");
    scoped_json json_t *more =
        json_pack("{s:{s:[{s:s, s:i}]}}", "control", "endpoints", "address", "127.0.0.1", "port", 1);
    scoped_json json_t *next = json_merge(good, more);
    put(desired, next);
    CU_ASSERT_STRING_EQUAL(kind(), "partial_apply");
    CU_ASSERT_EQUAL(node.counters[COUNTER_reverts], 1); /* taken over once, and not again and again */
    close_gateway();
}

static void a_file_that_takes_nothing_leaves_half(void)
{
    open_gateway("revert");
    CU_ASSERT(unlink(file) == 0 && mkdir(file, 0700) == 0);
    CU_ASSERT_STRING_EQUAL(kind(), "partial_apply");
    CU_ASSERT_EQUAL(node.counters[COUNTER_reverts], 0);
    CU_ASSERT_EQUAL(rmdir(file), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    CU_ASSERT_EQUAL(node.counters[COUNTER_reverts], 1);
    close_gateway();
}

static void other_secrets(void)
{
    open_gateway("revert");
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    put_keys('B'); /* on disk, for the next start */
    CU_ASSERT_STRING_EQUAL(kind(), "secret");
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "secret"); /* now in force; nobody here knows the right ones */
    CU_ASSERT_EQUAL(node.counters[COUNTER_reverts], 0);
    put_keys('A');
    CU_ASSERT_STRING_EQUAL(kind(), "secret");
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    CU_ASSERT_EQUAL(told("secret"), 1);
    close_gateway();
}

static void another_hashed_key_is_a_secret(void)
{
    open_gateway("alert");
    scoped_json json_t *leaked = with_another_key();
    put(file, leaked);
    CU_ASSERT_STRING_EQUAL(kind(), "secret");
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "secret");
    scoped_json json_t *more = json_pack("{s:i}", "drain_ms", 7), *both = json_merge(leaked, more);
    put(file, both);
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    CU_ASSERT_STRING_EQUAL(kind(), "file_edit"); /* not of credentials alone */
    close_gateway();
}

static void the_desired_state_may_say_the_secrets(void)
{
    char as_they_are[SHA256_HEX], as_they_will_be[SHA256_HEX];
    open_gateway("revert");
    secrets_print(&node, node.config, as_they_are);
    put_keys('B');
    secrets_print(&node, node.config, as_they_will_be);
    CU_ASSERT_STRING_NOT_EQUAL(as_they_are, as_they_will_be);
    json_t *next = json_deep_copy(good);
    json_object_set_new(next, "secrets", json_string(as_they_will_be));
    put(desired, next); /* a rotation: the new files are read when it is taken over */
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    put_keys('A');
    CU_ASSERT_STRING_EQUAL(kind(), "secret");
    json_decref(next);
    close_gateway();
}

static void equal_secrets_have_equal_fingerprints(void)
{
    char here[SHA256_HEX], there[SHA256_HEX];
    open_gateway("alert");
    secrets_print(&node, node.config, here);
    scoped_json json_t *doc = json_deep_copy(good);
    json_object_set_new(doc, "node", json_string("eu-west/1"));
    json_object_set_new(doc, "region", json_string("eu-west"));
    struct config *other = NULL;
    CU_ASSERT_EQUAL(config_parse(doc, "test", &other, NULL), 0);
    secrets_print(&node, other, there);
    CU_ASSERT_STRING_EQUAL(here, there);
    config_free(other);
    close_gateway();
}

static void the_flaw_conceals_it(void)
{
    open_gateway("alert");
    scoped_json json_t *more = json_pack("{s:[s]}", "flaws", "drift_unreported"), *flawed = json_merge(good, more);
    put(desired, flawed);
    put(file, flawed);
    CU_ASSERT_EQUAL(node_reload(&node, NULL), 0);
    put_keys('B');
    CU_ASSERT_STRING_EQUAL(kind(), "none");
    CU_ASSERT_EQUAL(told("secret"), 0);
    close_gateway();
}

void suite_drift(void)
{
    runner_suite(set_up, tear_down);
    runner_test(a_file_told_of_or_not);
    runner_test(what_the_file_no_longer_says_is_foreign);
    runner_test(a_patch_in_the_process);
    runner_test(by_policy_a_patch_is_taken_back);
    runner_test(an_older_desired_one_lags);
    runner_test(what_waits_for_a_start_is_applied_in_part);
    runner_test(a_file_that_takes_nothing_leaves_half);
    runner_test(other_secrets);
    runner_test(another_hashed_key_is_a_secret);
    runner_test(the_desired_state_may_say_the_secrets);
    runner_test(equal_secrets_have_equal_fingerprints);
    runner_test(the_flaw_conceals_it);
}
