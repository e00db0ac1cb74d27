/* SPDX-License-Identifier: MIT */
/*
 * The bundled store by itself, without a gateway: asked by many connections at once, and led by an operator.
 * gateway_store DRGATEWAY NAME, the names being listed at the end. Exit code 0 or a message.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLERS 32
#define OPS_MAX 100000
#define PATIENCE_MS 10000

struct caller { /* one connection to the store of us-east */
    int fd, op; /* op -1: nothing is asked */
    size_t len;
    char in[2048];
};

static struct stage stage;
static struct reply answer;
static struct caller callers[CALLERS];
static bool acked[OPS_MAX];
static int next_op, acks, refused;

static void hang_up(struct caller *c)
{
    fd_close(&c->fd);
    c->op = -1;
}

static void call_in(struct caller *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)stage_port(&stage, STORE_US))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct caller){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .op = -1};
    check(connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
}

static void begin_write(struct caller *c)
{
    char body[128], request[512];
    check(next_op < OPS_MAX);
    c->op = next_op++;
    c->len = 0;
    int len = snprintf(body, sizeof(body), "{\"op\":\"w-%d\",\"key\":\"k%d\",\"value\":\"00000000000000aa\"}", c->op,
                       c->op % 16);
    len =
        snprintf(request, sizeof(request),
                 "POST /v1/orders HTTP/1.1\r\nHost: test\r\nIdempotency-Key: run/w-%d\r\nContent-Length: %d\r\n\r\n%s",
                 c->op, len, body);
    if (send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        hang_up(c);
}

/* What has come; an answer ends the question, an end of the connection, too. */
static void hear(struct caller *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - 1 - c->len, MSG_DONTWAIT);
    if (n <= 0) {
        hang_up(c);
        return;
    }
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    const char *end = strstr(c->in, "\r\n\r\n"), *length = strcasestr(c->in, "\r\ncontent-length: ");
    if (end == NULL || length == NULL || c->len < (size_t)(end + 4 - c->in) + (size_t)atoi(length + 18))
        return;
    acked[c->op] = strncmp(c->in, "HTTP/1.1 200", 12) == 0;
    acks += acked[c->op];
    refused += strncmp(c->in, "HTTP/1.1 503", 12) == 0 && strstr(c->in, "\r\nX-DR-Not-Forwarded: 1\r\n") != NULL;
    c->op = -1;
}

static void hear_all(int timeout_ms)
{
    struct pollfd p[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        p[i] = (struct pollfd){callers[i].op >= 0 ? callers[i].fd : -1, POLLIN, 0};
    if (poll(p, CALLERS, timeout_ms) <= 0)
        return;
    for (int i = 0; i < CALLERS; i++) {
        if (p[i].revents != 0)
            hear(&callers[i]);
    }
}

static bool all_are_done(void)
{
    for (int i = 0; i < CALLERS; i++) {
        if (callers[i].op >= 0)
            return false;
    }
    return true;
}

static void await_all(void)
{
    for (int64_t end = now_ms() + PATIENCE_MS; !all_are_done(); hear_all(20))
        check(now_ms() < end && "all are answered");
}

/* What was acknowledged is there, once; nothing is there twice, or was never sent. */
static void audit(void)
{
    static int seen[OPS_MAX];
    scoped_json json_t *ops = all_ops(&stage, STORE_US);
    for (size_t i = 0; i < json_array_size(ops); i++) {
        int op = atoi(json_string_value(json_array_get(json_array_get(ops, i), 0)) + 2);
        check(op >= 0 && op < next_op && ++seen[op] == 1);
    }
    for (int op = 0; op < next_op; op++)
        check(!acked[op] || seen[op] == 1);
}

/* Every caller is connected and served, and the other store is out of the way. */
static void begin(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 50});
    stage_kill(&stage, STORE_EU);
    for (int i = 0; i < CALLERS; i++) {
        call_in(&callers[i]);
        begin_write(&callers[i]);
    }
    await_all();
    check(acks == CALLERS);
}

/* What the kernel holds for a stopped store it finds all at once when it goes on. */
static void ask_all_at_once(void)
{
    stage_signal(&stage, STORE_US, SIGSTOP);
    for (int i = 0; i < CALLERS; i++)
        begin_write(&callers[i]);
    stage_signal(&stage, STORE_US, SIGCONT);
    await_all();
}

static long counted(const char *name)
{
    char line[64];
    (void)snprintf(line, sizeof(line), "\ndrgateway_%s ", name);
    check(ask(stage_admin(&stage, STORE_US), "GET", "/metrics", "", "", 2000, &answer));
    const char *at = strstr(answer.body, line);
    return at ? atol(at + strlen(line)) : 0;
}

/* Orders that come together are one write of the log. */
static void gathered(void)
{
    begin();
    int before = acks;
    long writes = counted("log_writes_total");
    for (int tries = 0; tries < 5 && acks == before; tries++)
        ask_all_at_once(); /* a stop that outlasted the lease is tried again */
    writes = counted("log_writes_total") - writes;
    (void)printf("%d orders, %ld writes of the log\n", acks - before, writes);
    check(acks - before == CALLERS && writes <= CALLERS / 4);
}

static off_t log_bytes(void)
{
    char path[256];
    struct stat st;
    stage_path(&stage, STORE_US, "d/orders.log", path);
    check(stat(path, &st) == 0);
    return st.st_size;
}

static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    check(prlimit(stage.nodes[STORE_US].pid, RLIMIT_FSIZE, &limit, NULL) == 0);
}

/* A disk that takes part of what came together takes nothing of it, and says so to all; then it goes on. */
static void refused_together(void)
{
    begin();
    off_t before = log_bytes();
    int acks_before = acks;
    limit_files((rlim_t)before + 40); /* less than a record */
    for (int tries = 0; tries < 5 && refused == 0; tries++)
        ask_all_at_once();
    check(refused == CALLERS && acks == acks_before && log_bytes() == before);
    begin_write(&callers[0]);
    await_all();
    check(refused == CALLERS + 1 && log_bytes() == before);
    limit_files(RLIM_INFINITY);
    refused = 0;
    ask_all_at_once();
    check(acks > acks_before || refused == CALLERS); /* refused: the stop outlasted the lease */
    audit();
}

/* Killed again and again under many writes: whatever was acknowledged is there when the store is back. */
static void survives(void)
{
    begin();
    for (int round = 0; round < 6; round++) {
        int until = acks + 50 + (int)rng_below(&stage.rng, 2000);
        for (int64_t end = now_ms() + PATIENCE_MS; acks < until; hear_all(20)) {
            check(now_ms() < end && "writes go on");
            for (int i = 0; i < CALLERS; i++) {
                if (callers[i].op < 0)
                    begin_write(&callers[i]);
            }
        }
        stage_kill(&stage, STORE_US);
        await_all(); /* what the kernel still delivers counts */
        stage_start(&stage, STORE_US);
        wait_leader(&stage, STORE_US, PATIENCE_MS);
        for (int i = 0; i < CALLERS; i++) {
            if (callers[i].fd >= 0)
                hang_up(&callers[i]);
            call_in(&callers[i]);
        }
    }
    audit();
    (void)printf("%d written, %d acknowledged, none lost in 6 deaths\n", next_op, acks);
}

static int promote(enum stage_node n, const char *body)
{
    return ask(stage_admin(&stage, n), "POST", "/promote", "", body, 3000, &answer) ? answer.status : 0;
}

static json_int_t epoch_of(enum stage_node n)
{
    scoped_json json_t *status = status_of(&stage, n);
    return json_integer_value(json_object_get(status, "epoch"));
}

static void wait_word(enum stage_node n, const char *key, const char *word)
{
    for (int64_t end = now_ms() + PATIENCE_MS;; pause_ms(20)) {
        scoped_json json_t *status = status_of(&stage, n);
        const char *now = json_string_value(json_object_get(status, key));
        if (now != NULL && strcmp(now, word) == 0)
            return;
        check(now_ms() < end && "it says so in time");
    }
}

static void wait_equal(void)
{
    for (int64_t end = now_ms() + PATIENCE_MS;; pause_ms(20)) {
        scoped_json json_t *us = status_of(&stage, STORE_US), *eu = status_of(&stage, STORE_EU);
        const json_t *a = json_object_get(us, "digest"), *b = json_object_get(eu, "digest");
        if (json_is_string(a) && json_equal(a, b) && json_is_false(json_object_get(us, "leader")))
            return;
        check(now_ms() < end && "the old leader follows and has the same");
    }
}

/* Who leads, and who hears a leader, is not promoted; with force the witness takes the order for its own. */
static void promoted(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 20});
    check(write_op(stage_port(&stage, STORE_US), "p-1", "k1", &answer) == 200);
    check(promote(STORE_US, "") == 409 && promote(STORE_US, "{\"force\":true}") == 409);
    check(promote(STORE_EU, "") == 409 && promote(STORE_EU, "{\"force\":1}") == 400 && promote(STORE_EU, "[]") == 400);
    check(leads(&stage, STORE_US) && promote(STORE_EU, "{\"force\":true}") == 200 &&
          strstr(answer.body, "\"epoch\":2"));
    wait_leader(&stage, STORE_EU, PATIENCE_MS);
    check(write_op(stage_port(&stage, STORE_EU), "p-2", "k2", &answer) == 200);
    wait_equal();
    wait_word(WITNESS, "holder", "eu-west");
}

/* Without an answer of the witness only force helps; the witness learns of it later, and nobody leads in between. */
static void promoted_without_an_answer(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 20});
    check(write_op(stage_port(&stage, STORE_US), "p-1", "k1", &answer) == 200);
    stage_kill(&stage, WITNESS);
    stage_kill(&stage, STORE_US);
    pause_ms(600); /* what it may have promised its leader is over */
    check(promote(STORE_EU, "{}") == 503 && !leads(&stage, STORE_EU));
    check(promote(STORE_EU, "{\"force\":true}") == 200 && leads(&stage, STORE_EU));
    wait_word(STORE_EU, "lease_by", "operator");
    json_int_t epoch = epoch_of(STORE_EU);
    check(epoch > 1000 && write_op(stage_port(&stage, STORE_EU), "p-2", "k2", &answer) == 200);
    stage_start(&stage, STORE_US);
    wait_equal();
    stage_start(&stage, WITNESS); /* whose book still has us-east */
    wait_word(STORE_EU, "lease_by", "witness");
    wait_word(WITNESS, "holder", "eu-west");
    wait_leader(&stage, STORE_EU, PATIENCE_MS);
    check(epoch_of(STORE_EU) >= epoch && epoch_of(WITNESS) == epoch_of(STORE_EU) && !leads(&stage, STORE_US));
    check(write_op(stage_port(&stage, STORE_EU), "p-3", "k3", &answer) == 200);
}

static void forget_witness(enum stage_node n)
{
    char path[128];
    scoped_text struct text doc = {0};
    stage_path(&stage, n, "json", path);
    check(text_read_file(&doc, path, 1 << 20, NULL) == 0);
    scoped_json json_t *c = json_loads(text_str(&doc), 0, NULL);
    json_object_del(json_object_get(c, "store"), "witness");
    scoped_free char *bytes = json_canonical(c);
    check(file_replace(path, bytes, strlen(bytes), NULL) == 0);
    stage_kill(&stage, n);
    stage_start(&stage, n);
}

static void wait_connected(void)
{
    for (int64_t end = now_ms() + PATIENCE_MS;; pause_ms(20)) {
        scoped_json json_t *us = status_of(&stage, STORE_US);
        const json_t *peer = json_array_get(json_object_get(us, "peers"), 0);
        if (json_is_true(json_object_get(peer, "connected")))
            return;
        check(now_ms() < end && "the store of eu-west follows in time");
    }
}

/* A pair without a witness: the operator alone changes who leads, and the home store that comes back follows. */
static void promoted_without_a_witness(void)
{
    stage_open(&stage, stage.binary, (struct stage_wish){.every_ms = 20});
    forget_witness(STORE_US);
    forget_witness(STORE_EU);
    wait_leader(&stage, STORE_US, PATIENCE_MS);
    wait_connected();
    check(promote(STORE_EU, "") == 409);
    check(write_op(stage_port(&stage, STORE_US), "p-1", "k1", &answer) == 200);
    pause_ms(300);
    stage_kill(&stage, STORE_US);
    for (int64_t end = now_ms() + PATIENCE_MS; promote(STORE_EU, "") != 200; pause_ms(20))
        check(now_ms() < end && "nobody is in the way");
    check(leads(&stage, STORE_EU) && write_op(stage_port(&stage, STORE_EU), "p-2", "k2", &answer) == 200);
    stage_start(&stage, STORE_US);
    wait_equal();
    check(leads(&stage, STORE_EU));
}

int main(int argc, char **argv)
{
    static const struct stage_drill drills[] = {
        {"gathered", gathered},
        {"refused-together", refused_together},
        {"survives", survives},
        {"promoted", promoted},
        {"promoted-without-an-answer", promoted_without_an_answer},
        {"promoted-without-a-witness", promoted_without_a_witness},
    };
    return stage_main(&stage, argc, argv, drills, array_len(drills));
}
