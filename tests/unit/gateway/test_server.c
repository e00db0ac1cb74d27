/* SPDX-License-Identifier: MIT */
/*
 * What the server writes around the answers that it is given: a server on loopback and its clients share one loop.
 */
#include "gateway-under-test/relay.h"
#include "gateway-under-test/server.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 5000

static struct loop *loop;
static struct server server;
static struct sockaddr_in at;
static size_t told_bytes; /* of the answer told last */
static char heard[8192];

static void handle(void *ctx, struct exchange *x)
{
    struct http_span path = exchange_path(x);
    (void)ctx;
    x->told = true;
    x->attempts = span_is(path, "/three") ? 3 : 0;
    if (span_is(path, "/204"))
        exchange_answer(x, 204, NULL, "", "", 0);
    else if (span_is(path, "/304"))
        exchange_answer(x, 304, NULL, "", "", LENGTH_UNTOLD);
    else if (span_is(path, "/304/of-7"))
        exchange_answer(x, 304, NULL, "", "", 7);
    else if (span_is(path, "/untold"))
        exchange_answer(x, 200, NULL, "", "", LENGTH_UNTOLD);
    else
        exchange_answer(x, 200, "text/plain", "", "hello\n", 6);
}

static void on_answered(void *ctx, struct exchange *x, int status, size_t len)
{
    (void)ctx, (void)x, (void)status;
    told_bytes = len;
}

static void sign(void *ctx, const struct exchange *x, struct text *out)
{
    (void)ctx;
    text_addf(out, "X-Signed: %d\r\n", x->attempts);
}

/* A server of its own for each test that wears one out. */
static int open_server(void)
{
    socklen_t len = sizeof(at);
    if (loop == NULL || server_open(&server, loop, 0, &server_defaults, handle, NULL, NULL) != 0 ||
        getsockname(server.acceptor.fd, (struct sockaddr *)&at, &len) != 0)
        return -1;
    server.answered = on_answered;
    server.sign = sign;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return 0;
}

static int setup(void)
{
    loop = loop_new(NULL);
    return open_server();
}

static int cleanup(void)
{
    server_close(&server);
    loop_free(loop);
    return 0;
}

static void pass(int64_t ms)
{
    loop_run(loop, clock_mono_ns() + ms * NS_PER_MS, NULL, NULL);
}

static int come(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (const struct sockaddr *)&at, sizeof(at));
    CU_ASSERT(rc == 0 || errno == EINPROGRESS);
    return fd;
}

static void say(int fd, const char *bytes)
{
    CU_ASSERT_EQUAL(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

/* Gather in `heard` what comes until the server closes; false: it has not. */
static bool hear_all(int fd)
{
    size_t len = 0;
    ssize_t n = -1;
    for (int64_t end = clock_mono_ns() + PATIENCE_MS * NS_PER_MS; n != 0 && clock_mono_ns() < end; pass(1)) {
        n = recv(fd, heard + len, sizeof(heard) - 1 - len, 0);
        if (n < 0 && errno != EAGAIN)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    heard[len] = '\0';
    return n == 0;
}

/* Everything that comes of one request, after which the connection is closed. */
static const char *asked(const char *method, const char *path)
{
    char request[256];
    int fd = come();
    (void)snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
    say(fd, request);
    CU_ASSERT(hear_all(fd));
    fd_close(&fd);
    return heard;
}

static bool ends(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);
    return len >= n && strcmp(text + len - n, end) == 0;
}

static void lengths_are_told_where_they_mean_something(void)
{
    static const struct {
        const char *method, *path, *status;
        const char *length; /* NULL: none is told */
        const char *body;
    } rows[] = {
        {"GET", "/", "200 OK", "6", "hello\n"},
        {"HEAD", "/", "200 OK", "6", ""},
        {"HEAD", "/untold", "200 OK", NULL, ""},
        {"GET", "/204", "204 No Content", NULL, ""},
        {"HEAD", "/204", "204 No Content", NULL, ""},
        {"GET", "/304", "304 Not Modified", NULL, ""},
        {"GET", "/304/of-7", "304 Not Modified", "7", ""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        char line[64];
        const char *all = asked(rows[i].method, rows[i].path);
        (void)snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", rows[i].status);
        CU_ASSERT_EQUAL(strncmp(all, line, strlen(line)), 0);
        (void)snprintf(line, sizeof(line), "\r\nContent-Length: %s\r\n", rows[i].length ? rows[i].length : "");
        CU_ASSERT_EQUAL(strstr(all, rows[i].length ? line : "Content-Length") != NULL, rows[i].length != NULL);
        (void)snprintf(line, sizeof(line), "\r\n\r\n%s", rows[i].body);
        CU_ASSERT(ends(all, line));
        CU_ASSERT_EQUAL(told_bytes, strlen(rows[i].body));
    }
}

/* Refusals of the parser as well; and what an exchange has noted is not taken for the next one's. */
static void every_answer_is_signed(void)
{
    int fd = come();
    CU_ASSERT(strstr(asked("GET", "/"), "\r\nX-Signed: 0\r\n") && strstr(heard, " 200 "));
    CU_ASSERT(strstr(asked("GET", "nowhere"), "\r\nX-Signed: 0\r\n") && strstr(heard, " 400 "));
    say(fd, "GET /three HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n");
    CU_ASSERT(hear_all(fd));
    CU_ASSERT(strstr(heard, "\r\nX-Signed: 3\r\n") && strstr(heard, "\r\nX-Signed: 0\r\n"));
    fd_close(&fd);
}

#define REQUEST "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define CLOSE "\r\nConnection: close\r\n"

static bool closes_after_an_answer(int fd)
{
    return hear_all(fd) && strstr(heard, CLOSE) && ends(heard, "hello\n");
}

static void a_draining_server_lets_its_clients_go(void)
{
    int used = come(), silent = come(), newcomer = -1;
    say(used, REQUEST);
    pass(20);
    server_drain(&server);
    pass(20);
    CU_ASSERT_EQUAL(server.open, 2); /* nobody is sent away without an answer */
    say(used, REQUEST);
    CU_ASSERT(hear_all(used));
    const char *last = strstr(heard, "hello\n") + strlen("hello\n");
    CU_ASSERT(strstr(last, CLOSE) != NULL && strstr(last, CLOSE) == strstr(heard, CLOSE));
    newcomer = come();
    say(newcomer, REQUEST);
    CU_ASSERT(closes_after_an_answer(newcomer));
    server_stop_accepting(&server);
    CU_ASSERT_EQUAL(server.open, 0);
    CU_ASSERT(hear_all(silent));
    CU_ASSERT_STRING_EQUAL(heard, "");
    fd_close(&used), fd_close(&silent), fd_close(&newcomer);
    server_close(&server);
    CU_ASSERT_EQUAL(open_server(), 0);
}

/* A request that is in the kernel, on a kept connection or a new one, when the server stops is answered. */
static void who_has_asked_before_the_end_is_answered(void)
{
    int kept = come(), fresh;
    pass(20);
    CU_ASSERT_EQUAL(server.open, 1);
    server_drain(&server);
    fresh = come();
    say(kept, REQUEST);
    say(fresh, REQUEST);
    server_stop_accepting(&server);
    CU_ASSERT_EQUAL(server.open, 2);
    CU_ASSERT(closes_after_an_answer(kept));
    CU_ASSERT(closes_after_an_answer(fresh));
    CU_ASSERT_EQUAL(server.open, 0);
    fd_close(&kept), fd_close(&fresh);
    server_close(&server);
    CU_ASSERT_EQUAL(open_server(), 0);
}

static size_t passed_on(const char *response, bool to_head)
{
    struct http_message m;
    char bytes[128];
    (void)snprintf(bytes, sizeof(bytes), "HTTP/1.1 %s", response);
    http_begin_response(&m, to_head);
    CU_ASSERT_EQUAL(http_read(&m, bytes, strlen(bytes)), HTTP_DONE);
    return relay_length(&m);
}

static void lengths_are_passed_on_as_they_were_told(void)
{
    CU_ASSERT_EQUAL(passed_on("200 OK\r\nContent-Length: 3\r\n\r\nabc", false), 3);
    CU_ASSERT_EQUAL(passed_on("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", false), 2);
    CU_ASSERT_EQUAL(passed_on("200 OK\r\nContent-Length: 9000000\r\n\r\n", true), 9000000);
    CU_ASSERT_EQUAL(passed_on("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true), LENGTH_UNTOLD);
    CU_ASSERT_EQUAL(passed_on("304 Not Modified\r\nContent-Length: 0\r\n\r\n", false), 0);
    CU_ASSERT_EQUAL(passed_on("304 Not Modified\r\n\r\n", false), LENGTH_UNTOLD);
}

void suite_server(void)
{
    runner_suite(setup, cleanup);
    runner_test(lengths_are_told_where_they_mean_something);
    runner_test(every_answer_is_signed);
    runner_test(a_draining_server_lets_its_clients_go);
    runner_test(who_has_asked_before_the_end_is_answered);
    runner_test(lengths_are_passed_on_as_they_were_told);
}
