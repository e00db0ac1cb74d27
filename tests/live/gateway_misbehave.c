/* SPDX-License-Identifier: MIT */
/*
 * An origin that is told to misbehave, asked over plain sockets: what comes, when, and how it ends. On loopback, with a
 * client that shares no code with the gateway.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 3000
#define ASKS 200

enum seen_end { WHOLE, SHORT, RESET, SILENT };

struct seen {
    int status;
    enum seen_end end;
    size_t body;
    int64_t first_ms, last_ms; /* since the request left */
    bool retry_after_2;
};

static struct stage stage;
static struct reply answer;

static int dial(int port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0);
    return steal_fd(&fd);
}

static void judge(struct seen *s, const char *all, size_t len)
{
    const char *end = strstr(all, "\r\n\r\n"), *length = strcasestr(all, "\r\ncontent-length: ");
    if (end == NULL || length == NULL)
        return;
    s->status = atoi(all + 9);
    s->body = len - (size_t)(end + 4 - all);
    s->retry_after_2 = strcasestr(all, "\r\nretry-after: 2\r\n") != NULL;
    if (s->end == SHORT && s->body == (size_t)atoi(length + 18))
        s->end = WHOLE;
}

static struct seen look(int port, const char *target, int patience_ms)
{
    static char all[256 * 1024];
    char request[256];
    scoped_fd int fd = dial(port);
    int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", target);
    int64_t began = now_ms();
    struct seen s = {.end = SILENT, .first_ms = -1};
    size_t len = 0;
    check(send(fd, request, (size_t)n, MSG_NOSIGNAL) == n);
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = began + patience_ms - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            break;
        ssize_t got = recv(fd, all + len, sizeof(all) - 1 - len, 0);
        if (got <= 0) {
            s.end = got < 0 && errno == ECONNRESET ? RESET : SHORT;
            break;
        }
        s.first_ms = s.first_ms < 0 ? now_ms() - began : s.first_ms;
        s.last_ms = now_ms() - began;
        len += (size_t)got;
    }
    all[len] = '\0';
    judge(&s, all, len);
    return s;
}

static int put(enum stage_node n, const char *slot, const char *knobs)
{
    char target[64];
    (void)snprintf(target, sizeof(target), "/misbehave/%s", slot);
    return ask(stage_admin(&stage, n), "PUT", target, "", knobs, 1000, &answer) ? answer.status : 0;
}

static void clear(enum stage_node n, const char *slot)
{
    char target[64];
    (void)snprintf(target, sizeof(target), "/misbehave/%s", slot);
    check(ask(stage_admin(&stage, n), "DELETE", target, "", "", 1000, &answer) && answer.status == 200);
}

static int origin(void)
{
    return stage_port(&stage, STORE_US);
}

static void well(int port)
{
    struct seen s = look(port, "/bytes/20000", PATIENCE_MS);
    check(s.status == 200 && s.end == WHOLE && s.body == 20000);
}

/* A share of 20 %: of 200 draws between 15 and 75 (beyond it less than once in a million runs), and the same again
 * from the same seed. */
static void shares(void)
{
    int hits[2] = {0};
    for (int run = 0; run < 2; run++) {
        check(put(STORE_US, "a", "{\"status\":503,\"share_ppm\":200000,\"seed\":7,\"health\":\"good\"}") == 200);
        for (int i = 0; i < ASKS; i++)
            hits[run] += look(origin(), "/bytes/10", PATIENCE_MS).status == 503;
        check(ask(stage_admin(&stage, STORE_US), "GET", "/misbehave", "", "", 1000, &answer));
        scoped_json json_t *doc = json_read(answer.body, strlen(answer.body), "knobs", NULL);
        const json_t *slot = json_object_get(json_object_get(doc, "slots"), "a");
        check(json_integer_value(json_object_get(slot, "hits")) == hits[run]);
        check(json_integer_value(json_object_get(slot, "requests")) == ASKS);
        clear(STORE_US, "a");
    }
    check(hits[0] >= 15 && hits[0] <= 75 && hits[0] == hits[1]);
    (void)printf("%d of %d answered 503\n", hits[0], ASKS);
}

static void answers(void)
{
    check(put(STORE_US, "a", "{\"status\":429,\"retry_after_s\":2}") == 200);
    struct seen s = look(origin(), "/v1/orders?key=k0", PATIENCE_MS);
    check(s.status == 429 && s.retry_after_2 && s.end == WHOLE);
    check(look(origin(), "/metrics", PATIENCE_MS).status == 200);
    check(look(stage_admin(&stage, STORE_US), "/healthz", PATIENCE_MS).status == 200);
    well(stage_port(&stage, STORE_EU));
    clear(STORE_US, "a");
    well(origin());
}

static void slow(void)
{
    int64_t usual = look(origin(), "/bytes/10", PATIENCE_MS).first_ms;
    check(put(STORE_US, "a", "{\"first_byte_us\":300000}") == 200);
    struct seen s = look(origin(), "/bytes/10", PATIENCE_MS);
    (void)printf("first byte after %lld ms instead of %lld\n", (long long)s.first_ms, (long long)usual);
    check(s.status == 200 && s.end == WHOLE && s.first_ms >= 299);
    check(put(STORE_US, "b", "{\"body_us\":400000}") == 200);
    s = look(origin(), "/bytes/20000", PATIENCE_MS);
    (void)printf("body of %zu bytes in %lld ms\n", s.body, (long long)(s.last_ms - s.first_ms));
    check(s.end == WHOLE && s.body == 20000 && s.first_ms >= 299 && s.last_ms >= 698);
    clear(STORE_US, "a");
    s = look(origin(), "/bytes/1", PATIENCE_MS);
    check(s.end == WHOLE && s.last_ms >= 399);
    clear(STORE_US, "b");
    well(origin());
}

static void cut_bodies(void)
{
    check(put(STORE_US, "a", "{\"reset_after\":10000}") == 200);
    struct seen s = look(origin(), "/bytes/100000", PATIENCE_MS);
    check(s.status == 200 && s.end == RESET && s.body == 10000);
    s = look(origin(), "/v1/orders", PATIENCE_MS); /* shorter than that: all but its last byte */
    check(s.status == 200 && s.end == RESET && s.body == strlen("{\"orders\":0}") - 1);
    clear(STORE_US, "a");
    check(put(STORE_US, "a", "{\"short_body\":true,\"share_ppm\":1000000}") == 200);
    s = look(origin(), "/bytes/100000", PATIENCE_MS);
    check(s.status == 200 && s.end == SHORT && s.body == 50000);
    clear(STORE_US, "a");
    well(origin());
}

static int64_t open_connections(void)
{
    check(ask(stage_admin(&stage, STORE_US), "GET", "/metrics", "", "", 1000, &answer));
    const char *line = strstr(answer.body, "\ndrgateway_connections ");
    check(line != NULL);
    return atoll(line + strlen("\ndrgateway_connections "));
}

/* Silent, but connected; whoever leaves is forgotten, whoever stays is let go at the end. */
static void hangs(void)
{
    int64_t before = open_connections();
    check(put(STORE_US, "a", "{\"hang\":true,\"health\":\"good\"}") == 200);
    for (int i = 0; i < 20; i++)
        check(look(origin(), "/bytes/10", 20).end == SILENT);
    check(look(origin(), "/healthz", PATIENCE_MS).status == 200);
    for (int64_t end = now_ms() + 3000; open_connections() > before + 5; pause_ms(20))
        check(now_ms() < end);
    scoped_fd int fd = dial(origin());
    static const char request[] = "GET /bytes/1 HTTP/1.1\r\nHost: t\r\n\r\n";
    check(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(request) - 1);
    pause_ms(100);
    char byte;
    check(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    clear(STORE_US, "a");
    struct pollfd p = {.fd = fd, .events = POLLIN};
    check(poll(&p, 1, 1000) == 1 && recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
    well(origin());
}

/* What a health check sees: the truth, unless it is told to lie, either way. */
static void health(void)
{
    check(put(STORE_US, "a", "{\"status\":500}") == 200);
    check(look(origin(), "/healthz", PATIENCE_MS).status == 500);
    check(put(STORE_US, "a", "{\"status\":500,\"health\":\"good\"}") == 200);
    check(look(origin(), "/healthz", PATIENCE_MS).status == 200 &&
          look(origin(), "/readyz", PATIENCE_MS).status == 200);
    check(look(origin(), "/bytes/1", PATIENCE_MS).status == 500);
    check(put(STORE_US, "b", "{\"health\":\"bad\"}") == 200);
    check(look(origin(), "/healthz", PATIENCE_MS).status == 503);
    clear(STORE_US, "a");
    check(look(origin(), "/healthz", PATIENCE_MS).status == 503);
    well(origin());
    clear(STORE_US, "b");
    check(look(origin(), "/healthz", PATIENCE_MS).status == 200);
}

static void refusals(void)
{
    static const char *const wrong[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"status\":200}",
                                        "{\"status\":\"503\"}",
                                        "{\"status\":503,\"share_ppm\":0}",
                                        "{\"share_ppm\":200000}",
                                        "{\"hang\":true,\"status\":503}",
                                        "{\"hang\":1}",
                                        "{\"reset_after\":-1}",
                                        "{\"reset_after\":1,\"short_body\":true}",
                                        "{\"status\":500,\"retry_after_s\":2}",
                                        "{\"health\":\"fine\"}",
                                        "{\"first_byte_us\":99000000000}",
                                        "{\"stauts\":503}"};
    for (size_t i = 0; i < array_len(wrong); i++)
        check(put(STORE_US, "a", wrong[i]) == 400);
    check(strstr(answer.body, "status") && strstr(answer.body, "unknown key"));
    check(put(STORE_US, "A", "{\"status\":503}") == 404 && put(GATE_US, "a", "{\"status\":503}") == 404);
    check(ask(stage_admin(&stage, STORE_US), "POST", "/misbehave/a", "", "{}", 1000, &answer) && answer.status == 405);
    for (int i = 0; i < 17; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "s%d", i);
        check(put(STORE_US, name, "{\"status\":503,\"share_ppm\":1}") == (i < 16 ? 200 : 409));
    }
    for (int i = 0; i < 17; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "s%d", i);
        clear(STORE_US, name);
    }
    well(origin());
}

/* Through a gateway: an instance that resets in mid-answer never shows as half an answer. */
static void behind_a_gateway(void)
{
    check(put(STORE_US, "a", "{\"reset_after\":10,\"health\":\"good\"}") == 200);
    struct seen s = look(stage_port(&stage, GATE_US), "/v1/orders?key=k0", PATIENCE_MS);
    check(s.end == WHOLE && (s.status == 502 || s.status == 504));
    clear(STORE_US, "a");
    check(look(stage_port(&stage, GATE_US), "/v1/orders?key=k0", PATIENCE_MS).end == WHOLE);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fputs("usage: gateway_misbehave DRGATEWAY\n", stderr);
        return 2;
    }
    stage_open(&stage, argv[1], (struct stage_wish){.every_ms = 100});
    shares();
    answers();
    slow();
    cut_bodies();
    hangs();
    health();
    refusals();
    behind_a_gateway();
    stage_close(&stage);
    (void)puts("passed");
    return 0;
}
