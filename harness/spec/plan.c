/* SPDX-License-Identifier: MIT */
/*
 * Questions that several rooms ask of a plan, answered in one place so that pacer and measures cannot disagree.
 */
#include "harness/spec/plan.h"
#include <math.h>
#include <stdlib.h>

enum { TIME_WAIT_S = 60 }; /* TCP_TIMEWAIT_LEN of the kernel, which nobody can change */

__extension__ typedef unsigned __int128 wide;

const struct target_type target_types[TARGET_KEYS] = {
    [TARGET_RTO] = {"rto", TARGET_S, false, "RTO is at most %s", "time from the fault to stable service"},
    [TARGET_RPO] = {"rpo", TARGET_S, false, "RPO is at most %s",
                    "age, at the fault, of the newest point with nothing missing before it"},
    [TARGET_LOST_WRITES] = {"lost_writes", TARGET_COUNT, false, "lost writes are at most %s",
                            "acknowledged writes that no final read shows"},
    [TARGET_LOST_AFTER] = {"lost_after", TARGET_COUNT, false, "writes lost after the fault are at most %s",
                           "lost writes that were acknowledged while the fault was in force"},
    [TARGET_CONFLICTING_WRITES] = {"conflicting_writes", TARGET_COUNT, false, "conflicting writes are at most %s",
                                   "keys whose regions kept different acknowledged writes"},
    [TARGET_STALE_READS] = {"stale_reads", TARGET_RATIO, false, "stale reads are at most %s",
                            "reads that missed a write acknowledged before they began"},
    [TARGET_CONVERGED] = {"converged", TARGET_S, false, "replicas are equal within %s",
                          "time from the end of the last fault to equal replicas"},
    [TARGET_FAILBACK] = {"failback", TARGET_S, false, "failback takes at most %s",
                         "time from restore to stable service by the home region"},
    [TARGET_AVAILABILITY] = {"availability", TARGET_RATIO, true, "availability is at least %s",
                             "good over planned requests"},
    [TARGET_P99] = {"p99", TARGET_MS, false, "p99 latency is at most %s", "latency of good requests, 99th percentile"},
    [TARGET_DETECTED] = {"detected", TARGET_S, false, "detection takes at most %s",
                         "time from the fault to the system's own first reaction"},
    [TARGET_REPAIRED] = {"repaired", TARGET_S, false, "repair takes at most %s",
                         "time from drift to equal fingerprints without a restore"},
    [TARGET_DUPLICATED_WRITES] = {"duplicated_writes", TARGET_COUNT, false, "duplicated writes are at most %s",
                                  "writes stored more than once"},
    [TARGET_RETRIES] = {"retries", TARGET_RATIO, false, "retries are at most %s of the requests",
                        "further attempts of gateways over requests, as the answers tell them"},
    [TARGET_MOVED_USERS] = {"moved_users", TARGET_RATIO, false, "at most %s of the users change servers",
                            "keys read from another origin during the first fault than before it"},
    [TARGET_REVOKED] = {"revoked", TARGET_S, false, "a revoked key is refused everywhere within %s",
                        "time from the revocation until no gateway lets the key in any more"},
    [TARGET_OVERSHOOT] = {"overshoot", TARGET_RATIO, false, "the limited key gets at most %s more than its limit",
                          "share let through beyond the limit while faults last"},
    [TARGET_ALERTED] = {"alerted", TARGET_S, false, "an alert is raised within %s",
                        "time from the fault to the system's own first alert of the rule that the step names"},
    [TARGET_FALSE_ALARMS] = {"false_alarms", TARGET_COUNT, false, "false alarms are at most %s",
                             "alerts raised before the first fault, or in a null drill at all"},
};

void plan_free(struct plan *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->step_count; i++) {
        json_decref(p->steps[i].action.patch);
        json_decref(p->steps[i].action.merge);
    }
    json_decref(p->overrides);
    arena_deinit(&p->arena);
    free(p);
}

const struct plan_target *plan_target_find(const struct plan *p, enum target_key key)
{
    for (size_t i = 0; i < p->target_count; i++) {
        if (p->targets[i].key == key) {
            return &p->targets[i];
        }
    }
    return NULL;
}

static int64_t rate_sum(const struct plan *p, bool writes_only)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->stream_count; i++) {
        if (!writes_only || p->streams[i].kind == STREAM_WRITE) {
            sum += p->streams[i].rate_micro;
        }
    }
    return sum;
}

double plan_rate_total(const struct plan *p)
{
    return (double)rate_sum(p, false) / 1e6;
}

double plan_rate_writes(const struct plan *p)
{
    return (double)rate_sum(p, true) / 1e6;
}

double plan_rate_patrols(const struct plan *p)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->patrol_count; i++) {
        sum += p->patrols[i].stream.rate_micro;
    }
    return (double)sum / 1e6;
}

double plan_rate_min(const struct plan *p)
{
    int64_t least = p->stream_count > 0 ? p->streams[0].rate_micro : 0;
    for (size_t i = 1; i < p->stream_count; i++) {
        least = p->streams[i].rate_micro < least ? p->streams[i].rate_micro : least;
    }
    return (double)least / 1e6;
}

double plan_under_way(const struct plan *p, uint16_t vantage)
{
    double sum = 0;
    for (size_t i = 0; i < p->stream_count; i++) {
        const struct plan_stream *s = &p->streams[i];
        sum += s->vantage == vantage ? (double)s->rate_micro / 1e6 * (double)s->timeout_ns / 1e9 : 0;
    }
    for (size_t i = 0; i < p->patrol_count; i++) {
        const struct plan_stream *s = &p->patrols[i].stream;
        sum += s->vantage == vantage ? (double)s->rate_micro / 1e6 * (double)s->timeout_ns / 1e9 : 0;
    }
    return sum;
}

/* Of one vantage: the largest sum over the surges that are open when one begins. */
static double surge_peak(const struct plan *p, bool under_way)
{
    double peak = 0;
    for (size_t i = 0; i < p->step_count; i++) {
        double sum = 0;
        for (size_t k = 0; k <= i; k++) {
            const struct surge_wish *w = &p->steps[k].action.surge;
            double rate = (double)w->rate_micro / 1e6 * (double)(1 + w->retries);
            bool open = p->steps[k].until_ns > p->steps[i].at_ns;
            sum += !open ? 0 : under_way ? rate * (double)w->timeout_ns / 1e9 + (double)w->slow_clients : rate;
        }
        peak = sum > peak ? sum : peak;
    }
    return peak;
}

double plan_surge_under_way(const struct plan *p)
{
    return surge_peak(p, true);
}

double plan_surge_rate(const struct plan *p)
{
    return surge_peak(p, false);
}

uint64_t plan_ports(const struct plan *p, uint16_t vantage)
{
    const struct topo_failover *f = &p->topology->failover;
    double fresh = f->probe_every_ns > 0 ? 1e9 / (double)f->probe_every_ns : 0;
    for (size_t i = 0; i < p->stream_count; i++) {
        const struct plan_stream *s = &p->streams[i];
        fresh += s->vantage == vantage && s->kind != STREAM_READ_KEEPALIVE ? (double)s->rate_micro / 1e6 : 0;
    }
    for (size_t i = 0; i < p->patrol_count; i++) {
        const struct plan_stream *s = &p->patrols[i].stream;
        fresh += s->vantage == vantage ? (double)s->rate_micro / 1e6 : 0;
    }
    fresh += plan_surge_rate(p);
    return (uint64_t)ceil(fresh * TIME_WAIT_S + 2 * (plan_under_way(p, vantage) + plan_surge_under_way(p)));
}

int64_t plan_interval_ns(const struct plan_stream *s)
{
    return INT64_C(1000000000000000) / s->rate_micro;
}

int64_t plan_due_ns(const struct plan_stream *s, int64_t start_ns, uint64_t k)
{
    return start_ns + (int64_t)((wide)k * 1000000000000000u / (wide)s->rate_micro);
}
