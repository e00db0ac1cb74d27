/* SPDX-License-Identifier: MIT */
/*
 * Method: what the measuring rules refuse before a run, because no evidence could decide it: targets without a stream
 * to measure them by, targets finer than the probes resolve, a baseline that cannot be held in the time given. And what
 * they warn of: faults too short for the verdict to be safe, zero-loss targets that would be met by luck.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/plan_compile.h"

struct check {
    const struct plan *p;
    const struct scenario *s;
    struct diag_list *diags;
};

static struct place target_place(const struct check *c, enum target_key key)
{
    return node_get(c->s->targets_node, target_types[key].key)->place;
}

static const char *duration(const struct check *c, int64_t ns)
{
    char out[UNIT_MAX];
    return arena_strdup(&c->diags->arena, unit_print_duration((ns + NS_PER_MS - 1) / NS_PER_MS * NS_PER_MS, out));
}

/* Slowest stream of the kinds that a verdict uses, of clients that honour the DNS: 0 if there is none. */
static int64_t longest_interval(const struct plan *p)
{
    int64_t longest = 0;
    for (size_t i = 0; i < p->stream_count; i++) {
        int64_t interval = plan_interval_ns(&p->streams[i]);
        const struct plan_stream *stream = &p->streams[i];
        if (stream->kind != STREAM_READ_KEEPALIVE && stream->dns == DNS_HONOURS && interval > longest) {
            longest = interval;
        }
    }
    return longest;
}

static void no_stream(const struct check *c, enum target_key key, const char *what, const char *remedy)
{
    struct diag *d = diag_error(c->diags, DIAG_NO_STREAM, target_place(c, key), "`%s` cannot be measured without %s",
                                target_types[key].key, what);
    diag_help(d, "%s", remedy);
}

static void check_streams(const struct check *c)
{
    static const enum target_key of_writes[] = {TARGET_RPO,       TARGET_LOST_WRITES, TARGET_LOST_AFTER,
                                                TARGET_CONVERGED, TARGET_STALE_READS, TARGET_CONFLICTING_WRITES,
                                                TARGET_DUPLICATED_WRITES};
    for (size_t i = 0; i < array_len(of_writes) && !c->s->workload.has_writes; i++) {
        if (c->s->targets.given[of_writes[i]]) {
            no_stream(c, of_writes[i], "writes", "add `workload.writes`, or remove the target");
        }
    }
    if (c->s->targets.given[TARGET_STALE_READS] && !c->s->workload.has_reads) {
        no_stream(c, TARGET_STALE_READS, "reads", "add `workload.reads`, or remove the target");
    }
    bool revokes = false;
    for (size_t i = 0; i < c->p->step_count; i++) {
        revokes = revokes || c->p->steps[i].action.type->of_identity;
    }
    if (c->s->targets.given[TARGET_REVOKED] && !revokes) {
        no_stream(c, TARGET_REVOKED, "a revocation", "add a `revoke` step, or remove the target");
    }
    if (c->s->targets.given[TARGET_OVERSHOOT] && !c->p->topology->limits.given) {
        no_stream(c, TARGET_OVERSHOOT, "a limit", "add `topology.limits`, or remove the target");
    }
    if (c->s->targets.given[TARGET_RTO] && longest_interval(c->p) == 0) {
        no_stream(c, TARGET_RTO, "new connections", "set `workload.reads.connections` to both or fresh");
    }
}

static void too_fine(const struct check *c, enum target_key key, int64_t least_ns, const char *why)
{
    struct diag *d = diag_error(c->diags, DIAG_TOO_FINE, target_place(c, key),
                                "`%s` is finer than the load can resolve", target_types[key].key);
    diag_label(d, "at least %s at these rates", duration(c, least_ns));
    diag_help(d, "raise the target or the rates: %s", why);
}

static void check_resolution(const struct check *c)
{
    const struct plan_target *rto = plan_target_find(c->p, TARGET_RTO), *rpo = plan_target_find(c->p, TARGET_RPO);
    int64_t interval = longest_interval(c->p);
    if (rto && rto->value > 0 && interval > 0 && rto->value < 5 * interval) {
        too_fine(c, TARGET_RTO, 5 * interval, "five probes of the slowest stream must fit in");
    }
    int64_t ten_writes = 0;
    if (c->s->workload.has_writes) {
        ten_writes = (int64_t)(10e9 / plan_rate_writes(c->p));
    }
    if (rpo && rpo->value > 0 && ten_writes > 0 && rpo->value < ten_writes) {
        too_fine(c, TARGET_RPO, ten_writes, "ten writes must fit in");
    }
}

/* Could the limited key get beyond the target at all? */
static bool sends_enough(const struct plan *p, int64_t target_ppm)
{
    const struct topo_limits *l = &p->topology->limits;
    double sent = (double)l->offered_micro * (double)p->topology->endpoint_count;
    return sent / (double)l->rate_micro - 1 > (double)target_ppm / (double)PPM;
}

static void check_patrols(const struct check *c)
{
    const struct plan_target *revoked = plan_target_find(c->p, TARGET_REVOKED);
    const struct plan_target *overshoot = plan_target_find(c->p, TARGET_OVERSHOOT);
    int64_t rate = c->p->topology->identity.patrol_micro, interval = rate > 0 ? NS_PER_S * PPM / rate : 0;
    if (revoked && revoked->value > 0 && revoked->value < 5 * interval) {
        struct diag *d = diag_error(c->diags, DIAG_TOO_FINE, target_place(c, TARGET_REVOKED),
                                    "`revoked` is finer than the patrols can resolve");
        diag_label(d, "at least %s at this rate", duration(c, 5 * interval));
        diag_help(d, "raise the target or `topology.identity.patrol`: five requests at each gateway must fit in");
    }
    if (overshoot && c->p->topology->limits.given && !sends_enough(c->p, overshoot->value)) {
        struct diag *d = diag_error(c->diags, DIAG_TOO_FINE, target_place(c, TARGET_OVERSHOOT),
                                    "too little is sent with the limited key to go beyond `overshoot`");
        diag_help(d, "raise `topology.limits.offered`, which is sent at each of %zu gateways",
                  c->p->topology->endpoint_count);
    }
}

/* A token is renewed at half of its life. Sent just before that, it must still be good when the request arrives, and
 * whole seconds may have taken one from it. */
static void check_tokens(const struct check *c)
{
    const struct topo_tokens *tokens = &c->p->topology->identity.tokens;
    int64_t slowest = 0;
    for (size_t i = 0; i < c->p->stream_count; i++) {
        slowest = c->p->streams[i].timeout_ns > slowest ? c->p->streams[i].timeout_ns : slowest;
    }
    for (size_t i = 0; i < c->p->patrol_count; i++) {
        int64_t timeout = c->p->patrols[i].stream.timeout_ns;
        slowest = timeout > slowest ? timeout : slowest;
    }
    int64_t least = 2 * ((slowest + NS_PER_S - 1) / NS_PER_S + 1) * NS_PER_S;
    if (!tokens->there || tokens->lifetime_ns >= least) {
        return;
    }
    const struct yaml_node *map = node_get(node_get(node_get(c->s->root, "topology"), "identity"), "tokens");
    const struct yaml_node *lifetime = node_get(map, "lifetime");
    struct diag *d = diag_error(c->diags, DIAG_RANGE, node_place(lifetime ? lifetime : map),
                                "tokens of this `lifetime` can run out on their way");
    diag_label(d, "at least %s with this workload", duration(c, least));
    diag_help(d, "raise it, or lower the time-outs: a token is renewed at half of its life and must then outlive a "
                 "request of up to %s", duration(c, slowest));
}

static void check_baseline(const struct check *c)
{
    int64_t needed = c->p->baseline_hold_ns + 5 * NS_PER_S;
    const struct yaml_node *within = node_get(node_get(c->s->root, "steady_state"), "within");
    if (c->p->baseline_within_ns >= needed || !within) {
        return;
    }
    struct diag *d = diag_error(c->diags, DIAG_BASELINE, within->place, "the steady state cannot be reached within %s",
                                within->text);
    diag_label(d, "holding it takes %s at these rates", duration(c, c->p->baseline_hold_ns));
    diag_help(d, "write at least `within: %s`", duration(c, needed));
}

/* The verdict on the recovery time needs the target and the hold to pass while the fault is in force. */
static void check_lengths(const struct check *c)
{
    const struct plan_target *rto = plan_target_find(c->p, TARGET_RTO);
    for (size_t i = 0; rto && i < c->p->step_count; i++) {
        const struct plan_step *step = &c->p->steps[i];
        int64_t end = step->until_ns == INT64_MAX ? c->p->observe_ns : step->until_ns;
        int64_t needed = rto->value + step->hold_ns;
        bool told = step->id != step->of; /* of its first round already */
        if (!step_is_fault(step) || told || step->action.type->momentary_ns > 0 || end - step->at_ns >= needed) {
            continue;
        }
        struct diag *d = diag_warning(c->diags, DIAG_NO_JUDGEMENT, plan_step_place(c->s, step),
                                      "`%s` is over after %s, before recovery within the target could be told",
                                      step->text, duration(c, end - step->at_ns));
        diag_label(d, "target and hold take %s", duration(c, needed));
        diag_help(d, "let it last at least %s", duration(c, needed));
    }
}

static void check_luck(const struct check *c)
{
    const struct plan_target *rpo = plan_target_find(c->p, TARGET_RPO);
    const struct plan_target *lost = plan_target_find(c->p, TARGET_LOST_WRITES);
    const struct topo_replication *r = &c->p->topology->replication;
    bool zero = (rpo && rpo->value == 0) || (lost && lost->value == 0);
    double exposed = plan_rate_writes(c->p) * (double)r->every_ns / 1e9 / 2;
    if (!zero || !c->s->workload.has_writes || r->mode != REPLICATION_ASYNC || exposed >= 5) {
        return;
    }
    enum target_key key = rpo && rpo->value == 0 ? TARGET_RPO : TARGET_LOST_WRITES;
    struct diag *d = diag_warning(c->diags, DIAG_LUCK, target_place(c, key),
                                  "only about %.1f writes are on their way to the other region at any time", exposed);
    diag_label(d, "met, this could be luck");
    diag_help(d, "raise `workload.writes.rate` to %.0f/s", 10e9 / (double)r->every_ns);
}

/* Targets whose event the timeline never brings about. */
static void check_events(const struct check *c)
{
    bool ends = false, drifts = false, alerts = false;
    for (size_t i = 0; i < c->p->step_count; i++) {
        ends |= step_is_fault(&c->p->steps[i]) && c->p->steps[i].until_ns != INT64_MAX;
        drifts |= c->p->steps[i].action.patch || c->p->steps[i].action.merge ||
                  c->p->steps[i].action.file != DRIFT_CONTENT;
        alerts |= c->p->steps[i].action.alert != TOPO_ALERT_NONE;
    }
    if (plan_target_find(c->p, TARGET_FAILBACK) && !ends) {
        struct diag *d = diag_warning(c->diags, DIAG_UNCHECKED, target_place(c, TARGET_FAILBACK),
                                      "no step of the timeline ends a fault, so nothing fails back");
        diag_help(d, "add a `restore` step");
    }
    if (alerts && !plan_target_find(c->p, TARGET_ALERTED)) {
        struct diag *d = diag_warning(c->diags, DIAG_UNCHECKED, c->s->timeline->place,
                                      "a step names the alert that it must raise, and no target asks for it");
        diag_help(d, "add the target `alerted`");
    }
    if (plan_target_find(c->p, TARGET_REPAIRED) && !drifts) {
        struct diag *d = diag_warning(c->diags, DIAG_UNCHECKED, target_place(c, TARGET_REPAIRED),
                                      "no step of the timeline makes a configuration drift");
        diag_help(d, "add a `drift` step");
    }
}

void plan_check(const struct plan *p, const struct scenario *s, struct diag_list *diags)
{
    const struct check c = {.p = p, .s = s, .diags = diags};
    check_streams(&c);
    check_resolution(&c);
    check_patrols(&c);
    check_tokens(&c);
    check_baseline(&c);
    check_lengths(&c);
    check_luck(&c);
    check_events(&c);
}
