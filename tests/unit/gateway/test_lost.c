/* SPDX-License-Identifier: MIT */
/* GET /v1/lost: what a store set aside, page by page, and again after it was started anew. */
#include "gateway-under-test/node.h"
#include "gateway-under-test/store.h"
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COUNT = 9, KEPT = 3 }; /* lsn 7 is a revocation */

static char dir[64], answer[8192];
static struct config config = {.node = "us-east/origin-1", .region = "us-east"};
static struct config_store cfg;
static struct node node;
static struct store store;
static struct server server;
static struct sockaddr_in at;

static void handle(void *ctx, struct exchange *x)
{
    lost_answer(ctx, x);
}

static void replay(void *ctx, const struct record *r)
{
    index_add(&((struct store *)ctx)->index, r);
}

static void open_store(void)
{
    int64_t cut;
    socklen_t len = sizeof(at);
    node = (struct node){.config = &config, .loop = loop_new(NULL)};
    store = (struct store){.node = &node, .cfg = &cfg, .epoch = 2};
    index_init(&store.index);
    CU_ASSERT_EQUAL_FATAL(store_log_open(&store.log, dir, replay, &store, &cut, NULL), 0);
    lost_open(&store);
    CU_ASSERT_EQUAL_FATAL(server_open(&server, node.loop, 0, &server_defaults, handle, &store, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(server.acceptor.fd, (struct sockaddr *)&at, &len), 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void close_store(void)
{
    server_close(&server);
    lost_close(&store);
    store_log_close(&store.log);
    index_deinit(&store.index);
    loop_free(node.loop);
}

static void append(int64_t lsn)
{
    scoped_text struct text bytes = {0};
    struct record r = {.lsn = lsn, .epoch = 1, .time_ns = 1, .revocation = lsn == 7};
    (void)snprintf(r.op, sizeof(r.op), "c0-%lld", (long long)(COUNT - lsn)); /* the ids are in no order */
    (void)snprintf(r.idem, sizeof(r.idem), "run/%lld", (long long)lsn);
    (void)snprintf(r.key, sizeof(r.key), "%s", r.revocation ? "key:leaked" : "k1");
    strcpy(r.value, "00000000000000aa");
    record_write(&r, &bytes);
    int64_t length = (int64_t)bytes.len;
    CU_ASSERT_EQUAL(store_log_append(&store.log, &bytes, &length, 1, NULL), 0);
    index_add(&store.index, &r);
}

/* The body of what it answers to this target, parsed; NULL: it refuses. */
static json_t *asked(const char *target)
{
    char request[128];
    size_t len = 0;
    ssize_t n = -1;
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(fd, (const struct sockaddr *)&at, sizeof(at));
    int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
    CU_ASSERT_EQUAL(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
    for (int64_t end = clock_mono_ns() + 5 * NS_PER_S; n != 0 && clock_mono_ns() < end;) {
        loop_run(node.loop, clock_mono_ns() + NS_PER_MS, NULL, NULL);
        n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
    }
    answer[len] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    return strstr(answer, "HTTP/1.1 200") == answer ? json_loads(body + 4, 0, NULL) : NULL;
}

static int64_t number(const json_t *page, const char *name)
{
    return json_integer_value(json_object_get(page, name));
}

/* Five orders were set aside: lsn 4, 5, 6, 8 and 9, with ids c0-5, c0-4, c0-3, c0-1 and c0-0. */
static void check_list(void)
{
    scoped_json json_t *all = asked("/v1/lost"), *first = asked("/v1/lost?from=1&limit=2"),
                       *middle = asked("/v1/lost?from=3&limit=2"), *beyond = asked("/v1/lost?from=70");
    char digest[SHA256_HEX];
    const char *ids = "c0-0\nc0-1\nc0-3\nc0-4\nc0-5\n";
    sha256_hex(ids, strlen(ids), digest);
    CU_ASSERT(number(all, "from") == 1 && number(all, "next") == 0 && number(all, "count") == 5 &&
              number(all, "total") == 5);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(all, "digest")), digest);
    const json_t *row = json_array_get(json_object_get(all, "ops"), 0);
    scoped_json json_t *wanted = json_loads("[\"c0-5\",4,1,\"k1\",0,\"00000000000000aa\"]", 0, NULL);
    CU_ASSERT(json_equal(row, wanted));
    CU_ASSERT(number(first, "next") == 3 && number(first, "count") == 2 && number(first, "total") == 5);
    CU_ASSERT(json_is_null(json_object_get(first, "digest")));
    CU_ASSERT(number(middle, "next") == 5 && number(middle, "count") == 1); /* a revocation is no order */
    CU_ASSERT(number(beyond, "next") == 0 && number(beyond, "count") == 0 && number(beyond, "total") == 5);
    CU_ASSERT_PTR_NULL(asked("/v1/lost?limit=1001"));
    CU_ASSERT_PTR_NULL(asked("/v1/lost?limit=0"));
    CU_ASSERT_PTR_NULL(asked("/v1/lost?from=x"));
}

static void a_store_lists_what_it_set_aside(void)
{
    open_store();
    scoped_json json_t *empty = asked("/v1/lost");
    CU_ASSERT(number(empty, "total") == 0 && number(empty, "next") == 0);
    for (int64_t lsn = 1; lsn <= COUNT; lsn++)
        append(lsn);
    CU_ASSERT_EQUAL(store_log_cut(&store.log, KEPT, 1, NULL), 0);
    lost_take(&store, KEPT);
    index_cut(&store.index, KEPT);
    check_list();
    close_store();
    open_store();
    CU_ASSERT_EQUAL(index_last(&store.index), KEPT);
    CU_ASSERT_EQUAL(store.lost.len, COUNT - KEPT);
    check_list();
    close_store();
}

static int set_up(void)
{
    strcpy(dir, "/tmp/drtest-lost-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : 1;
}

static int tear_down(void)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/orders.log", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/lost-1.log", dir);
    (void)unlink(path);
    return rmdir(dir);
}

void suite_lost(void)
{
    runner_suite(set_up, tear_down);
    runner_test(a_store_lists_what_it_set_aside);
}
