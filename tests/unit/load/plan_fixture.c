/* SPDX-License-Identifier: MIT */
/*
 * Nothing is allocated; the fixture may be copied or forgotten but must not move while in use.
 */
#include "tests/unit/load/plan_fixture.h"

#include "harness/base/units.h"

static void add_stream(struct plan_fixture *f, enum stream_kind kind, int64_t rate, int64_t timeout_ns)
{
    if (rate > 0) {
        f->streams[f->plan.stream_count++] = (struct plan_stream){
            .kind = kind,
            .vantage = FIXTURE_VANTAGE,
            .rate_micro = rate * PPM,
            .timeout_ns = timeout_ns,
            .path = "/v1/orders",
        };
    }
}

void plan_fixture_init(struct plan_fixture *f, int64_t fresh, int64_t kept, int64_t writes, int64_t timeout_ns)
{
    *f = (struct plan_fixture){
        .sites = {{.name = "here", .kind = SITE_REGION, .first_node = 0, .node_count = 1, .gateways = 1},
                  {.name = "there", .kind = SITE_REGION, .first_node = 1, .node_count = 1, .gateways = 1},
                  {.name = "clients", .kind = SITE_VANTAGE, .first_node = 2, .node_count = 1}},
        .nodes = {{.name = "here/1", .role = NODE_GATEWAY, .site = 0, .number = 1, .address = "127.0.0.1"},
                  {.name = "there/1", .role = NODE_GATEWAY, .site = 1, .number = 1, .address = "127.0.0.2"},
                  {.name = "clients/1", .role = NODE_CLIENT, .site = 2, .number = 1, .address = "127.0.0.3"}},
        .endpoints = {0, 1},
    };
    f->topology = (struct topology){
        .name = "fixture",
        .sites = f->sites,
        .nodes = f->nodes,
        .site_count = 3,
        .node_count = 3,
        .endpoints = f->endpoints,
        .endpoint_count = 2,
        .failover = {.probe_every_ns = 50 * NS_PER_MS,
                     .probe_timeout_ns = 50 * NS_PER_MS,
                     .unhealthy_after = 3,
                     .healthy_after = 4},
    };
    f->plan = (struct plan){.name = "fixture", .seed = 42, .topology = &f->topology, .streams = f->streams};
    add_stream(f, STREAM_READ_FRESH, fresh, timeout_ns);
    add_stream(f, STREAM_READ_KEEPALIVE, kept, timeout_ns);
    add_stream(f, STREAM_WRITE, writes, timeout_ns);
}
