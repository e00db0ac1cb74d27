/* SPDX-License-Identifier: MIT */
/* A connection that holds as much as it may: it waits quietly, and goes on when its owner has taken some. */
#include "gateway-under-test/conn.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <sys/socket.h>

enum { LIMIT = 8 };

static struct loop *loop;
static struct conn conn;
static int peer, events;

static void on_event(struct conn *c)
{
    (void)c;
    events++;
}

static void begin(void)
{
    struct err e = {0};
    int ends[2];
    loop = loop_new(&e);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    CU_ASSERT_EQUAL_FATAL(conn_adopt(&conn, loop, ends[0], LIMIT, on_event), 0);
    peer = ends[1];
    events = 0;
}

static void end(void)
{
    conn_deinit(&conn);
    memset(&conn, 0, sizeof(conn));
    fd_close(&peer);
    loop_free(loop);
}

static void pass_ms(int64_t ms)
{
    CU_ASSERT_TRUE(loop_run(loop, clock_mono_ns() + ms * NS_PER_MS, NULL, NULL) >= 0);
}

static void a_full_one_waits_quietly(void)
{
    begin();
    CU_ASSERT_EQUAL(send(peer, "0123456789abcdef", 16, MSG_NOSIGNAL), 16);
    pass_ms(20);
    CU_ASSERT(conn.in.len == LIMIT && events == 1);
    pass_ms(20);
    CU_ASSERT_EQUAL(events, 1);
    conn_take(&conn, 3);
    pass_ms(20);
    CU_ASSERT(conn.in.len == LIMIT && strcmp(text_str(&conn.in), "3456789a") == 0 && events == 2);
    conn_take(&conn, LIMIT);
    pass_ms(20);
    CU_ASSERT(strcmp(text_str(&conn.in), "bcdef") == 0 && events == 3);
    end();
}

static void a_full_one_notices_the_end(void)
{
    begin();
    CU_ASSERT_EQUAL(send(peer, "0123456789", 10, MSG_NOSIGNAL), 10);
    pass_ms(20);
    fd_close(&peer);
    pass_ms(20);
    CU_ASSERT(events <= 2);
    conn_take(&conn, LIMIT);
    pass_ms(20);
    CU_ASSERT(conn.eof || conn.error != 0);
    end();
}

void suite_conn(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_full_one_waits_quietly);
    runner_test(a_full_one_notices_the_end);
}
