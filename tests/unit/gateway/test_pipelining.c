/* SPDX-License-Identifier: MIT */
/*
 * One client that sends far more requests than it waits for, to a handler that answers at once: what that costs the
 * others, and that each is answered all the same.
 */
#include "gateway-under-test/server.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

enum { REQUESTS = 2000, LARGE = 64 * 1024 };

static struct loop *loop;
static struct server server;
static int client, handled, in_a_turn, most_in_a_turn;
static int64_t turn;
static size_t body_len;

static void answer(void *ctx, struct exchange *x)
{
    static const char body[LARGE];
    (void)ctx;
    handled++;
    in_a_turn = turn == loop_now(loop) ? in_a_turn + 1 : 1;
    turn = loop_now(loop);
    most_in_a_turn = in_a_turn > most_in_a_turn ? in_a_turn : most_in_a_turn;
    exchange_answer(x, 200, "text/plain", "", body, body_len);
}

static void begin(size_t len)
{
    struct err e = {0};
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    loop = loop_new(&e);
    handled = in_a_turn = most_in_a_turn = 0;
    body_len = len;
    CU_ASSERT_EQUAL_FATAL(server_open(&server, loop, 0, &server_defaults, answer, NULL, &e), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(server.acceptor.fd, (struct sockaddr *)&at, &size), 0);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(client, (const struct sockaddr *)&at, sizeof(at)), 0);
}

static void end(void)
{
    fd_close(&client);
    server_close(&server);
    loop_free(loop);
}

static void pass_ms(int64_t ms)
{
    CU_ASSERT_TRUE(loop_run(loop, clock_mono_ns() + ms * NS_PER_MS, NULL, NULL) >= 0);
}

static void send_all(void)
{
    scoped_text struct text out = {0};
    for (int i = 0; i < REQUESTS; i++)
        text_add(&out, REQUEST);
    for (size_t gone = 0; gone < out.len;) {
        ssize_t n = send(client, out.at + gone, out.len - gone, MSG_NOSIGNAL | MSG_DONTWAIT);
        gone += n > 0 ? (size_t)n : 0;
        if (n < 0)
            pass_ms(1);
    }
}

/* Read until the server ends it; how many answers came. */
static int read_all(void)
{
    static char bytes[LARGE];
    int64_t limit = clock_mono_ns() + 20 * NS_PER_S, got = 0;
    for (;;) {
        ssize_t n = recv(client, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN) || clock_mono_ns() > limit)
            break;
        got += n > 0 ? n : 0;
        if (n < 0)
            pass_ms(1);
    }
    scoped_text struct text one = {0};
    text_addf(&one, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nContent-Type: text/plain\r\n\r\n", body_len);
    return (int)(got / (int64_t)(one.len + body_len));
}

static void who_does_not_read_is_not_worked_for(void)
{
    begin(LARGE);
    send_all();
    pass_ms(50);
    CU_ASSERT(handled > 0 && handled < REQUESTS / 2);
    CU_ASSERT_TRUE(server.head->conn.out.len < 2 * LARGE);
    CU_ASSERT_EQUAL(shutdown(client, SHUT_WR), 0);
    CU_ASSERT_EQUAL(read_all(), REQUESTS);
    end();
}

static void nobody_has_the_loop_to_himself(void)
{
    begin(1);
    send_all();
    CU_ASSERT_EQUAL(shutdown(client, SHUT_WR), 0); /* what was sent before is answered */
    CU_ASSERT_EQUAL(read_all(), REQUESTS);
    CU_ASSERT_EQUAL(handled, REQUESTS);
    CU_ASSERT(most_in_a_turn > 1 && most_in_a_turn <= 256);
    CU_ASSERT_EQUAL(server.open, 0);
    end();
}

void suite_pipelining(void)
{
    runner_suite(NULL, NULL);
    runner_test(who_does_not_read_is_not_worked_for);
    runner_test(nobody_has_the_loop_to_himself);
}
