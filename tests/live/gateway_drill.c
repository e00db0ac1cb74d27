/* SPDX-License-Identifier: MIT */
/*
 * Drills of the bundled gateway with real processes on loopback: gateway_drill DRGATEWAY NAME, the names being
 * listed at the end. Exit code 0 or a message.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define OPS_MAX 100000

static struct stage stage;
static struct reply answer;
static bool acked[OPS_MAX];
static int next_op;

static enum stage_node any_gate(void)
{
    return rng_below(&stage.rng, 2) ? GATE_US : GATE_EU;
}

/* Write the next op through a gateway; true when it is acknowledged. */
static bool write_next(enum stage_node gate)
{
    char op[32], key[8];
    check(next_op < OPS_MAX);
    (void)snprintf(op, sizeof(op), "c0-%d", next_op);
    (void)snprintf(key, sizeof(key), "k%d", next_op % 16);
    acked[next_op] = write_op(stage_port(&stage, gate), op, key, &answer) == 200;
    return acked[next_op++];
}

/* Every acknowledged op is there once, versions count from 1 without a hole. Returns how many are lost. */
static int audit(enum stage_node store)
{
    static int seen[OPS_MAX], versions[16];
    memset(seen, 0, sizeof(seen));
    memset(versions, 0, sizeof(versions));
    scoped_json json_t *ops = all_ops(&stage, store);
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const json_t *op = json_array_get(ops, i);
        int n = atoi(json_string_value(json_array_get(op, 0)) + 3),
            key = atoi(json_string_value(json_array_get(op, 3)) + 1);
        check(n >= 0 && n < next_op && key == n % 16);
        check(json_integer_value(json_array_get(op, 1)) == (json_int_t)i + 1);
        check(json_integer_value(json_array_get(op, 4)) == ++versions[key]);
        seen[n]++;
    }
    int lost = 0;
    for (int n = 0; n < next_op; n++) {
        check(seen[n] <= 1);
        lost += acked[n] && seen[n] == 0;
    }
    return lost;
}

static void wait_equal(int64_t limit_ms)
{
    for (int64_t end = now_ms() + limit_ms;; pause_ms(20)) {
        scoped_json json_t *us = status_of(&stage, STORE_US), *eu = status_of(&stage, STORE_EU);
        const json_t *a = json_object_get(us, "digest"), *b = json_object_get(eu, "digest");
        if (json_is_string(a) && json_equal(a, b))
            return;
        check(now_ms() < end && "both stores have the same");
    }
}

static json_int_t number(enum stage_node n, const char *key)
{
    scoped_json json_t *status = status_of(&stage, n);
    return json_integer_value(json_object_get(status, key));
}

/* Asynchronous: the home store dies; what was not shipped is lost and accounted for; it comes home unnoticed. */
static void failover(void)
{
    char value[64];
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 300});
    check(write_next(GATE_EU) && field(&answer, "X-DR-Nonce", value, sizeof(value)) &&
          !strcmp(value, "0123456789abcdef"));
    check(field(&answer, "X-DR-Region", value, sizeof(value)) && !strcmp(value, "us-east"));
    check(field(&answer, "X-DR-Epoch", value, sizeof(value)) && !strcmp(value, "1"));
    check(field(&answer, "X-DR-Gateway", value, sizeof(value)) && !strcmp(value, "eu-west/1"));
    check(write_op(stage_port(&stage, GATE_US), "c0-0", "k0", &answer) == 200);
    check(field(&answer, "X-DR-Replayed", value, sizeof(value)) && strstr(answer.body, "\"version\":1"));
    check(write_op(stage_port(&stage, GATE_US), "c0-0", "k1", &answer) == 409);
    check(write_op(stage_port(&stage, STORE_EU), "c0-9", "k1", &answer) == 503);
    check(field(&answer, "X-DR-Not-Forwarded", value, sizeof(value)) &&
          field(&answer, "X-DR-Leader", value, sizeof(value)));
    for (int64_t end = now_ms() + 700; now_ms() < end;)
        check(write_next(any_gate()));
    int64_t killed = now_ms();
    stage_kill(&stage, STORE_US);
    while (!write_next(any_gate()))
        check(now_ms() - killed < 3000);
    check(now_ms() - killed < 2000);
    check(field(&answer, "X-DR-Epoch", value, sizeof(value)) && !strcmp(value, "2"));
    check(field(&answer, "X-DR-Region", value, sizeof(value)) && !strcmp(value, "eu-west"));
    for (int i = 0; i < 50; i++)
        check(write_next(any_gate()));
    stage_start(&stage, STORE_US);
    for (int64_t end = now_ms() + 8000; !leads(&stage, STORE_US);) {
        check(write_next(any_gate()) && "no request fails during fail-back");
        check(now_ms() < end);
    }
    for (int i = 0; i < 50; i++)
        check(write_next(any_gate()));
    check(field(&answer, "X-DR-Epoch", value, sizeof(value)) && !strcmp(value, "3"));
    wait_equal(3000);
    check(audit(STORE_US) == number(STORE_US, "lost_log"));
    check(audit(STORE_EU) == audit(STORE_US));
}

/* Synchronous: whatever leads is killed at a random moment of a write, again and again; nothing is lost. */
static void kills(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = true, .every_ms = 100});
    for (int round = 0; round < 20; round++) {
        enum stage_node leader = leads(&stage, STORE_US) ? STORE_US : STORE_EU;
        for (uint64_t n = rng_below(&stage.rng, 30); n > 0; n--)
            (void)write_next(any_gate());
        if (round % 2)
            pause_ms((int64_t)rng_below(&stage.rng, 60));
        stage_signal(&stage, leader, SIGKILL);
        int64_t killed = now_ms();
        while (!write_next(any_gate()))
            check(now_ms() - killed < 3000);
        stage_kill(&stage, leader);
        stage_start(&stage, leader);
        for (int64_t end = now_ms() + 5000;; pause_ms(5)) {
            (void)write_next(any_gate());
            scoped_json json_t *witness = status_of(&stage, WITNESS);
            check(now_ms() < end);
            if (json_array_size(json_object_get(witness, "in_sync")) == 2)
                break;
        }
    }
    wait_leader(&stage, STORE_US, 5000);
    wait_equal(3000);
    check(audit(STORE_US) == 0 && audit(STORE_EU) == 0);
    stage_kill(&stage, STORE_US);
    stage_kill(&stage, STORE_EU);
    stage_start(&stage, STORE_US);
    stage_start(&stage, STORE_EU);
    wait_equal(5000);
    check(audit(STORE_US) == 0 && audit(STORE_EU) == 0);
}

/* The operator moves the leadership there and back; no request fails, and nobody moves it on his own. */
static void handover(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = true, .every_ms = 100});
    check(ask(stage_admin(&stage, STORE_EU), "POST", "/handover", "", "{\"to\":\"us-east\"}", 500, &answer));
    check(answer.status == 409);
    check(ask(stage_admin(&stage, STORE_US), "POST", "/handover", "", "{\"to\":\"mars\"}", 500, &answer));
    check(answer.status == 409);
    for (int turn = 0; turn < 2; turn++) {
        enum stage_node from = turn ? STORE_EU : STORE_US, to = turn ? STORE_US : STORE_EU;
        check(ask(stage_admin(&stage, from), "POST", "/handover", "",
                  turn ? "{\"to\":\"us-east\"}" : "{\"to\":\"eu-west\"}", 500, &answer) &&
              answer.status == 202);
        for (int64_t end = now_ms() + 1500; now_ms() < end;)
            check(write_next(any_gate()) && "no request fails during a handover");
        check(leads(&stage, to) && number(to, "epoch") == turn + 2);
    }
    check(audit(STORE_US) == 0);
}

/* A frozen leader that thaws after another one has taken over does not acknowledge. */
static void frozen(void)
{
    char value[16];
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    for (int i = 0; i < 20; i++)
        check(write_next(GATE_US));
    stage_signal(&stage, STORE_US, SIGSTOP);
    wait_leader(&stage, STORE_EU, 3000);
    check(write_op(stage_port(&stage, GATE_EU), "c0-20", "k4", &answer) == 200);
    acked[next_op++] = true;
    stage_signal(&stage, STORE_US, SIGCONT);
    check(write_op(stage_port(&stage, STORE_US), "c0-21", "k5", &answer) == 503);
    check(field(&answer, "X-DR-Not-Forwarded", value, sizeof(value)));
    wait_leader(&stage, STORE_US, 5000);
    check(number(STORE_US, "epoch") == 3);
}

/* A configuration that runs but is not desired is noticed, and put back; a broken one never runs. */
static void drift(void)
{
    char config[128];
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    stage_path(&stage, GATE_EU, "json", config);
    stage_change(&stage, GATE_EU,
                 json_pack("{s:{s:i}}", "drift", "revert_after_ms", 1000)); /* so that it can be seen */
    scoped_text struct text good = {0}, after = {0};
    check(text_read_file(&good, config, 1 << 20, NULL) == 0);
    scoped_json json_t *doc = json_read(good.at, good.len, config, NULL);
    char wanted[SHA256_HEX];
    json_fingerprint(doc, wanted);
    check(file_replace(config, "{\"node\":", 8, NULL) == 0);
    stage_signal(&stage, GATE_EU, SIGHUP);
    for (int64_t end = now_ms() + 3000;; pause_ms(10)) {
        scoped_json json_t *kept = status_of(&stage, GATE_EU);
        check(!strcmp(json_string_value(json_object_get(kept, "config")), wanted));
        if (!strcmp(json_string_value(json_object_get(kept, "file_state")), "broken"))
            break;
        check(now_ms() < end);
    }
    scoped_json json_t *edited = json_deep_copy(doc);
    json_object_set_new(json_object_get(json_object_get(edited, "pools"), "orders"), "retries", json_integer(0));
    scoped_free char *text = json_canonical(edited);
    check(file_replace(config, text, strlen(text), NULL) == 0);
    stage_signal(&stage, GATE_EU, SIGHUP);
    for (int64_t end = now_ms() + 5000;; pause_ms(10)) {
        scoped_json json_t *status = status_of(&stage, GATE_EU);
        bool desired = !strcmp(json_string_value(json_object_get(status, "config")), wanted);
        bool noticed = drifts_of(&stage, GATE_EU, "file_edit") > 0;
        check(now_ms() < end);
        if (noticed && desired && json_is_false(json_object_get(status, "drift")))
            break;
        check(write_next(GATE_EU));
    }
    check(text_read_file(&after, config, 1 << 20, NULL) == 0 && text_eq(good.at, after.at));
}

static int asked(int port, const char *method, const char *target, const char *body)
{
    return ask(port, method, target, "", body, 500, &answer) ? answer.status : 0;
}

/* Told to stand by: not ready, yet serving. */
static void standby(void)
{
    int port = stage_port(&stage, GATE_EU), admin = stage_admin(&stage, GATE_EU);
    check(asked(admin, "POST", "/standby", "{\"standby\":1}") == 400);
    check(asked(admin, "POST", "/standby", "{\"standby\":true}") == 200);
    check(asked(port, "GET", "/readyz", "") == 503 && asked(port, "GET", "/healthz", "") == 200 && write_next(GATE_EU));
    check(asked(admin, "POST", "/standby", "{\"standby\":false}") == 200);
    check(asked(port, "GET", "/readyz", "") == 200);
    check(asked(port, "GET", "/metrics", "") == 200 && strstr(answer.body, "drgateway_requests_total"));
    check(asked(admin, "GET", "/nothing", "") == 404 && asked(port, "GET", "/nothing", "") == 404);
}

/* SIGTERM: ready no more, then gone with exit code 0, and nobody notices; a draining leader hands over. */
static void drain(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = true, .every_ms = 100});
    standby();
    stage_signal(&stage, STORE_US, SIGTERM);
    for (int64_t end = now_ms() + 5000; !child_dead(&stage.nodes[STORE_US]);) {
        check(write_next(any_gate()) && "no request fails while the leader drains");
        check(now_ms() < end);
    }
    check(stage.nodes[STORE_US].status == 0 && leads(&stage, STORE_EU));
    stage_signal(&stage, GATE_US, SIGTERM);
    pause_ms(100);
    check(ask(stage_port(&stage, GATE_US), "GET", "/readyz", "", "", 500, &answer) && answer.status == 503);
    check(write_next(GATE_US));
    check(child_wait(&stage.nodes[GATE_US], 5000000000, NULL) == 0 && stage.nodes[GATE_US].status == 0);
    check(audit(STORE_EU) == 0);
}

static void flawed(const char *flaw, bool sync)
{
    stage_close(&stage);
    next_op = 0;
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = sync, .every_ms = 100, .flaw = flaw});
}

static size_t stored(enum stage_node n)
{
    scoped_json json_t *ops = all_ops(&stage, n);
    return json_array_size(ops);
}

static void write_for_ms(int64_t ms)
{
    for (int64_t end = now_ms() + ms; now_ms() < end;)
        check(write_next(any_gate()));
}

/* The control plane hands a gateway a configuration without routes. */
static void push_empty(enum stage_node gate)
{
    char desired[128];
    scoped_text struct text doc = {0};
    stage_path(&stage, gate, "desired", desired);
    check(text_read_file(&doc, desired, 1 << 20, NULL) == 0);
    scoped_json json_t *c = json_loads(text_str(&doc), 0, NULL);
    json_object_clear(json_object_get(c, "routes"));
    scoped_free char *bytes = json_canonical(c);
    check(file_replace(desired, bytes, strlen(bytes), NULL) == 0);
}

static int orders_status(enum stage_node gate)
{
    (void)ask(stage_port(&stage, gate), "GET", "/v1/orders?key=k0", "", "", 500, &answer);
    return answer.status;
}

/* Without the flaw the empty one is refused, said so, and done without; a better one clears it. */
static void guard(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 100});
    char desired[128];
    scoped_text struct text good = {0};
    stage_path(&stage, GATE_US, "desired", desired);
    check(text_read_file(&good, desired, 1 << 20, NULL) == 0);
    push_empty(GATE_US);
    pause_ms(800);
    scoped_json json_t *status = status_of(&stage, GATE_US);
    check(json_is_string(json_object_get(status, "desired_refused")));
    check(json_is_false(json_object_get(status, "drift")) && orders_status(GATE_US) == 200);
    check(file_replace(desired, good.at, good.len, NULL) == 0);
    pause_ms(300);
    scoped_json json_t *after = status_of(&stage, GATE_US);
    check(json_is_null(json_object_get(after, "desired_refused")) && orders_status(GATE_US) == 200);
}

/* Flaws show: each does the wrong that its name says. First those of one write or one process. */
static void flaws(void)
{
    flawed("drop_every_nth_write", false);
    for (int i = 0; i < 70; i++)
        check(write_next(GATE_US));
    check(stored(STORE_US) == 60);

    flawed("duplicate_on_retry", false);
    for (int i = 0; i < 40; i++)
        check(write_next(GATE_US));
    check(stored(STORE_US) == 42);

    check(ask(stage_port(&stage, STORE_EU), "GET", "/v1/orders?key=k0", "", "", 500, &answer) && answer.status == 503);
    flawed("stale_follower_read", false);
    check(ask(stage_port(&stage, STORE_EU), "GET", "/v1/orders?key=k0", "", "", 500, &answer) && answer.status == 200);

    stage_silence(&stage, WITNESS, STORE_EU); /* nobody can say that the lease goes on */
    pause_ms(800);
    check(write_op(stage_port(&stage, STORE_US), "c0-0", "k0", &answer) == 503);
    flawed("no_fencing", false);
    stage_silence(&stage, WITNESS, STORE_EU);
    pause_ms(800);
    check(write_op(stage_port(&stage, STORE_US), "c0-0", "k0", &answer) == 200);

    flawed("drain_ignored", false);
    stage_signal(&stage, GATE_US, SIGTERM);
    check(child_wait(&stage.nodes[GATE_US], 200000000, NULL) == 0 && stage.nodes[GATE_US].status == 0);

    flawed("accept_empty_config", false);
    push_empty(GATE_US);
    for (int64_t end = now_ms() + 3000; orders_status(GATE_US) != 404; pause_ms(50))
        check(now_ms() < end);

    flawed("drift_unreported", false);
    char config[128];
    scoped_text struct text doc = {0};
    stage_path(&stage, GATE_EU, "json", config);
    check(text_read_file(&doc, config, 1 << 20, NULL) == 0);
    memcpy(strstr(doc.at, "\"retries\":2"), "\"retries\":1", 11);
    check(file_replace(config, doc.at, doc.len, NULL) == 0);
    stage_signal(&stage, GATE_EU, SIGHUP);
    for (int64_t end = now_ms() + 800; now_ms() < end; pause_ms(50)) {
        scoped_json json_t *status = status_of(&stage, GATE_EU);
        check(json_is_false(json_object_get(status, "drift")));
    }
    scoped_json json_t *status = status_of(&stage, GATE_EU);
    check(!json_equal(json_object_get(status, "config"), json_object_get(status, "desired")));
}

/* Then those that need a disaster to show. */
static void flaws_in_disasters(void)
{
    flawed("no_failover", false);
    stage_kill(&stage, STORE_US);
    for (int64_t end = now_ms() + 1500; now_ms() < end; pause_ms(50))
        check(!write_next(any_gate()) && !leads(&stage, STORE_EU));

    flawed("ack_before_replicate", true);
    write_for_ms(1200);
    stage_kill(&stage, STORE_US);
    wait_leader(&stage, STORE_EU, 3000);
    check(audit(STORE_EU) > 0);

    flawed("silent_async_degrade", true);
    stage_signal(&stage, STORE_EU, SIGSTOP);
    (void)write_next(GATE_US);
    pause_ms(600);
    write_for_ms(300);
    scoped_json json_t *witness = status_of(&stage, WITNESS), *leader = status_of(&stage, STORE_US);
    check(json_array_size(json_object_get(witness, "in_sync")) == 2);
    check(json_is_true(json_object_get(json_array_get(json_object_get(leader, "peers"), 0), "in_sync")));
    stage_kill(&stage, STORE_US);
    stage_signal(&stage, STORE_EU, SIGCONT);
    wait_leader(&stage, STORE_EU, 3000);
    check(audit(STORE_EU) > 0);

    flawed("failback_without_catchup", false);
    write_for_ms(300);
    stage_kill(&stage, STORE_US);
    wait_leader(&stage, STORE_EU, 3000);
    write_for_ms(500);
    stage_start(&stage, STORE_US);
    wait_leader(&stage, STORE_US, 5000);
    wait_equal(3000);
    check(audit(STORE_US) > 0);
}

/* Honest in the same place: a peer that falls silent is written off at the witness before anything is acknowledged
 * without it, cannot lead then, and is taken back when it has everything. */
static void degrade(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = true, .every_ms = 100});
    stage_signal(&stage, STORE_EU, SIGSTOP);
    int64_t frozen_at = now_ms();
    while (!write_next(GATE_US))
        check(now_ms() - frozen_at < 3000);
    check(now_ms() - frozen_at > 350);
    scoped_json json_t *witness = status_of(&stage, WITNESS);
    check(json_array_size(json_object_get(witness, "in_sync")) == 1);
    check(ask(stage_admin(&stage, STORE_US), "GET", "/metrics", "", "", 500, &answer));
    check(strstr(answer.body, "drgateway_in_sync{peer=\"eu-west\"} 0\n"));
    stage_kill(&stage, STORE_US);
    stage_signal(&stage, STORE_EU, SIGCONT);
    for (int64_t end = now_ms() + 1200; now_ms() < end; pause_ms(50))
        check(!leads(&stage, STORE_EU));
    stage_start(&stage, STORE_US);
    wait_leader(&stage, STORE_US, 3000);
    wait_in_sync(&stage, 3000);
    check(write_next(GATE_US) && audit(STORE_US) == 0);
    wait_equal(2000);
}

/* The witness is gone for many leases: the leader leads on while its peer agrees and stops when that one is gone, too.
 * Whoever has agreed does not lead at once, not even as a new process. */
static void witness_lost(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 20});
    json_int_t epoch = number(STORE_US, "epoch");
    stage_kill(&stage, WITNESS);
    for (int64_t end = now_ms() + 2000; now_ms() < end; pause_ms(10))
        check(write_next(any_gate()) && !leads(&stage, STORE_EU));
    scoped_json json_t *leader = status_of(&stage, STORE_US);
    check(strcmp(json_string_value(json_object_get(leader, "lease_by")), "peers") == 0);
    wait_equal(2000);
    stage_kill(&stage, STORE_EU);
    for (int64_t end = now_ms() + 1500; leads(&stage, STORE_US); pause_ms(20))
        check(now_ms() < end && "it does not lead without witness and peer");
    stage_signal(&stage, STORE_US, SIGSTOP);
    stage_start(&stage, WITNESS);
    pause_ms(500); /* the lease that it remembers is over */
    stage_start(&stage, STORE_EU);
    for (int64_t end = now_ms() + 250; now_ms() < end; pause_ms(20))
        check(!leads(&stage, STORE_EU));
    wait_leader(&stage, STORE_EU, 3000);
    stage_signal(&stage, STORE_US, SIGCONT);
    wait_leader(&stage, STORE_US, 5000);
    wait_equal(3000);
    check(audit(STORE_US) == 0 && number(STORE_US, "epoch") >= epoch + 2);
}

/* The leader alone does not reach the witness, its peer does: it has promised, and does not take the lead, though the
 * witness would give it; nor does it when the leader comes back in between. */
static void leader_apart(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.sync = true, .every_ms = 20, .detour = true});
    json_int_t epoch = number(STORE_US, "epoch");
    for (int turn = 0; turn < 3; turn++) {
        check(kill(stage.detour, SIGSTOP) == 0);
        for (int64_t end = now_ms() + 1200; now_ms() < end; pause_ms(10))
            check(write_next(any_gate()) && !leads(&stage, STORE_EU));
        check(kill(stage.detour, SIGCONT) == 0);
        for (int64_t end = now_ms() + 300; now_ms() < end; pause_ms(10))
            check(write_next(any_gate()) && !leads(&stage, STORE_EU));
    }
    check(number(STORE_US, "epoch") == epoch && number(WITNESS, "epoch") == epoch);
    check(audit(STORE_US) == 0);
}

int main(int argc, char **argv)
{
    static const struct stage_drill drills[] = {{"failover", failover}, {"kills", kills}, {"handover", handover},
                  {"frozen", frozen},     {"drift", drift}, {"drain", drain},   {"guard", guard},
                  {"degrade", degrade},   {"flaws", flaws}, {"witness-lost", witness_lost},
                  {"leader-apart", leader_apart}, {"flaws-in-disasters", flaws_in_disasters}};
    return stage_main(&stage, argc, argv, drills, array_len(drills));
}
