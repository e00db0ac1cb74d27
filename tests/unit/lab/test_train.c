/* SPDX-License-Identifier: MIT */
/* Trains: how long they are, what their arrivals say, and one over the loopback, which has no rate. */
#include "harness/lab/train.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/lab/shape.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES = 1442 };

static void twice_what_a_bucket_holds(void)
{
    static const int64_t rates[] = {8000, 64000, 1000000, 1211200, 5000000, 11000000, TRAIN_RATE_MAX_BPS};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct train_size s = train_size_for(rates[i]);
        size_t each = s.ip_bytes + 14, bucket = (size_t)shape_bucket_bytes(rates[i]);
        CU_ASSERT(s.datagrams >= 16 && s.datagrams <= TRAIN_DATAGRAMS_MAX);
        CU_ASSERT(s.ip_bytes >= 128 && s.ip_bytes <= 1428);
        CU_ASSERT(s.datagrams / 2 * each >= bucket); /* the first half empties it */
        CU_ASSERT(s.datagrams * each <= 2 * bucket + 2 * each);
        double ns = (double)(s.datagrams * each) * 8e9 / (double)rates[i];
        CU_ASSERT_DOUBLE_EQUAL((double)s.passage_ns, ns, 1);
    }
    CU_ASSERT_EQUAL(train_size_for(0).datagrams, 0);
    CU_ASSERT_EQUAL(train_size_for(TRAIN_RATE_MAX_BPS + 1).datagrams, 0);
}

static void a_bucket_holds_twenty_milliseconds(void)
{
    CU_ASSERT_EQUAL(shape_bucket_bytes(8000000), 20000);
    CU_ASSERT_EQUAL(shape_bucket_bytes(8000), 3028);
    CU_ASSERT_EQUAL(shape_bucket_bytes(INT64_C(80000000000)), 65536);
    CU_ASSERT_EQUAL(shape_bucket_bytes(0), 65536);
}

/* The first half at once, the second every millisecond. */
static void the_second_half_tells(void)
{
    int64_t at[20];
    for (int i = 0; i < 20; i++) {
        at[i] = i < 10 ? 5 * NS_PER_S : 5 * NS_PER_S + (i - 9) * NS_PER_MS;
    }
    CU_ASSERT_EQUAL(train_speed_bps(at, 20, BYTES), INT64_C(1000) * BYTES * 8);
    at[12] = at[3] = -1; /* a loss makes it slower: its time is there, its bytes are not */
    CU_ASSERT_EQUAL(train_speed_bps(at, 20, BYTES), INT64_C(1000) * BYTES * 8 * 8 / 9);
    at[10] = -1; /* unless it is the first */
    CU_ASSERT_EQUAL(train_speed_bps(at, 20, BYTES), INT64_C(1000) * BYTES * 8 * 7 / 8);
    for (int i = 13; i < 20; i++) {
        at[i] = -1;
    }
    CU_ASSERT_EQUAL(train_speed_bps(at, 20, BYTES), -1);
    for (int i = 0; i < 20; i++) {
        at[i] = 7;
    }
    CU_ASSERT_EQUAL(train_speed_bps(at, 20, BYTES), INT64_MAX);
}

static struct loop *loop;
static bool to_nobody;

static struct loop *loop_of(struct lab *lab)
{
    (void)lab;
    return loop;
}

/* A pair over the loopback; `to_nobody` sends to a third one. */
static int sockets(struct lab *lab, uint16_t path, uint16_t port, int *send_fd, int *receive_fd, struct err *e)
{
    (void)lab, (void)path, (void)port, (void)e;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int hears = to_nobody ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : in;
    int rc = bind(hears, (struct sockaddr *)&at, len) | getsockname(hears, (struct sockaddr *)&at, &len) |
             connect(out, (struct sockaddr *)&at, len);
    if (to_nobody) {
        close(hears);
    }
    *send_fd = out;
    *receive_fd = in;
    return rc;
}

static const struct lab_ops ops = {.kind = "loopback", .loop = loop_of, .path_sockets = sockets};

static struct train_view run_one(int64_t rate_bps)
{
    struct lab lab = {.ops = &ops};
    struct train *t = NULL;
    struct err e = {0};
    loop = loop_new(&e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loop);
    lab.zero_ns = loop_now(loop);
    CU_ASSERT_EQUAL_FATAL(train_new(&t, &lab, 0, 0, rate_bps, &e), 0);
    train_run(t, rate_bps, 20 * NS_PER_MS);
    CU_ASSERT(train_look(t, 0, 1).under_way);
    for (int i = 0; i < 100 && train_look(t, 0, 1).under_way; i++) {
        loop_run(loop, loop_now(loop) + 10 * NS_PER_MS, NULL, NULL);
    }
    struct train_view v = train_look(t, 0, 1);
    CU_ASSERT_FALSE(v.under_way);
    CU_ASSERT_EQUAL(train_look(t, lab_now(&lab) + NS_PER_S, 1).passed, 0);
    train_free(t);
    loop_free(loop);
    return v;
}

static void what_nobody_slows_down_is_too_fast(void)
{
    to_nobody = false;
    struct train_view v = run_one(100000);
    CU_ASSERT(v.held_up == 0 && v.passed == 1 && v.speed_bps > 200000);
}

static void what_does_not_come_tells_nothing(void)
{
    to_nobody = true;
    struct train_view v = run_one(TRAIN_RATE_MAX_BPS);
    CU_ASSERT(v.passed == 0 && v.speed_bps == 0);
}

static void some_rates_have_no_train(void)
{
    struct lab lab = {.ops = &ops};
    struct train *t = NULL;
    struct err e = {0};
    loop = loop_new(&e);
    CU_ASSERT_EQUAL(train_new(&t, &lab, 0, 0, TRAIN_RATE_MAX_BPS + 1, &e), -1);
    CU_ASSERT(t == NULL && e.kind == ERR_DEFECT);
    loop_free(loop);
}

void suite_train(void)
{
    runner_suite(NULL, NULL);
    runner_test(twice_what_a_bucket_holds);
    runner_test(a_bucket_holds_twenty_milliseconds);
    runner_test(the_second_half_tells);
    runner_test(what_nobody_slows_down_is_too_fast);
    runner_test(what_does_not_come_tells_nothing);
    runner_test(some_rates_have_no_train);
}
