/* SPDX-License-Identifier: MIT */
/*
 * What every answer of a gateway has in common, whoever made it: who gave it, framing by the method asked, that it is
 * counted, and that it is the last one on its connection once a node drains; and what an origin answers to probes. On
 * loopback, real processes.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000
#define READ "/v1/orders?key=k0"

static struct stage stage;
static char heard[8192];

/* Gather in `heard` what comes until it has this, or, NULL, until the other side closes. */
static void hear(int fd, const char *what)
{
    size_t len = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    heard[0] = '\0';
    while (what == NULL || strstr(heard, what) == NULL) {
        check(poll(&p, 1, PATIENCE_MS) == 1 && len < sizeof(heard) - 1);
        ssize_t n = recv(fd, heard + len, sizeof(heard) - 1 - len, 0);
        if (n <= 0 && what == NULL)
            return;
        check(n > 0);
        len += (size_t)n;
        heard[len] = '\0';
    }
}

static void say(int fd, const char *bytes)
{
    check(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) == (ssize_t)strlen(bytes));
}

static bool heard_says(const char *line)
{
    return strcasestr(heard, line) != NULL;
}

/* Everything that comes of one request. */
static const char *asked_at(int port, const char *method, const char *target)
{
    char request[256];
    scoped_fd int fd = stage_dial(port);
    (void)snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", method, target);
    say(fd, request);
    hear(fd, NULL);
    return heard;
}

static const char *asked(enum stage_node gate, const char *method, const char *target)
{
    return asked_at(stage_port(&stage, gate), method, target);
}

/* What HEAD says of a body is what GET says, and what the origin says. */
static void head_tells_the_length(void)
{
    check(strstr(asked(GATE_US, "GET", "/bytes/321"), "200 OK") && heard_says("\r\nContent-Length: 321\r\n"));
    check(strstr(asked(GATE_US, "HEAD", "/bytes/321"), "200 OK") && heard_says("\r\nContent-Length: 321\r\n"));
    check(strcmp(strstr(heard, "\r\n\r\n"), "\r\n\r\n") == 0);
}

static bool heard_field(const char *name, const char *value)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "\r\nX-DR-%s: %s\r\n", name, value);
    return heard_says(line);
}

/* One of each of the fields that say who answers, after how many attempts, and what it runs. */
static bool signed_by(const char *node)
{
    static const char *const fields[] = {"Region", "Node", "Epoch", "Gateway", "Attempt", "Config"};
    for (size_t i = 0; i < array_len(fields); i++) {
        char start[32];
        (void)snprintf(start, sizeof(start), "\r\nX-DR-%s: ", fields[i]);
        const char *first = strcasestr(heard, start);
        if (first == NULL || strcasestr(first + 1, start) != NULL)
            return false;
    }
    return heard_field("Region", "us-east") && heard_field("Node", node) && heard_field("Epoch", "1") &&
           heard_field("Gateway", "us-east/1");
}

static bool of_the_origin(void)
{
    return atoi(heard + 9) == 200 && signed_by("us-east/origin-1") && heard_field("Attempt", "1");
}

static bool own(int status)
{
    return atoi(heard + 9) == status && signed_by("us-east/1") && heard_field("Attempt", "0");
}

/* Of the origin, whether it says so itself or not; and of the gateway, whoever in it refuses. */
static void every_answer_says_who_gave_it(void)
{
    check(asked(GATE_US, "GET", READ) && of_the_origin());
    check(asked(GATE_US, "GET", "/bytes/9") && of_the_origin());
    check(asked(GATE_US, "GET", "/nowhere") && own(404));
    check(asked(GATE_US, "GET", "nowhere") && own(400));
    check(asked(GATE_US, "GET", "/known") && own(401));
    check(asked(GATE_US, "PUT", "/healthz") && own(405));
    check(asked(GATE_US, "PUT", "/slow?ms=0") && own(405) && heard_says("\r\nAllow: GET, HEAD\r\n"));
    check(asked(GATE_US, "GET", "/slow?ms=0") && of_the_origin());
    check(asked(GATE_US, "GET", "/readyz") && own(200));
    for (int i = 0; atoi(heard + 9) != 429; i++)
        check(asked(GATE_US, "GET", "/seldom") && i < 100);
    check(own(429));
    check(asked(GATE_US, "GET", "/gone") && atoi(heard + 9) == 503 && signed_by("us-east/1"));
    check(!heard_field("Attempt", "0"));
}

/* An origin does as a probe asks; bounds are kept. */
static void probes(void)
{
    int port = stage_port(&stage, STORE_EU); /* which does not lead */
    static const struct {
        const char *method, *target;
        int status;
    } rows[] = {{"GET", "/status/200", 200},  {"POST", "/status/503", 503},   {"GET", "/status/599", 599},
                {"GET", "/status/199", 400},  {"GET", "/status/600", 400},    {"GET", "/status/", 400},
                {"GET", "/status/2 0", 400},  {"GET", "/slow?ms=0", 200},     {"GET", "/slow", 400},
                {"GET", "/slow?ms=-1", 400},  {"GET", "/slow?ms=60001", 400}, {"POST", "/slow?ms=0", 400},
                {"GET", "/slow/1?ms=0", 404}, {"GET", "/bytes/1048577", 400}, {"GET", "/bytes/", 400},
                {"POST", "/bytes/1", 400}};
    for (size_t i = 0; i < array_len(rows); i++)
        check(atoi(asked_at(port, rows[i].method, rows[i].target) + 9) == rows[i].status);
    check(atoi(asked_at(port, "GET", "/status/204") + 9) == 204 && !heard_says("Content-Length"));
    check(atoi(asked_at(port, "GET", "/status/304") + 9) == 304 && !heard_says("Content-Length"));
    check(atoi(asked(GATE_US, "GET", "/status/304") + 9) == 304 && !heard_says("Content-Length"));
    check(atoi(asked(GATE_US, "GET", "/status/204") + 9) == 204 && !heard_says("Content-Length"));
    check(atoi(asked(GATE_US, "GET", "/status/418") + 9) == 418 && strstr(heard, "\r\n\r\n418\n"));
    int64_t began = now_ms();
    scoped_fd int slow = stage_dial(port);
    say(slow, "GET /slow?ms=300 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    check(atoi(asked_at(port, "GET", "/bytes/1") + 9) == 200); /* meanwhile, others are served */
    hear(slow, NULL);
    check(atoi(heard + 9) == 200 && now_ms() - began >= 299);
}

static long count(enum stage_node n, const char *counter)
{
    char name[64];
    scoped_fd int fd = stage_dial(stage_admin(&stage, n));
    say(fd, "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    hear(fd, NULL);
    (void)snprintf(name, sizeof(name), "\ndrgateway_%s_total ", counter);
    const char *at = strstr(heard, name);
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : 0;
}

static void misbehave(const char *method, const char *knobs)
{
    static struct reply r;
    check(ask(stage_admin(&stage, STORE_US), method, "/misbehave/a", "", knobs, PATIENCE_MS, &r) && r.status == 200);
}

/* A request through the gateway that the origin does not answer. */
static int hanging(void)
{
    misbehave("PUT", "{\"hang\":true,\"health\":\"good\"}");
    int fd = stage_dial(stage_port(&stage, GATE_US));
    say(fd, "POST /bytes/1 HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return fd;
}

static void shed(void)
{
    long errors = count(GATE_US, "errors"), sheds = count(GATE_US, "shed");
    stage_change(&stage, GATE_US, json_pack("{s:i}", "in_flight", 1));
    scoped_fd int fd = hanging();
    check(asked(GATE_US, "GET", "/bytes/1") && own(503));
    check(count(GATE_US, "shed") == sheds + 1 && count(GATE_US, "errors") == errors + 1);
    misbehave("DELETE", "");
    hear(fd, NULL);
    check(atoi(heard + 9) == 502 && signed_by("us-east/1") && heard_field("Attempt", "1"));
    check(count(GATE_US, "errors") == errors + 2);
    stage_change(&stage, GATE_US, json_pack("{s:i}", "in_flight", 0));
}

/* A kept connection ends with an answer that says so; what is not finished in time is cut off, counted and named. */
static void drain(void)
{
    char path[128];
    scoped_text struct text log = {0};
    stage_change(&stage, GATE_US, json_pack("{s:i, s:i}", "drain_ms", 2000, "finish_ms", 50));
    scoped_fd int kept = stage_dial(stage_port(&stage, GATE_US)), idle = stage_dial(stage_port(&stage, GATE_US));
    check(kept >= 0 && idle >= 0);
    say(kept, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n");
    hear(kept, "ok\n");
    check(!heard_says("Connection: close"));
    scoped_fd int hung = hanging();
    stage_signal(&stage, GATE_US, SIGTERM);
    while (atoi(asked(GATE_US, "GET", "/readyz") + 9) == 200)
        pause_ms(10);
    check(atoi(heard + 9) == 503);
    say(kept, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n");
    hear(kept, NULL);
    check(heard_says("\r\nConnection: close\r\n") && strstr(heard, "ok\n"));
    check(child_wait(&stage.nodes[GATE_US], INT64_C(10000000000), NULL) == 0 && stage.nodes[GATE_US].status == 0);
    hear(hung, NULL);
    check(heard[0] == '\0');
    stage_path(&stage, GATE_US, "log", path);
    check(text_read_file(&log, path, 1 << 20, NULL) == 0 && strstr(log.at, "cut off unfinished: 1\n"));
}

/* Told to refuse while no control endpoint answers, and there is none. */
static void out_of_touch(void)
{
    static struct reply r;
    stage_change(&stage, GATE_EU,
                 json_pack("{s:{s:[{s:s, s:i}], s:i, s:s}}", "control", "endpoints", "address", "127.0.0.1", "port", 1,
                           "stale_after_ms", 50, "when_stale", "refuse"));
    stage_kill(&stage, GATE_EU);
    stage_start(&stage, GATE_EU);
    for (int64_t end = now_ms() + PATIENCE_MS;
         !ask(stage_port(&stage, GATE_EU), "GET", READ, "", "", 1000, &r) || strstr(r.body, "out of touch") == NULL;
         pause_ms(20))
        check(now_ms() < end);
    long errors = count(GATE_EU, "errors"), not_forwarded = count(GATE_EU, "not_forwarded");
    check(atoi(asked(GATE_EU, "GET", READ) + 9) == 503 && heard_says("out of touch"));
    check(heard_field("Gateway", "eu-west/1") && heard_field("Region", "eu-west"));
    check(count(GATE_EU, "errors") == errors + 1 && count(GATE_EU, "not_forwarded") == not_forwarded + 1);
}

/* The access log has this many lines, each of them whole. */
static void wait_lines(const char *path, size_t lines)
{
    scoped_text struct text log = {0};
    size_t n = 0;
    for (int64_t end = now_ms() + PATIENCE_MS; n != lines; pause_ms(20)) {
        check(now_ms() < end && "the access log has as many lines as there were requests");
        n = text_read_file(&log, path, 1 << 20, NULL) == 0 ? 0 : SIZE_MAX;
        for (const char *at = text_str(&log); n != SIZE_MAX && (at = strchr(at, '\n')) != NULL; at++)
            n++;
    }
    for (const char *at = text_str(&log); *at != '\0'; at = strchr(at, '\n') + 1) {
        scoped_json json_t *line = json_loadb(at, strcspn(at, "\n"), 0, NULL);
        check(strcmp(json_string_value(json_object_get(line, "node")), "us-east/1") == 0);
        check(json_is_string(json_object_get(line, "target")) && json_is_integer(json_object_get(line, "status")));
    }
}

/* Every request is a line of the access log, until that may not grow any more. */
static void written_down(void)
{
    char path[128], log[128];
    scoped_text struct text said = {0};
    (void)snprintf(path, sizeof(path), "%s/access.jsonl", stage.dir);
    stage_path(&stage, GATE_US, "log", log);
    stage_change(&stage, GATE_US, json_pack("{s:{s:s, s:i}}", "access_log", "path", path, "max_bytes", 1000));
    for (int i = 0; i < 3; i++)
        asked(GATE_US, "GET", i == 1 ? "/nowhere" : READ);
    wait_lines(path, 3);
    for (int i = 0; i < 20; i++)
        asked(GATE_US, "GET", READ);
    for (int64_t end = now_ms() + PATIENCE_MS; strstr(text_str(&said), "has reached its 1000 bytes") == NULL;
         pause_ms(20))
        check(now_ms() < end && text_read_file(&said, log, 1 << 20, NULL) == 0);
    wait_lines(path, 3);
    check(count(GATE_US, "access_log_lost") == 1);
}

/* Routes to the origins, to nowhere, for the known only, and for few. */
static json_t *routes(void)
{
    json_t *all = json_pack("{s:{s:s, s:s}}", "bytes", "path", "/bytes/", "upstream", "pool:orders");
    json_object_set_new(all, "status", json_pack("{s:s, s:s}", "path", "/status/", "upstream", "pool:orders"));
    json_object_set_new(
        all, "slow",
        json_pack("{s:s, s:[s, s], s:s}", "path", "/slow", "methods", "GET", "HEAD", "upstream", "pool:orders"));
    json_object_set_new(all, "gone", json_pack("{s:s, s:s}", "path", "/gone", "upstream", "http://127.0.0.1:1"));
    json_object_set_new(
        all, "known",
        json_pack("{s:s, s:s, s:[s]}", "path", "/known", "upstream", "pool:orders", "identity", "api_key"));
    json_object_set_new(
        all, "seldom",
        json_pack("{s:s, s:s, s:{s:i}}", "path", "/seldom", "upstream", "pool:orders", "rate_limit", "per_s", 1));
    return json_pack("{s:o, s:{s:{s:{s:s}}}}", "routes", all, "identity", "keys", "shop", "sha256",
                     "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb");
}

int main(int argc, char **argv)
{
    check(argc == 2);
    stage_open(&stage, argv[1], (struct stage_wish){.every_ms = 100});
    stage_change(&stage, GATE_US, routes());
    stage_change(
        &stage, GATE_US,
        json_pack("{s:{s:{s:i, s:i}}}", "pools", "orders", "try_ms", 4 * PATIENCE_MS, "total_ms", 4 * PATIENCE_MS));
    wait_leader(&stage, STORE_US, 5000);
    every_answer_says_who_gave_it();
    head_tells_the_length();
    written_down();
    probes();
    shed();
    out_of_touch();
    drain();
    stage_close(&stage);
    return 0;
}
