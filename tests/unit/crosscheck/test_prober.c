/* SPDX-License-Identifier: MIT */
/*
 * The second prober as a process against two servers on loopback: it keeps its plan, moves on when its first server
 * dies, comes back when that one does, and its record is whole. Time bounds are wide: machines that test are busy.
 */
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/crosscheck/crosscheck.h"
#include "harness/evidence/cross_read.h"
#include "tests/unit/crosscheck/echo_server.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/runner.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GAP_NS (10 * NS_PER_MS)
#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct topo_site sites[2] = {{.name = "east", .kind = SITE_REGION}, {.name = "clients", .kind = SITE_VANTAGE}};
static struct topo_node nodes[2] = {{.name = "east/1"}, {.name = "east/2"}};
static uint16_t endpoints[2] = {0, 1};
static struct topology topology = {.sites = sites, .site_count = 2, .nodes = nodes, .node_count = 2,
                                   .endpoints = endpoints, .endpoint_count = 2,
                                   .failover = {.probe_every_ns = 50 * NS_PER_MS, .probe_timeout_ns = 50 * NS_PER_MS,
                                                .unhealthy_after = 3, .healthy_after = 4}};
static struct plan_stream stream = {.kind = STREAM_READ_FRESH, .vantage = 1, .rate_micro = 100 * PPM,
                                    .timeout_ns = NS_PER_S, .path = "/v1/orders"};
static struct plan plan = {.name = "test", .sha256 = SHA, .seed = 7, .topology = &topology, .streams = &stream,
                           .stream_count = 1};
static struct token_key *token_key;
static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};

struct prober {
    struct child process;
    int control;
    int64_t zero_ns;
};

static void settle(int64_t ns)
{
    poll(NULL, 0, (int)(ns / NS_PER_MS));
}

static void start(struct prober *p, const char *path, uint16_t port)
{
    int pair[2];
    char word = 0;
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    p->zero_ns = clock_mono_ns();
    int side = child_fork(&p->process, NULL);
    must(side >= 0);
    if (side == 0) {
        struct cross_config c = {.plan = &plan, .vantage = 1, .run_path = path, .zero_ns = p->zero_ns,
                                 .http_port = port, .token_key = token_key, .addresses = addresses};
        close(pair[0]);
        cross_main(&c, pair[1]);
    }
    close(pair[1]);
    p->control = pair[0];
    struct pollfd said = {.fd = p->control, .events = POLLIN};
    must(poll(&said, 1, 5000) == 1 && recv(p->control, &word, 1, 0) == 1 && word == CROSS_READY);
    int64_t at = clock_mono_ns() + 20 * NS_PER_MS;
    must(send(p->control, &at, sizeof(at), 0) == sizeof(at));
}

/* Its exit status, 0 for an end in order. */
static int end(struct prober *p)
{
    shutdown(p->control, SHUT_WR);
    CU_ASSERT_EQUAL(child_wait(&p->process, 5 * NS_PER_S, NULL), 0);
    fd_close(&p->control);
    return p->process.status;
}

static void read_back(struct arena *a, struct cross_reading *r)
{
    scoped_text struct text file = {0};
    scratch_read(CROSS_FILE, &file);
    cross_read(file.at, file.len, a, r);
}

static void every_planned_request_is_one_line(void)
{
    struct echo_server one = {0};
    struct prober p = {0};
    struct arena a = {0};
    struct cross_reading r;
    const char *path = scratch_make();
    must(cross_create(path, SHA, NULL) == 0);
    echo_server_start(&one, "127.0.0.1", 0);
    start(&p, path, one.port);
    settle(500 * NS_PER_MS);
    CU_ASSERT_EQUAL(end(&p), 0);
    read_back(&a, &r);
    CU_ASSERT_PTR_NULL(r.damage);
    CU_ASSERT(r.request_count >= 40);
    for (size_t i = 0; i < r.request_count; i++) {
        const struct cross_record *q = &r.requests[i];
        CU_ASSERT_EQUAL(q->planned_ns - r.requests[0].planned_ns, (int64_t)i * GAP_NS);
        CU_ASSERT_EQUAL(q->outcome, OUTCOME_GOOD);
        CU_ASSERT_EQUAL(q->status, 200);
        CU_ASSERT(q->planned_ns <= q->sent_ns && q->sent_ns < q->done_ns);
    }
    arena_deinit(&a);
    echo_server_kill(&one);
    scratch_remove();
}

/* How many requests went well where this is wanted of them, of how many. */
static size_t good_of(const char *wanted, size_t *all)
{
    struct echo_server one = {.wanted = wanted};
    struct prober p = {0};
    struct arena a = {0};
    struct cross_reading r;
    const char *path = scratch_make();
    size_t good = 0;
    must(cross_create(path, SHA, NULL) == 0);
    echo_server_start(&one, "127.0.0.1", 0);
    start(&p, path, one.port);
    settle(200 * NS_PER_MS);
    CU_ASSERT_EQUAL(end(&p), 0);
    read_back(&a, &r);
    for (size_t i = 0; i < r.request_count; i++)
        good += r.requests[i].outcome == OUTCOME_GOOD;
    *all = r.request_count;
    arena_deinit(&a);
    echo_server_kill(&one);
    scratch_remove();
    return good;
}

static void it_shows_what_customers_show(void)
{
    size_t all = 0;
    topology.callers[CALLER_CUSTOMER] = (struct topo_caller){"customer", "a", "customer.a"};
    topology.identity.tokens = (struct topo_tokens){.there = true, .lifetime_ns = 4 * NS_PER_S};
    CU_ASSERT_EQUAL(good_of("\r\nX-API-Key: customer.a\r\n", &all), all);
    CU_ASSERT(all > 0);
    must(token_key_new(&token_key, TOKEN_ES256, NULL) == 0);
    CU_ASSERT_EQUAL(good_of("\r\nAuthorization: Bearer eyJ", &all), all);
    CU_ASSERT(all > 0);
    CU_ASSERT_EQUAL(good_of("X-API-Key", &all), 0);
    token_key_free(token_key);
    token_key = NULL;
    topology.callers[CALLER_CUSTOMER] = (struct topo_caller){0};
}

static void the_client_moves_on_and_returns(void)
{
    struct echo_server one = {0}, two = {0};
    struct prober p = {0};
    struct arena a = {0};
    struct cross_reading r;
    const char *path = scratch_make();
    must(cross_create(path, SHA, NULL) == 0);
    echo_server_start(&one, "127.0.0.1", 0);
    echo_server_start(&two, "127.0.0.2", one.port);
    start(&p, path, one.port);
    settle(300 * NS_PER_MS);
    echo_server_kill(&one);
    settle(400 * NS_PER_MS);
    echo_server_start(&one, "127.0.0.1", one.port);
    settle(700 * NS_PER_MS);
    CU_ASSERT_EQUAL(end(&p), 0);
    read_back(&a, &r);
    CU_ASSERT_PTR_NULL(r.damage);
    CU_ASSERT_EQUAL_FATAL(r.change_count, 2);
    CU_ASSERT(r.changes[0].node == 1 && r.changes[1].node == 0);
    size_t bad = 0;
    for (size_t i = 0; i < r.request_count; i++)
        bad += r.requests[i].outcome != OUTCOME_GOOD;
    CU_ASSERT(bad >= 3 && bad < 40); /* it did not go on asking the dead one */
    CU_ASSERT_EQUAL(r.requests[r.request_count - 1].outcome, OUTCOME_GOOD);
    arena_deinit(&a);
    echo_server_kill(&one);
    echo_server_kill(&two);
    scratch_remove();
}

static void a_killed_prober_leaves_damage(void)
{
    struct echo_server one = {0};
    struct prober p = {0};
    struct arena a = {0};
    struct cross_reading r;
    const char *path = scratch_make();
    must(cross_create(path, SHA, NULL) == 0);
    echo_server_start(&one, "127.0.0.1", 0);
    start(&p, path, one.port);
    settle(300 * NS_PER_MS);
    child_stop(&p.process, 0, NULL);
    fd_close(&p.control);
    read_back(&a, &r);
    CU_ASSERT(r.damage && strstr(r.damage, "did not end"));
    CU_ASSERT(r.request_count > 0);
    arena_deinit(&a);
    echo_server_kill(&one);
    scratch_remove();
}

/* A record that cannot be written is told in words, and the prober ends. */
static void a_prober_without_a_file_says_so(void)
{
    const char *path = scratch_make();
    int pair[2];
    struct child c = {0};
    char said[CROSS_FAILURE_MAX] = "";
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    int side = child_fork(&c, NULL);
    must(side >= 0);
    if (side == 0) {
        struct cross_config config = {.plan = &plan, .vantage = 1, .run_path = path, .addresses = addresses};
        cross_main(&config, pair[1]);
    }
    close(pair[1]);
    struct pollfd news = {.fd = pair[0], .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&news, 1, 5000), 1);
    ssize_t n = recv(pair[0], said, sizeof(said) - 1, MSG_DONTWAIT);
    CU_ASSERT(n > 1 && strstr(said, CROSS_FILE));
    CU_ASSERT_EQUAL(child_wait(&c, 5 * NS_PER_S, NULL), 0);
    CU_ASSERT_NOT_EQUAL(c.status, 0);
    close(pair[0]);
    scratch_remove();
}

static void what_can_be_checked_follows_from_the_plan(void)
{
    CU_ASSERT_PTR_EQUAL(cross_stream(&plan, 1), &stream);
    CU_ASSERT_PTR_NULL(cross_stream(&plan, 0));
    CU_ASSERT(cross_possible(&plan));
    stream.kind = STREAM_READ_KEEPALIVE;
    CU_ASSERT_FALSE(cross_possible(&plan));
    stream.kind = STREAM_READ_FRESH;
}

void suite_prober(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_planned_request_is_one_line);
    runner_test(it_shows_what_customers_show);
    runner_test(the_client_moves_on_and_returns);
    runner_test(a_killed_prober_leaves_damage);
    runner_test(a_prober_without_a_file_says_so);
    runner_test(what_can_be_checked_follows_from_the_plan);
}
