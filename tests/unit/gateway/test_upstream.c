/* SPDX-License-Identifier: MIT */
/*
 * Calls to a server of ours on loopback, on a real loop: when a connection is kept and used again, and when it is not.
 * The server is this test itself, between turns of the loop: sockets of its own, answers by hand.
 */
#include "gateway-under-test/upstream.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct loop *loop;
static struct upstream up;
static struct call call;
static int listener, peer; /* peer: the newest connection, as the server sees it; -1: none */
static enum call_end ended;
static char body[16];
static bool over;

static void on_done(struct call *c, enum call_end end)
{
    struct http_span b = end == CALL_ANSWERED ? call_body(c) : (struct http_span){"", 0};
    snprintf(body, sizeof(body), "%.*s", (int)b.len, b.at);
    ended = end;
    over = true;
}

static void turn(void)
{
    CU_ASSERT_TRUE(loop_run(loop, clock_mono_ns() + 20 * NS_PER_MS, &over, NULL) >= 0);
}

static void begin(bool unseen)
{
    struct err e = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    loop = loop_new(&e);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 8) == 0);
    CU_ASSERT_FATAL(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    upstream_init(&up, loop, &at);
    up.unseen = unseen;
    peer = -1;
}

static void end(void)
{
    call_deinit(&call);
    memset(&call, 0, sizeof(call));
    upstream_deinit(&up);
    fd_close(&peer);
    fd_close(&listener);
    loop_free(loop);
}

static void ask(void)
{
    over = false;
    text_clear(&call.request);
    text_add(&call.request, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    call_start(&call, &up, (struct call_times){500, 500}, true, on_done);
}

/* The server's side of one exchange, on a new connection if there is one. */
static void serve(const char *answer)
{
    char request[256];
    for (int i = 0; i < 50 && !over; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            fd_close(&peer);
            peer = fd;
        }
        if (peer >= 0 && recv(peer, request, sizeof(request), 0) > 0)
            CU_ASSERT_EQUAL(send(peer, answer, strlen(answer), MSG_NOSIGNAL), (ssize_t)strlen(answer));
        turn();
    }
    CU_ASSERT_TRUE(over);
}

static void exchange(const char *answer)
{
    ask();
    serve(answer);
}

/* After a whole exchange; the connection is with the upstream when its call is gone. */
static void keep_one(bool unseen)
{
    begin(unseen);
    exchange(ANSWER);
    CU_ASSERT_EQUAL(ended, CALL_ANSWERED);
    CU_ASSERT_STRING_EQUAL(body, "ok");
    CU_ASSERT_FALSE(call.reused);
    call_deinit(&call);
    memset(&call, 0, sizeof(call));
    CU_ASSERT_EQUAL(up.idle_count, 1);
    over = false;
}

static void what_is_kept_is_used_again(void)
{
    keep_one(false);
    exchange(ANSWER);
    CU_ASSERT_TRUE(call.reused);
    exchange(ANSWER); /* from its own hands, too */
    CU_ASSERT_TRUE(call.reused);
    CU_ASSERT_EQUAL(ended, CALL_ANSWERED);
    end();
}

/* TCP_USER_TIMEOUT of the other end of `peer`, which is ours. */
static unsigned user_timeout(void)
{
    struct sockaddr_in there = {0}, here = {0};
    unsigned ms = 0;
    socklen_t len = sizeof(there);
    CU_ASSERT_EQUAL(getpeername(peer, (struct sockaddr *)&there, &len), 0);
    for (int fd = 0; fd < 1024; fd++) {
        len = sizeof(here);
        if (getsockname(fd, (struct sockaddr *)&here, &len) != 0 || len != sizeof(here) ||
            here.sin_family != AF_INET || here.sin_port != there.sin_port)
            continue;
        len = sizeof(ms);
        CU_ASSERT_EQUAL(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &len), 0);
    }
    return ms;
}

static void each_call_has_a_patience_of_its_own(void)
{
    keep_one(false);
    CU_ASSERT_EQUAL(user_timeout(), 500);
    over = false;
    text_add(&call.request, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    call_start(&call, &up, (struct call_times){500, 9000}, true, on_done);
    CU_ASSERT(call.reused && user_timeout() == 9000);
    serve(ANSWER);
    exchange(ANSWER);
    CU_ASSERT(call.reused && user_timeout() == 500);
    end();
}

static void a_close_is_noticed_at_once(void)
{
    keep_one(false);
    fd_close(&peer);
    turn();
    CU_ASSERT_EQUAL(up.idle_count, 0);
    end();
}

static void a_close_is_noticed_before_its_event(void)
{
    keep_one(false);
    fd_close(&peer);
    exchange(ANSWER);
    CU_ASSERT_FALSE(call.reused);
    CU_ASSERT_EQUAL(ended, CALL_ANSWERED);
    end();
}

static void who_speaks_out_of_turn_is_dropped(void)
{
    keep_one(false);
    CU_ASSERT_EQUAL(send(peer, "HTTP", 4, MSG_NOSIGNAL), 4);
    turn();
    CU_ASSERT_EQUAL(up.idle_count, 0);
    end();
}

static void what_is_not_whole_is_not_kept(void)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        ANSWER "x",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    };
    for (size_t i = 0; i < array_len(answers); i++) {
        begin(false);
        exchange(answers[i]);
        CU_ASSERT_EQUAL(ended, CALL_ANSWERED);
        call_deinit(&call);
        CU_ASSERT_EQUAL(up.idle_count, 0);
        end();
    }
}

static void an_abandoned_call_leaves_nothing(void)
{
    begin(false);
    ask();
    turn();
    call_cancel(&call);
    CU_ASSERT_EQUAL(up.idle_count, 0);
    CU_ASSERT_EQUAL(up.active, 0);
    end();
}

static void a_host_found_down_loses_its_connections_but_for_the_flaw(void)
{
    keep_one(false);
    upstream_host_down(&up);
    CU_ASSERT_EQUAL(up.idle_count, 0);
    end();
    keep_one(true);
    upstream_host_down(&up);
    CU_ASSERT_EQUAL(up.idle_count, 1);
    end();
}

static bool says_yes(struct call *c)
{
    (void)c;
    return true;
}

static void who_waits_for_a_host_found_down_is_told(void)
{
    for (int movable = 0; movable < 2; movable++) {
        begin(false);
        call.moves = movable ? says_yes : NULL;
        ask();
        turn(); /* connected and sent; nobody answers */
        upstream_host_down(&up);
        CU_ASSERT_FALSE(over); /* never from inside */
        turn();
        CU_ASSERT_EQUAL(over, movable != 0);
        CU_ASSERT_EQUAL(call.called_off, movable != 0);
        CU_ASSERT(!over || ended == CALL_TIMEOUT);
        end();
    }
}

static void who_dials_a_host_found_down_is_told(void)
{
    int crowd[4];
    begin(false);
    CU_ASSERT_EQUAL(listen(listener, 0), 0);
    for (size_t i = 0; i < array_len(crowd); i++) { /* more than the queue holds: later handshakes get no answer */
        crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(crowd[i], (const struct sockaddr *)&up.address, sizeof(up.address));
    }
    ask();
    turn();
    CU_ASSERT_FALSE(over);
    upstream_host_down(&up);
    CU_ASSERT_FALSE(over);
    turn();
    CU_ASSERT(over && ended == CALL_UNREACHABLE && call.called_off && up.active == 0);
    for (size_t i = 0; i < array_len(crowd); i++)
        fd_close(&crowd[i]);
    end();
}

static void an_answer_in_that_moment_is_one(void)
{
    begin(false);
    call.moves = says_yes;
    ask();
    turn();
    peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CU_ASSERT_EQUAL(send(peer, ANSWER, strlen(ANSWER), MSG_NOSIGNAL), (ssize_t)strlen(ANSWER));
    call.called_off = true; /* and its end is due, were the answer not read before */
    turn();
    CU_ASSERT(over && ended == CALL_ANSWERED && !call.called_off);
    end();
}

static void the_flaw_sends_to_the_dead(void)
{
    keep_one(true);
    fd_close(&peer);
    turn();
    CU_ASSERT_EQUAL(up.idle_count, 1);
    exchange(ANSWER);
    CU_ASSERT_TRUE(call.reused);
    CU_ASSERT_EQUAL(ended, CALL_BROKEN);
    end();
}

static void nobody_there_is_unreachable(void)
{
    begin(false);
    fd_close(&listener);
    ask();
    turn();
    CU_ASSERT_TRUE(over);
    CU_ASSERT_EQUAL(ended, CALL_UNREACHABLE);
    end();
}

void suite_upstream(void)
{
    runner_suite(NULL, NULL);
    runner_test(what_is_kept_is_used_again);
    runner_test(each_call_has_a_patience_of_its_own);
    runner_test(a_close_is_noticed_at_once);
    runner_test(a_close_is_noticed_before_its_event);
    runner_test(who_speaks_out_of_turn_is_dropped);
    runner_test(what_is_not_whole_is_not_kept);
    runner_test(an_abandoned_call_leaves_nothing);
    runner_test(a_host_found_down_loses_its_connections_but_for_the_flaw);
    runner_test(who_waits_for_a_host_found_down_is_told);
    runner_test(who_dials_a_host_found_down_is_told);
    runner_test(an_answer_in_that_moment_is_one);
    runner_test(the_flaw_sends_to_the_dead);
    runner_test(nobody_there_is_unreachable);
}
