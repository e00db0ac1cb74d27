/* SPDX-License-Identifier: MIT */
/*
 * Sources of a pass: the first gateway, in the clients' order, that runs, and the store of every region directly. What
 * is on record of the writes is made durable first. Between the passes every store's process is killed and started
 * again on the disk it had, so that the second pass shows what is durable and not what a cache remembers; it begins
 * when some store leads again.
 */
#include "harness/run/finalread.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/load.h"
#include "harness/load/wallet.h"
#include "harness/run/crowd.h"
#include "harness/run/observe.h"
#include "harness/run/roll.h"
#include "harness/run/set_aside.h"
#include "harness/evidence/ledger.h"
#include <sys/epoll.h>
#include <unistd.h>

#define PASS_NS (10 * NS_PER_S)
#define RESTART_NS (10 * NS_PER_S)
#define GATEWAY_BUDGET_NS NS_PER_S /* the longest a gateway keeps a write after its client gave up */

int final_quiesce(struct drill *d, struct err *e)
{
    const struct topo_replication *replication = &d->plan->topology->replication;
    int64_t patience = GATEWAY_BUDGET_NS;
    for (size_t i = 0; i < d->plan->stream_count; i++)
        if (d->plan->streams[i].timeout_ns + GATEWAY_BUDGET_NS > patience)
            patience = d->plan->streams[i].timeout_ns + GATEWAY_BUDGET_NS;
    if (replication->mode == REPLICATION_ASYNC)
        patience += replication->every_ns; /* what was acknowledged last is shipped with the next batch */
    if (crowd_stop_writes(d->crowd, e) < 0 || crowd_stop(d->crowd, e) < 0)
        return -1;
    int64_t end = record_now(&d->rec) + patience;
    loop_run(d->loop, end + d->rec.zero_ns, NULL, NULL);
    int64_t bound = end + 5 * NS_PER_S;
    while (!crowd_idle(d->crowd) && record_now(&d->rec) < bound)
        loop_run(d->loop, loop_now(d->loop) + 20 * NS_PER_MS, NULL, NULL);
    if (!crowd_idle(d->crowd))
        record_fact(&d->rec, EVENT_HARNESS, NULL, "error", "a load worker did not finish within 5 s of quiescence", 0);
    return 0;
}

/* The first gateway in the clients' own order whose process runs; the very first where none does. */
static uint16_t front_gateway(struct drill *d)
{
    const struct topology *t = d->plan->topology;
    for (size_t i = 0; i < t->endpoint_count; i++)
        if (d->ops->node_state(d->lab, t->endpoints[i]) == NODE_UP)
            return t->endpoints[i];
    return t->endpoints[0];
}

static size_t pass_sources(struct drill *d, struct readback_source *sources)
{
    const struct topology *t = d->plan->topology;
    size_t n = 0;
    uint16_t front = front_gateway(d);
    sources[n++] = (struct readback_source){.region = UINT16_MAX, .address = t->nodes[front].address,
                                            .port = TOPO_PORT_HTTP, .endpoint = front};
    for (uint16_t node = 0; node < t->node_count; node++)
        if (t->nodes[node].role == NODE_ORIGIN && t->nodes[node].number == 1)
            sources[n++] = (struct readback_source){.region = t->nodes[node].site, .address = t->nodes[node].address,
                                                    .port = TOPO_PORT_HTTP, .endpoint = node};
    return n;
}

static struct readback_config pass_config(const struct drill *d, uint8_t pass, const struct readback_source *sources,
                                          size_t n, struct wallet *wallet, int64_t now)
{
    return (struct readback_config){.run_path = d->options->run_path, .run_id = d->options->run_id,
                                    .wallet = wallet,
                                    .zero_ns = d->rec.zero_ns, .deadline_ns = now + PASS_NS, .pass = pass,
                                    .first_read = pass == PASS_LIVE ? 1 : 1000,
                                    .chain = (uint16_t)(LEDGER_CHAIN_READ + pass), .sources = sources,
                                    .source_count = n};
}

static _Noreturn void pass_process(const struct readback_config *template)
{
    struct err e = {0};
    struct readback_config c = *template;
    struct transport *t = NULL;
    bool complete = false;
    uint32_t next;
    struct loop *loop = loop_new(&e);
    if (!loop || transport_curl_new(&t, loop, 8, &e) < 0 || readback_run(&c, loop, t, &complete, &next, &e) < 0)
        _exit(2);
    _exit(complete ? 0 : 1);
}

static void process_ended(struct loop_io *io, uint32_t events)
{
    (void)events;
    loop_io_stop(io);
}

/* In a process of its own, waited for while the world goes on. */
static int pass_fork(struct drill *d, const struct readback_config *c, bool *complete, struct err *e)
{
    const struct topology *t = d->plan->topology;
    uint16_t client = 0;
    while (client < t->node_count && t->nodes[client].role != NODE_CLIENT)
        client++;
    struct child child = {.pidfd = -1};
    int side = d->ops->client_fork(d->lab, client, &child, e);
    if (side < 0)
        return -1;
    if (side == 0)
        pass_process(c);
    struct loop_io io = {.ready = process_ended};
    if (loop_io_set(d->loop, &io, child.pidfd, EPOLLIN, e) == 0) {
        int64_t bound = loop_now(d->loop) + PASS_NS + 2 * NS_PER_S;
        while (io.loop && loop_now(d->loop) < bound)
            loop_run(d->loop, loop_now(d->loop) + 20 * NS_PER_MS, NULL, NULL);
        loop_io_stop(&io);
    }
    child_stop(&child, 0, NULL);
    *complete = child.reaped && child.status == 0;
    return 0;
}

static int pass_run(struct drill *d, uint8_t pass, struct err *e)
{
    scoped_free struct readback_source *sources = xcalloc(d->plan->topology->node_count + 1, sizeof(*sources));
    size_t n = pass_sources(d, sources);
    struct wallet wallet;
    wallet_init(&wallet, d->plan->topology, lab_token_key(d->lab));
    struct readback_config c = pass_config(d, pass, sources, n, &wallet, loop_now(d->loop));
    bool complete = false;
    uint32_t next = 0;
    int failed = d->ops->client_fork
                     ? pass_fork(d, &c, &complete, e)
                     : readback_run(&c, d->loop, d->ops->transport(d->lab, d->plan->streams[0].vantage), &complete,
                                    &next, e);
    wallet_deinit(&wallet);
    if (failed < 0)
        return -1;
    if (!complete)
        record_fact(&d->rec, EVENT_HARNESS, NULL, "warning",
                    pass == PASS_LIVE ? "the final read of the live stores is not complete"
                                      : "the final read after the cold restart is not complete", 0);
    return 0;
}

static int stores_restart(struct drill *d, struct err *e)
{
    const struct topology *t = d->plan->topology;
    for (uint16_t node = 0; node < t->node_count; node++)
        if (t->nodes[node].role == NODE_ORIGIN && d->ops->node_kill(d->lab, node, e) < 0)
            return -1;
    observer_forget(d->observer);
    roll_call(d->roll, "killed");
    for (uint16_t node = 0; node < t->node_count; node++)
        if (t->nodes[node].role == NODE_ORIGIN && d->ops->node_start(d->lab, node, 0, e) < 0)
            return -1;
    roll_call(d->roll, "exited");
    const char *missing = NULL;
    int64_t bound = record_now(&d->rec) + RESTART_NS;
    while (!(observer_all_up(d->observer, &missing) && observer_has_leader(d->observer)) &&
           record_now(&d->rec) < bound)
        loop_run(d->loop, loop_now(d->loop) + 20 * NS_PER_MS, NULL, NULL);
    return 0;
}

int final_reads(struct drill *d, struct err *e)
{
    if (plan_rate_writes(d->plan) <= 0)
        return 0;
    drill_sync_ledger(d);
    if (pass_run(d, PASS_LIVE, e) < 0 || stores_restart(d, e) < 0)
        return -1;
    return pass_run(d, PASS_COLD, e) < 0 ? -1 : set_aside_read(d, e);
}
