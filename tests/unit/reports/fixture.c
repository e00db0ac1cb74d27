/* SPDX-License-Identifier: MIT */
/*
 * The plan of the made-up drill, and its making and unmaking.
 */
#include "tests/unit/reports/fixture.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>

const char *const fixture_names[FIXTURE_CASES] = {
#define X(name, folder) #folder,
    FIXTURES(X)
#undef X
};

static const char scenario[] = "# yaml-language-server: $schema=../drtest.schema.json\n"
                               "drtest: 1\n"
                               "name: region-outage\n"
                               "title: Losing us-east fails over to eu-west within the RTO\n"
                               "description: All gateways of the primary die as in a power loss.\n"
                               "owner: team-edge\n"
                               "tags: [quarterly, region, failover]\n"
                               "topology:\n"
                               "  regions:\n"
                               "    us-east: {role: primary, gateways: 2}\n"
                               "    eu-west: {role: standby, gateways: 2}\n"
                               "  links: [{between: [us-east, eu-west], delay: 40ms, jitter: 3ms}]\n"
                               "  failover: {probe_every: 250ms, unhealthy_after: 3, healthy_after: 4}\n"
                               "  replication: {mode: async, every: 200ms}\n"
                               "workload:\n"
                               "  seed: 20260101\n"
                               "  reads: {rate: 200/s, path: /v1/orders, timeout: 1s}\n"
                               "  writes: {rate: 20/s, path: /v1/orders, timeout: 1s}\n"
                               "steady_state: {hold: 5s, within: 30s, expect: {availability: 99.9%, p99: 250ms}}\n"
                               "timeline:\n"
                               "  - {at: 0s, do: kill, region: us-east, note: power loss in us-east}\n"
                               "  - {at: 20s, do: restore, region: us-east, note: power is back}\n"
                               "targets:\n"
                               "  rto: 5s\n"
                               "  rpo: 1s\n"
                               "  lost_writes: 20                # one second of writes\n"
                               "  failback: 15s\n"
                               "  availability: 95%\n";

static void add_site(struct topology *t, struct arena *a, const char *name, enum site_kind kind, uint16_t gateways,
                     uint16_t origins)
{
    uint16_t index = (uint16_t)t->site_count++;
    struct topo_site *s = &t->sites[index];
    *s = (struct topo_site){
        .name = name, .kind = kind, .first_node = (uint16_t)t->node_count, .gateways = gateways, .origins = origins};
    uint16_t plain = kind == SITE_REGION ? 0 : 1;
    s->node_count = (uint16_t)(gateways + origins + plain);
    for (uint16_t i = 0; i < s->node_count; i++) {
        struct topo_node *n = &t->nodes[t->node_count++];
        bool origin = kind == SITE_REGION && i >= gateways;
        n->site = index;
        n->number = (uint16_t)(origin ? i - gateways + 1 : i + 1);
        n->role = kind == SITE_WITNESS   ? NODE_WITNESS
                  : kind == SITE_VANTAGE ? NODE_CLIENT
                  : origin               ? NODE_ORIGIN
                                         : NODE_GATEWAY;
        n->name = arena_printf(a, origin ? "%s/origin-%d" : "%s/%d", name, n->number);
    }
}

static void add_stream(struct plan *p, enum stream_kind kind, uint16_t vantage, int64_t per_s, uint16_t client)
{
    p->streams[p->stream_count++] = (struct plan_stream){.kind = kind,
                                                         .vantage = vantage,
                                                         .client = client,
                                                         .rate_micro = per_s * 1000000,
                                                         .timeout_ns = NS_PER_S,
                                                         .path = "/v1/orders"};
}

void fixture_fill_plan(struct fixture *f, enum fixture_case which)
{
    struct arena *a = &f->result.arena;
    struct plan *p = &f->plan;
    struct topology *t = arena_new(a, struct topology);
    t->sites = arena_array(a, struct topo_site, 8);
    t->nodes = arena_array(a, struct topo_node, 16);
    t->endpoints = arena_array(a, uint16_t, 8);
    p->streams = arena_array(a, struct plan_stream, 8);
    p->topology = t;
    p->name = "region-outage";
    p->file = "scenarios/region-outage.yaml";
    p->text = scenario;
    p->seed = 20260101;
    if (which == FIXTURE_TINY) {
        add_site(t, a, "alpha", SITE_REGION, 1, 1);
        add_site(t, a, "clients-alpha", SITE_VANTAGE, 0, 0);
        t->endpoint_count = 1;
        add_stream(p, STREAM_READ_FRESH, 1, 10, 0);
        p->text = "drtest: 1\nname: null-drill\ntimeline: []\ntargets:\n  availability: 99%\n";
        p->name = "null-drill";
        p->file = "scenarios/null-drill.yaml";
        return;
    }
    add_site(t, a, "us-east", SITE_REGION, 2, 1);
    add_site(t, a, "eu-west", SITE_REGION, 2, 1);
    add_site(t, a, "witness", SITE_WITNESS, 0, 0);
    add_site(t, a, "clients-us-east", SITE_VANTAGE, 0, 0);
    add_site(t, a, "clients-eu-west", SITE_VANTAGE, 0, 0);
    const uint16_t endpoints[] = {0, 1, 3, 4};
    memcpy(t->endpoints, endpoints, sizeof(endpoints));
    t->endpoint_count = array_len(endpoints);
    t->sites[1].role = REGION_STANDBY;
    for (uint16_t v = 3; v <= 4; v++) {
        add_stream(p, STREAM_READ_FRESH, v, 50, 0);
        add_stream(p, STREAM_READ_KEEPALIVE, v, 50, 0);
        add_stream(p, STREAM_WRITE, v, 10, (uint16_t)(v - 3));
    }
}

struct fixture *fixture_new(enum fixture_case which)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->kept = json_array();
    f->in = (struct report_input){.result = &f->result,
                                  .plan = &f->plan,
                                  .evidence = &f->evidence,
                                  .run_path = "runs/region-outage-20260101T060000Z"};
    fixture_fill_plan(f, which);
    fixture_fill_result(f, which);
    fixture_fill_evidence(f, which);
    return f;
}

char *fixture_render(const char *reporter, const struct report_input *in)
{
    char *bytes = NULL;
    size_t len = 0;
    struct err e = {0};
    FILE *out = open_memstream(&bytes, &len);
    CU_ASSERT_EQUAL(reporter_find(reporter)->write(out, in, &e), 0);
    CU_ASSERT_EQUAL(fclose(out), 0);
    return bytes;
}

void fixture_free(struct fixture *f)
{
    if (!f) {
        return;
    }
    struct result *r = &f->result;
    for (size_t i = 0; i < r->faults.len; i++) {
        json_decref(r->faults.at[i].params);
        vec_deinit(&r->faults.at[i].subject);
    }
    for (size_t i = 0; i < r->objectives.len; i++) {
        vec_deinit(&r->objectives.at[i].evidence);
        vec_deinit(&r->objectives.at[i].flags);
    }
    struct texts *lists[] = {&r->run.command,          &r->scenario.tags,           &r->lab.regions, &r->lab.vantages,
                             &r->ledger.regions_read, &r->ledger.set_aside_regions, &r->limits};
    for (size_t i = 0; i < array_len(lists); i++) {
        vec_deinit(lists[i]);
    }
    vec_deinit(&r->mechanisms);
    vec_deinit(&r->phases);
    vec_deinit(&r->faults);
    vec_deinit(&r->events);
    vec_deinit(&r->objectives);
    vec_deinit(&r->checks);
    vec_deinit(&r->requests.by_vantage);
    vec_deinit(&r->quality.selftest);
    vec_deinit(&r->ledger.lost);
    vec_deinit(&r->drift.gateways);
    json_decref(r->drift.patch);
    json_decref(r->drift.undo_patch);
    json_decref(f->kept);
    arena_deinit(&r->arena);
    free(f);
}
