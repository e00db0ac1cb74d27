/* SPDX-License-Identifier: MIT */
/*
 * Who may stay connected to a follower. Connections are real, and the time at which it looks is made up.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/store.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <sys/socket.h>

enum { CROWD = 40, MOST = 32 };

static struct node node;
static struct store store;
static struct config_store wish; /* a port of the kernel's choice */
static struct sockaddr_in at;
static int leaders[CROWD];

static void begin(void)
{
    struct err e = {0};
    socklen_t len = sizeof(at);
    memset(&node, 0, sizeof(node));
    node.loop = loop_new(&e);
    store = (struct store){.node = &node, .cfg = &wish};
    CU_ASSERT_EQUAL_FATAL(follower_open(&store, &e), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(store.acceptor.fd, (struct sockaddr *)&at, &len), 0);
}

static void end(void)
{
    follower_close(&store);
    loop_free(node.loop);
}

static int connected(void)
{
    int n = 0;
    for (const struct follower_conn *c = store.followers; c != NULL; c = c->next)
        n++;
    return n;
}

static void turns(int n)
{
    for (int i = 0; i < n; i++)
        CU_ASSERT_TRUE(loop_run(node.loop, clock_mono_ns() + 2 * NS_PER_MS, NULL, NULL) >= 0);
}

static void dial(int *fd)
{
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(connect(*fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    turns(1);
}

static void the_silent_make_room(void)
{
    begin();
    for (int i = 0; i < CROWD; i++)
        dial(&leaders[i]);
    turns(10);
    CU_ASSERT_EQUAL(connected(), MOST);
    follower_tick(&store, loop_now(node.loop));
    CU_ASSERT_EQUAL(connected(), MOST);
    store.followers->heard_at += 9 * NS_PER_S; /* this one has said something since */
    follower_tick(&store, loop_now(node.loop) + 10 * NS_PER_S);
    CU_ASSERT_EQUAL(connected(), 1);
    for (int i = 0; i < CROWD; i++)
        fd_close(&leaders[i]);
    turns(5);
    CU_ASSERT_EQUAL(connected(), 0);
    dial(&leaders[0]);
    turns(5);
    CU_ASSERT_EQUAL(connected(), 1);
    fd_close(&leaders[0]);
    end();
}

static void a_frame_is_a_sign_of_life(void)
{
    scoped_text struct text out = {0};
    begin();
    dial(&leaders[0]);
    turns(5);
    CU_ASSERT_EQUAL_FATAL(connected(), 1);
    store.followers->heard_at = 1;
    frame_end(&out, frame_begin(&out, FRAME_BEAT, 0));
    CU_ASSERT_EQUAL(send(leaders[0], out.at, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    turns(5);
    CU_ASSERT(connected() == 1 && store.followers->heard_at > 1); /* refused, for it never said HELLO */
    follower_tick(&store, loop_now(node.loop));
    CU_ASSERT_EQUAL(connected(), 1);
    fd_close(&leaders[0]);
    end();
}

void suite_follower(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_silent_make_room);
    runner_test(a_frame_is_a_sign_of_life);
}
