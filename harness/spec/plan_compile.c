/* SPDX-License-Identifier: MIT */
/*
 * Method: streams from the workload and the vantages; steps in the order in which they are due, each fault with its
 * end (its own `for:`, the restore step that ends it, or rollback); then the holds, and from them the length of
 * everything. The derived numbers depend on the scenario alone, so that they can be printed before a run.
 *
 * A restore step ends what is open on its target: on a region the faults of the region and of its nodes, on a node the
 * faults of that node, on links the faults that hit no other links.
 */
#include "harness/spec/plan_compile.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/hold.h"
#include "harness/spec/rounds.h"
#include <stdio.h>
#include <string.h>

#define FAILBACK_DEFAULT_NS (5 * NS_PER_S)

bool step_is_fault(const struct plan_step *step)
{
    return step->action.type->class == ACTION_FAULT;
}

bool step_silences(const struct plan_step *step)
{
    return step_is_fault(step) && step->action.type->severing && step->action.target != TARGET_LINK;
}

bool step_kills(const struct plan_step *step)
{
    return step_silences(step) && step->action.type->proven_once;
}

bool step_hits_node(const struct topology *t, const struct plan_step *step, uint16_t node)
{
    return action_hits_node(t, &step->action, node);
}

const struct scenario_step *plan_step_written(const struct scenario *s, const struct plan_step *step)
{
    for (size_t i = 0; i < s->step_count; i++) {
        if (s->steps[i].id == step->of) {
            return &s->steps[i];
        }
    }
    return &s->steps[0];
}

struct place plan_step_place(const struct scenario *s, const struct plan_step *step)
{
    const struct yaml_node *map = plan_step_written(s, step)->node;
    return node_get(map, "do")->place;
}

static void add_stream(struct plan *p, enum stream_kind kind, uint16_t vantage, int64_t rate,
                       const struct stream_spec *s)
{
    struct plan_stream *stream = &p->streams[p->stream_count++];
    stream->kind = kind;
    stream->vantage = vantage;
    stream->rate_micro = rate;
    stream->timeout_ns = s->timeout_ns;
    stream->path = s->path;
    stream->dns = topo_dns_node(p->topology) == TOPO_NONE ? DNS_HONOURS : p->topology->sites[vantage].dns;
}

/* Rates are divided equally; what does not divide (below a millionth per second) is left out. A topology that could be
 * built has a vantage. */
static void make_streams(struct plan *p, const struct scenario *s)
{
    const struct topology *t = p->topology;
    const struct stream_spec *r = &s->workload.reads, *w = &s->workload.writes;
    int64_t vantages = 0, kinds = r->connections == CONNECTIONS_BOTH ? 2 : 1;
    uint16_t client = 0;
    for (size_t i = 0; i < t->site_count; i++) {
        vantages += t->sites[i].kind == SITE_VANTAGE;
    }
    if (vantages == 0) {
        return;
    }
    p->streams = arena_array(&p->arena, struct plan_stream, (size_t)(3 * vantages));
    for (uint16_t i = 0; i < t->site_count; i++) {
        if (t->sites[i].kind != SITE_VANTAGE) {
            continue;
        }
        if (s->workload.has_reads && r->connections != CONNECTIONS_KEEPALIVE) {
            add_stream(p, STREAM_READ_FRESH, i, r->rate_micro / (vantages * kinds), r);
        }
        if (s->workload.has_reads && r->connections != CONNECTIONS_FRESH) {
            add_stream(p, STREAM_READ_KEEPALIVE, i, r->rate_micro / (vantages * kinds), r);
        }
        if (s->workload.has_writes) {
            add_stream(p, STREAM_WRITE, i, w->rate_micro / vantages, w);
            p->streams[p->stream_count - 1].client = client++;
        }
    }
}

/* As many addresses as the client's ports take; what is beyond all bounds is refused before a run. */
static void give_sources(struct plan *p)
{
    struct topology *t = p->topology;
    for (uint16_t i = 0; i < t->site_count; i++) {
        if (t->sites[i].kind == SITE_VANTAGE) {
            t->sites[i].sources = topo_sources_for(plan_ports(p, i));
        }
    }
}

/* "us-east | eu-west, ap-south" */
static const char *sides_text(struct plan *p, const struct action *a)
{
    const struct topology *t = p->topology;
    scoped_text struct text out = {0};
    uint16_t alone = action_isolates(t, a);
    if (alone != TOPO_NONE) {
        return t->sites[alone].name;
    }
    for (unsigned side = 1, seen = 1; seen; side++) {
        seen = 0;
        for (size_t i = 0; i < t->site_count; i++) {
            if (a->sides[i] == side) {
                text_addf(&out, "%s%s", seen ? ", " : side > 1 ? " | " : "", t->sites[i].name);
                seen++;
            }
        }
    }
    return arena_strdup(&p->arena, text_str(&out));
}

static const char *link_text(struct plan *p, const struct action *a)
{
    static const char *const ways[2][3] = {{"", ", rightwards", ", leftwards"},
                                           {" from all others", ", outwards", ", inwards"}};
    const struct topology *t = p->topology;
    const char *plane = action_plane_word(a->port), *only = plane ? ", only " : "";
    plane = plane ? plane : "";
    if (a->sides) {
        return arena_printf(&p->arena, "%s %s%s%s%s", a->type->verb, sides_text(p, a),
                            ways[action_isolates(t, a) != TOPO_NONE][a->direction], only, plane);
    }
    const struct topo_link *l = &t->links[a->link];
    bool back = a->direction == DIRECTION_BACKWARD;
    return arena_printf(&p->arena, "%s %s %s %s%s%s", a->type->verb, t->sites[back ? l->b : l->a].name,
                        a->direction == DIRECTION_BOTH ? "and" : "to", t->sites[back ? l->a : l->b].name, only, plane);
}

static const char *step_text(struct plan *p, const struct scenario_step *s)
{
    const struct topology *t = p->topology;
    const struct action *a = &s->action;
    const char *verb = a->type->verb;
    switch (a->target) {
    case TARGET_REGION:
        return arena_printf(&p->arena, "%s %s", verb, t->sites[a->site].name);
    case TARGET_NODE:
        return arena_printf(&p->arena, "%s %s", verb, t->nodes[a->node].name);
    case TARGET_LINK:
        return link_text(p, a);
    default:
        if (a->type->class != ACTION_OPERATOR || a->type->of_identity) {
            return verb;
        }
        /* one that cannot name a region goes home */
        return arena_printf(&p->arena, "%s to %s", verb, t->sites[a->type->field_count ? a->site : t->primary].name);
    }
}

static void add_step(struct plan *p, const struct plan_step *step)
{
    size_t j = p->step_count++;
    for (; j > 0 && p->steps[j - 1].at_ns > step->at_ns; j--) {
        p->steps[j] = p->steps[j - 1];
    }
    p->steps[j] = *step;
}

/* The rounds of a step as written; the first has its id. */
static void add_rounds(struct plan *p, const struct scenario *s, const struct scenario_step *from, uint16_t *next_id,
                       struct diag_list *diags)
{
    struct step_round rounds[ROUNDS_MAX];
    size_t n = step_rounds(from, p->seed, rounds, diags);
    const char *text = step_text(p, from);
    struct place at = from->node->place;
    bool in_file = at.source == s->root->place.source;
    if (p->step_count + n > PLAN_STEPS_MAX) {
        struct diag *d = diag_error(diags, DIAG_CHOICE, at, "with all its rounds the timeline is too long");
        diag_help(d, "at most %d: make periods longer", PLAN_STEPS_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct plan_step step = {.id = i == 0 ? from->id : (*next_id)++,
                                 .of = from->id,
                                 .action = from->action,
                                 .at_ns = rounds[i].at_ns,
                                 .until_ns = rounds[i].until_ns,
                                 .has_for = rounds[i].until_ns != INT64_MAX,
                                 .note = from->note,
                                 .text = n == 1 ? text : arena_printf(&p->arena, "%s, %zu of %zu", text, i + 1, n),
                                 .line = in_file ? at.line : 0,
                                 .column = in_file ? at.column : 0};
        json_incref(step.action.patch); /* each round holds its own */
        json_incref(step.action.merge);
        add_step(p, &step);
    }
}

static void make_steps(struct plan *p, struct scenario *s, struct diag_list *diags)
{
    size_t most = 0;
    for (size_t i = 0; i < s->step_count; i++) {
        bool several = s->steps[i].flap.period_ns > 0 || s->steps[i].action.every_ns > 0;
        most += several ? ROUNDS_MAX : 1;
    }
    p->steps = arena_array(&p->arena, struct plan_step, most < PLAN_STEPS_MAX ? most : PLAN_STEPS_MAX);
    uint16_t next_id = STEPS_MAX + 1;
    for (size_t i = 0; i < s->step_count; i++) {
        add_rounds(p, s, &s->steps[i], &next_id, diags);
    }
}

static int64_t total_rate(const struct plan *p)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->stream_count; i++) {
        sum += p->streams[i].rate_micro;
    }
    return sum;
}

/* What a surge means for each vantage. A multiple is of the whole workload, which is one part of it. */
static void divide_surge(struct plan *p, const struct scenario *s, struct surge_wish *w, int64_t total_micro)
{
    const struct stream_spec *reads = &s->workload.reads;
    int64_t vantages = 0, all = w->pace >= 0 ? w->pace : (-w->pace / PPM - 1) * total_micro;
    for (size_t i = 0; i < p->topology->site_count; i++) {
        vantages += p->topology->sites[i].kind == SITE_VANTAGE;
    }
    vantages = vantages ? vantages : 1;
    w->rate_micro = all / vantages;
    w->slow_clients = (w->slow_in_all + vantages - 1) / vantages;
    w->timeout_ns = s->workload.has_reads ? reads->timeout_ns : NS_PER_S;
    w->path = s->workload.has_reads ? reads->path : "/v1/orders";
}

/* Every link of the fault is one of those restored. */
static bool covers(const struct topology *t, const struct action *restore, const struct action *fault)
{
    bool any = false;
    for (uint16_t k = 0; k < t->link_count; k++) {
        bool hit = action_hits_link(t, fault, k);
        any = any || hit;
        if (hit && !action_hits_link(t, restore, k)) {
            return false;
        }
    }
    return any;
}

static bool restores(const struct topology *t, const struct action *restore, const struct action *fault)
{
    switch (restore->target) {
    case TARGET_REGION:
        return (fault->target == TARGET_REGION && fault->site == restore->site) ||
               (fault->target == TARGET_NODE && t->nodes[fault->node].site == restore->site);
    case TARGET_NODE:
        return fault->target == TARGET_NODE && fault->node == restore->node;
    case TARGET_LINK:
        return covers(t, restore, fault);
    default:
        return false;
    }
}

static void two_ends(const struct plan *p, const struct scenario *s, size_t fault, size_t restore,
                     struct diag_list *diags)
{
    const struct yaml_node *map = plan_step_written(s, &p->steps[fault])->node;
    struct diag *d = diag_error(diags, DIAG_TWO_ENDS, plan_step_place(s, &p->steps[restore]),
                                "this would end `%s`, which ends by itself", p->steps[fault].text);
    diag_note_at(d, node_get(map, "for")->key->place, "its own end");
    diag_help(d, "keep either `for` or the `restore` step");
}

static void end_faults(struct plan *p, const struct scenario *s, struct diag_list *diags)
{
    for (size_t r = 0; r < p->step_count; r++) {
        const struct plan_step *restore = &p->steps[r];
        bool any = false;
        for (size_t f = 0; f < r && restore->action.type->class == ACTION_RESTORE; f++) {
            struct plan_step *fault = &p->steps[f];
            if (!step_is_fault(fault) || fault->until_ns <= restore->at_ns ||
                !restores(p->topology, &restore->action, &fault->action)) {
                continue;
            }
            any = true;
            if (fault->has_for) {
                two_ends(p, s, f, r, diags);
            }
            fault->until_ns = restore->at_ns;
            fault->ended_by = restore->id;
        }
        if (restore->action.type->class == ACTION_RESTORE && !any) {
            struct diag *d = diag_error(diags, DIAG_NOTHING_OPEN, plan_step_place(s, restore),
                                        "`%s` has nothing to restore", restore->text);
            diag_label(d, "no fault is open there by then");
            diag_help(d, "remove the step, or name the target of the fault");
        }
    }
}

/* n_u: the gateways, or the origins if they are more, that the fault leaves in service. */
static int64_t upstreams_left(const struct topology *t, const struct plan_step *step)
{
    int64_t left[2] = {0, 0};
    for (uint16_t i = 0; i < t->node_count; i++) {
        if (!step_silences(step) || !step_hits_node(t, step, i)) {
            left[0] += t->nodes[i].role == NODE_GATEWAY;
            left[1] += t->nodes[i].role == NODE_ORIGIN;
        }
    }
    return left[0] > left[1] ? left[0] : left[1];
}

static int64_t smallest_rate(const struct plan *p)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < p->stream_count; i++) {
        least = p->streams[i].rate_micro < least ? p->streams[i].rate_micro : least;
    }
    return least;
}

static void make_holds(struct plan *p, const struct scenario *s)
{
    const struct plan_target *rto = plan_target_find(p, TARGET_RTO);
    const struct plan_step unhealed = {.action.type = &(const struct action_type){.class = ACTION_NOTHING}};
    struct hold_terms terms = {
        .asked_ns = s->recovery.hold_ns,
        .upstreams = upstreams_left(p->topology, &unhealed),
        .rate_min_micro = smallest_rate(p),
        .rate_total_micro = total_rate(p),
        .readmit_ns = p->topology->failover.healthy_after * topo_check_every_ns(p->topology),
        .epsilon_ppm = PPM - p->good_ratio_ppm,
        .duration_ns = INT64_MAX,
        .rto_ns = rto ? rto->value : 0,
    };
    int64_t without_fault = hold_recovery_ns(&terms);
    for (size_t i = 0; i < p->step_count; i++) {
        struct plan_step *step = &p->steps[i];
        if (step_is_fault(step) || step->action.type->class == ACTION_NOTHING) {
            terms.upstreams = upstreams_left(p->topology, step);
            terms.duration_ns = step->until_ns == INT64_MAX ? INT64_MAX : step->until_ns - step->at_ns;
            step->hold_ns = hold_recovery_ns(&terms);
            p->hold_max_ns = step->hold_ns > p->hold_max_ns ? step->hold_ns : p->hold_max_ns;
        }
    }
    p->hold_max_ns = p->hold_max_ns ? p->hold_max_ns : without_fault;
    p->window_ns = hold_window_ns(terms.rate_min_micro);
    p->baseline_hold_ns = hold_baseline_ns(s->steady.hold_ns, terms.epsilon_ppm, terms.rate_total_micro);
    int64_t twice = 2 * p->baseline_hold_ns;
    p->baseline_within_ns = s->steady.within_ns ? s->steady.within_ns : twice > HOLD_CAP_NS ? twice : HOLD_CAP_NS;
}

static void make_lengths(struct plan *p, const struct scenario *s)
{
    const struct plan_target *failback = plan_target_find(p, TARGET_FAILBACK);
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *step = &p->steps[i];
        int64_t end = step->has_for ? step->until_ns : step->at_ns + step->action.ready_after_ns;
        p->timeline_end_ns = end > p->timeline_end_ns ? end : p->timeline_end_ns;
    }
    p->drill_ns = p->timeline_end_ns + (failback ? failback->value : FAILBACK_DEFAULT_NS) + p->hold_max_ns;
    p->observe_ns = p->timeline_end_ns + s->recovery.within_ns;
    p->observe_ns = p->drill_ns > p->observe_ns ? p->drill_ns : p->observe_ns;
    const struct topo_failover *f = &p->topology->failover;
    int64_t every_ns = topo_check_every_ns(p->topology);
    p->phase_max_ns = every_ns > f->dns_ttl_ns ? every_ns : f->dns_ttl_ns;
}

/* A suite's targets stand in its file, those of --set in no file. */
static void place_target(struct plan *p, const struct scenario *s, struct place at, struct plan_target *t)
{
    if (at.source->argument) {
        t->assignment = arena_strdup(&p->arena, at.source->text);
        return;
    }
    t->file = at.source == s->root->place.source ? NULL : arena_strdup(&p->arena, at.source->name);
    t->line = at.line;
    t->column = at.column;
}

static void make_targets(struct plan *p, const struct scenario *s)
{
    scoped_json json_t *doc = json_object();
    p->targets = arena_array(&p->arena, struct plan_target, TARGET_KEYS);
    bool loss = s->targets.given[TARGET_RPO] || s->targets.given[TARGET_LOST_WRITES];
    for (int k = 0; k < TARGET_KEYS; k++) {
        bool implied = k == TARGET_LOST_AFTER && loss && !s->targets.given[k];
        if (!s->targets.given[k] && !implied) {
            continue;
        }
        struct plan_target *t = &p->targets[p->target_count++];
        t->key = (enum target_key)k;
        t->value = s->targets.value[k];
        t->implied = implied;
        const char *key = implied ? target_types[s->targets.given[TARGET_RPO] ? TARGET_RPO : TARGET_LOST_WRITES].key
                                  : target_types[k].key;
        place_target(p, s, node_get(s->targets_node, key)->key->place, t);
        json_object_set_new(doc, target_types[k].key, json_integer(t->value));
    }
    json_fingerprint(doc, p->targets_sha256);
}

void plan_compile(struct plan *p, struct scenario *s, uint64_t seed, struct diag_list *diags)
{
    p->name = s->name;
    p->title = s->title ? s->title : s->name;
    p->description = s->description;
    p->owner = s->owner;
    p->tags = s->tags.at;
    p->tag_count = s->tags.len;
    p->topology = s->topology;
    p->seed = seed ? seed : s->workload.has_seed ? (uint64_t)s->workload.seed : rng_entropy_seed();
    p->good_ratio_ppm = s->steady.expect.availability_ppm;
    p->baseline_p50_ns = s->steady.expect.p50_ns;
    p->baseline_p95_ns = s->steady.expect.p95_ns;
    p->baseline_p99_ns = s->steady.expect.p99_ns;
    p->expect_no_drift = s->steady.expect.no_drift;
    p->recovery_within_ns = s->recovery.within_ns;
    p->converge_within_ns = s->recovery.converge_within_ns;
    if (s->has_abort) {
        p->abort_availability_ppm = s->abort_when.availability_ppm;
        p->abort_for_ns = s->abort_when.for_ns;
    }
    plan_make_keys(p);
    make_streams(p, s);
    plan_make_patrols(p);
    make_steps(p, s, diags);
    for (size_t i = 0; i < p->step_count; i++) {
        divide_surge(p, s, &p->steps[i].action.surge, total_rate(p));
    }
    give_sources(p);
    end_faults(p, s, diags);
    make_targets(p, s);
    make_holds(p, s);
    make_lengths(p, s);
    plan_check(p, s, diags);
    plan_check_faults(p, s, diags);
    plan_check_backups(p, s, diags);
}
