/* SPDX-License-Identifier: MIT */
/*
 * What gateway and origin do with more than they can do, and with an upstream that fails: capacity and its queue, the
 * bound on requests in flight, the time to the first byte, the breaker, deep checks, requests under way to the frozen.
 * On loopback, real processes.
 */
#include "tests/live/gateway_stage.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CROWD 8
#define PATIENCE_MS 3000
#define READ "/v1/orders?key=k0"

static struct stage stage;
static struct reply answer;

/* What a crowd that asks at once gets: how many of each, when the last good one came,
 * how many refusals say when to come again. */
struct got {
    int good, refused, told;
    int64_t last_good_ms;
};

static void take(struct got *g, const char *bytes, int64_t after_ms)
{
    int status = atoi(bytes + 9);
    g->good += status == 200;
    g->refused += status == 503;
    g->told += status == 503 && strcasestr(bytes, "\r\nretry-after: 1\r\n") != NULL;
    if (status == 200)
        g->last_good_ms = after_ms;
}

static struct got crowd(int port, const char *target)
{
    struct pollfd fds[CROWD];
    char request[256], bytes[4096];
    struct got g = {0};
    int left = CROWD,
        n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", target);
    for (int i = 0; i < CROWD; i++)
        fds[i] = (struct pollfd){.fd = stage_dial(port), .events = POLLIN};
    int64_t began = now_ms();
    for (int i = 0; i < CROWD; i++)
        check(send(fds[i].fd, request, (size_t)n, MSG_NOSIGNAL) == n);
    while (left > 0) {
        check(poll(fds, CROWD, PATIENCE_MS) > 0);
        for (int i = 0; i < CROWD; i++) {
            if (fds[i].fd < 0 || fds[i].revents == 0)
                continue;
            ssize_t len = recv(fds[i].fd, bytes, sizeof(bytes) - 1, 0);
            check(len > 12);
            bytes[len] = '\0';
            take(&g, bytes, now_ms() - began);
            close(fds[i].fd);
            fds[i].fd = -1;
            left--;
        }
    }
    (void)printf("%s: %d good, the last after %lld ms, %d refused\n", target, g.good, (long long)g.last_good_ms,
                 g.refused);
    return g;
}

static json_t *of_pool(json_t *keys)
{
    return json_pack("{s:{s:o}}", "pools", "orders", keys);
}

static void misbehave(const char *knobs)
{
    check(ask(stage_admin(&stage, STORE_US), "PUT", "/misbehave/a", "", knobs, 1000, &answer) && answer.status == 200);
}

static void behave(void)
{
    check(ask(stage_admin(&stage, STORE_US), "DELETE", "/misbehave/a", "", "", 1000, &answer) && answer.status == 200);
}

static bool counted(enum stage_node n, const char *counter)
{
    return ask(stage_admin(&stage, n), "GET", "/metrics", "", "", 1000, &answer) &&
           strstr(answer.body, counter) != NULL;
}

/* One slot of 100 ms and three places in the queue: of eight that come at once
 * four are served, the last after 400 ms. */
static void an_origin_has_a_queue(void)
{
    stage_kill(&stage, STORE_US);
    stage_change(&stage, STORE_US,
                 json_pack("{s:{s:i, s:i, s:i}}", "capacity", "slots", 1, "service_us", 100000, "queue", 3));
    stage_start(&stage, STORE_US);
    wait_leader(&stage, STORE_US, 10000);
    struct got g = crowd(stage_port(&stage, STORE_US), READ);
    check(g.good == 4 && g.refused == 4 && g.told == 4 && g.last_good_ms >= 399);
    check(counted(STORE_US, "drgateway_overflowed_total 4"));
    g = crowd(stage_port(&stage, STORE_US), "/healthz");
    check(g.good == CROWD && g.last_good_ms < 300);
    g = crowd(stage_port(&stage, STORE_US), "/healthz?deep=1");
    check(g.good == 4 && g.last_good_ms >= 399);
}

/* The gateway works on two at a time and refuses the rest at once. */
static void a_gateway_sheds(void)
{
    stage_change(&stage, GATE_US, json_pack("{s:i}", "in_flight", 2));
    pause_ms(400);
    struct got g = crowd(stage_port(&stage, GATE_US), READ);
    check(g.good == 2 && g.refused == CROWD - 2 && g.told == CROWD - 2);
    check(counted(GATE_US, "drgateway_shed_total 6"));
    g = crowd(stage_port(&stage, GATE_US), READ); /* the places are free again */
    check(g.good == 2);
    stage_change(&stage, GATE_US, json_pack("{s:i}", "in_flight", 0));
}

/* An answer that does not begin in 50 ms is not waited for until the end of the try. */
static void the_first_byte_has_a_time_of_its_own(void)
{
    stage_change(&stage, GATE_US, of_pool(json_pack("{s:i, s:i}", "first_byte_ms", 50, "retries", 0)));
    pause_ms(400);
    int64_t began = now_ms();
    check(ask(stage_port(&stage, GATE_US), "GET", READ, "", "", 1000, &answer) && answer.status == 504);
    check(now_ms() - began >= 49 && now_ms() - began < 600);
    stage_change(&stage, GATE_US, of_pool(json_pack("{s:n, s:i}", "first_byte_ms", "retries", 2)));
}

static const char *breaker(void)
{
    static char word[16];
    scoped_json json_t *s = status_of(&stage, GATE_US);
    const json_t *us = json_array_get(json_object_get(s, "upstreams"), 0);
    (void)snprintf(word, sizeof(word), "%s", json_string_value(json_object_get(us, "breaker")));
    return word;
}

static void a_breaker_opens_and_closes(void)
{
    stage_change(&stage, GATE_US,
                 of_pool(json_pack("{s:{s:i, s:i, s:i, s:[s]}, s:{s:i}}", "breaker", "failures", 3, "open_ms", 600,
                                   "probes", 1, "triggers", "5xx", "passive", "failures", 10000)));
    pause_ms(400);
    misbehave("{\"status\":500,\"health\":\"good\"}");
    for (int i = 0; i < 3; i++) {
        check(strcmp(breaker(), "closed") == 0);
        check(ask(stage_port(&stage, GATE_US), "GET", READ, "", "", 1000, &answer) && answer.status == 500);
    }
    check(strcmp(breaker(), "open") == 0);
    behave();
    check(ask(stage_port(&stage, GATE_US), "GET", READ, "", "", 2000, &answer));
    check(strcmp(breaker(), "open") == 0 || answer.status == 200); /* the other region was asked, or time was over */
    for (int64_t end = now_ms() + 3000; strcmp(breaker(), "closed") != 0; pause_ms(50)) {
        (void)ask(stage_port(&stage, GATE_US), "GET", READ, "", "", 1000, &answer);
        check(now_ms() < end);
    }
    check(counted(GATE_US, "drgateway_breaker_opened_total 1"));
}

static int counter_of(enum stage_node n, const char *counter)
{
    char line[64];
    (void)snprintf(line, sizeof(line), "\n%s ", counter);
    check(ask(stage_admin(&stage, n), "GET", "/metrics", "", "", 1000, &answer));
    const char *at = strstr(answer.body, line);
    return at ? atoi(at + strlen(line)) : 0; /* none is not told */
}

/* The answer comes from the other region long before the try is over: when the
 * checks have found the frozen one down. It is not ejected for that as well. */
static void nobody_waits_for_who_is_found_down(void)
{
    stage_change(&stage, GATE_US,
                 of_pool(json_pack("{s:i, s:i, s:n, s:{s:i}}", "try_ms", 8000, "total_ms", 9000, "breaker", "passive",
                                   "failures", 1)));
    pause_ms(400);
    int ejections = counter_of(GATE_US, "drgateway_ejections_total");
    int timeouts = counter_of(GATE_US, "drgateway_upstream_timeouts_total");
    stage_signal(&stage, STORE_US, SIGSTOP);
    int64_t began = now_ms();
    check(ask(stage_port(&stage, GATE_US), "GET", READ, "", "", 9000, &answer) && answer.status == 200);
    (void)printf("frozen: another answered after %lld ms\n", (long long)(now_ms() - began));
    check(now_ms() - began < 7000);
    check(counter_of(GATE_US, "drgateway_ejections_total") == ejections);
    check(counter_of(GATE_US, "drgateway_upstream_timeouts_total") == timeouts);
    stage_signal(&stage, STORE_US, SIGCONT);
}

int main(int argc, char **argv)
{
    check(argc == 2);
    stage_open(&stage, argv[1], (struct stage_wish){.every_ms = 100});
    wait_leader(&stage, STORE_US, 10000);
    an_origin_has_a_queue();
    a_gateway_sheds();
    the_first_byte_has_a_time_of_its_own();
    a_breaker_opens_and_closes();
    nobody_waits_for_who_is_found_down();
    stage_close(&stage);
    return 0;
}
