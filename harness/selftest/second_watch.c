/* SPDX-License-Identifier: MIT */
/*
 * One address, one stream at the rehearsal's gap, no health checks: whatever differs from the ordinary worker is the
 * code that asks and the code that evaluates. The prober writes CLOCK_MONOTONIC into its record (its run time 0 is 0),
 * so that the rehearsal's instants can be used as they are.
 *
 * A machine too busy for the second prober voids the outage as it would for the first: sends later than a drill allows,
 * or good service that was slow around the outage. A record that is damaged is no excuse: the outage is then not
 * confirmed.
 */
#include "harness/selftest/second_watch.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/crosscheck/crosscheck.h"
#include "harness/measure/second.h"
#include "harness/selftest/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAD_NS (20 * NS_PER_MS)
#define READY_NS (2 * NS_PER_S)
#define LATE_NS (STAGE_RTO_NS / 10)
#define STEADY_PART 5 /* good replies at most this part of T_req, but for one in a hundred */
#define RECORD_MAX ((size_t)64 << 20)
#define CHECKSUM "0000000000000000000000000000000000000000000000000000000000000000"

static void plan_init(struct second_watch *w, const char *address, int64_t gap_ns, int64_t timeout_ns)
{
    snprintf(w->address, sizeof(w->address), "%s", address);
    w->addresses[0] = w->address;
    w->sites[0] = (struct topo_site){.name = "truth", .kind = SITE_REGION, .node_count = 1, .gateways = 1};
    w->sites[1] = (struct topo_site){.name = "second", .kind = SITE_VANTAGE, .first_node = 1, .node_count = 1};
    w->nodes[0] = (struct topo_node){.name = "truth/1", .role = NODE_GATEWAY, .number = 1};
    w->nodes[1] = (struct topo_node){.name = "second/1", .role = NODE_CLIENT, .site = 1, .number = 1};
    w->topology = (struct topology){.name = "selftest", .sites = w->sites, .site_count = 2, .nodes = w->nodes,
                                    .node_count = 2, .endpoints = &w->endpoint, .endpoint_count = 1,
                                    .failover = {.unhealthy_after = INT32_MAX, .healthy_after = 1}};
    w->stream = (struct plan_stream){.kind = STREAM_READ_FRESH, .vantage = 1, .path = "/v1/orders",
                                     .rate_micro = PPM * NS_PER_S / gap_ns, .timeout_ns = timeout_ns};
    w->plan.name = "selftest";
    w->plan.topology = &w->topology;
    w->plan.streams = &w->stream;
    w->plan.stream_count = 1;
    memcpy(w->plan.sha256, CHECKSUM, sizeof(w->plan.sha256));
}

static int prober_fork(struct second_watch *w, uint16_t port, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_os(e, ERR_RUN, errno, "socketpair", "cannot make a control channel for the second prober");
    scoped_fd int ours = pair[0], theirs = pair[1];
    int side = child_fork(&w->process, e);
    if (side < 0)
        return -1;
    if (side == 0) {
        fd_close(&ours);
        struct cross_config c = {.plan = &w->plan, .vantage = 1, .run_path = w->path, .http_port = port,
                                 .addresses = w->addresses};
        cross_main(&c, theirs);
    }
    w->control = steal_fd(&ours);
    return 0;
}

/* It waits for the word that it is ready: some milliseconds, as for the servers. */
static int await_ready(struct second_watch *w, struct err *e)
{
    char said[CROSS_FAILURE_MAX] = "";
    struct timeval bound = {.tv_sec = READY_NS / NS_PER_S};
    setsockopt(w->control, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    ssize_t n = recv(w->control, said, sizeof(said) - 1, 0);
    if (n == 1 && said[0] == CROSS_READY)
        return 0;
    return err_set(e, ERR_RUN, "selftest", "the second prober did not begin: %s", n > 1 ? said : "no word of it");
}

static int watch_begin(void *arg, const char *address, uint16_t port, int64_t gap_ns, int64_t timeout_ns, struct err *e)
{
    struct second_watch *w = arg;
    plan_init(w, address, gap_ns, timeout_ns);
    snprintf(w->path, sizeof(w->path), "%s/%s-second", w->scratch, w->name);
    if (mkdir(w->path, 0700) < 0)
        return err_os(e, ERR_OUTPUT, errno, w->path, "the self-test cannot make its folder");
    if (cross_create(w->path, w->plan.sha256, e) < 0 || prober_fork(w, port, e) < 0 || await_ready(w, e) < 0)
        return -1;
    int64_t start = clock_mono_ns() + LEAD_NS;
    if (send(w->control, &start, sizeof(start), MSG_NOSIGNAL) != sizeof(start))
        return err_os(e, ERR_RUN, errno, "selftest", "the second prober cannot be told to start");
    return 0;
}

static void watch_end(void *arg)
{
    struct second_watch *w = arg;
    if (w->control >= 0)
        shutdown(w->control, SHUT_WR);
}

/* Once, when the first outage is judged: the prober has ended by then, or is waited for. */
static void read_record(struct second_watch *w)
{
    scoped_text struct text path = {0}, file = {0};
    if (w->reading.requests || w->reading.damage)
        return;
    if (child_wait(&w->process, w->stream.timeout_ns + NS_PER_S, NULL) != 0 || w->process.status != 0)
        w->reading.damage = "its process did not end in order";
    text_addf(&path, "%s/" CROSS_FILE, w->path);
    if (!w->reading.damage && text_read_file(&file, text_str(&path), RECORD_MAX, NULL) < 0)
        w->reading.damage = "its record cannot be read";
    if (!w->reading.damage)
        cross_read(file.at, file.len, &w->arena, &w->reading);
}

static void void_it(struct outage_record *r, const char *what, int64_t is_ns, int64_t limit_ns)
{
    if (is_ns <= limit_ns || !r->valid)
        return;
    r->valid = false;
    snprintf(r->why, sizeof(r->why), "second prober: %s: %.1f ms, %.1f ms are the limit", what, (double)is_ns / 1e6,
             (double)limit_ns / 1e6);
}

/* The slowest but one in a hundred of the good replies planned in [from, to). */
static int64_t slow_ns(const struct cross_record *at, size_t len, int64_t from_ns, int64_t to_ns)
{
    for (int64_t limit = NS_PER_MS;; limit *= 2) {
        size_t all = 0, slower = 0;
        for (size_t i = 0; i < len; i++) {
            bool counts = at[i].outcome == OUTCOME_GOOD && at[i].planned_ns >= from_ns && at[i].planned_ns < to_ns;
            all += counts;
            slower += counts && at[i].done_ns - at[i].planned_ns > limit;
        }
        if (100 * slower <= all)
            return limit;
    }
}

static void look_for_trouble(const struct cross_record *at, size_t len, int64_t from_ns, int64_t ib_ns, int64_t to_ns,
                             struct outage_record *r)
{
    int64_t late = 0, steady = r->timeout_ns / STEADY_PART;
    for (size_t i = 0; i < len; i++)
        if (at[i].planned_ns >= ib_ns - r->timeout_ns && at[i].sent_ns - at[i].planned_ns > late)
            late = at[i].sent_ns - at[i].planned_ns;
    r->second.late_ns = late;
    void_it(r, "late", late + r->server_late_ns, LATE_NS);
    void_it(r, "slow before the outage", slow_ns(at, len, from_ns, ib_ns - r->timeout_ns), steady);
    if (!r->never)
        void_it(r, "slow after the outage", slow_ns(at, len, ib_ns + r->truth_hi_ns, to_ns), steady);
}

static void watch_outage(void *arg, int64_t from_ns, int64_t ib_ns, int64_t ie_ns, int64_t to_ns,
                         struct outage_record *r)
{
    struct second_watch *w = arg;
    const struct second_rules rules = {.window_ns = NS_PER_S, .good_ppm = 999000};
    const struct second_fault fault = {ib_ns, ie_ns, to_ns, to_ns, INT64_MAX, STAGE_HOLD_NS};
    struct second_answer a;
    size_t first = 0, len = 0;
    read_record(w);
    r->second.watched = true;
    r->second.damaged = w->reading.damage != NULL;
    r->second.upper_ns = INT64_MAX;
    if (w->reading.damage)
        return;
    while (first < w->reading.request_count && w->reading.requests[first].planned_ns < from_ns)
        first++;
    while (first + len < w->reading.request_count && w->reading.requests[first + len].planned_ns < to_ns)
        len++;
    const struct cross_record *at = w->reading.requests + first;
    second_rto(at, len, &rules, &fault, &a);
    r->second.lower_ns = a.lo_ns;
    r->second.upper_ns = a.hi_ns;
    look_for_trouble(at, len, from_ns, ib_ns, to_ns, r);
}

void second_watch_init(struct second_watch *w, const char *scratch, const char *name, uint64_t seed)
{
    *w = (struct second_watch){.scratch = scratch, .name = name, .control = -1, .process.pidfd = -1, .plan.seed = seed};
    w->watcher = (struct outage_watcher){w, watch_begin, watch_end, watch_outage};
}

void second_watch_deinit(struct second_watch *w)
{
    scoped_text struct text file = {0};
    fd_close(&w->control);
    if (w->process.pid)
        child_stop(&w->process, 0, NULL);
    text_addf(&file, "%s/" CROSS_FILE, w->path);
    unlink(text_str(&file));
    rmdir(w->path);
    arena_deinit(&w->arena);
}
