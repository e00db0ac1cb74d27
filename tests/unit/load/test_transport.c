/* SPDX-License-Identifier: MIT */
/*
 * The libcurl transport against a server that misbehaves on command. Every wait is bounded; instants are compared with
 * room for a busy machine.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/client.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/load/stub_server.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct transport *transport;
static struct stub_server server;
static struct stub_request seen;
static struct stub_reply wanted;

static void serve(struct stub_server *s, const struct stub_request *rq, struct stub_reply *rp)
{
    (void)s;
    seen = *rq;
    struct text body = rp->body;
    *rp = wanted;
    rp->body = body;
    rp->status = wanted.status ? wanted.status : 200;
}

static int set_up(void)
{
    loop = loop_new(NULL);
    return loop && transport_curl_new(&transport, loop, 8, NULL) == 0 ? 0 : -1;
}

static int tear_down(void)
{
    transport->ops->free(transport);
    loop_free(loop);
    return 0;
}

static void begin(void)
{
    server = (struct stub_server){.serve = serve};
    wanted = (struct stub_reply){0};
    stub_start(&server, loop, "127.0.0.1", 0);
}

struct landing {
    bool landed;
    unsigned calls;
    struct exchange_answer answer;
    char body[256];
};

static void on_done(void *arg, const struct exchange_answer *a)
{
    struct landing *l = arg;
    l->landed = true;
    l->calls++;
    l->answer = *a;
    l->answer.body = NULL;
    snprintf(l->body, sizeof(l->body), "%s", a->body);
}

static struct exchange_request get(bool fresh)
{
    return (struct exchange_request){.fresh = fresh,
                                     .address = "127.0.0.1",
                                     .port = server.port,
                                     .target = "/v1/orders?key=k7",
                                     .nonce = 0xfeed,
                                     .timeout_ns = 2 * NS_PER_S};
}

static struct landing run(struct exchange_request r)
{
    struct landing l = {0};
    CU_ASSERT_EQUAL_FATAL(transport->ops->send(transport, &r, on_done, &l, NULL), 0);
    CU_ASSERT_FALSE(l.landed); /* never from within send */
    CU_ASSERT_EQUAL(loop_run(loop, loop_tick(loop) + 5 * NS_PER_S, &l.landed, NULL), 0);
    CU_ASSERT_EQUAL(l.calls, 1);
    return l;
}

static void a_good_read(void)
{
    begin();
    struct landing l = run(get(true));
    CU_ASSERT(l.answer.code == 0 && l.answer.status == 200 && l.answer.connected);
    CU_ASSERT(l.answer.has_nonce && l.answer.nonce_ok && l.answer.has_check && l.answer.check_ok);
    CU_ASSERT_FALSE(l.answer.timed_out || l.answer.refused || l.answer.local_error || l.answer.reconnected);
    CU_ASSERT_STRING_EQUAL(l.body, "{\"key\":\"k7\",\"version\":0,\"op\":null,\"value\":null}");
    CU_ASSERT_EQUAL(l.answer.body_len, strlen(l.body));
    CU_ASSERT_STRING_EQUAL(l.answer.region, "here");
    CU_ASSERT(l.answer.epoch == 3 && l.answer.attempts == 2);
    CU_ASSERT(l.answer.sent_ns > 0 && l.answer.sent_ns <= l.answer.done_ns);
    CU_ASSERT_STRING_EQUAL(seen.nonce, "000000000000feed");
    CU_ASSERT_STRING_EQUAL(seen.target, "/v1/orders?key=k7");
    stub_stop(&server);
}

static void a_write_says_all_it_must(void)
{
    begin();
    struct exchange_request r = get(true);
    r.post = true;
    r.target = "/v1/orders";
    r.idempotency_key = "run-1/c0-5";
    char body[] = "{\"op\":\"c0-5\",\"key\":\"k7\",\"value\":\"00\"}";
    r.body = body;
    struct landing l = {0};
    CU_ASSERT_EQUAL_FATAL(transport->ops->send(transport, &r, on_done, &l, NULL), 0);
    memset(body, 'x', strlen(body)); /* the request was borrowed for the call alone */
    CU_ASSERT_EQUAL(loop_run(loop, loop_tick(loop) + 5 * NS_PER_S, &l.landed, NULL), 0);
    CU_ASSERT_EQUAL(l.answer.status, 200);
    CU_ASSERT_TRUE(seen.post);
    CU_ASSERT_STRING_EQUAL(seen.idempotency_key, "run-1/c0-5");
    CU_ASSERT_STRING_EQUAL(seen.body, "{\"op\":\"c0-5\",\"key\":\"k7\",\"value\":\"00\"}");
    CU_ASSERT_PTR_NOT_NULL(strstr(seen.raw, "Content-Type: application/json\r\n"));
    CU_ASSERT_PTR_NULL(strstr(seen.raw, "Expect:"));
    l = run(get(true)); /* the same handle, now for a read: nothing of the write is left */
    CU_ASSERT_FALSE(seen.post);
    CU_ASSERT_STRING_EQUAL(seen.idempotency_key, "");
    stub_stop(&server);
}

static void who_calls_is_said_in_one_way(void)
{
    begin();
    struct exchange_request r = get(true);
    r.api_key = "customer.a";
    struct landing l = run(r);
    CU_ASSERT_EQUAL(l.answer.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(seen.raw, "X-API-Key: customer.a\r\n"));
    CU_ASSERT_PTR_NULL(strstr(seen.raw, "Authorization:"));
    r.api_key = NULL;
    r.token = "aaa.bbb.ccc";
    l = run(r);
    CU_ASSERT_EQUAL(l.answer.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(seen.raw, "Authorization: Bearer aaa.bbb.ccc\r\n"));
    CU_ASSERT_PTR_NULL(strstr(seen.raw, "X-API-Key:"));
    stub_stop(&server);
}

static void fresh_means_a_connection_of_its_own(void)
{
    begin();
    for (int i = 0; i < 3; i++) {
        run(get(true));
        CU_ASSERT_EQUAL(seen.on_connection, 1);
    }
    CU_ASSERT_EQUAL(server.accepted, 3);
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT_FALSE(run(get(false)).answer.reconnected);
        CU_ASSERT_EQUAL(seen.on_connection, i);
    }
    CU_ASSERT_EQUAL(server.accepted, 4);
    run(get(true)); /* an idle connection is there, and is not taken */
    CU_ASSERT_EQUAL(server.accepted, 5);
    stub_stop(&server);
}

static void lies_are_noticed(void)
{
    begin();
    wanted.nonce = "000000000000feee";
    struct landing l = run(get(true));
    CU_ASSERT(l.answer.has_nonce && !l.answer.nonce_ok && l.answer.check_ok);
    wanted = (struct stub_reply){.wrong_check = true};
    l = run(get(true));
    CU_ASSERT(l.answer.nonce_ok && l.answer.has_check && !l.answer.check_ok);
    wanted = (struct stub_reply){.bare = true};
    l = run(get(true));
    CU_ASSERT(l.answer.code == 0 && !l.answer.has_nonce && !l.answer.has_check && l.answer.region[0] == '\0');
    stub_stop(&server);
}

static void statuses_come_through(void)
{
    begin();
    wanted = (struct stub_reply){.status = 503, .not_forwarded = true};
    struct landing l = run(get(true));
    CU_ASSERT(l.answer.code == 0 && l.answer.status == 503 && l.answer.not_forwarded && l.answer.connected);
    wanted = (struct stub_reply){.status = 302};
    l = run(get(true));
    CU_ASSERT(l.answer.status == 302 && !l.answer.not_forwarded);
    stub_stop(&server);
}

static void refused_is_proof_that_nothing_left(void)
{
    begin();
    stub_stop(&server);
    struct landing l = run(get(true));
    CU_ASSERT(l.answer.code != 0 && l.answer.refused && !l.answer.connected && !l.answer.local_error);
    CU_ASSERT_EQUAL(l.answer.status, 0);
}

static void broken_after_a_byte_left(void)
{
    static const enum stub_fate fates[] = {STUB_CLOSE, STUB_RESET, STUB_CUT};
    begin();
    for (size_t i = 0; i < array_len(fates); i++) {
        wanted.fate = fates[i];
        server.requests = 0;
        struct landing l = run(get(true));
        CU_ASSERT(l.answer.code != 0 && l.answer.connected && !l.answer.refused && !l.answer.timed_out);
        CU_ASSERT_EQUAL(server.requests, 1); /* never sent again on a fresh connection */
    }
    stub_stop(&server);
}

static void a_held_request_times_out_when_it_should(void)
{
    begin();
    wanted.fate = STUB_HOLD;
    struct exchange_request r = get(true);
    r.timeout_ns = 100 * NS_PER_MS + 300 * NS_PER_US;
    struct landing l = run(r);
    CU_ASSERT(l.answer.timed_out && l.answer.connected && !l.answer.refused);
    CU_ASSERT(l.answer.done_ns - l.answer.sent_ns >= r.timeout_ns);
    CU_ASSERT(l.answer.done_ns - l.answer.sent_ns < r.timeout_ns + 100 * NS_PER_MS);
    stub_stop(&server);
}

static void a_late_answer_within_the_timeout_is_an_answer(void)
{
    begin();
    wanted.delay_ns = 60 * NS_PER_MS;
    struct landing l = run(get(true));
    CU_ASSERT(l.answer.code == 0 && l.answer.done_ns - l.answer.sent_ns >= 60 * NS_PER_MS);
    stub_stop(&server);
}

/* A listener whose queue is full drops what else wants in. */
static void a_black_hole_is_a_timeout_without_a_byte(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fds[4] = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1, -1, -1};
    must(bind(fds[0], (struct sockaddr *)&at, len) == 0 && listen(fds[0], 0) == 0);
    must(getsockname(fds[0], (struct sockaddr *)&at, &len) == 0);
    for (int i = 1; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        must(connect(fds[i], (struct sockaddr *)&at, len) == 0 || errno == EINPROGRESS);
    }
    struct exchange_request r = get(true);
    r.port = ntohs(at.sin_port);
    r.timeout_ns = 100 * NS_PER_MS;
    struct landing l = run(r);
    CU_ASSERT(l.answer.timed_out && !l.answer.connected && !l.answer.local_error);
    for (int i = 0; i < 4; i++) {
        close(fds[i]);
    }
}

static void no_descriptor_is_our_own_fault(void)
{
    begin();
    struct rlimit before, tight;
    getrlimit(RLIMIT_NOFILE, &before);
    scoped_fd int next = dup(STDERR_FILENO);
    tight = (struct rlimit){(rlim_t)next + 1, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    struct landing l = run(get(true));
    setrlimit(RLIMIT_NOFILE, &before);
    CU_ASSERT(l.answer.local_error && !l.answer.refused && !l.answer.connected);
    CU_ASSERT_FALSE(run(get(true)).answer.local_error);
    stub_stop(&server);
}

static void close_second(struct stub_server *s, const struct stub_request *rq, struct stub_reply *rp)
{
    (void)s;
    rp->fate = rq->on_connection == 2 ? STUB_CLOSE : STUB_ANSWER;
}

static void a_silent_retry_is_found_out(void)
{
    begin();
    server.serve = close_second;
    CU_ASSERT_FALSE(run(get(false)).answer.reconnected);
    struct landing l = run(get(false));
    CU_ASSERT(l.answer.code == 0 && l.answer.status == 200 && l.answer.reconnected);
    CU_ASSERT_EQUAL(server.requests, 3); /* two of them were the same one */
    stub_stop(&server);
}

static int64_t cpu_ns(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * NS_PER_S +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * NS_PER_US;
}

static void an_idle_connection_that_dies_is_noticed_without_spinning(void)
{
    begin();
    wanted.close_after = true;
    CU_ASSERT_FALSE(run(get(false)).answer.reconnected);
    int64_t before = cpu_ns();
    CU_ASSERT_EQUAL(loop_run(loop, loop_tick(loop) + 200 * NS_PER_MS, NULL, NULL), 1);
    CU_ASSERT(cpu_ns() - before < 100 * NS_PER_MS);
    struct landing l = run(get(false));
    CU_ASSERT(l.answer.code == 0 && l.answer.reconnected);
    stub_stop(&server);
}

static void kept_connections_carry_many_at_once(void)
{
    begin();
    wanted.delay_ns = 20 * NS_PER_MS;
    for (int round = 0; round < 2; round++) {
        struct landing l[4] = {{0}};
        struct exchange_request r = get(false);
        for (int i = 0; i < 4; i++) {
            CU_ASSERT_EQUAL(transport->ops->send(transport, &r, on_done, &l[i], NULL), 0);
        }
        for (int i = 0; i < 4; i++) {
            CU_ASSERT_EQUAL(loop_run(loop, loop_tick(loop) + 5 * NS_PER_S, &l[i].landed, NULL), 0);
            CU_ASSERT(l[i].answer.code == 0 && !l[i].answer.reconnected);
            CU_ASSERT(l[i].answer.done_ns - l[i].answer.sent_ns < 500 * NS_PER_MS); /* side by side, not one by one */
        }
    }
    CU_ASSERT_EQUAL(server.accepted, 4);
    stub_stop(&server);
}

static void more_than_planned_for_is_refused(void)
{
    begin();
    wanted.fate = STUB_HOLD;
    struct exchange_request r = get(true);
    r.timeout_ns = 50 * NS_PER_MS;
    struct landing l[9] = {{0}};
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(transport->ops->send(transport, &r, on_done, &l[i], NULL), 0);
    }
    struct err e = {0};
    CU_ASSERT_EQUAL(transport->ops->send(transport, &r, on_done, &l[8], &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_RUN);
    loop_run(loop, loop_tick(loop) + 5 * NS_PER_S, &l[7].landed, NULL);
    CU_ASSERT_EQUAL(l[8].calls, 0);
    CU_ASSERT_EQUAL(transport->ops->send(transport, &r, on_done, &l[8], NULL), 0);
    loop_run(loop, loop_tick(loop) + 5 * NS_PER_S, &l[8].landed, NULL);
    CU_ASSERT_TRUE(l[8].answer.timed_out);
    stub_stop(&server);
}

static void freed_in_flight_nobody_is_called(void)
{
    begin();
    struct transport *other = NULL;
    CU_ASSERT_EQUAL_FATAL(transport_curl_new(&other, loop, 4, NULL), 0);
    wanted.fate = STUB_HOLD;
    struct landing l[2] = {{0}};
    struct exchange_request fresh = get(true), kept = get(false);
    other->ops->send(other, &fresh, on_done, &l[0], NULL);
    other->ops->send(other, &kept, on_done, &l[1], NULL);
    loop_run(loop, loop_tick(loop) + 20 * NS_PER_MS, NULL, NULL);
    other->ops->free(other);
    loop_run(loop, loop_tick(loop) + 20 * NS_PER_MS, NULL, NULL);
    CU_ASSERT(l[0].calls == 0 && l[1].calls == 0);
    stub_stop(&server);
}

static void the_settings_are_told(void)
{
    scoped_json json_t *facts = transport_curl_facts();
    CU_ASSERT_PTR_NOT_NULL_FATAL(facts);
    CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(facts, "version")));
    CU_ASSERT_PTR_NOT_NULL(json_object_get(json_object_get(facts, "options"), "FRESH_CONNECT"));
}

/* A request whose time-out has come ends by libcurl's own clock while another's owner is told and sends something: it
 * ends once. The instants: B's time is up at 50.2 ms here and at 51 ms in libcurl. At 50.2 ms X is sent, which nobody
 * can route, so that it waits to be told when B's timer fires; X's owner then keeps us until 53 ms and sends Y. */
static struct landing of_b, of_x, of_y;
static int64_t b_sent_ns;

static void keep_busy_until(int64_t at_ns)
{
    while (loop_tick(loop) < at_ns) {
    }
}

static void send_unroutable(struct landing *l, exchange_done *done)
{
    struct exchange_request r = get(true);
    r.address = "255.255.255.255";
    CU_ASSERT_EQUAL(transport->ops->send(transport, &r, done, l, NULL), 0);
}

static void x_is_told(void *arg, const struct exchange_answer *a)
{
    on_done(arg, a);
    keep_busy_until(b_sent_ns + 53 * NS_PER_MS);
    send_unroutable(&of_y, on_done);
}

static void send_x(struct loop_timer *timer, int64_t now)
{
    (void)timer;
    (void)now;
    keep_busy_until(b_sent_ns + 50200 * NS_PER_US + 50 * NS_PER_US);
    send_unroutable(&of_x, x_is_told);
}

static void a_time_out_from_two_sides_is_told_once(void)
{
    begin();
    wanted.fate = STUB_HOLD;
    of_b = of_x = of_y = (struct landing){0};
    struct exchange_request r = get(true);
    struct loop_timer late = {.due = send_x};
    r.timeout_ns = 50200 * NS_PER_US;
    b_sent_ns = loop_tick(loop);
    CU_ASSERT_EQUAL(transport->ops->send(transport, &r, on_done, &of_b, NULL), 0);
    loop_timer_set(loop, &late, b_sent_ns + 50 * NS_PER_MS);
    loop_run(loop, b_sent_ns + 200 * NS_PER_MS, NULL, NULL);
    CU_ASSERT_EQUAL(of_b.calls, 1);
    CU_ASSERT_TRUE(of_b.answer.timed_out);
    CU_ASSERT_EQUAL(of_x.calls, 1);
    CU_ASSERT_EQUAL(of_y.calls, 1);
    stub_stop(&server);
}

void suite_transport(void)
{
    runner_suite(set_up, tear_down);
    runner_test(a_good_read);
    runner_test(a_write_says_all_it_must);
    runner_test(who_calls_is_said_in_one_way);
    runner_test(fresh_means_a_connection_of_its_own);
    runner_test(lies_are_noticed);
    runner_test(statuses_come_through);
    runner_test(refused_is_proof_that_nothing_left);
    runner_test(broken_after_a_byte_left);
    runner_test(a_held_request_times_out_when_it_should);
    runner_test(a_time_out_from_two_sides_is_told_once);
    runner_test(a_late_answer_within_the_timeout_is_an_answer);
    runner_test(a_black_hole_is_a_timeout_without_a_byte);
    runner_test(no_descriptor_is_our_own_fault);
    runner_test(a_silent_retry_is_found_out);
    runner_test(an_idle_connection_that_dies_is_noticed_without_spinning);
    runner_test(kept_connections_carry_many_at_once);
    runner_test(more_than_planned_for_is_refused);
    runner_test(freed_in_flight_nobody_is_called);
    runner_test(the_settings_are_told);
}
