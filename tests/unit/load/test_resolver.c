/* SPDX-License-Identifier: MIT */
/* The name of the service, asked of a scripted server on loopback: what is kept how long, and what a failure is. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/resolver.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_NS (700 * NS_PER_MS)

/* Answers with what it is told: addresses 10.0.0.<number>, a time to live, a code; or not at all. */
static struct server {
    struct loop_io io;
    uint16_t port;
    int asked, rcode;
    uint8_t number, ttl, more; /* more: further addresses, counted on from number */
    bool silent, without_address;
} server;

static struct loop *loop;
static struct resolver *resolver;

static struct waiter {
    struct naming naming;
    char address[16]; /* empty: failed */
    int told;
} waiters[3];

static void on_query(struct loop_io *io, uint32_t events)
{
    (void)events;
    uint8_t m[512], records[64];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n = recvfrom(io->fd, m, sizeof(m) - sizeof(records), 0, (struct sockaddr *)&from, &len);
    if (n < 12) {
        return;
    }
    server.asked++;
    if (server.silent) {
        return;
    }
    bool answers = server.rcode == 0 && !server.without_address;
    m[2] = 0x84;
    m[3] = (uint8_t)server.rcode;
    m[7] = answers ? (uint8_t)(1 + server.more) : 0;
    for (uint8_t i = 0; i < m[7]; i++) {
        const uint8_t record[16] = {0xC0, 12,         0, 1, 0,  1, 0, 0,
                                    0,    server.ttl, 0, 4, 10, 0, 0, (uint8_t)(server.number + i)};
        memcpy(records + (size_t)i * sizeof(record), record, sizeof(record));
    }
    memcpy(m + n, records, sizeof(records));
    sendto(io->fd, m, (size_t)n + m[7] * 16u, 0, (struct sockaddr *)&from, len);
}

static void begin(enum dns_class kept)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    loop = loop_new(NULL);
    server = (struct server){.io.ready = on_query, .number = 1, .ttl = 1};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    server.port = ntohs(a.sin_port);
    CU_ASSERT_EQUAL(loop_io_set(loop, &server.io, fd, EPOLLIN, NULL), 0);
    CU_ASSERT_EQUAL(resolver_new(&resolver, loop, "127.0.0.1", server.port, kept, LIMIT_NS, NULL), 0);
}

static void end(void)
{
    resolver_free(resolver);
    int fd = server.io.fd;
    loop_io_stop(&server.io);
    close(fd);
    loop_free(loop);
}

static void on_named(struct naming *n, const char *address)
{
    struct waiter *w = (struct waiter *)(void *)n; /* naming is its first member */
    w->told++;
    snprintf(w->address, sizeof(w->address), "%s", address ? address : "");
}

static void ask(int i)
{
    waiters[i] = (struct waiter){.naming.named = on_named};
    resolver_ask(resolver, &waiters[i].naming);
}

static const char *asked(void)
{
    ask(0);
    int64_t until = loop_tick(loop) + 3 * NS_PER_S;
    while (waiters[0].told == 0 && loop_now(loop) < until) {
        loop_run(loop, loop_now(loop) + NS_PER_MS, NULL, NULL);
    }
    CU_ASSERT_EQUAL(waiters[0].told, 1);
    return waiters[0].address;
}

static void pass(int64_t ns)
{
    loop_run(loop, loop_tick(loop) + ns, NULL, NULL);
}

static void an_answer_is_kept_as_long_as_it_says(void)
{
    begin(DNS_HONOURS);
    CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.1");
    int64_t kept_from = loop_now(loop);
    server.number = 2;
    const char *last = asked();
    while (strcmp(last, "10.0.0.1") == 0 && loop_tick(loop) < kept_from + 3 * NS_PER_S) {
        CU_ASSERT_EQUAL(server.asked, 1);
        pass(5 * NS_PER_MS);
        last = asked();
    }
    CU_ASSERT_STRING_EQUAL(last, "10.0.0.2");
    CU_ASSERT(loop_now(loop) - kept_from >= 990 * NS_PER_MS);
    CU_ASSERT_EQUAL(server.asked, 2);
    server.ttl = 0;
    pass(NS_PER_S);
    asked();
    server.number = 3;
    CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.3"); /* an answer without a life is for those who waited */
    end();
}

static void others_keep_it_longer(void)
{
    static const enum dns_class longer[] = {DNS_CLAMPS, DNS_PINS};
    for (size_t i = 0; i < array_len(longer); i++) {
        begin(longer[i]);
        asked();
        server.number = 2;
        pass(1100 * NS_PER_MS);
        CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.1");
        CU_ASSERT_EQUAL(server.asked, 1);
        end();
    }
}

static void some_take_all_addresses(void)
{
    const char *next = NULL;
    begin(DNS_SEVERAL);
    server.more = 2;
    CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.1");
    CU_ASSERT_EQUAL(resolver_after(resolver, "10.0.0.1", &next), 2);
    CU_ASSERT_STRING_EQUAL(next, "10.0.0.2");
    CU_ASSERT_EQUAL(resolver_after(resolver, "10.0.0.2", &next), 1);
    CU_ASSERT_STRING_EQUAL(next, "10.0.0.3");
    CU_ASSERT_EQUAL(resolver_after(resolver, "10.0.0.3", &next), 0);
    CU_ASSERT_EQUAL(resolver_after(resolver, "10.0.0.9", &next), 0);
    server.number = 7;
    pass(1100 * NS_PER_MS); /* as long as it says */
    CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.7");
    end();
    begin(DNS_HONOURS);
    server.more = 2;
    CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.1");
    CU_ASSERT_EQUAL(resolver_after(resolver, "10.0.0.1", &next), 0);
    end();
}

static void who_asks_meanwhile_shares_the_answer(void)
{
    begin(DNS_HONOURS);
    ask(1);
    ask(2);
    CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.1");
    CU_ASSERT(waiters[1].told == 1 && waiters[2].told == 1);
    CU_ASSERT_STRING_EQUAL(waiters[2].address, "10.0.0.1");
    CU_ASSERT_EQUAL(server.asked, 1);
    end();
}

static void a_failure_is_told_and_not_kept(void)
{
    begin(DNS_PINS);
    server.rcode = 3;
    CU_ASSERT_STRING_EQUAL(asked(), "");
    server.rcode = 0;
    server.without_address = true;
    CU_ASSERT_STRING_EQUAL(asked(), "");
    server.without_address = false;
    CU_ASSERT_STRING_EQUAL(asked(), "10.0.0.1");
    end();
}

static void silence_has_an_end(void)
{
    begin(DNS_HONOURS);
    server.silent = true;
    int64_t from = loop_tick(loop);
    CU_ASSERT_STRING_EQUAL(asked(), "");
    CU_ASSERT(loop_now(loop) - from >= LIMIT_NS * 9 / 10);
    CU_ASSERT_EQUAL(server.asked, 3);
    ask(1);
    resolver_free(steal(&resolver)); /* whoever waits is told */
    CU_ASSERT_EQUAL(waiters[1].told, 1);
    CU_ASSERT_STRING_EQUAL(waiters[1].address, "");
    end();
}

void suite_resolver(void)
{
    runner_suite(NULL, NULL);
    runner_test(an_answer_is_kept_as_long_as_it_says);
    runner_test(others_keep_it_longer);
    runner_test(some_take_all_addresses);
    runner_test(who_asks_meanwhile_shares_the_answer);
    runner_test(a_failure_is_told_and_not_kept);
    runner_test(silence_has_an_end);
}
