/* SPDX-License-Identifier: MIT */
/*
 * The worker as a process: started, steered, ended; and what the conductor learns when that fails.
 */
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/link_frame.h"
#include "harness/load/load.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/load/plan_fixture.h"
#include "tests/unit/load/stub_server.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct plan_fixture fixture;
static struct loop *loop;
static struct stub_server server;
static struct child child;
static struct worker_link *worker_link;
static int control;
static const char *path;

static void begin(const char *run_path)
{
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    plan_fixture_init(&fixture, 50, 0, 20, NS_PER_S);
    loop = loop_new(NULL);
    server = (struct stub_server){0};
    stub_start(&server, loop, "127.0.0.1", 0);
    struct worker_config c = {.plan = &fixture.plan,
                              .vantage = FIXTURE_VANTAGE,
                              .run_path = run_path,
                              .run_id = "run-1",
                              .zero_ns = loop_tick(loop),
                              .http_port = server.port};
    child = (struct child){0};
    int side = child_fork(&child, NULL);
    must(side >= 0);
    if (side == 0) {
        close(pair[0]);
        worker_main(&c, pair[1]);
    }
    close(pair[1]);
    control = pair[0];
    must(worker_link_new(&worker_link, control, loop, NULL) == 0);
}

static void begin_run(void)
{
    path = scratch_make();
    struct timeline *t = NULL;
    struct event head = {.kind = EVENT_HEADER};
    must(timeline_open(&t, path, NULL) == 0 && timeline_add(t, &head, NULL, NULL) == 0);
    timeline_close(t);
    must(samples_create(path, NULL, 0, NULL) == 0 && ledger_create(path, 0, NULL) == 0);
    begin(path);
}

static void run(int64_t for_ns)
{
    loop_run(loop, loop_tick(loop) + for_ns, NULL, NULL);
}

static void end(void)
{
    worker_link_free(worker_link);
    close(control);
    CU_ASSERT_EQUAL(child_wait(&child, 5 * NS_PER_S, NULL), 0);
    child_stop(&child, 0, NULL);
    stub_stop(&server);
    loop_free(loop);
}

static bool wait_for(bool (*fact)(const struct worker_link *l))
{
    for (int i = 0; i < 250 && !fact(worker_link); i++) {
        run(20 * NS_PER_MS);
    }
    return fact(worker_link);
}

static bool failed(const struct worker_link *l)
{
    return worker_link_failure(l) != NULL;
}

static void a_life_from_start_to_end(void)
{
    begin_run();
    CU_ASSERT_TRUE(wait_for(worker_link_ready));
    CU_ASSERT_EQUAL(worker_link_start(worker_link, loop_tick(loop), NULL), 0);
    run(500 * NS_PER_MS);
    child_signal(&child, SIGINT, NULL); /* Ctrl-C reaches the whole group: not the worker's business */
    child_signal(&child, SIGTERM, NULL);
    CU_ASSERT_EQUAL(worker_link_stop_writes(worker_link, NULL), 0);
    run(100 * NS_PER_MS);
    CU_ASSERT_FALSE(worker_link_idle(worker_link));
    CU_ASSERT_EQUAL(worker_link_stop(worker_link, NULL), 0);
    CU_ASSERT_TRUE(wait_for(worker_link_idle));
    CU_ASSERT_PTR_NULL(worker_link_failure(worker_link));
    end();
    CU_ASSERT(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0);
    struct evidence *ev = NULL;
    CU_ASSERT_EQUAL_FATAL(evidence_load(&ev, path, NULL), 0);
    CU_ASSERT(ev->sample_count >= 35 && ev->ledger_count >= 18);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    evidence_free(ev);
    scratch_remove();
}

static void a_worker_that_cannot_begin_says_why(void)
{
    begin("/nonexistent");
    CU_ASSERT_TRUE(wait_for(failed));
    CU_ASSERT_FALSE(worker_link_ready(worker_link));
    CU_ASSERT_PTR_NOT_NULL(strstr(worker_link_failure(worker_link), "/nonexistent/samples.bin"));
    end();
}

static void a_dead_worker_is_a_failure(void)
{
    begin_run();
    CU_ASSERT_TRUE(wait_for(worker_link_ready));
    child_signal(&child, SIGKILL, NULL);
    CU_ASSERT_TRUE(wait_for(failed));
    CU_ASSERT_STRING_EQUAL(worker_link_failure(worker_link), "the load process ended");
    CU_ASSERT_EQUAL(worker_link_stop(worker_link, NULL), -1);
    end();
    scratch_remove();
}

static void rubbish_on_the_link_is_no_message(void)
{
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    struct link_frame f, bad = {.word = LINK_FAILED + 1};
    CU_ASSERT_EQUAL(link_receive(pair[0], &f), LINK_NOTHING);
    CU_ASSERT_EQUAL(link_send(pair[1], LINK_FAILED, 7, "why", NULL), 0);
    CU_ASSERT_EQUAL(link_receive(pair[0], &f), LINK_FRAME);
    CU_ASSERT(f.word == LINK_FAILED && f.number == 7 && strcmp(f.text, "why") == 0);
    must(send(pair[1], &bad, sizeof(bad), 0) > 0); /* no such word */
    CU_ASSERT_EQUAL(link_receive(pair[0], &f), LINK_BROKEN);
    must(send(pair[1], &bad, 7, 0) > 0); /* too short */
    CU_ASSERT_EQUAL(link_receive(pair[0], &f), LINK_BROKEN);
    char big[sizeof(bad) + 1] = {LINK_READY};
    must(send(pair[1], big, sizeof(big), 0) > 0); /* too long */
    CU_ASSERT_EQUAL(link_receive(pair[0], &f), LINK_BROKEN);
    bad.word = LINK_FAILED;
    memset(bad.text, 'x', sizeof(bad.text)); /* no end */
    must(send(pair[1], &bad, sizeof(bad), 0) > 0);
    CU_ASSERT_EQUAL(link_receive(pair[0], &f), LINK_BROKEN);
    close(pair[1]);
    CU_ASSERT_EQUAL(link_receive(pair[0], &f), LINK_CLOSED);
    close(pair[0]);
}

void suite_link(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_life_from_start_to_end);
    runner_test(a_worker_that_cannot_begin_says_why);
    runner_test(a_dead_worker_is_a_failure);
    runner_test(rubbish_on_the_link_is_no_message);
}
