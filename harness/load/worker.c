/* SPDX-License-Identifier: MIT */
/*
 * A worker holds the parts together: streams and probes launch flights, the endpoint list says where to, everything
 * ends up in the evidence.
 *
 * Samples and stalls are brought to the file every 100 ms, and at once when the last request of a stopped worker has
 * landed; only then is it idle. Stopping never abandons a request: each ends by its own time-out at the latest.
 *
 * Before anything runs on a real loop, the limit of descriptors is raised as far as allowed, and a machine that does
 * not allow enough is refused: running out in the middle of an outage would look like part of it.
 */
#include "harness/load/worker_parts.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/needs.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>

#define FLUSH_EVERY_NS (100 * NS_PER_MS)

static int raise_descriptor_limit(uint64_t needed, struct err *e)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_os(e, ERR_MACHINE, errno, "load", "cannot read the limit of open files");
    }
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < needed || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        err_set(e, ERR_MACHINE, "load", "the planned rates need %llu open files, %llu are allowed",
                (unsigned long long)needed, (unsigned long long)limit.rlim_max);
        return err_help(e, "raise the hard limit (ulimit -Hn %llu), or plan a lower rate or a shorter timeout",
                        (unsigned long long)needed);
    }
    return 0;
}

size_t worker_max_in_flight(const struct plan *plan, uint16_t vantage)
{
    const struct topo_failover *f = &plan->topology->failover;
    int64_t probes = f->probe_every_ns > 0 ? f->probe_timeout_ns / f->probe_every_ns + 2 : 0;
    return (size_t)load_needs_descriptors(plan, vantage) + plan->topology->endpoint_count * (size_t)probes;
}

void worker_fail(struct worker *w, const struct err *e)
{
    if (w->failure.kind == ERR_NONE) {
        w->failure = *e;
    }
}

static void record_stalls(struct worker *w)
{
    struct stall_note note;
    while (w->stall && stall_take(w->stall, &note)) {
        struct sample s = {
            .kind = SAMPLE_STALL,
            .stream = w->config.vantage,
            .planned_ns = worker_run_time(w, note.due_ns),
            .sent_ns = worker_run_time(w, note.woke_ns),
            .done_ns = worker_run_time(w, note.woke_ns),
            .key = UINT16_MAX,
            .endpoint = TOPO_NONE,
            .region = TOPO_NONE,
        };
        samples_add(w->samples, &s);
    }
}

static void flush(struct worker *w)
{
    record_stalls(w);
    struct err e = {0};
    if (samples_flush(w->samples, &e) != 0) {
        worker_fail(w, &e);
    }
}

static void on_flush(struct loop_timer *timer, int64_t now)
{
    struct worker *w = (struct worker *)(void *)((char *)timer - offsetof(struct worker, flush));
    flush(w);
    loop_timer_set(w->loop, timer, now + FLUSH_EVERY_NS);
}

void worker_note_switch(struct worker *w)
{
    size_t to = w->endpoints.current;
    int64_t now = worker_run_time(w, loop_now(w->loop));
    struct sample s = {
        .kind = SAMPLE_SWITCH,
        .stream = w->config.vantage,
        .k = to,
        .planned_ns = now,
        .sent_ns = now,
        .done_ns = now,
        .key = UINT16_MAX,
        .endpoint = w->endpoints.at[to].node,
        .region = w->config.plan->topology->nodes[w->endpoints.at[to].node].site,
    };
    samples_add(w->samples, &s);
}

void worker_landed(struct worker *w)
{
    if (w->stopped && w->flights.count == 0 && w->naming == 0 && !w->flushed) {
        loop_timer_stop(&w->flush);
        flush(w);
        w->flushed = true;
    }
}

static bool pins_forever(const struct topology *t)
{
    for (size_t i = 0; i < t->flaw_count; i++) {
        if (text_eq(t->flaws[i], "dns_pin_forever")) {
            return true;
        }
    }
    return false;
}

/* Where there is a traffic manager, clients know one name and nothing else. */
static int open_resolver(struct worker *w, struct err *e)
{
    const struct topology *t = w->config.plan->topology;
    uint16_t manager = topo_dns_node(t);
    if (manager == TOPO_NONE) {
        return 0;
    }
    int64_t limit_ns = INT64_MAX;
    for (size_t i = 0; i < w->stream_count; i++) {
        int64_t timeout_ns = w->streams[i].plan->timeout_ns;
        limit_ns = timeout_ns < limit_ns ? timeout_ns : limit_ns;
    }
    enum dns_class kept = pins_forever(t) ? DNS_PINS : t->sites[w->config.vantage].dns;
    return resolver_new(&w->resolver, w->loop, t->nodes[manager].address, TOPO_PORT_DNS, kept, limit_ns, e);
}

int worker_new(struct worker **out, const struct worker_config *c, struct loop *l, struct transport *t, struct err *e)
{
    bool real = !loop_is_virtual(l);
    if (c->plan->topology->endpoint_count == 0) {
        return err_set(e, ERR_DEFECT, "load", "the topology has no endpoint");
    }
    if (real && raise_descriptor_limit(load_needs_descriptors(c->plan, c->vantage), e) != 0) {
        return -1;
    }
    struct worker *w = xcalloc(1, sizeof(*w));
    w->config = *c;
    w->loop = l;
    w->transport = t;
    w->flush.due = on_flush;
    endpoints_init(&w->endpoints, c->plan->topology, c->addresses);
    wallet_init(&w->wallet, c->plan->topology, c->token_key);
    patrols_open(w);
    if (samples_open(&w->samples, c->run_path, e) != 0 || streams_open(w, e) != 0 ||
        open_resolver(w, e) != 0 ||
        (real && stall_start(&w->stall, e) != 0)) {
        worker_free(w);
        return -1;
    }
    if (!w->resolver) {
        probes_open(w);
    }
    loop_timer_set(l, &w->flush, loop_now(l) + FLUSH_EVERY_NS);
    *out = w;
    return 0;
}

void worker_free(struct worker *w)
{
    if (!w) {
        return;
    }
    flights_abandon(&w->flights);
    w->stopped = true;
    resolver_free(steal(&w->resolver));
    loop_timer_stop(&w->flush);
    probes_close(w);
    streams_close(w);
    patrols_close(w);
    if (w->samples) {
        flush(w);
    }
    stall_stop(w->stall);
    samples_close(w->samples);
    endpoints_deinit(&w->endpoints);
    wallet_deinit(&w->wallet);
    free(w);
}

void worker_start(struct worker *w, int64_t start_ns)
{
    for (size_t i = 0; i < w->stream_count && !w->stopped; i++) {
        stream_start(&w->streams[i], start_ns);
    }
    if (!w->stopped) {
        patrols_start(w, start_ns);
    }
}

void worker_stop_writes(struct worker *w)
{
    for (size_t i = 0; i < w->stream_count; i++) {
        if (w->streams[i].plan->kind == STREAM_WRITE) {
            stream_stop(&w->streams[i]);
        }
    }
}

void worker_stop(struct worker *w)
{
    for (size_t i = 0; i < w->stream_count; i++) {
        stream_stop(&w->streams[i]);
    }
    patrols_stop(w);
    probes_stop(w);
    w->stopped = true;
    worker_landed(w);
}

bool worker_idle(const struct worker *w)
{
    return w->stopped && w->flushed;
}

const struct err *worker_failure(const struct worker *w)
{
    return w->failure.kind == ERR_NONE ? NULL : &w->failure;
}
