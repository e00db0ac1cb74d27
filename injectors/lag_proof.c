/* SPDX-License-Identifier: MIT */
/*
 * Lateness as others see it.
 *
 * Replication: each round notes what the leader has, by its own admin port, and where the follower stands, by its own.
 * A follower that is `delay` late has nothing that the leader had not at an instant `delay` ago or before; one that is
 * stopped stands where it stood. Both must lack something older than an unhindered follower would, and the followers of
 * other regions, which are the control, must not. Customers are untouched when the leader's log grows. Damage is proven
 * by the two books of the same messages: what the leader damaged, the follower noticed.
 *
 * Configuration: the age of what the region's gateways know must have grown, and exceed that of all gateways elsewhere.
 *
 * While nothing is written, nobody leads or the region leads itself, there is nothing to see: then the slots alone
 * count, and the method says so.
 */
#include "injectors/lag.h"

#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define NORMAL_EXTRA_NS (400 * NS_PER_MS) /* beyond replication.every, an unhindered follower has everything */
#define NOTHING_WRITTEN_NS (1500 * NS_PER_MS)
#define AGE_SEEN_MS 1200
#define UNDER_WAY_NS NS_PER_S           /* what was shipped before the fault may still arrive */
#define LOOK_NS (50 * NS_PER_MS)        /* a look takes a moment itself */
#define DAMAGE_EXPECTED 12.0 /* so many expected and none seen: chance 6e-6 */

bool lag_asking(const struct lag_state *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].asking) {
            return true;
        }
    }
    return false;
}

void lag_look_clear(struct lag_look *l)
{
    *l = (struct lag_look){.state = l->state, .node = l->node, .carries = l->carries, .age_ms = -1};
}

static const char *region_of(const struct lag_state *s, const struct lag_look *l)
{
    const struct topology *t = fabric_topology(s->in->fabric);
    return t->sites[t->nodes[l->node].site].name;
}

static bool same_number(const json_t *slot, const char *key, int64_t asked)
{
    return json_integer_value(json_object_get(slot, key)) == asked;
}

/* What a node says of the slot that bears our name. */
static void take_slot(struct lag_look *l, const json_t *lag)
{
    const struct action *a = l->state->in->action;
    char name[8];
    snprintf(name, sizeof(name), "%u", l->state->in->fault);
    const json_t *slot = json_object_get(json_object_get(lag, "slots"), name);
    bool same = json_is_true(json_object_get(slot, "stop")) == a->stop &&
                same_number(slot, "delay_ms", a->shape.delay_ns / NS_PER_MS) &&
                same_number(slot, "corrupt_ppm", a->shape.corrupt_ppm) &&
                same_number(slot, "duplicate_ppm", a->shape.duplicate_ppm);
    l->slot = !slot ? SLOT_NONE : same ? SLOT_OURS : SLOT_OTHER;
    l->frames = json_integer_value(json_object_get(lag, "frames"));
    l->damaged = json_integer_value(json_object_get(lag, "damaged"));
    l->doubled = json_integer_value(json_object_get(lag, "doubled"));
}

/* The leader's word about each follower's lag. */
static void take_peers(struct lag_look *l, const json_t *peers)
{
    struct lag_state *s = l->state;
    const char *region = fabric_topology(s->in->fabric)->sites[s->in->action->site].name;
    for (size_t k = 0; k < json_array_size(peers); k++) {
        const json_t *peer = json_array_get(peers, k), *lag = json_object_get(peer, "lag");
        const char *name = json_string_value(json_object_get(peer, "region"));
        if (!name) {
            continue;
        }
        if (l->carries && strcmp(name, region) == 0) {
            take_slot(l, lag);
        }
        for (size_t i = 0; l->leader && i < s->n; i++) {
            s->at[i].late = s->at[i].late || (json_is_object(lag) && strcmp(region_of(s, &s->at[i]), name) == 0);
        }
    }
}

void lag_take_status(void *look, const struct lab_answer *answer)
{
    struct lag_look *l = look;
    const json_t *b = answer->body, *age = json_object_get(b, "desired_age_ms");
    l->asking = false;
    l->status = answer->status;
    l->at_ns = answer->done_ns;
    l->leader = json_is_true(json_object_get(b, "leader"));
    l->lsn = json_integer_value(json_object_get(b, "lsn"));
    l->age_ms = json_is_integer(age) ? json_integer_value(age) : -1;
    l->noticed = json_integer_value(json_object_get(b, "frames_broken")) +
                 json_integer_value(json_object_get(b, "frames_repeated"));
    if (l->state->in->action->of_config) {
        l->late = json_is_object(json_object_get(b, "desired_lag"));
        take_slot(l, json_object_get(b, "desired_lag"));
    } else {
        take_peers(l, json_object_get(b, "peers"));
    }
}

/* Replication. */

static int64_t normal_ns(const struct injection *in)
{
    return fabric_topology(in->fabric)->replication.every_ns + NORMAL_EXTRA_NS;
}

static void note_moment(struct lag_state *s, const struct lag_look *leader)
{
    if (s->leader != leader->node) {
        s->moments = 0;
    }
    s->leader = leader->node;
    if (s->moments > 0 && s->history[s->moments - 1].lsn == leader->lsn) {
        return; /* the first instant at which it was seen is what is asked for */
    }
    if (s->moments == LAG_HISTORY) { /* thin out: every other one, the ends stay near enough */
        for (size_t i = 0; i < LAG_HISTORY / 2; i++) {
            s->history[i] = s->history[2 * i];
        }
        s->moments = LAG_HISTORY / 2;
    }
    s->history[s->moments++] = (struct lag_moment){leader->at_ns, leader->lsn};
}

/* How long ago, at least, the leader had something that a follower at this position lacks; 0: it lacks nothing. */
static int64_t lacks_since_ns(const struct lag_state *s, const struct lag_look *follower)
{
    for (size_t i = 0; i < s->moments; i++) {
        if (s->history[i].lsn > follower->lsn) {
            return follower->at_ns - s->history[i].at_ns;
        }
    }
    return 0;
}

/* Nothing younger than the delay has come: the leader had it all, at the first look within the delay. */
static bool late_enough(const struct lag_state *s, const struct lag_look *follower)
{
    int64_t since = follower->at_ns - s->in->action->shape.delay_ns + LOOK_NS;
    for (size_t i = 0; i < s->moments; i++) {
        if (s->history[i].at_ns >= since) {
            return follower->lsn <= s->history[i].lsn;
        }
    }
    return true; /* nothing new since */
}

static const struct lag_look *leader_of(const struct lag_state *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].status == 200 && s->at[i].leader) {
            return &s->at[i];
        }
    }
    return NULL;
}

static const struct lag_look *follower_of(const struct lag_state *s)
{
    const struct topology *t = fabric_topology(s->in->fabric);
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].status == 200 && t->nodes[s->at[i].node].site == s->in->action->site) {
            return &s->at[i];
        }
    }
    return NULL;
}

static enum proof by_slots(struct injection *in, const char *because)
{
    snprintf(in->method, sizeof(in->method), "by read-back alone: %s", because);
    return PROOF_PROVEN;
}

/* A follower that nothing is to hold back, and that lacks what it should have: NULL if there is none. */
static const struct lag_look *late_control(const struct lag_state *s, const struct lag_look *leader, size_t *controls)
{
    const struct topology *t = fabric_topology(s->in->fabric);
    *controls = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct lag_look *l = &s->at[i];
        if (l == leader || l->status != 200 || l->late || t->nodes[l->node].site == s->in->action->site) {
            continue;
        }
        ++*controls;
        if (lacks_since_ns(s, l) > 2 * normal_ns(s->in)) {
            return l;
        }
    }
    return NULL;
}

static enum proof judge_damage(struct injection *in, struct lag_state *s, const struct lag_look *leader,
                               const struct lag_look *follower)
{
    const struct path_state *w = &in->action->shape;
    int64_t done = leader->damaged + leader->doubled, noticed = follower->noticed - s->base_noticed;
    double expected = (double)leader->frames * (double)w->corrupt_ppm / (double)PPM;
    snprintf(in->method, sizeof(in->method), "of %lld messages %lld damaged and %lld doubled; %lld of them noticed",
             (long long)leader->frames, (long long)leader->damaged, (long long)leader->doubled, (long long)noticed);
    if (done > 0 && noticed > 0) {
        s->seen = true;
        return PROOF_PROVEN;
    }
    bool early = lab_now(fabric_lab(in->fabric)) - in->applied_at_ns < NOTHING_WRITTEN_NS;
    return done > 0 || expected > DAMAGE_EXPECTED ? PROOF_REFUTED : early ? PROOF_PENDING : PROOF_PROVEN;
}

static enum proof judge_lateness(struct injection *in, struct lag_state *s, const struct lag_look *leader,
                                 const struct lag_look *follower)
{
    size_t controls;
    const struct lag_look *control = late_control(s, leader, &controls);
    int64_t lacks = lacks_since_ns(s, follower), delay = in->action->shape.delay_ns;
    bool written = s->moments > 1, stands = follower->lsn == s->base_lsn;
    if (!stands && !s->seen && lab_now(fabric_lab(in->fabric)) - in->applied_at_ns < UNDER_WAY_NS) {
        s->base_lsn = follower->lsn;
        return PROOF_PENDING;
    }
    snprintf(in->method, sizeof(in->method), "%s at %lld of %lld, lacks what is %.2f s old; %zu other followers well",
             in->action->stop ? "stands" : "trails", (long long)follower->lsn, (long long)leader->lsn,
             (double)lacks / 1e9, controls);
    if (control) {
        snprintf(in->method, sizeof(in->method), "%.60s, which nothing hits, is late as well", region_of(s, control));
        return PROOF_REFUTED;
    }
    if (in->action->stop ? !stands : !late_enough(s, follower)) {
        snprintf(in->method, sizeof(in->method), "the follower got on to %lld of %lld", (long long)follower->lsn,
                 (long long)leader->lsn);
        return PROOF_REFUTED;
    }
    int64_t telling = in->action->stop || delay / 4 * 3 > normal_ns(in) ? normal_ns(in) : delay / 4 * 3;
    bool shows = lacks > telling;
    if (shows || s->seen) {
        s->seen = true;
        return PROOF_PROVEN;
    }
    bool early = lab_now(fabric_lab(in->fabric)) - in->applied_at_ns < NOTHING_WRITTEN_NS;
    return written || early ? PROOF_PENDING : by_slots(in, "nothing is written");
}

static enum proof judge_replication(struct injection *in, struct lag_state *s)
{
    const struct lag_look *leader = leader_of(s), *follower = follower_of(s);
    if (!leader || !follower || leader == follower) {
        s->based = false;
        return !s->seen ? PROOF_PENDING
                        : by_slots(in, leader == follower && leader ? "it leads itself" : "nobody to compare");
    }
    if (s->leader != leader->node || follower->lsn < s->base_lsn) {
        s->based = false; /* another history */
    }
    note_moment(s, leader);
    if (!s->based) {
        s->based = true;
        s->base_lsn = follower->lsn;
        s->base_noticed = follower->noticed;
        return s->seen ? by_slots(in, "another leader") : PROOF_PENDING;
    }
    bool late = in->action->stop || in->action->shape.delay_ns > 0;
    enum proof damage = late ? PROOF_PROVEN : judge_damage(in, s, leader, follower);
    return late ? judge_lateness(in, s, leader, follower) : damage;
}

/* Configuration. */

static enum proof judge_config(struct injection *in, struct lag_state *s)
{
    int64_t youngest = INT64_MAX, oldest = -1, asked_ms = in->action->shape.delay_ns / NS_PER_MS;
    size_t hit = 0, others = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct lag_look *l = &s->at[i];
        if (l->status == 200 && l->carries) {
            hit++;
            youngest = l->age_ms < youngest ? l->age_ms : youngest;
        } else if (l->status == 200 && !l->late) {
            others++;
            oldest = l->age_ms > oldest ? l->age_ms : oldest;
        }
    }
    if (hit == 0) {
        return s->seen ? by_slots(in, "none of the gateways runs") : PROOF_PENDING;
    }
    snprintf(in->method, sizeof(in->method),
             "%zu gateways know the desired state of %.2f s ago, %zu others of %.2f s ago", hit, (double)youngest / 1e3,
             others, oldest < 0 ? 0 : (double)oldest / 1e3);
    bool grown = youngest >= (asked_ms && asked_ms < AGE_SEEN_MS ? asked_ms : AGE_SEEN_MS);
    if (!grown) {
        return s->seen ? PROOF_REFUTED : PROOF_PENDING;
    }
    s->seen = s->seen || youngest > oldest;
    return youngest > oldest ? PROOF_PROVEN : PROOF_REFUTED;
}

enum proof lag_judge(struct injection *in, struct lag_state *s)
{
    return in->action->of_config ? judge_config(in, s) : judge_replication(in, s);
}

static bool gateways_know(struct injection *in, const struct lag_state *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct lag_look *l = &s->at[i];
        if (l->status == 200 && l->carries && !l->late && l->age_ms > 2 * AGE_SEEN_MS) {
            snprintf(in->method, sizeof(in->method), "%.80s has not heard for %.2f s",
                     fabric_topology(in->fabric)->nodes[l->node].name, (double)l->age_ms / 1e3);
            return false;
        }
    }
    return true;
}

static bool follower_caught_up(struct injection *in, struct lag_state *s)
{
    const struct lag_look *leader = leader_of(s), *follower = follower_of(s);
    if (!leader || !follower || leader == follower || follower->late) {
        return true; /* nobody to compare with, or others still want it late */
    }
    note_moment(s, leader);
    if (follower->lsn >= s->history[0].lsn && lacks_since_ns(s, follower) <= 2 * normal_ns(in)) {
        return true; /* what the leader had before the history began would be of any age */
    }
    snprintf(in->method, sizeof(in->method), "the follower is at %lld of %lld", (long long)follower->lsn,
             (long long)leader->lsn);
    return false;
}

/* Nodes that others hold may still have our slot: they are told when they run again, if that comes within the bound. */
static bool somebody_is_held(struct injection *in, const struct lag_state *s)
{
    struct lab *lab = fabric_lab(in->fabric);
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].carries && lab->ops->node_state(lab, s->at[i].node) == NODE_FROZEN) {
            snprintf(in->method, sizeof(in->method), "%.80s is frozen and cannot be told",
                     fabric_topology(in->fabric)->nodes[s->at[i].node].name);
            return true;
        }
    }
    return false;
}

enum proof lag_judge_healed(struct injection *in, struct lag_state *s)
{
    if (somebody_is_held(in, s) || !(in->action->of_config ? gateways_know(in, s) : follower_caught_up(in, s))) {
        return PROOF_PENDING;
    }
    snprintf(in->method, sizeof(in->method), "no slot is left; %s",
             in->action->of_config ? "the gateways know what is wanted" : "the follower has caught up");
    return PROOF_PROVEN;
}
