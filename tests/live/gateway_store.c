/* SPDX-License-Identifier: MIT */
/*
 * The bundled store by itself, asked without a gateway by many connections at once: gateway_store DRGATEWAY NAME, the
 * names being listed at the end. Exit code 0 or a message.
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

int main(int argc, char **argv)
{
    static const struct stage_drill drills[] = {
        {"gathered", gathered},
        {"refused-together", refused_together},
        {"survives", survives},
    };
    return stage_main(&stage, argc, argv, drills, array_len(drills));
}
