/* SPDX-License-Identifier: MIT */
/* The little HTTP client against a scripted peer on loopback that may be rude. */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/ask.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    struct loop_io io, conversation;
    struct loop *loop;
    int listener, fd;
    const char *says; /* NULL: nothing */
    size_t len;
    bool hangs_up; /* without a word */
    char heard[1024];
};

struct got {
    int calls, status;
    long number;
    bool body, done;
    struct lab_course course;
};

static struct peer peer;
static struct ask_list list;

static void converse(struct loop_io *io, uint32_t events)
{
    (void)events;
    ssize_t n = recv(io->fd, peer.heard, sizeof(peer.heard) - 1, 0);
    peer.heard[n > 0 ? n : 0] = '\0';
    loop_io_stop(io);
    if (peer.says && send(peer.fd, peer.says, peer.len, MSG_NOSIGNAL) < 0) {
        CU_FAIL("the peer cannot speak");
    }
    if (peer.says) {
        shutdown(peer.fd, SHUT_WR);
    }
}

static void welcome(struct loop_io *io, uint32_t events)
{
    (void)events;
    peer.fd = accept(io->fd, NULL, NULL);
    if (peer.hangs_up) {
        fd_close(&peer.fd);
        return;
    }
    peer.conversation.ready = converse;
    loop_io_set(peer.loop, &peer.conversation, peer.fd, EPOLLIN, NULL);
}

static struct sockaddr_in stage_peer(void)
{
    peer = (struct peer){.fd = -1, .io.ready = welcome, .loop = loop_new(NULL)};
    peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    CU_ASSERT_EQUAL(bind(peer.listener, (struct sockaddr *)&at, len), 0);
    CU_ASSERT_EQUAL(listen(peer.listener, 4), 0);
    getsockname(peer.listener, (struct sockaddr *)&at, &len);
    loop_io_set(peer.loop, &peer.io, peer.listener, EPOLLIN, NULL);
    return at;
}

static void clear_peer(void)
{
    ask_list_close(&list);
    loop_io_stop(&peer.io);
    loop_io_stop(&peer.conversation);
    fd_close(&peer.fd);
    fd_close(&peer.listener);
    loop_free(peer.loop);
}

static void take(void *arg, const struct lab_answer *a)
{
    struct got *g = arg;
    g->calls++;
    g->status = a->status;
    g->course = a->course;
    g->body = a->body != NULL;
    g->number = (long)json_integer_value(json_object_get(a->body, "n"));
    g->done = true;
    CU_ASSERT_TRUE(a->sent_ns <= a->done_ns);
}

static struct got ask_peer(struct ask_order order, const char *says, size_t len)
{
    struct got g = {0};
    struct sockaddr_in at = stage_peer();
    peer.says = says;
    peer.len = len;
    order.to = order.to.sin_family ? order.to : at;
    order.loop = peer.loop;
    order.zero_ns = clock_mono_ns();
    order.timeout_ns = order.timeout_ns ? order.timeout_ns : 200 * NS_PER_MS;
    order.done = take;
    order.arg = &g;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(ask_start(&list, fd, &order, NULL), 0);
    CU_ASSERT_EQUAL(g.calls, 0);
    loop_run(peer.loop, clock_mono_ns() + 2 * NS_PER_S, &g.done, NULL);
    CU_ASSERT_EQUAL(g.calls, 1);
    CU_ASSERT_PTR_NULL(list.first);
    clear_peer();
    return g;
}

static struct got get(const char *says)
{
    return ask_peer((struct ask_order){.method = "GET", .target = "/status"}, says, strlen(says));
}

static void answers(void)
{
    struct got g = get("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"n\": 7}");
    CU_ASSERT_EQUAL(g.status, 200);
    CU_ASSERT_EQUAL(g.number, 7);
    g = get("HTTP/1.1 409 Conflict\r\n\r\n{\"n\": 3}"); /* until the end of the stream */
    CU_ASSERT_EQUAL(g.status, 409);
    CU_ASSERT_EQUAL(g.number, 3);
}

static void what_is_sent(void)
{
    struct ask_order post = {.method = "POST", .target = "/standby", .body = "{\"standby\":true}"};
    const char *says = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct got g = ask_peer(post, says, strlen(says));
    CU_ASSERT_EQUAL(g.status, 200);
    CU_ASSERT_FALSE(g.body);
    CU_ASSERT_PTR_NOT_NULL(strstr(peer.heard, "POST /standby HTTP/1.1\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(peer.heard, "Content-Length: 16\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(peer.heard, "\r\n\r\n{\"standby\":true}"));
}

static void rude_answers(void)
{
    static const char *const rude[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"n\": 7}", /* cut short */
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{\"n\": ",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnot json at all",
        "HTTP/1.1 200 OK",
    };
    for (size_t i = 0; i < array_len(rude); i++) {
        struct got g = get(rude[i]);
        CU_ASSERT_EQUAL(g.status, 200);
        CU_ASSERT_FALSE(g.body);
    }
    CU_ASSERT_EQUAL(get("SSH-2.0-OpenSSH_9.2\r\n").status, 0);
    CU_ASSERT_EQUAL(get("HTTP/1.1 2x0 OK\r\n\r\n").status, 0);
}

static void an_endless_answer_ends(void)
{
    static char flood[200000] = "HTTP/1.1 200 OK\r\n\r\n";
    memset(flood + strlen(flood), 'x', sizeof(flood) - 1 - strlen(flood));
    struct got g = ask_peer((struct ask_order){.method = "GET", .target = "/"}, flood, sizeof(flood) - 1);
    CU_ASSERT_EQUAL(g.status, 200);
    CU_ASSERT_FALSE(g.body);
}

static void silence_is_bounded(void)
{
    int64_t begun = clock_mono_ns();
    struct got g = ask_peer((struct ask_order){.method = "GET", .target = "/", .timeout_ns = 50 * NS_PER_MS}, NULL, 0);
    CU_ASSERT_EQUAL(g.status, 0);
    CU_ASSERT_TRUE(clock_mono_ns() - begun < NS_PER_S);
}

/* How it went, beside what was said. */
static void courses(void)
{
    struct got g = get("HTTP/1.1 429 No\r\nRetry-After: 2\r\nContent-Length: 3\r\n\r\nabc");
    CU_ASSERT_EQUAL(g.course.end, END_WHOLE);
    CU_ASSERT_EQUAL(g.course.body_len, 3);
    CU_ASSERT_EQUAL(g.course.retry_after_s, 2);
    CU_ASSERT_TRUE(g.course.connected_ns != 0 && g.course.first_byte_ns >= g.course.connected_ns);
    g = get("HTTP/1.1 200 OK\r\nContent-Length: 50\r\nRetry-After: soon\r\n\r\nabc");
    CU_ASSERT_EQUAL(g.course.end, END_SHORT);
    CU_ASSERT_EQUAL(g.course.body_len, 3);
    CU_ASSERT_EQUAL(g.course.retry_after_s, -1);
    g = ask_peer((struct ask_order){.method = "GET", .target = "/", .timeout_ns = 50 * NS_PER_MS}, NULL, 0);
    CU_ASSERT_EQUAL(g.course.end, END_TIMEOUT);
    CU_ASSERT_EQUAL(g.course.first_byte_ns, 0);
    struct sockaddr_in nobody = stage_peer();
    clear_peer();
    g = ask_peer((struct ask_order){.method = "GET", .target = "/", .to = nobody}, NULL, 0);
    CU_ASSERT_EQUAL(g.course.end, END_REFUSED);
    CU_ASSERT_EQUAL(g.course.connected_ns, 0);
}

static int knock_peer(const char *target, const char *says, const struct sockaddr_in *to)
{
    struct ask_order o = {.method = "GET", .target = target, .knock = true, .timeout_ns = 50 * NS_PER_MS};
    if (to) {
        o.to = *to;
    }
    return ask_peer(o, says, says ? strlen(says) : 0).status;
}

static void knocks(void)
{
    CU_ASSERT_EQUAL(knock_peer("/healthz", "HTTP/1.1 503 No\r\n\r\n", NULL), KNOCK_ANSWERED);
    CU_ASSERT_EQUAL(knock_peer("/healthz", NULL, NULL), KNOCK_CONNECTED_SILENT);
    CU_ASSERT_EQUAL(knock_peer(NULL, NULL, NULL), KNOCK_ANSWERED); /* the connection was all we asked for */
    struct sockaddr_in nobody = stage_peer();
    clear_peer();
    CU_ASSERT_EQUAL(knock_peer("/healthz", NULL, &nobody), KNOCK_REFUSED);
}

static void closing_drops_without_a_word(void)
{
    struct got g = {0};
    struct sockaddr_in at = stage_peer();
    struct ask_order o = {
        .loop = peer.loop, .to = at, .method = "GET", .target = "/", .timeout_ns = NS_PER_S, .done = take, .arg = &g};
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(ask_start(&list, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), &o, NULL), 0);
    }
    ask_list_close(&list);
    loop_run(peer.loop, clock_mono_ns() + 20 * NS_PER_MS, NULL, NULL);
    CU_ASSERT_EQUAL(g.calls, 0);
    clear_peer();
}

void suite_ask(void)
{
    runner_suite(NULL, NULL);
    runner_test(answers);
    runner_test(what_is_sent);
    runner_test(rude_answers);
    runner_test(an_endless_answer_ends);
    runner_test(silence_is_bounded);
    runner_test(courses);
    runner_test(knocks);
    runner_test(closing_drops_without_a_word);
}
