/* SPDX-License-Identifier: MIT */
/*
 * Patrols beside the streams, on a virtual clock: who is asked when, with which key, and what is on record.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/load.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/load/model_transport.h"
#include "tests/unit/load/plan_fixture.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct plan_fixture fixture;
static struct plan_patrol patrols[3];
static size_t with_key[CALLERS], without;

static void plan_patrols(void)
{
    plan_fixture_init(&fixture, 100, 0, 20, NS_PER_S);
    fixture.topology.identity.asked = true;
    fixture.topology.callers[CALLER_CUSTOMER] = (struct topo_caller){"customer", "a", "customer.a"};
    fixture.topology.callers[CALLER_LEAKED] = (struct topo_caller){"leaked", "b", "leaked.b"};
    fixture.topology.callers[CALLER_BULK] = (struct topo_caller){"bulk", "c", "bulk.c"};
    for (uint16_t i = 0; i < 3; i++) {
        patrols[i] = (struct plan_patrol){.who = i == 2 ? CALLER_BULK : CALLER_LEAKED, .gateway = i % 2};
        patrols[i].stream = (struct plan_stream){.vantage = i == 2 ? 0 : FIXTURE_VANTAGE,
                                                 .rate_micro = 10 * PPM,
                                                 .timeout_ns = NS_PER_S,
                                                 .path = "/bytes/64"};
    }
    fixture.plan.patrols = patrols;
    fixture.plan.patrol_count = 3;
    memset(with_key, 0, sizeof(with_key));
    without = 0;
}

/* The second gateway turns the leaked key away; both are silent about what is not about orders. */
static void answer(const struct exchange_request *r, struct exchange_answer *a, int64_t *latency_ns)
{
    *latency_ns = 5 * NS_PER_MS;
    for (int who = 0; r->api_key && who < CALLERS; who++) {
        with_key[who] += strcmp(r->api_key, fixture.topology.callers[who].key) == 0;
    }
    without += r->api_key == NULL;
    if (strcmp(r->target, "/bytes/64") != 0) {
        model_good(r, a);
    } else {
        CU_ASSERT(r->fresh && !r->post);
        a->connected = true;
        a->status = r->endpoint == 1 ? 403 : 200;
    }
}

static struct evidence *run(int64_t for_ns)
{
    const char *path = scratch_make();
    struct timeline *t = NULL;
    struct event head = {.kind = EVENT_HEADER};
    must(timeline_open(&t, path, NULL) == 0 && timeline_add(t, &head, NULL, NULL) == 0);
    timeline_close(t);
    must(samples_create(path, NULL, 0, NULL) == 0 && ledger_create(path, 0, NULL) == 0);
    struct loop *loop = loop_new_virtual(1000 * NS_PER_S);
    struct transport *transport = model_transport_new(loop, answer);
    struct worker *worker = NULL;
    struct worker_config c = {.plan = &fixture.plan, .vantage = FIXTURE_VANTAGE, .run_path = path, .run_id = "run-1",
                              .zero_ns = loop_now(loop), .http_port = 8080};
    must(worker_new(&worker, &c, loop, transport, NULL) == 0);
    worker_start(worker, loop_now(loop));
    loop_run(loop, loop_now(loop) + for_ns, NULL, NULL);
    worker_stop(worker);
    loop_run(loop, loop_now(loop) + NS_PER_S, NULL, NULL);
    CU_ASSERT_TRUE(worker_idle(worker));
    worker_free(worker);
    transport->ops->free(transport);
    loop_free(loop);
    struct evidence *ev = NULL;
    must(evidence_load(&ev, path, NULL) == 0);
    CU_ASSERT_PTR_NULL(ev->samples_damage);
    return ev;
}

static void each_gateway_is_asked_in_turn(void)
{
    plan_patrols();
    struct evidence *ev = run(1990 * NS_PER_MS);
    uint64_t k[2] = {0, 0};
    CU_ASSERT_EQUAL(ev->patrol_count, 40); /* that of another vantage is not ours */
    for (size_t i = 0; i < ev->patrol_count; i++) {
        const struct sample *s = &ev->patrols[i];
        CU_ASSERT_TRUE_FATAL(s->stream < 2);
        CU_ASSERT_EQUAL(s->endpoint, s->stream);
        CU_ASSERT_EQUAL(s->k, k[s->stream]);
        CU_ASSERT_EQUAL(s->planned_ns, (int64_t)(k[s->stream]++ * 100 + s->stream * 50) * NS_PER_MS);
        CU_ASSERT_EQUAL(s->sent_ns, s->planned_ns);
        CU_ASSERT_EQUAL(s->done_ns, s->planned_ns + 5 * NS_PER_MS);
        CU_ASSERT_EQUAL(s->status, s->stream == 1 ? 403 : 200);
        CU_ASSERT_EQUAL(s->outcome, s->stream == 1 ? OUTCOME_HTTP_STATUS : OUTCOME_GOOD);
    }
    evidence_free(ev);
    scratch_remove();
}

static void they_are_no_requests_of_customers(void)
{
    plan_patrols();
    struct evidence *ev = run(1990 * NS_PER_MS);
    CU_ASSERT(ev->sample_count >= 238 && ev->sample_count <= 242);
    for (size_t i = 0; i < ev->sample_count; i++) {
        CU_ASSERT_EQUAL(ev->samples[i].outcome, OUTCOME_GOOD);
        CU_ASSERT_EQUAL(ev->samples[i].endpoint, 0); /* nobody moved because of a refusal */
    }
    CU_ASSERT_EQUAL(ev->switch_count, 0);
    CU_ASSERT_EQUAL(with_key[CALLER_CUSTOMER], ev->sample_count);
    CU_ASSERT_EQUAL(with_key[CALLER_LEAKED], 40);
    CU_ASSERT_EQUAL(with_key[CALLER_BULK], 0);
    CU_ASSERT(without > 0); /* health checks show nothing */
    evidence_free(ev);
    scratch_remove();
}

static void nobody_asks_nobody_shows(void)
{
    plan_fixture_init(&fixture, 100, 0, 0, NS_PER_S);
    memset(with_key, 0, sizeof(with_key));
    without = 0;
    for (int who = 0; who < CALLERS; who++) {
        fixture.topology.callers[who] = (struct topo_caller){0};
    }
    struct evidence *ev = run(490 * NS_PER_MS);
    CU_ASSERT_EQUAL(ev->patrol_count, 0);
    CU_ASSERT(without >= ev->sample_count && ev->sample_count > 0);
    evidence_free(ev);
    scratch_remove();
}

void suite_patrol(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_gateway_is_asked_in_turn);
    runner_test(they_are_no_requests_of_customers);
    runner_test(nobody_asks_nobody_shows);
}
