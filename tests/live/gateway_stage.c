/* SPDX-License-Identifier: MIT */
/*
 * Ports: nine consecutive ones in a stretch that is free at the start, picked at random, so that tests of several
 * worktrees on one machine do not meet. Files: one temporary directory with configuration, log and data of each node.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORTS 16
#define DETOUR_PAIRS 8

static struct stage *open_stage; /* for exit(3) */
static const char *const names[STAGE_NODES] = {"witness", "store-us", "store-eu", "gate-us", "gate-eu"};

static void show_logs(void)
{
    for (int n = 0; open_stage != NULL && n < STAGE_NODES; n++) {
        scoped_text struct text log = {0};
        char path[128];
        stage_path(open_stage, (enum stage_node)n, "log", path);
        if (text_read_file(&log, path, 1 << 20, NULL) == 0)
            (void)fprintf(stderr, "--- %s\n%s", names[n], log.len > 4000 ? log.at + log.len - 4000 : text_str(&log));
    }
}

void stage_fail(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    show_logs();
    exit(1);
}

int64_t now_ms(void)
{
    return clock_mono_ns() / NS_PER_MS;
}

void pause_ms(int64_t ms)
{
    (void)poll(NULL, 0, (int)ms);
}

int stage_port(const struct stage *s, enum stage_node n)
{
    return s->base_port + 3 * (int)n;
}

int stage_admin(const struct stage *s, enum stage_node n)
{
    return stage_port(s, n) + 1;
}

void stage_path(const struct stage *s, enum stage_node n, const char *suffix, char out[128])
{
    (void)snprintf(out, 128, "%s/%s.%s", s->dir, names[n], suffix);
}

static bool port_free(int port)
{
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
}

static void pick_ports(struct stage *s)
{
    for (int tries = 0;; tries++) {
        bool all = true;
        check(tries < 200 && "some stretch of ports is free");
        s->base_port = 10000 + (int)rng_below(&s->rng, 22000);
        for (int i = 0; i < PORTS; i++)
            all = all && port_free(s->base_port + i);
        if (all)
            return;
    }
}

static json_t *members(const struct stage *s)
{
    return json_pack("[{s:s, s:s, s:s, s:i}, {s:s, s:s, s:s, s:i}]", "name", "us-east/origin-1", "region", "us-east",
                     "address", "127.0.0.1", "port", stage_port(s, STORE_US), "name", "eu-west/origin-1", "region",
                     "eu-west", "address", "127.0.0.1", "port", stage_port(s, STORE_EU));
}

static void add_gateway(const struct stage *s, json_t *c)
{
    json_t *check_doc = json_pack("{s:s, s:i, s:i, s:i, s:i}", "path", "/healthz", "every_ms", 100, "timeout_ms", 100,
                                  "unhealthy_after", 2, "healthy_after", 2);
    json_t *pool =
        json_pack("{s:[s, s], s:o, s:o, s:i, s:i, s:i, s:i}", "regions", "us-east", "eu-west", "members", members(s),
                  "check", check_doc, "connect_ms", 200, "try_ms", 700, "total_ms", 900, "retries", 2);
    json_object_set_new(c, "routes", json_pack("{s:{s:s, s:s}}", "orders", "path", "/v1/", "upstream", "pool:orders"));
    json_object_set_new(c, "pools", json_pack("{s:o}", "orders", pool));
    json_object_set_new(c, "drift",
                        json_pack("{s:i, s:s, s:i}", "check_ms", 100, "policy", "revert", "revert_after_ms", 300));
}

static int detour_port(const struct stage *s)
{
    return stage_port(s, WITNESS) + 2; /* where a store would have its replication */
}

static struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Bytes both ways between a caller and a port, a pair of descriptors side by side, until one of them ends. */
static void forward(int listener, int to_port)
{
    struct pollfd p[1 + 2 * DETOUR_PAIRS] = {{listener, POLLIN, 0}};
    const struct sockaddr_in to = local(to_port);
    char bytes[4096];
    for (int i = 1; i <= 2 * DETOUR_PAIRS; i++)
        p[i] = (struct pollfd){-1, POLLIN, 0};
    while (poll(p, array_len(p), -1) > 0) {
        for (int i = 1; i <= 2 * DETOUR_PAIRS; i++) {
            int other = i % 2 ? i + 1 : i - 1;
            ssize_t n = p[i].fd >= 0 && p[i].revents ? recv(p[i].fd, bytes, sizeof(bytes), 0) : 1;
            if (n > 0 && p[i].fd >= 0 && p[i].revents)
                n = send(p[other].fd, bytes, (size_t)n, MSG_NOSIGNAL);
            if (n <= 0) {
                (void)close(p[i].fd), (void)close(p[other].fd);
                p[i].fd = p[other].fd = -1;
            }
        }
        int free_at = 1;
        while (free_at < 2 * DETOUR_PAIRS && p[free_at].fd >= 0)
            free_at += 2;
        if (!p[0].revents || free_at >= 2 * DETOUR_PAIRS)
            continue;
        p[free_at].fd = accept(listener, NULL, NULL);
        p[free_at + 1].fd = socket(AF_INET, SOCK_STREAM, 0);
        p[free_at].revents = p[free_at + 1].revents = 0;
        (void)connect(p[free_at + 1].fd, (const struct sockaddr *)&to, sizeof(to));
    }
}

static void start_detour(struct stage *s)
{
    const struct sockaddr_in at = local(detour_port(s));
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
          bind(listener, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 64) == 0);
    pid_t parent = getpid();
    s->detour = fork();
    check(s->detour >= 0);
    if (s->detour == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
            forward(listener, stage_port(s, WITNESS));
        _exit(1);
    }
    (void)close(listener);
}

static void add_store(const struct stage *s, json_t *c, enum stage_node n, struct stage_wish wish)
{
    enum stage_node peer = n == STORE_US ? STORE_EU : STORE_US;
    json_t *peers = json_pack("[{s:s, s:s, s:i}]", "region", peer == STORE_US ? "us-east" : "eu-west", "address",
                              "127.0.0.1", "port", stage_port(s, peer) + 2);
    json_object_set_new(c, "store",
                        json_pack("{s:s, s:i, s:s, s:i, s:i, s:b, s:o, s:{s:s, s:i}, s:i, s:i, s:i}", "mode",
                                  wish.sync ? "sync" : "async", "every_ms", wish.every_ms, "degrade", "async",
                                  "degrade_after_ms", 400, "port", stage_port(s, n) + 2, "home", n == STORE_US, "peers",
                                  peers, "witness", "address", "127.0.0.1", "port",
                                  n == STORE_US && wish.detour ? detour_port(s) : stage_port(s, WITNESS), "lease_ms",
                                  400, "renew_ms", 100, "failback_hold_ms", 300));
}

static void write_config(const struct stage *s, enum stage_node n, struct stage_wish wish)
{
    bool us = n == STORE_US || n == GATE_US, store = n == STORE_US || n == STORE_EU;
    char name[64], path[128];
    const char *region = n == WITNESS ? "witness" : (us ? "us-east" : "eu-west");
    (void)snprintf(name, sizeof(name), "%s/%s", region, store ? "origin-1" : "1");
    scoped_json json_t *c = json_pack("{s:s, s:s, s:s, s:i, s:i}", "node", name, "role",
                                      n == WITNESS ? "witness" : (store ? "origin" : "gateway"), "region", region,
                                      "listen", stage_port(s, n), "admin", stage_admin(s, n));
    json_object_set_new(c, "flaws", wish.flaw ? json_pack("[s]", wish.flaw) : json_array());
    if (n == WITNESS)
        json_object_update_new(c, json_pack("{s:i, s:s, s:i, s:[s, s]}", "lease_ms", 400, "prefer", "us-east",
                                            "grace_ms", 1500, "regions", "us-east", "eu-west"));
    else if (store)
        add_store(s, c, n, wish);
    else
        add_gateway(s, c);
    scoped_free char *text = json_canonical(c);
    stage_path(s, n, "json", path);
    check(file_replace(path, text, strlen(text), NULL) == 0);
    stage_path(s, n, "desired", path);
    check(file_replace(path, text, strlen(text), NULL) == 0);
    stage_path(s, n, "d", path);
    check(mkdir(path, 0755) == 0);
}

void stage_start(struct stage *s, enum stage_node n)
{
    char config[128], desired[128], data[128], log[128];
    struct err e = {0};
    stage_path(s, n, "json", config);
    stage_path(s, n, "desired", desired);
    stage_path(s, n, "d", data);
    stage_path(s, n, "log", log);
    scoped_fd int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const char *const argv[] = {s->binary, "--config", config, "--desired", desired, "--data", data, NULL};
    s->nodes[n] = (struct child){0};
    check(fd >= 0 && child_exec(&s->nodes[n], argv, NULL, fd, NULL, NULL, &e) == 0);
}

void stage_signal(struct stage *s, enum stage_node n, int sig)
{
    check(child_signal(&s->nodes[n], sig, NULL) == 0);
}

void stage_kill(struct stage *s, enum stage_node n)
{
    check(child_stop(&s->nodes[n], 0, NULL) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void stage_close(struct stage *s)
{
    if (open_stage == NULL)
        return;
    for (int n = 0; n < STAGE_NODES; n++) {
        if (s->nodes[n].pid > 0)
            (void)child_stop(&s->nodes[n], 0, NULL);
    }
    if (s->detour > 0 && kill(s->detour, SIGKILL) == 0)
        (void)waitpid(s->detour, NULL, 0);
    (void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    open_stage = NULL;
}

static void close_at_exit(void)
{
    if (open_stage != NULL)
        stage_close(open_stage);
}

void stage_open(struct stage *s, const char *binary, struct stage_wish wish)
{
    *s = (struct stage){.binary = binary, .dir = "/tmp/drtest-gateway-XXXXXX"};
    rng_init(&s->rng, rng_entropy_seed(), "tests/live/gateway");
    check(mkdtemp(s->dir) != NULL);
    static bool registered;
    if (!registered)
        registered = atexit(close_at_exit) == 0;
    open_stage = s;
    pick_ports(s);
    if (wish.detour)
        start_detour(s);
    for (int n = 0; n < STAGE_NODES; n++) {
        write_config(s, (enum stage_node)n, wish);
        stage_start(s, (enum stage_node)n);
    }
    wait_leader(s, STORE_US, 5000);
    wait_in_sync(s, 5000);
}

/* Poll, then one read or write; false when the deadline has passed or the connection has failed. */
static bool step(int fd, short events, int64_t deadline)
{
    struct pollfd p = {fd, events, 0};
    int64_t left = deadline - now_ms();
    return left > 0 && poll(&p, 1, (int)left) == 1;
}

static size_t receive(int fd, char *all, size_t size, int64_t deadline)
{
    size_t len = 0;
    while (len < size - 1 && step(fd, POLLIN, deadline)) {
        ssize_t n = recv(fd, all + len, size - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    all[len] = '\0';
    return len;
}

bool ask(int port, const char *method, const char *target, const char *fields, const char *body, int timeout_ms,
         struct reply *r)
{
    static char all[sizeof(r->head) + sizeof(r->body)];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int64_t deadline = now_ms() + timeout_ms;
    scoped_text struct text out = {0};
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    r->status = 0;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    text_addf(&out, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", method,
              target, fields, strlen(body), body);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) ||
        !step(fd, POLLOUT, deadline) || send(fd, out.at, out.len, MSG_NOSIGNAL) != (ssize_t)out.len)
        return false;
    size_t len = receive(fd, all, sizeof(all), deadline);
    const char *end = strstr(all, "\r\n\r\n"), *length = strcasestr(all, "\r\ncontent-length: ");
    if (end == NULL || length == NULL || length > end || (size_t)(end - all) >= sizeof(r->head) ||
        (size_t)atoi(length + 18) != len - (size_t)(end + 4 - all))
        return false;
    (void)snprintf(r->head, sizeof(r->head), "%.*s\r\n", (int)(end - all), all);
    (void)snprintf(r->body, sizeof(r->body), "%s", end + 4);
    r->status = atoi(all + 9);
    return true;
}

bool field(const struct reply *r, const char *name, char *out, size_t size)
{
    char start[64];
    (void)snprintf(start, sizeof(start), "\r\n%s: ", name);
    const char *at = strcasestr(r->head, start);
    if (at == NULL)
        return false;
    at += strlen(start);
    (void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
    return true;
}

int write_op(int port, const char *op, const char *key, struct reply *r)
{
    char fields[256], body[256];
    (void)snprintf(fields, sizeof(fields), "Idempotency-Key: run/%s\r\nX-DR-Nonce: 0123456789abcdef\r\n", op);
    (void)snprintf(body, sizeof(body), "{\"op\":\"%s\",\"key\":\"%s\",\"value\":\"00000000000000aa\"}", op, key);
    return ask(port, "POST", "/v1/orders", fields, body, 1500, r) ? r->status : 0;
}

json_t *status_of(struct stage *s, enum stage_node n)
{
    static struct reply r;
    return ask(stage_admin(s, n), "GET", "/status", "", "", 500, &r) ? json_read(r.body, strlen(r.body), "status", NULL)
                                                                     : NULL;
}

json_int_t drifts_of(struct stage *s, enum stage_node gate, const char *kind)
{
    scoped_json json_t *status = status_of(s, gate);
    const json_t *n = json_object_get(json_object_get(status, "drifts"), kind);
    check(json_is_integer(n));
    return json_integer_value(n);
}

bool leads(struct stage *s, enum stage_node n)
{
    scoped_json json_t *status = status_of(s, n);
    return json_is_true(json_object_get(status, "leader"));
}

void wait_leader(struct stage *s, enum stage_node n, int64_t limit_ms)
{
    for (int64_t end = now_ms() + limit_ms; !leads(s, n); pause_ms(10))
        check(now_ms() < end && "the store leads in time");
}

static bool connected(struct stage *s)
{
    for (int n = STORE_US; n <= STORE_EU; n++) {
        scoped_json json_t *status = status_of(s, (enum stage_node)n);
        const json_t *peer = json_array_get(json_object_get(status, "peers"), 0);
        if (json_is_true(json_object_get(peer, "connected")))
            return true;
    }
    return false;
}

void wait_in_sync(struct stage *s, int64_t limit_ms)
{
    static struct reply r;
    for (int64_t end = now_ms() + limit_ms;; pause_ms(10)) {
        scoped_json json_t *witness = status_of(s, WITNESS);
        check(now_ms() < end && "both regions are in sync in time");
        if (json_array_size(json_object_get(witness, "in_sync")) == 2 && connected(s) &&
            ask(stage_port(s, GATE_US), "GET", "/readyz", "", "", 500, &r) && r.status == 200 &&
            ask(stage_port(s, GATE_EU), "GET", "/readyz", "", "", 500, &r) && r.status == 200)
            return;
    }
}

json_t *all_ops(struct stage *s, enum stage_node n)
{
    static struct reply r;
    json_t *all = json_array();
    for (json_int_t from = 1; from > 0;) {
        char target[64];
        (void)snprintf(target, sizeof(target), "/v1/ops?from=%lld&limit=500", (long long)from);
        check(ask(stage_port(s, n), "GET", target, "", "", 2000, &r) && r.status == 200);
        scoped_json json_t *page = json_read(r.body, strlen(r.body), "page", NULL);
        check(json_array_extend(all, json_object_get(page, "ops")) == 0);
        from = json_integer_value(json_object_get(page, "next"));
    }
    return all;
}

void stage_change(struct stage *s, enum stage_node n, json_t *patch)
{
    scoped_text struct text bytes = {0};
    scoped_json json_t *change = patch;
    char path[128], wanted[SHA256_HEX];
    stage_path(s, n, "json", path);
    check(text_read_file(&bytes, path, 1 << 20, NULL) == 0);
    scoped_json json_t *now = json_read(text_str(&bytes), bytes.len, path, NULL), *next = json_merge(now, change);
    scoped_free char *text = json_canonical(next);
    check(file_replace(path, text, strlen(text), NULL) == 0);
    stage_path(s, n, "desired", path);
    check(file_replace(path, text, strlen(text), NULL) == 0);
    json_fingerprint(next, wanted);
    for (int64_t end = now_ms() + 3000; n == GATE_US || n == GATE_EU; pause_ms(20)) {
        scoped_json json_t *status = status_of(s, n);
        const char *config = json_string_value(json_object_get(status, "config"));
        if (config != NULL && strcmp(config, wanted) == 0)
            return;
        check(now_ms() < end && "the gateway runs what is desired");
    }
}

int stage_dial(int port)
{
    const struct sockaddr_in to = local(port);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0);
    return steal_fd(&fd);
}

void stage_silence(struct stage *s, enum stage_node a, enum stage_node b)
{
    stage_signal(s, a, SIGSTOP);
    stage_signal(s, b, SIGSTOP);
}

int stage_main(struct stage *s, int argc, char **argv, const struct stage_drill *drills, size_t n)
{
    for (size_t i = 0; argc == 3 && i < n; i++) {
        if (strcmp(drills[i].name, argv[2]) != 0)
            continue;
        s->binary = argv[1];
        drills[i].run();
        stage_close(s);
        (void)printf("passed: %s\n", argv[2]);
        return 0;
    }
    (void)fprintf(stderr, "usage: %s DRGATEWAY NAME\n", argv[0]);
    return 2;
}
