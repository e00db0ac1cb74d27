/* SPDX-License-Identifier: MIT */
/*
 * What the bundled gateway makes of configuration files gone wrong, with real processes on loopback: gateway_config
 * DRGATEWAY NAME, the names being listed at the end. Exit code 0 or a message.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct stage stage;
static struct reply answer;
static int next_op, acked;

static bool write_next(enum stage_node gate)
{
    char op[32], key[8];
    (void)snprintf(op, sizeof(op), "c0-%d", next_op);
    (void)snprintf(key, sizeof(key), "k%d", next_op++ % 16);
    bool fine = write_op(stage_port(&stage, gate), op, key, &answer) == 200;
    acked += fine;
    return fine;
}

static void write_for_ms(int64_t ms)
{
    for (int64_t end = now_ms() + ms; now_ms() < end;)
        check(write_next(GATE_US));
}

static int lost_by(enum stage_node store)
{
    scoped_json json_t *ops = all_ops(&stage, store);
    return acked - (int)json_array_size(ops);
}

static json_t *read_json(enum stage_node n, const char *suffix)
{
    char path[128];
    scoped_text struct text bytes = {0};
    stage_path(&stage, n, suffix, path);
    check(text_read_file(&bytes, path, 1 << 20, NULL) == 0);
    json_t *doc = json_loads(text_str(&bytes), 0, NULL);
    check(doc != NULL);
    return doc;
}

static void write_json(enum stage_node n, const json_t *doc)
{
    char path[128];
    scoped_free char *bytes = json_canonical(doc);
    stage_path(&stage, n, "json", path);
    check(file_replace(path, bytes, strlen(bytes), NULL) == 0);
}

/* Until the gateway has its wanted configuration in force and in its file; requests go on all the while. */
static void wait_repaired(enum stage_node gate, const char *wanted)
{
    for (int64_t end = now_ms() + 5000;; pause_ms(20)) {
        scoped_json json_t *s = status_of(&stage, gate);
        const char *config = json_string_value(json_object_get(s, "config"));
        const char *file = json_string_value(json_object_get(s, "file"));
        bool right = config && file && !strcmp(config, wanted) && !strcmp(file, wanted);
        if (right && json_is_false(json_object_get(s, "drift")))
            return;
        check(write_next(gate));
        check(now_ms() < end && "the file is put right");
    }
}

static void spoil(const char *path, const char *how)
{
    scoped_text struct text bytes = {0};
    check(text_read_file(&bytes, path, 1 << 20, NULL) == 0);
    if (!strcmp(how, "broken"))
        check(file_replace(path, bytes.at, bytes.len / 2, NULL) == 0);
    else
        check(unlink(path) == 0 && (strcmp(how, "unreadable") != 0 || symlink(path, path) == 0));
}

/* A file that is no configuration changes nothing that runs, is reported, put right, and survived by a start. */
static void files(void)
{
    static const char *const ways[] = {"broken", "missing", "unreadable"};
    char path[128], wanted[SHA256_HEX];
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    stage_change(&stage, GATE_EU,
                 json_pack("{s:{s:i}}", "drift", "revert_after_ms", 1000)); /* so that it can be seen */
    scoped_json json_t *doc = read_json(GATE_EU, "json");
    json_fingerprint(doc, wanted);
    stage_path(&stage, GATE_EU, "json", path);
    for (size_t i = 0; i < array_len(ways); i++) {
        spoil(path, ways[i]);
        stage_signal(&stage, GATE_EU, SIGHUP);
        for (int64_t end = now_ms() + 3000;; pause_ms(10)) {
            scoped_json json_t *s = status_of(&stage, GATE_EU);
            check(!strcmp(json_string_value(json_object_get(s, "config")), wanted) && write_next(GATE_EU));
            if (!strcmp(json_string_value(json_object_get(s, "file_state")), ways[i]) &&
                json_is_true(json_object_get(s, "drift")))
                break;
            check(now_ms() < end);
        }
        wait_repaired(GATE_EU, wanted);
        spoil(path, ways[i]);
        stage_kill(&stage, GATE_EU);
        stage_start(&stage, GATE_EU);
        for (int64_t end = now_ms() + 2000; !write_next(GATE_EU); pause_ms(20))
            check(now_ms() < end && "it begins with the last good one");
        wait_repaired(GATE_EU, wanted);
    }
    json_object_set_new(doc, "drain_ms", json_integer(77));
    json_int_t before = drifts_of(&stage, GATE_EU, "file_edit");
    write_json(GATE_EU, doc); /* and nobody says so */
    for (int64_t end = now_ms() + 3000; drifts_of(&stage, GATE_EU, "file_edit") == before; pause_ms(10)) {
        scoped_json json_t *s = status_of(&stage, GATE_EU);
        check(!strcmp(json_string_value(json_object_get(s, "config")), wanted) && now_ms() < end);
    }
    wait_repaired(GATE_EU, wanted);
}

/* Health checks made ten times slower while the service moves: put back, and the service found. */
static void drift_in_failover(void)
{
    char wanted[SHA256_HEX];
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    scoped_json json_t *doc = read_json(GATE_EU, "json");
    json_fingerprint(doc, wanted);
    json_t *check_keys = json_object_get(json_object_get(json_object_get(doc, "pools"), "orders"), "check");
    json_object_set_new(check_keys, "every_ms",
                        json_integer(10 * json_integer_value(json_object_get(check_keys, "every_ms"))));
    check(write_next(GATE_EU));
    stage_kill(&stage, STORE_US);
    write_json(GATE_EU, doc);
    stage_signal(&stage, GATE_EU, SIGHUP);
    for (int64_t end = now_ms() + 6000; !write_next(GATE_EU); pause_ms(20))
        check(now_ms() < end);
    wait_repaired(GATE_EU, wanted);
}

/* Synchronous becomes asynchronous in the running leader: nobody says a word, and the next disaster loses writes. */
static void mode(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = true, .every_ms = 2000});
    scoped_json json_t *doc = read_json(STORE_US, "json");
    json_t *store = json_object_get(doc, "store");
    write_for_ms(200);
    check(lost_by(STORE_EU) == 0);
    json_object_set_new(store, "mode", json_string("async"));
    write_json(STORE_US, doc);
    stage_signal(&stage, STORE_US, SIGHUP);
    for (int64_t end = now_ms() + 2000;; pause_ms(10)) {
        scoped_json json_t *s = status_of(&stage, STORE_US);
        if (!strcmp(json_string_value(json_object_get(s, "mode")), "async"))
            break;
        check(now_ms() < end);
    }
    write_for_ms(500);
    scoped_json json_t *witness = status_of(&stage, WITNESS);
    check(json_array_size(json_object_get(witness, "in_sync")) == 2);
    stage_kill(&stage, STORE_US);
    wait_leader(&stage, STORE_EU, 3000);
    check(lost_by(STORE_EU) > 0);
    json_object_set_new(store, "port", json_integer(1));
    write_json(STORE_EU, doc); /* another node's, on another port: refused */
    stage_signal(&stage, STORE_EU, SIGHUP);
    pause_ms(200);
    check(write_next(GATE_EU));
}

int main(int argc, char **argv)
{
    static const struct stage_drill drills[] = {
        {"files", files}, {"mode", mode}, {"drift-in-failover", drift_in_failover}};
    return stage_main(&stage, argc, argv, drills, array_len(drills));
}
