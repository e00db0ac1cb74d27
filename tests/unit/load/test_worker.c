/* SPDX-License-Identifier: MIT */
/*
 * The worker on a virtual clock with a transport that is a function, where every instant is exact; and on loopback
 * against servers that freeze, refuse and come back.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/load.h"
#include "harness/load/pacer.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/load/model_transport.h"
#include "tests/unit/load/plan_fixture.h"
#include "tests/unit/load/stub_server.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <poll.h>
#include <string.h>

static struct plan_fixture fixture;
static const char *path;
static struct loop *loop;
static struct transport *transport;
static struct worker *worker;

static void begin_evidence(void)
{
    path = scratch_make();
    struct timeline *t = NULL;
    struct event head = {.kind = EVENT_HEADER};
    must(timeline_open(&t, path, NULL) == 0 && timeline_add(t, &head, NULL, NULL) == 0);
    timeline_close(t);
    must(samples_create(path, NULL, 0, NULL) == 0 && ledger_create(path, 0, NULL) == 0);
}

static struct worker_config config(uint16_t port)
{
    return (struct worker_config){.plan = &fixture.plan,
                                  .vantage = FIXTURE_VANTAGE,
                                  .run_path = path,
                                  .run_id = "run-1",
                                  .zero_ns = loop_now(loop),
                                  .http_port = port};
}

static void wait_idle(int64_t at_most_ns)
{
    int64_t until = loop_tick(loop) + at_most_ns;
    worker_stop(worker);
    while (!worker_idle(worker) && loop_now(loop) < until) {
        loop_run(loop, loop_now(loop) + 10 * NS_PER_MS, NULL, NULL);
    }
    CU_ASSERT_TRUE(worker_idle(worker));
}

/* The end of a test: what is in the evidence. */
static struct evidence *end(void)
{
    wait_idle(5 * NS_PER_S);
    worker_free(worker);
    worker = NULL;
    transport->ops->free(transport);
    loop_free(loop);
    struct evidence *ev = NULL;
    must(evidence_load(&ev, path, NULL) == 0);
    CU_ASSERT_PTR_NULL(ev->samples_damage);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    return ev;
}

static void done(struct evidence *ev)
{
    evidence_free(ev);
    scratch_remove();
}

/* On a virtual clock. */

static void begin_virtual(model_answer *answer, int64_t seed)
{
    loop = loop_new_virtual(1000 * NS_PER_S);
    transport = model_transport_new(loop, answer);
    begin_evidence();
    fixture.plan.seed = (uint64_t)seed;
    struct worker_config c = config(8080);
    must(worker_new(&worker, &c, loop, transport, NULL) == 0);
}

static void run_virtual(int64_t for_ns)
{
    CU_ASSERT_EQUAL(loop_run(loop, loop_now(loop) + for_ns, NULL, NULL), 1);
}

static void good(const struct exchange_request *r, struct exchange_answer *a, int64_t *latency_ns)
{
    (void)r;
    *latency_ns = 5 * NS_PER_MS;
    model_good(r, a);
}

static void check_stream(const struct evidence *ev, uint16_t stream, int64_t start_ns)
{
    const struct plan_stream *s = &fixture.streams[stream];
    int64_t first = start_ns + pacer_offset_ns(&fixture.plan, stream);
    uint64_t k = 0;
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample *p = &ev->samples[i];
        if (p->stream != stream) {
            continue;
        }
        CU_ASSERT_EQUAL(p->k, k);
        CU_ASSERT_EQUAL(p->planned_ns, plan_due_ns(s, first, k));
        CU_ASSERT_EQUAL(p->sent_ns, p->planned_ns);
        CU_ASSERT_EQUAL(p->done_ns, p->planned_ns + 5 * NS_PER_MS);
        CU_ASSERT_EQUAL(p->outcome, OUTCOME_GOOD);
        CU_ASSERT_EQUAL(p->write, s->kind == STREAM_WRITE ? WRITE_OK : WRITE_NONE);
        CU_ASSERT(p->key < 16 && p->endpoint == 0 && p->region == 0);
        k++;
    }
    CU_ASSERT_EQUAL(k, (uint64_t)(2 * s->rate_micro / PPM));
}

static void every_planned_request_is_one_sample(void)
{
    plan_fixture_init(&fixture, 100, 30, 20, NS_PER_S);
    begin_virtual(good, 42);
    worker_start(worker, loop_now(loop) + 500 * NS_PER_MS);
    run_virtual(2500 * NS_PER_MS);
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(ev->sample_count, 300);
    for (uint16_t stream = 0; stream < 3; stream++) {
        check_stream(ev, stream, 500 * NS_PER_MS);
    }
    CU_ASSERT_EQUAL(ev->stall_count, 0);
    CU_ASSERT_EQUAL(ev->switch_count, 0);
    done(ev);
}

static void every_write_is_on_record_before_and_after(void)
{
    plan_fixture_init(&fixture, 0, 0, 20, NS_PER_S);
    begin_virtual(good, 42);
    worker_start(worker, loop_now(loop));
    run_virtual(NS_PER_S);
    struct evidence *ev = end();
    CU_ASSERT_EQUAL_FATAL(ev->sample_count, 20);
    CU_ASSERT_EQUAL_FATAL(ev->ledger_count, 40);
    for (size_t i = 0; i < 20; i++) {
        const struct ledger_record *intent = &ev->ledger[2 * i], *result = intent + 1;
        const struct sample *p = &ev->samples[i];
        CU_ASSERT(intent->kind == LEDGER_INTENT && result->kind == LEDGER_RESULT);
        CU_ASSERT(intent->seq == i && result->seq == i && p->k == i);
        CU_ASSERT(intent->at_ns == p->sent_ns && result->at_ns == p->done_ns);
        CU_ASSERT(intent->key == p->key && result->key == p->key && intent->value == result->value);
        CU_ASSERT(result->outcome == WRITE_OK && result->status == 200 && result->region == 0);
        CU_ASSERT(result->version == p->version && p->version == 9 && result->lsn == 77 && result->epoch == 5);
    }
    done(ev);
}

static void equal_seeds_ask_for_equal_things(void)
{
    struct text files[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        plan_fixture_init(&fixture, 50, 0, 20, NS_PER_S);
        begin_virtual(good, i < 2 ? 1 : 2);
        worker_start(worker, loop_now(loop));
        run_virtual(NS_PER_S);
        struct evidence *ev = end();
        scratch_read("ledger.bin", &files[i]);
        done(ev);
    }
    CU_ASSERT(files[0].len == files[1].len && memcmp(files[0].at, files[1].at, files[0].len) == 0);
    CU_ASSERT(files[0].len != files[2].len || memcmp(files[0].at, files[2].at, files[0].len) != 0);
    for (int i = 0; i < 3; i++) {
        text_deinit(&files[i]);
    }
}

static void stopping_writes_leaves_the_reads(void)
{
    plan_fixture_init(&fixture, 10, 0, 10, NS_PER_S);
    begin_virtual(good, 42);
    worker_start(worker, loop_now(loop));
    run_virtual(NS_PER_S);
    worker_stop_writes(worker);
    run_virtual(NS_PER_S);
    CU_ASSERT_FALSE(worker_idle(worker));
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(ev->sample_count, 30);
    CU_ASSERT_EQUAL(ev->ledger_count, 20);
    done(ev);
}

static void in_flight(const struct exchange_request *r, struct exchange_answer *a, int64_t *latency_ns)
{
    good(r, a, latency_ns);
    *latency_ns = r->post ? 700 * NS_PER_MS : 5 * NS_PER_MS;
}

static void stopping_waits_for_what_is_under_way(void)
{
    plan_fixture_init(&fixture, 0, 0, 10, NS_PER_S);
    begin_virtual(in_flight, 42);
    worker_start(worker, loop_now(loop));
    run_virtual(NS_PER_S);
    worker_stop(worker);
    CU_ASSERT_FALSE(worker_idle(worker));
    run_virtual(590 * NS_PER_MS); /* the last one left 900 to 1000 ms after the start */
    CU_ASSERT_FALSE(worker_idle(worker));
    run_virtual(110 * NS_PER_MS);
    CU_ASSERT_TRUE(worker_idle(worker));
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(ev->sample_count, 10);
    CU_ASSERT_EQUAL(ev->ledger_count, 20);
    done(ev);
}

static void refuse_orders(const struct exchange_request *r, struct exchange_answer *a, int64_t *latency_ns)
{
    if (strcmp(r->target, "/readyz") == 0) {
        good(r, a, latency_ns);
    } else {
        *latency_ns = MODEL_NOT_SENT;
    }
}

static void what_cannot_be_sent_is_on_record_too(void)
{
    plan_fixture_init(&fixture, 10, 0, 10, NS_PER_S);
    begin_virtual(refuse_orders, 42);
    worker_start(worker, loop_now(loop));
    run_virtual(NS_PER_S);
    CU_ASSERT_PTR_NOT_NULL_FATAL(worker_failure(worker));
    CU_ASSERT_STRING_EQUAL(worker_failure(worker)->msg, "the model sends nothing");
    struct evidence *ev = end();
    CU_ASSERT_EQUAL(ev->sample_count, 20);
    CU_ASSERT_EQUAL(ev->switch_count, 0); /* not the endpoint's fault */
    for (size_t i = 0; i < ev->sample_count; i++) {
        CU_ASSERT(ev->samples[i].outcome == OUTCOME_UNSENT && ev->samples[i].sent_ns == 0);
        CU_ASSERT_TRUE(ev->samples[i].flags & SAMPLE_HARNESS_ERROR);
    }
    CU_ASSERT(ev->ledger_count == 20 && ev->ledger[1].outcome == WRITE_FAIL);
    done(ev);
}

/* Endpoint 0 refuses between 1 s and 2 s of run time. */
static void outage(const struct exchange_request *r, struct exchange_answer *a, int64_t *latency_ns)
{
    int64_t now = loop_now(loop) - 1000 * NS_PER_S;
    good(r, a, latency_ns);
    if (r->endpoint == 0 && now >= NS_PER_S && now < 2 * NS_PER_S) {
        *a = (struct exchange_answer){.code = 7, .refused = true};
        *latency_ns = NS_PER_MS;
    }
}

static void clients_move_on_and_come_back(void)
{
    plan_fixture_init(&fixture, 100, 100, 0, NS_PER_S);
    begin_virtual(outage, 42);
    worker_start(worker, loop_now(loop));
    run_virtual(3 * NS_PER_S);
    struct evidence *ev = end();
    CU_ASSERT_EQUAL_FATAL(ev->switch_count, 2);
    const struct sample *there = &ev->switches[0], *back = &ev->switches[1];
    CU_ASSERT(there->k == 1 && there->endpoint == 1 && there->stream == FIXTURE_VANTAGE);
    /* three failures in a row at 200 requests/s, and one millisecond to see them */
    CU_ASSERT(there->done_ns > NS_PER_S && there->done_ns <= NS_PER_S + 17 * NS_PER_MS);
    /* four good probes, 50 ms apart, the first within 50 ms */
    CU_ASSERT(back->k == 0 && back->done_ns >= 2 * NS_PER_S + 150 * NS_PER_MS);
    CU_ASSERT(back->done_ns <= 2 * NS_PER_S + 205 * NS_PER_MS);
    size_t bad = 0;
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample *p = &ev->samples[i];
        bool away = p->sent_ns >= there->done_ns && p->sent_ns < back->done_ns;
        CU_ASSERT_EQUAL(p->endpoint, away ? 1 : 0);
        bad += p->outcome == OUTCOME_REFUSED;
    }
    CU_ASSERT(bad >= 3 && bad <= 4);
    done(ev);
}

/* On loopback. */

static struct stub_server here, there;

static void begin_real(void)
{
    loop = loop_new(NULL);
    here = there = (struct stub_server){0};
    stub_start(&here, loop, "127.0.0.1", 0);
    stub_start(&there, loop, "127.0.0.2", here.port);
    begin_evidence();
    must(transport_curl_new(&transport, loop, worker_max_in_flight(&fixture.plan, FIXTURE_VANTAGE), NULL) == 0);
    struct worker_config c = config(here.port);
    must(worker_new(&worker, &c, loop, transport, NULL) == 0);
}

static void run_real(int64_t for_ns)
{
    CU_ASSERT_EQUAL(loop_run(loop, loop_tick(loop) + for_ns, NULL, NULL), 1);
}

static struct evidence *end_real(void)
{
    wait_idle(5 * NS_PER_S);
    CU_ASSERT_PTR_NULL(worker_failure(worker));
    stub_stop(&here);
    stub_stop(&there);
    return end();
}

static void hold(struct stub_server *s, const struct stub_request *rq, struct stub_reply *rp)
{
    (void)s;
    (void)rq;
    rp->fate = STUB_HOLD;
}

static void a_frozen_server_does_not_slow_the_sends(void)
{
    plan_fixture_init(&fixture, 100, 50, 50, 300 * NS_PER_MS);
    fixture.topology.failover.unhealthy_after = 1000; /* nobody moves on */
    begin_real();
    here.serve = hold;
    here.probe_fate = STUB_HOLD;
    int64_t from = loop_tick(loop);
    worker_start(worker, from);
    run_real(NS_PER_S);
    double planned = (double)(loop_tick(loop) - from) / 1e9 * 200; /* the machine may have let us run longer */
    struct evidence *ev = end_real();
    uint64_t next[FIXTURE_STREAMS] = {0};
    size_t on_time = 0;
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample *p = &ev->samples[i];
        CU_ASSERT_EQUAL(p->k, next[p->stream]++);
        CU_ASSERT_EQUAL(p->outcome, OUTCOME_TIMEOUT);
        CU_ASSERT_EQUAL(p->write, p->stream == 2 ? WRITE_UNKNOWN : WRITE_NONE);
        CU_ASSERT(p->sent_ns >= p->planned_ns);
        CU_ASSERT(p->done_ns - p->sent_ns >= 300 * NS_PER_MS);
        on_time += p->sent_ns - p->planned_ns < 50 * NS_PER_MS;
    }
    CU_ASSERT(fabs((double)ev->sample_count - planned) <= 4); /* three streams, and the turn that ended it */
    CU_ASSERT(on_time > ev->sample_count * 9 / 10); /* the machine may stumble, the plan does not */
    done(ev);
}

static unsigned intents_seen, intents_missing;

/* When a write reaches the server, its intent must be on file. */
static void look_into_the_ledger(struct stub_server *s, const struct stub_request *rq, struct stub_reply *rp)
{
    (void)s;
    (void)rp;
    if (!rq->post) {
        return;
    }
    struct evidence *ev = NULL;
    must(evidence_load(&ev, path, NULL) == 0);
    bool found = false;
    for (size_t i = 0; i < ev->ledger_count; i++) {
        char key[64];
        snprintf(key, sizeof(key), "run-1/c%u-%llu", ev->ledger[i].client, (unsigned long long)ev->ledger[i].seq);
        found = found || (ev->ledger[i].kind == LEDGER_INTENT && strcmp(key, rq->idempotency_key) == 0);
    }
    evidence_free(ev);
    intents_seen += found;
    intents_missing += !found;
}

static void intents_are_on_file_before_the_first_byte_leaves(void)
{
    plan_fixture_init(&fixture, 0, 0, 20, NS_PER_S);
    begin_real();
    here.serve = look_into_the_ledger;
    intents_seen = intents_missing = 0;
    worker_start(worker, loop_tick(loop));
    run_real(500 * NS_PER_MS);
    struct evidence *ev = end_real();
    CU_ASSERT(intents_seen >= 8);
    CU_ASSERT_EQUAL(intents_missing, 0);
    CU_ASSERT_EQUAL(ev->ledger_count, 2 * intents_seen);
    CU_ASSERT_EQUAL(ev->ledger[ev->ledger_count - 1].version, intents_seen); /* the stub counts versions */
    done(ev);
}

static void the_death_of_an_endpoint_is_survived(void)
{
    plan_fixture_init(&fixture, 40, 40, 20, NS_PER_S);
    begin_real();
    worker_start(worker, loop_tick(loop));
    run_real(400 * NS_PER_MS);
    uint16_t port = here.port;
    stub_stop(&here);
    run_real(600 * NS_PER_MS);
    stub_start(&here, loop, "127.0.0.1", port);
    run_real(700 * NS_PER_MS);
    CU_ASSERT(there.requests > 20 && there.probes > 10);
    struct evidence *ev = end_real();
    CU_ASSERT_EQUAL_FATAL(ev->switch_count, 2);
    CU_ASSERT(ev->switches[0].k == 1 && ev->switches[1].k == 0);
    const struct sample *last = &ev->samples[ev->sample_count - 1];
    CU_ASSERT(last->endpoint == 0 && last->outcome == OUTCOME_GOOD);
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample *p = &ev->samples[i];
        bool good_or_gone = p->outcome == OUTCOME_GOOD || p->outcome == OUTCOME_LATE ||
                            ((p->outcome == OUTCOME_REFUSED || p->outcome == OUTCOME_RESET) && p->endpoint == 0);
        CU_ASSERT_TRUE(good_or_gone);
    }
    done(ev);
}

static void one_that_is_not_ready_is_left(void)
{
    plan_fixture_init(&fixture, 20, 0, 0, NS_PER_S);
    begin_real();
    here.probe_status = 503;
    worker_start(worker, loop_tick(loop));
    run_real(500 * NS_PER_MS);
    struct evidence *ev = end_real();
    CU_ASSERT_EQUAL_FATAL(ev->switch_count, 1);
    CU_ASSERT_EQUAL(ev->switches[0].k, 1);
    CU_ASSERT(ev->switches[0].done_ns >= 100 * NS_PER_MS);
    done(ev);
}

/* The loop stands still for 600 ms, as in a stopped process: what fell due leaves afterwards, in several shares, yet
 * all of it, once and in order, each for its own instant. */
static void a_backlog_leaves_whole(void)
{
    plan_fixture_init(&fixture, 0, 500, 0, 2 * NS_PER_S);
    fixture.topology.failover.unhealthy_after = 1000;
    begin_real();
    worker_start(worker, loop_tick(loop));
    run_real(300 * NS_PER_MS);
    poll(NULL, 0, 600);
    run_real(600 * NS_PER_MS);
    poll(NULL, 0, 300); /* and stands still once more, up to the end: end_real stops the worker */
    struct evidence *ev = end_real();
    size_t late = 0;
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample *p = &ev->samples[i];
        CU_ASSERT_EQUAL(p->k, i);
        CU_ASSERT(p->outcome != OUTCOME_UNSENT && p->sent_ns >= p->planned_ns);
        late += p->sent_ns - p->planned_ns >= 50 * NS_PER_MS;
    }
    CU_ASSERT(late >= 270 + 120);
    CU_ASSERT(ev->sample_count >= 895); /* 1.8 s at 500/s */
    done(ev);
}

static void too_few_descriptors_are_said_before_the_start(void)
{
    plan_fixture_init(&fixture, 1000000000, 0, 0, NS_PER_S);
    loop = loop_new(NULL);
    begin_evidence();
    struct worker_config c = config(1);
    struct err e = {0};
    CU_ASSERT_EQUAL(worker_new(&worker, &c, loop, NULL, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_MACHINE);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.help, "ulimit"));
    loop_free(loop);
    scratch_remove();
}

void suite_worker(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_planned_request_is_one_sample);
    runner_test(every_write_is_on_record_before_and_after);
    runner_test(equal_seeds_ask_for_equal_things);
    runner_test(stopping_writes_leaves_the_reads);
    runner_test(stopping_waits_for_what_is_under_way);
    runner_test(what_cannot_be_sent_is_on_record_too);
    runner_test(clients_move_on_and_come_back);
}

void suite_worker_loopback(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_frozen_server_does_not_slow_the_sends);
    runner_test(intents_are_on_file_before_the_first_byte_leaves);
    runner_test(the_death_of_an_endpoint_is_survived);
    runner_test(one_that_is_not_ready_is_left);
    runner_test(a_backlog_leaves_whole);
    runner_test(too_few_descriptors_are_said_before_the_start);
}
