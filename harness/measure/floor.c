/* SPDX-License-Identifier: MIT */
/*
 * Floors: what the configuration alone explains (measurement section 12), printed beside what was measured.
 *
 * Losing the primary region takes two waits side by side, and the longer one counts. Clients move to the next endpoint
 * after unhealthy_after failing probes, period start to start: (F-1) I + tau, (F-1/2) I + tau, F I + tau, where tau is
 * the probe time-out if the region is silent and 0 if it refuses; or, if that is sooner, after as many failing requests
 * of their own, each of which takes its time-out where nothing answers. Meanwhile the lease of the dead leader runs out
 * ([t - renew, t]), another region asks for it (up to one renewal), and gateways learn of it by their checks (up to one
 * interval). The lease lasts unhealthy_after probe intervals, three seconds at most; it is renewed once in each, but
 * three times in its span at least (topo_renew_ms), which for an unhealthy_after below 3 is more often.
 *
 * Clients that are quicker than the takeover find the standby, too, unable to serve, and give it up like the others. It
 * is back in their list after healthy_after good probes, each probe_every: with slow checks the longest wait of all.
 *
 * Where a traffic manager leads the clients, the first wait is its: its own checks, every I of whole seconds and two at
 * least, up to a second until a change shows in its answers (gdnsd gathers changes for so long), and what is left of an
 * answer's life in the clients, TTL at most. Mean: half of each. Requests that fail move nobody then. Where each answer
 * draws its region by weight the draws may spare the one that is lost: no minimum.
 *
 * The minimum is 0 unless every client path crosses the fault and neither retry nor passive detection can beat it: the
 * loss of the whole region that leads, before anything else happened. One check round trip is taken off, since a check
 * in flight may count.
 *
 * RPO: with asynchronous shipping whatever was acknowledged since the last shipment is gone: [0, b/2, b]. Where the
 * links are cut as well, what travels between the regions (one-way delay d) may be lost with it, or may still be
 * delivered by the queue it waits in: mean and maximum grow by d, the minimum does not. Synchronous: 0 while a standby
 * is in sync.
 */

#include "harness/measure/floor.h"

#include "harness/base/text.h"
#include "harness/base/units.h"

#include <math.h>

#define CHECK_JITTER 0.05 /* of a gateway's checks: they come every I (1 +- 5 %), clients' probes exactly every I */

static const struct floor no_floor = {NAN, NAN, NAN};
static const struct floor no_wait = {0, 0, 0};

static bool verb_is(const struct plan_step *step, const char *verb)
{
    return step->action.type && text_eq(step->action.type->verb, verb);
}

static bool is_fault(const struct plan_step *step)
{
    return !step->action.type || step->action.type->class == ACTION_FAULT || step->action.type->class == ACTION_NOTHING;
}

static double in_s(int64_t ns)
{
    return (double)ns / 1e9;
}

static double higher(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

/* Largest planned round trip between a client and a region. */
static double round_trip_s(const struct topology *t)
{
    int64_t worst = 0;
    for (size_t i = 0; i < t->link_count; i++) {
        const struct topo_link *l = &t->links[i];
        if (l->a >= t->site_count || l->b >= t->site_count)
            continue;
        if (t->sites[l->a].kind == SITE_VANTAGE || t->sites[l->b].kind == SITE_VANTAGE)
            worst = l->baseline.delay_ns + l->baseline.jitter_ns > worst ? l->baseline.delay_ns + l->baseline.jitter_ns
                                                                         : worst;
    }
    return 2 * in_s(worst);
}

struct floor floor_health_check(double every_s, double failures, double check_s)
{
    return (struct floor){(failures - 1) * every_s + check_s, (failures - 0.5) * every_s + check_s,
                          failures * every_s + check_s};
}

/* The shortest patience of a stream. */
static double time_out_s(const struct plan *plan)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < plan->stream_count; i++)
        least = plan->streams[i].timeout_ns < least ? plan->streams[i].timeout_ns : least;
    return in_s(least);
}

#define DNS_PUBLISHED_S 1.0 /* gdnsd: a change of health shows at the latest */

static struct floor dns_floor(const struct plan *plan, bool silent)
{
    const struct topology *t = plan->topology;
    struct floor f = floor_health_check((double)topo_dns_every_s(t), (double)t->failover.unhealthy_after,
                                        silent ? (double)topo_dns_timeout_s(t) : 0);
    double ttl = in_s(t->failover.dns_ttl_ns);
    double min = t->routing == ROUTING_WEIGHTED ? 0 : f.min - round_trip_s(t);
    return (struct floor){fmax(0, min), f.mean + (DNS_PUBLISHED_S + ttl) / 2,
                          f.max + DNS_PUBLISHED_S + ttl};
}

static struct floor client_floor(const struct plan *plan, bool silent)
{
    const struct topo_failover *f = &plan->topology->failover;
    if (topo_dns_node(plan->topology) != TOPO_NONE)
        return dns_floor(plan, silent);
    double fails = (double)f->unhealthy_after;
    struct floor probes =
        floor_health_check(in_s(f->probe_every_ns), fails, silent ? in_s(f->probe_timeout_ns) : 0);
    double all = plan_rate_total(plan), least = plan_rate_min(plan), wait = silent ? time_out_s(plan) : 0;
    if (least > 0) {
        probes.min = fmin(probes.min, wait + (fails - 1) / all);
        probes.mean = fmin(probes.mean, wait + (fails - 0.5) / least);
        probes.max = fmin(probes.max, wait + fails / least);
    }
    probes.min = fmax(0, probes.min - round_trip_s(plan->topology));
    return probes;
}

static struct floor takeover_floor(const struct plan *plan)
{
    const struct topology *t = plan->topology;
    double every = in_s(t->failover.probe_every_ns), check = in_s(t->failover.probe_timeout_ns);
    double lease = (double)topo_lease_ms(t) / 1e3, renew = (double)topo_renew_ms(t) / 1e3;
    return (struct floor){fmax(0, lease - renew - round_trip_s(t)), lease + every / 2,
                          lease + renew + every * (1 + CHECK_JITTER) + check};
}

/* A standby that clients came to before it could serve; zeros where it serves in time. */
static struct floor readmission_floor(const struct plan *plan, struct floor client, struct floor leader, bool silent)
{
    const struct topo_failover *f = &plan->topology->failover;
    double patience = time_out_s(plan), probe = in_s(f->probe_every_ns), good = (double)f->healthy_after;
    double least = plan_rate_min(plan), wait = silent ? patience : 0;
    struct floor back = {0};
    if (topo_dns_node(plan->topology) != TOPO_NONE || least <= 0)
        return back;
    double all_given_up = (double)plan->topology->endpoint_count * (patience + (double)f->unhealthy_after / least);
    if (leader.mean > client.mean + patience)
        back.mean = client.mean + wait + (good - 0.5) * probe;
    if (leader.max > client.min + patience)
        back.max = all_given_up + good * probe + in_s(f->probe_timeout_ns);
    return back;
}

/* Something happened before this step, so nobody knows from the plan alone who leads when it comes. */
static bool disturbed_before(const struct plan *plan, const struct plan_step *step)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].at_ns < step->at_ns)
            return true;
    return false;
}

/* The fault takes a whole region or one node out of service; silent: nothing answers rather than refuses. */
static struct floor outage_floor(const struct plan *plan, const struct plan_step *step)
{
    const struct topology *t = plan->topology;
    const struct action *a = &step->action;
    enum kill_how how = a->how;
    if (how == KILL_DEFAULT)
        how = a->target == TARGET_REGION ? KILL_POWER : KILL_CRASH;
    bool silent = verb_is(step, "freeze") || how == KILL_POWER;
    struct floor client = client_floor(plan, silent);
    if (a->target == TARGET_REGION) {
        if (a->site != t->primary)
            return (struct floor){0, 0, client.max};
        struct floor leader = takeover_floor(plan), back = readmission_floor(plan, client, leader, silent);
        double min = disturbed_before(plan, step) ? 0 : fmax(client.min, leader.min);
        return (struct floor){min, fmax(back.mean, fmax(client.mean, leader.mean)),
                              fmax(back.max, fmax(client.max, leader.max))};
    }
    if (a->target != TARGET_NODE || a->node >= t->node_count)
        return no_floor;
    if (t->nodes[a->node].role == NODE_ORIGIN && t->nodes[a->node].site == t->primary) {
        struct floor leader = takeover_floor(plan);
        return (struct floor){0, leader.mean, leader.max};
    }
    bool first = t->endpoint_count && t->endpoints[0] == a->node;
    return first ? (struct floor){0, client.mean, client.max} : (struct floor){0, 0, client.max};
}

static struct floor cut_floor(const struct plan *plan, const struct topo_link *l)
{
    const struct topology *t = plan->topology;
    bool clients = l->a < t->site_count && l->b < t->site_count &&
                   (t->sites[l->a].kind == SITE_VANTAGE || t->sites[l->b].kind == SITE_VANTAGE);
    struct floor client = client_floor(plan, true);
    if (clients)
        return l->a == t->primary || l->b == t->primary ? (struct floor){0, client.mean, client.max} : no_wait;
    if (t->replication.mode == REPLICATION_ASYNC)
        return no_wait;
    struct floor leader = takeover_floor(plan);
    return (struct floor){0, leader.mean, leader.max};
}

/* Newcomers turn away from the gateways that it hits, as from dead ones; the stores behind them lead on. Good
 * answers on kept connections may lie between the failures of others, so that only probes are sure to find it. */
static struct floor handshake_floor(const struct plan *plan, const struct plan_step *step)
{
    const struct topology *t = plan->topology;
    const struct topo_failover *f = &t->failover;
    const struct action *a = &step->action;
    struct floor probes = floor_health_check(in_s(f->probe_every_ns), (double)f->unhealthy_after,
                                             a->stall ? in_s(f->probe_timeout_ns) : 0);
    if (a->certificate == CERTIFICATE_ROTATED)
        return no_wait;
    bool whole = a->target == TARGET_REGION && a->site == t->primary;
    bool first = a->target == TARGET_NODE && t->endpoint_count && t->endpoints[0] == a->node;
    double min = whole && !disturbed_before(plan, step) ? client_floor(plan, a->stall).min : 0;
    return (struct floor){min, whole || first ? probes.mean : 0, probes.max};
}

/* The worst of all links that it cuts. */
static struct floor partition_floor(const struct plan *plan, const struct plan_step *step)
{
    struct floor worst = no_floor;
    for (uint16_t k = 0; k < plan->topology->link_count; k++) {
        if (!action_hits_link(plan->topology, &step->action, k))
            continue;
        struct floor f = cut_floor(plan, &plan->topology->links[k]);
        worst = (struct floor){higher(worst.min, f.min), higher(worst.mean, f.mean), higher(worst.max, f.max)};
    }
    return worst;
}

static struct floor rto_of_step(const struct plan *plan, const struct plan_step *step)
{
    if (verb_is(step, "nothing"))
        return no_wait;
    if (verb_is(step, "kill") || verb_is(step, "freeze"))
        return outage_floor(plan, step);
    if (verb_is(step, "partition") && step->action.port == 0)
        return partition_floor(plan, step);
    if (verb_is(step, "tls"))
        return handshake_floor(plan, step);
    return (struct floor){0, NAN, NAN};
}

static struct floor worst_of(const struct plan *plan, struct floor (*of)(const struct plan *, const struct plan_step *))
{
    struct floor worst = no_floor;
    for (size_t i = 0; i < plan->step_count; i++) {
        if (!is_fault(&plan->steps[i]))
            continue;
        struct floor f = of(plan, &plan->steps[i]);
        worst = (struct floor){higher(worst.min, f.min), higher(worst.mean, f.mean), higher(worst.max, f.max)};
    }
    return worst;
}

struct floor floor_rto(const struct plan *plan, const struct plan_step *step)
{
    if (!plan->topology)
        return no_floor;
    return step ? rto_of_step(plan, step) : worst_of(plan, rto_of_step);
}

/* One-way delay between the primary and the region nearest to it. */
static double ship_delay_s(const struct topology *t)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < t->site_count; i++) {
        uint16_t link = i == t->primary || t->sites[i].kind != SITE_REGION
                            ? TOPO_NONE
                            : topo_link_find(t, t->primary, (uint16_t)i);
        if (link < t->link_count && t->links[link].baseline.delay_ns < least)
            least = t->links[link].baseline.delay_ns;
    }
    return least == INT64_MAX ? 0 : in_s(least);
}

/* What is left in the end is a backup's. */
static bool from_backup(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].action.from == RESTORE_BACKUP)
            return true;
    return false;
}

static struct floor rpo_of_step(const struct plan *plan, const struct plan_step *step)
{
    const struct topology *t = plan->topology;
    const struct action *a = &step->action;
    bool leader_dies = (verb_is(step, "kill") || verb_is(step, "freeze")) &&
                       ((a->target == TARGET_REGION && a->site == t->primary) ||
                        (a->target == TARGET_NODE && a->node < t->node_count &&
                         t->nodes[a->node].role == NODE_ORIGIN && t->nodes[a->node].site == t->primary));
    if (leader_dies && a->disk != DISK_KEPT && from_backup(plan)) {
        double every = in_s(t->backups.every_ns), wire = t->backups.copies > 2 ? ship_delay_s(t) : 0;
        return (struct floor){0, wire + every / 2, wire + every};
    }
    if (!leader_dies || t->replication.mode == REPLICATION_SYNC)
        return no_wait;
    bool cut =
        verb_is(step, "kill") && (a->how == KILL_POWER || (a->how == KILL_DEFAULT && a->target == TARGET_REGION));
    double wire = cut ? ship_delay_s(t) : 0, every = in_s(t->replication.every_ns);
    return (struct floor){0, wire + every / 2, wire + every};
}

struct floor floor_rpo(const struct plan *plan, const struct plan_step *step)
{
    if (!plan->topology)
        return no_floor;
    return step ? rpo_of_step(plan, step) : worst_of(plan, rpo_of_step);
}

double floor_hold_support(const struct plan *plan, int64_t hold_ns)
{
    double requests = plan_rate_total(plan) * in_s(hold_ns), required = (double)plan->good_ratio_ppm / (double)PPM;
    double supported = requests > 3 ? 1 - 3 / requests : 0;
    return hold_ns > 0 && supported < required - 1e-9 ? supported : NAN;
}
