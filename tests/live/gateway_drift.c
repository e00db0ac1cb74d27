/* SPDX-License-Identifier: MIT */
/*
 * Each kind of drift as a real gateway tells it, by processes on loopback: gateway_drift DRGATEWAY NAME, the names
 * being listed at the end. Exit code 0 or a message.
 *
 * A drift that is put right lasts a few hundred milliseconds, which a busy machine may sleep through; so what is waited
 * for is never the drift itself but how often the gateway says to have found one of that kind.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct stage stage;
static struct reply answer;

static json_t *read_config(enum stage_node n)
{
    char path[128];
    scoped_text struct text bytes = {0};
    stage_path(&stage, n, "json", path);
    check(text_read_file(&bytes, path, 1 << 20, NULL) == 0);
    json_t *doc = json_loads(text_str(&bytes), 0, NULL);
    check(doc != NULL);
    return doc;
}

static void write_config(enum stage_node n, const char *suffix, const json_t *doc)
{
    char path[128];
    scoped_free char *bytes = json_canonical(doc);
    stage_path(&stage, n, suffix, path);
    check(file_replace(path, bytes, strlen(bytes), NULL) == 0);
}

static json_t *with_drain(const json_t *doc, int ms)
{
    scoped_json json_t *more = json_pack("{s:i}", "drain_ms", ms);
    return json_merge(doc, more);
}

static void wait_found(enum stage_node gate, const char *kind, json_int_t times)
{
    for (int64_t end = now_ms() + 5000; drifts_of(&stage, gate, kind) < times; pause_ms(20))
        check(now_ms() < end && "the gateway tells this kind of drift");
    check(drifts_of(&stage, gate, kind) == times);
}

/* Until this is desired and runs, and it says that there is no drift. */
static void wait_over(enum stage_node gate, const json_t *wanted)
{
    char print[SHA256_HEX];
    json_fingerprint(wanted, print);
    for (int64_t end = now_ms() + 5000;; pause_ms(20)) {
        scoped_json json_t *s = status_of(&stage, gate);
        const char *config = json_string_value(json_object_get(s, "config"));
        const char *desired = json_string_value(json_object_get(s, "desired"));
        if (config && desired && !strcmp(config, print) && !strcmp(desired, print) &&
            json_is_false(json_object_get(s, "drift")) && json_is_null(json_object_get(s, "drift_kind")))
            return;
        check(now_ms() < end && "the drift is over");
    }
}

/* Until the drift that is told is of this kind, and stays. */
static void wait_stands(enum stage_node gate, const char *kind)
{
    for (int64_t end = now_ms() + 5000;; pause_ms(20)) {
        scoped_json json_t *s = status_of(&stage, gate);
        const char *word = json_string_value(json_object_get(s, "drift_kind"));
        if (word && !strcmp(word, kind) && json_is_true(json_object_get(s, "drift")))
            return;
        check(now_ms() < end && "the gateway tells this kind of drift");
    }
}

/* A drift stays until somebody acts. */
static void only_alert(enum stage_node gate)
{
    scoped_json json_t *good = read_config(gate), *more = json_pack("{s:{s:s}}", "drift", "policy", "alert");
    scoped_json json_t *next = json_merge(good, more);
    write_config(gate, "json", next);
    write_config(gate, "desired", next);
    stage_signal(&stage, gate, SIGHUP);
    wait_over(gate, next);
}

static void file_edit(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    scoped_json json_t *good = read_config(GATE_EU), *edited = with_drain(good, 77);
    write_config(GATE_EU, "json", edited);
    wait_found(GATE_EU, "file_edit", 1);
    wait_over(GATE_EU, good);
    write_config(GATE_EU, "json", edited);
    stage_signal(&stage, GATE_EU, SIGHUP);
    wait_found(GATE_EU, "file_edit", 2);
    wait_over(GATE_EU, good);
}

static int put_config(const char *from, const json_t *config)
{
    scoped_json json_t *order = json_pack("{s:s, s:O}", "from", from, "config", config);
    scoped_free char *body = json_canonical(order);
    return ask(stage_admin(&stage, GATE_EU), "PUT", "/config", "", body, 500, &answer) ? answer.status : 0;
}

/* Past file and control plane; nobody else's patch is run over, and a restart knows nothing of it. */
static void runtime_patch(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    char print[SHA256_HEX];
    scoped_json json_t *good = read_config(GATE_EU), *patched = with_drain(good, 77), *empty = json_object();
    json_fingerprint(good, print);
    check(put_config("0000", patched) == 409 && put_config(print, empty) == 400);
    check(put_config(print, patched) == 200);
    wait_found(GATE_EU, "runtime_patch", 1);
    wait_over(GATE_EU, good);
    check(drifts_of(&stage, GATE_EU, "file_edit") == 0);
    only_alert(GATE_EU);
    scoped_json json_t *quiet = read_config(GATE_EU), *again = with_drain(quiet, 77);
    json_fingerprint(quiet, print);
    check(put_config(print, again) == 200);
    wait_stands(GATE_EU, "runtime_patch");
    scoped_json json_t *untouched = read_config(GATE_EU);
    check(json_equal(untouched, quiet));
    char drifted[SHA256_HEX];
    json_fingerprint(again, drifted);
    stage_signal(&stage, GATE_EU, SIGSTOP);
    check(put_config(drifted, quiet) == 0); /* nobody waits for the answer any more */
    stage_signal(&stage, GATE_EU, SIGCONT);
    wait_over(GATE_EU, quiet);
    check(put_config(print, again) == 200);
    wait_stands(GATE_EU, "runtime_patch");
    stage_kill(&stage, GATE_EU);
    stage_start(&stage, GATE_EU);
    wait_over(GATE_EU, quiet);
}

static void lagging(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    scoped_json json_t *good = read_config(GATE_EU), *newer = with_drain(good, 77);
    write_config(GATE_EU, "desired", newer);
    wait_found(GATE_EU, "lagging", 1);
    wait_over(GATE_EU, newer);
    only_alert(GATE_EU);
    scoped_json json_t *now = read_config(GATE_EU), *newest = with_drain(now, 78);
    write_config(GATE_EU, "desired", newest);
    wait_stands(GATE_EU, "lagging");
    write_config(GATE_EU, "json", newest);
    stage_signal(&stage, GATE_EU, SIGHUP);
    wait_over(GATE_EU, newest);
}

/* Taken over from the file, and the file put back without a word. */
static void foreign(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    only_alert(GATE_EU);
    scoped_json json_t *good = read_config(GATE_EU), *edited = with_drain(good, 77);
    write_config(GATE_EU, "json", edited);
    stage_signal(&stage, GATE_EU, SIGHUP);
    wait_stands(GATE_EU, "file_edit");
    write_config(GATE_EU, "json", good);
    wait_stands(GATE_EU, "foreign");
    stage_signal(&stage, GATE_EU, SIGHUP);
    wait_over(GATE_EU, good);
}

/* Other control endpoints are asked from the next start on. */
static void partial_apply(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    stage_change(&stage, GATE_EU,
                 json_pack("{s:{s:[{s:s, s:i}]}}", "control", "endpoints", "address", "127.0.0.1", "port", 1));
    wait_stands(GATE_EU, "partial_apply");
    stage_kill(&stage, GATE_EU);
    stage_start(&stage, GATE_EU);
    scoped_json json_t *wanted = read_config(GATE_EU);
    wait_over(GATE_EU, wanted);
}

static void write_keys(char letter)
{
    char path[128], key[45] = "", set[160];
    memset(key, letter, sizeof(key) - 1);
    (void)snprintf(path, sizeof(path), "%s/jwks.json", stage.dir);
    int len =
        snprintf(set, sizeof(set), "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\",\"k\":\"%s\"}]}", key);
    check(file_replace(path, set, (size_t)len, NULL) == 0);
}

static bool same_secrets(void)
{
    scoped_json json_t *us = status_of(&stage, GATE_US), *eu = status_of(&stage, GATE_EU);
    const json_t *here = json_object_get(us, "secrets"), *there = json_object_get(eu, "secrets");
    check(json_is_string(here) && json_is_string(there));
    return json_equal((json_t *)here, (json_t *)there);
}

/* What --check-config says that the secrets of this configuration come to. */
static void printed_secrets(char out[SHA256_HEX])
{
    char config[128], says[128];
    struct child checker = {0};
    scoped_text struct text line = {0};
    stage_path(&stage, GATE_EU, "json", config);
    stage_path(&stage, GATE_EU, "checked", says);
    const char *const argv[] = {stage.binary, "--check-config", config, NULL};
    scoped_fd int fd = open(says, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    check(fd >= 0 && child_exec(&checker, argv, NULL, fd, NULL, NULL, NULL) == 0);
    check(child_wait(&checker, 2000000000, NULL) == 0 && checker.status == 0);
    check(text_read_file(&line, says, 512, NULL) == 0);
    const char *at = strstr(text_str(&line), ", secrets ");
    check(at != NULL);
    (void)snprintf(out, SHA256_HEX, "%s", at + 10);
}

/* A desired state that says what the new key comes to: no drift once it is taken over. */
static void rotated(void)
{
    char print[SHA256_HEX];
    write_keys('C');
    printed_secrets(print);
    stage_change(&stage, GATE_EU, json_pack("{s:s}", "secrets", print));
    scoped_json json_t *wanted = read_config(GATE_EU);
    wait_over(GATE_EU, wanted);
    scoped_json json_t *s = status_of(&stage, GATE_EU);
    check(text_eq(json_string_value(json_object_get(s, "secrets")), print));
    check(text_eq(json_string_value(json_object_get(s, "secrets_desired")), print));
}

/* A key that one region has and the other does not. */
static void secret(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    write_keys('A');
    for (int gate = GATE_US; gate <= GATE_EU; gate++)
        stage_change(&stage, (enum stage_node)gate,
                     json_pack("{s:{s:{s:s, s:s, s:[s]}}, s:{s:{s:s}}}", "routes", "private", "path", "/private/",
                               "upstream", "pool:orders", "identity", "token", "identity", "tokens", "keys",
                               "jwks.json"));
    check(same_secrets());
    scoped_json json_t *wanted = read_config(GATE_EU);
    wait_over(GATE_EU, wanted);
    write_keys('B');
    wait_stands(GATE_EU, "secret"); /* it waits for the next start */
    stage_signal(&stage, GATE_EU, SIGHUP);
    for (int64_t end = now_ms() + 2000; same_secrets(); pause_ms(10))
        check(now_ms() < end && "the other key is in force in one region");
    pause_ms(600); /* the policy is to revert, and nobody here knows the right key */
    wait_stands(GATE_EU, "secret");
    write_keys('A');
    stage_signal(&stage, GATE_EU, SIGHUP);
    wait_over(GATE_EU, wanted);
    check(same_secrets() && drifts_of(&stage, GATE_EU, "secret") == 1);
    rotated();
}

int main(int argc, char **argv)
{
    static const struct stage_drill drills[] = {{"file_edit", file_edit}, {"runtime_patch", runtime_patch},
                                                {"lagging", lagging},     {"foreign", foreign},
                                                {"secret", secret},       {"partial_apply", partial_apply}};
    return stage_main(&stage, argc, argv, drills, array_len(drills));
}
