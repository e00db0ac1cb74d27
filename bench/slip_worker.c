/* SPDX-License-Identifier: MIT */
/*
 * The worker as a drill runs it: its loop, libcurl, the stall canary, samples and ledger to files, probes of the
 * endpoint; a stream per kind of request that the mix asks for. The plan is made by hand: one gateway, one vantage.
 * Lateness is read from samples.bin afterwards: when a request was handed to libcurl, less when it was due.
 */
#include "bench/slip.h"

#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/load.h"

#include <string.h>

#define REQUEST_NS (1 * NS_PER_S)

enum { HERE, CLIENTS, SITES };

static struct topo_site sites[SITES] = {
    {.name = "here", .kind = SITE_REGION, .node_count = 1, .gateways = 1},
    {.name = "clients", .kind = SITE_VANTAGE, .first_node = 1, .node_count = 1},
};
static struct topo_node nodes[] = {
    {.name = "here/1", .role = NODE_GATEWAY, .site = HERE, .number = 1, .address = "127.0.0.1"},
    {.name = "clients/1", .role = NODE_CLIENT, .site = CLIENTS, .number = 1, .address = "127.0.0.1"},
};
static uint16_t endpoints[] = {0};
static struct topology topology = {
    .name = "bench",
    .sites = sites,
    .nodes = nodes,
    .site_count = SITES,
    .node_count = array_len(nodes),
    .endpoints = endpoints,
    .endpoint_count = 1,
    .failover = {.probe_every_ns = 250 * NS_PER_MS,
                 .probe_timeout_ns = 200 * NS_PER_MS,
                 .unhealthy_after = 3,
                 .healthy_after = 4},
};

static size_t make_streams(const struct slip_mix *m, struct plan_stream streams[3])
{
    const struct plan_stream all[] = {{.kind = STREAM_READ_KEEPALIVE, .rate_micro = m->kept * PPM},
                                      {.kind = STREAM_READ_FRESH, .rate_micro = m->fresh * PPM},
                                      {.kind = STREAM_WRITE, .rate_micro = m->writes * PPM}};
    size_t count = 0;
    for (size_t i = 0; i < array_len(all); i++) {
        if (all[i].rate_micro > 0) {
            streams[count] = all[i];
            streams[count].vantage = CLIENTS;
            streams[count].timeout_ns = REQUEST_NS;
            streams[count++].path = "/v1/orders";
        }
    }
    return count;
}

static int note(const struct slip_order *o, const struct plan *plan, struct slip_side *out, const struct sample *s)
{
    if (s->kind != SAMPLE_REQUEST || s->k >= (uint64_t)(plan->streams[s->stream].rate_micro / PPM * o->seconds)) {
        return 0;
    }
    out->bad += s->outcome != OUTCOME_GOOD;
    if (s->outcome == OUTCOME_UNSENT) {
        out->unsent++;
        return 0;
    }
    if (out->count == SLIP_LATENESS_MAX) {
        return err_set(&out->e, ERR_DEFECT, "samples", "more than were planned");
    }
    out->late_us[out->count++] = (double)(s->sent_ns - s->planned_ns) / (double)NS_PER_US;
    return 0;
}

static int read_samples(const struct slip_order *o, const struct plan *plan, struct slip_side *out)
{
    struct sample_tail *tail = NULL;
    struct sample some[256];
    size_t got = 0;
    int rc = sample_tail_open(&tail, o->folder, &out->e);
    while (rc == 0 && (rc = sample_tail_read(tail, some, array_len(some), &got, &out->e)) == 0 && got > 0) {
        for (size_t i = 0; i < got && rc == 0; i++) {
            rc = note(o, plan, out, &some[i]);
        }
    }
    sample_tail_close(tail);
    out->unsent += (uint64_t)(slip_rate(&o->mix) * o->seconds) - out->count - out->unsent; /* no trace of them at all */
    return rc;
}

static int drive(const struct slip_order *o, const struct plan *plan, struct loop *l, struct transport *t,
                 struct slip_side *out)
{
    struct err *e = &out->e;
    struct worker_config c = {.plan = plan,
                              .vantage = CLIENTS,
                              .run_path = o->folder,
                              .run_id = "bench",
                              .zero_ns = loop_now(l),
                              .http_port = o->port};
    struct worker *w = NULL;
    if (worker_new(&w, &c, l, t, e) != 0) {
        return -1;
    }
    struct slip_meter meter = {0};
    slip_meter_read(&meter, out);
    int64_t end_ns = o->start_ns + o->seconds * NS_PER_S;
    worker_start(w, o->start_ns);
    int rc = loop_run(l, end_ns, NULL, e);
    worker_stop(w);
    while (rc >= 0 && !worker_idle(w) && loop_now(l) < end_ns + 3 * REQUEST_NS) {
        rc = loop_run(l, loop_now(l) + 20 * NS_PER_MS, NULL, e);
    }
    slip_meter_read(&meter, out);
    if (rc >= 0 && worker_failure(w)) {
        *e = *worker_failure(w);
        rc = -1;
    }
    worker_free(w);
    return rc < 0 ? -1 : 0;
}

void slip_worker(const struct slip_order *o, struct slip_side *out)
{
    struct plan_stream streams[3];
    struct plan plan = {.name = "bench", .seed = 1, .topology = &topology, .streams = streams};
    plan.stream_count = make_streams(&o->mix, streams);
    struct transport *t = NULL;
    struct loop *l = loop_new(&out->e);
    if (!l || samples_create(o->folder, NULL, 0, &out->e) != 0 || ledger_create(o->folder, 0, &out->e) != 0 ||
        transport_curl_new(&t, l, worker_max_in_flight(&plan, CLIENTS), &out->e) != 0) {
        return;
    }
    int rc = drive(o, &plan, l, t, out);
    t->ops->free(t);
    loop_free(l);
    out->done = rc == 0 && read_samples(o, &plan, out) == 0;
}
