/* SPDX-License-Identifier: MIT */
/*
 * A round of looks at origins that misbehave, or are to be well again: first the admin port of each (the slot read
 * back; for a heal taken away once more), then questions on the serving ports, a few with every call of prove, so that
 * the load of looking stays small while the fault is held, and the verdict when all answers are in.
 *
 * How many questions: as many as would, without the fault, show nothing with a chance below that of the interval,
 * which is 12.2 over the share; fifteen over the share, and twenty at least. Times are counted from the connection on,
 * less what the fabric says the way takes; a median of what is slow may be late by a tenth and 20 ms.
 *
 * Once proven, one refuted round is no news yet; from the second in a row on each look says so until a round fits.
 */
#include "injectors/misbehave.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "injectors/binomial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.99999
#define QUESTIONS_MIN 20
#define QUESTIONS_FEW 3 /* of health, and to the control */
#define IN_FLIGHT 16
#define PER_CALL 8
#define TIMES 64
#define PATIENCE_NS (500 * NS_PER_MS)
#define CLOCK_NS NS_PER_MS
#define LATE_NS (20 * NS_PER_MS)
#define BOUND_MIN_NS (2 * NS_PER_S)
#define CALL_NS (20 * NS_PER_MS) /* between two calls of prove until it is proven */
#define BODY_BYTES 2000

/* An origin that is asked: one of the targets, or last the control. */
struct asked_node {
    uint16_t node, from;
    bool reads_back;
    int64_t trip_ns, jitter_ns, patience_ns;
    unsigned bytes_wanted, health_wanted; /* questions */
    unsigned bytes_sent, health_sent;
    unsigned hits, well, health_right;
    unsigned time_count;
    int64_t late_ns[TIMES]; /* of hits: beyond what was asked for */
};

struct question {
    struct misbehave_looks *looks;
    struct asked_node *node;
    bool out, about_health;
};

enum stage { STAGE_IDLE, STAGE_ADMIN, STAGE_QUESTIONS };

struct misbehave_looks {
    struct look_round admin;
    struct injection *in;
    enum stage stage;
    bool healed, was_proven, has_control;
    unsigned failing; /* refuted rounds in a row */
    size_t count, out;
    struct asked_node at[MISBEHAVE_ORIGINS + 1];
    struct question questions[MISBEHAVE_ORIGINS + IN_FLIGHT];
};

struct misbehave_looks *misbehave_looks_of(struct injection *in)
{
    if (!in->state) {
        in->state = xcalloc(1, sizeof(struct misbehave_looks));
    }
    return (struct misbehave_looks *)(void *)in->state;
}

struct look_round *misbehave_admin_of(struct injection *in)
{
    return &misbehave_looks_of(in)->admin;
}

static const struct service_fault *fault_of(const struct misbehave_looks *l)
{
    return &l->in->action->service;
}

static const char *name_of(const struct misbehave_looks *l, const struct asked_node *n)
{
    return fabric_topology(l->in->fabric)->nodes[n->node].name;
}

static unsigned questions_for(const struct service_fault *s)
{
    double n = ceil(15 / misbehave_share(s));
    return !misbehave_shows(s) ? 0 : n > QUESTIONS_MIN ? (unsigned)n : QUESTIONS_MIN;
}

int64_t misbehave_bound(const struct action *a)
{
    const struct service_fault *s = &a->service;
    double all = questions_for(s) * (a->target == TARGET_REGION ? 4.0 : 1.0);
    double one = (double)(2 * CALL_NS + s->first_byte_ns + s->body_ns) +
                 (s->hang ? misbehave_share(s) * 1.2 * (double)PATIENCE_NS : 0);
    double ns = 1.5 * (all * fmax((double)CALL_NS / PER_CALL, one / IN_FLIGHT) + one + (double)PATIENCE_NS);
    return ns > (double)BOUND_MIN_NS ? (int64_t)ns : BOUND_MIN_NS;
}

/* Looking. */

static bool within_reach(const struct misbehave_looks *l, uint16_t node)
{
    struct lab *lab = fabric_lab(l->in->fabric);
    return (fabric_held(l->in->fabric, node) & (HOLD_DOWN | HOLD_FROZEN | HOLD_UNPLUGGED)) == 0 &&
           lab->ops->node_state(lab, node) == NODE_UP && target_observer(l->in->fabric, node) != TOPO_NONE;
}

static struct asked_node *add_node(struct misbehave_looks *l, uint16_t node)
{
    struct asked_node *n = &l->at[l->count++];
    uint16_t from = target_observer(l->in->fabric, node);
    *n = (struct asked_node){.node = node, .from = from};
    n->trip_ns = target_round_trip_ns(l->in->fabric, from, node, &n->jitter_ns);
    n->patience_ns = PATIENCE_NS + 2 * (n->trip_ns + n->jitter_ns);
    return n;
}

static bool is_target(const struct misbehave_looks *l, uint16_t node)
{
    const struct action *a = l->in->action;
    return a->target == TARGET_NODE ? a->node == node : fabric_topology(l->in->fabric)->nodes[node].site == a->site;
}

/* The first origin that nobody hit. */
static void add_control(struct misbehave_looks *l)
{
    const struct topology *t = fabric_topology(l->in->fabric);
    l->has_control = false;
    for (uint16_t i = 0; i < t->node_count && !l->has_control; i++) {
        bool well = !is_target(l, i) && fabric_held(l->in->fabric, i) == 0;
        if (t->nodes[i].role == NODE_ORIGIN && well && within_reach(l, i)) {
            struct asked_node *n = add_node(l, i);
            n->bytes_wanted = QUESTIONS_FEW;
            n->reads_back = l->has_control = true;
        }
    }
}

static void choose_nodes(struct misbehave_looks *l)
{
    const struct service_fault *s = fault_of(l);
    uint16_t nodes[MISBEHAVE_ORIGINS];
    size_t n = misbehave_origins(l->in, nodes);
    l->count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!within_reach(l, nodes[i])) {
            continue;
        }
        struct asked_node *a = add_node(l, nodes[i]);
        bool still_ill = l->healed && fabric_held(l->in->fabric, nodes[i]) & HOLD_ILL;
        a->bytes_wanted = still_ill ? 0 : l->healed ? QUESTIONS_MIN : questions_for(s);
        a->health_wanted = s->health && !still_ill ? QUESTIONS_FEW : 0;
    }
    if (l->count > 0) {
        add_control(l);
    }
}

/* What one slot may add to an answer's time. */
static int64_t slot_ns(const json_t *slot)
{
    json_int_t us = json_integer_value(json_object_get(slot, "first_byte_us")) +
                    json_integer_value(json_object_get(slot, "body_us"));
    return us > 0 && us <= 120 * NS_PER_S / NS_PER_US ? us * NS_PER_US : 0;
}

static bool slot_fits(const struct misbehave_looks *l, const struct asked_node *n, const json_t *slot)
{
    scoped_json json_t *wanted = misbehave_knobs(l->in, n->node);
    const char *key;
    json_t *value;
    json_object_foreach(wanted, key, value) {
        if (!json_equal(value, json_object_get(slot, key))) {
            return false;
        }
    }
    return true;
}

static void take_admin(void *arg, const struct lab_answer *answer)
{
    struct question *q = arg;
    struct misbehave_looks *l = q->looks;
    char path[MISBEHAVE_SLOT];
    const json_t *slots = json_object_get(answer->body, "slots");
    const char *key;
    json_t *slot;
    json_object_foreach((json_t *)slots, key, slot) {
        q->node->patience_ns += slot_ns(slot);
    }
    const char *ours = strrchr(misbehave_slot(l->in, path), '/') + 1;
    q->node->reads_back = answer->status == 200 && (l->healed || slot_fits(l, q->node, json_object_get(slots, ours)));
    q->out = false;
    l->out--;
}

/* Is this one of the answers that were asked for? */
static bool shows(const struct service_fault *s, const struct asked_node *n, const struct lab_answer *a)
{
    const struct lab_course *c = &a->course;
    if (s->hang) {
        return c->connected_ns > 0 && c->end == END_TIMEOUT && c->first_byte_ns == 0;
    }
    int64_t since_ns = c->connected_ns + n->trip_ns - 2 * n->jitter_ns - CLOCK_NS;
    int64_t first = c->first_byte_ns - since_ns, last = a->done_ns - since_ns;
    return c->first_byte_ns > 0 && (!s->status || a->status == s->status) &&
           (!s->retry_after_ns || c->retry_after_s == s->retry_after_ns / NS_PER_S) &&
           (!s->first_byte_ns || first >= s->first_byte_ns) &&
           (!s->body_ns || last >= s->first_byte_ns + s->body_ns) &&
           (!s->has_reset || (c->end == END_RESET && (s->status || c->body_len == (size_t)s->reset_after_bytes))) &&
           (!s->short_body || c->end == END_SHORT);
}

/* Whole, right, and not as slow as the fault would make it. */
static bool well(const struct service_fault *s, const struct asked_node *n, const struct lab_answer *a)
{
    int64_t slow = s->first_byte_ns + s->body_ns, took = a->done_ns - a->course.connected_ns;
    return a->status == 200 && a->course.end == END_WHOLE && (slow == 0 || took < n->trip_ns + 2 * n->jitter_ns + slow);
}

static void take_answer(void *arg, const struct lab_answer *answer)
{
    struct question *q = arg;
    struct misbehave_looks *l = q->looks;
    struct asked_node *n = q->node;
    const struct service_fault *s = fault_of(l);
    int expected = l->healed || s->health == HEALTH_GOOD ? 200 : 503;
    q->out = false;
    l->out--;
    if (q->about_health) {
        n->health_right += answer->status == expected;
        return;
    }
    n->well += well(s, n, answer);
    if (!shows(s, n, answer)) {
        return;
    }
    n->hits++;
    int64_t took = answer->done_ns - answer->course.connected_ns;
    if (n->time_count < TIMES) {
        n->late_ns[n->time_count++] = took - n->trip_ns - s->first_byte_ns - s->body_ns;
    }
}

static struct question *free_question(struct misbehave_looks *l, size_t most)
{
    for (size_t i = 0; i < most; i++) {
        if (!l->questions[i].out) {
            return &l->questions[i];
        }
    }
    return NULL;
}

static void begin_round(struct misbehave_looks *l)
{
    struct fabric *f = l->in->fabric;
    char path[MISBEHAVE_SLOT];
    choose_nodes(l);
    l->stage = l->count > 0 ? STAGE_ADMIN : STAGE_IDLE;
    for (size_t i = 0; i < l->count - l->has_control && l->count > 0; i++) {
        struct question *q = free_question(l, MISBEHAVE_ORIGINS);
        *q = (struct question){.looks = l, .node = &l->at[i], .out = true};
        struct lab *lab = fabric_lab(f);
        const char *target = l->healed ? misbehave_slot(l->in, path) : "/misbehave";
        const char *method = l->healed ? "DELETE" : "GET";
        if (lab->ops->admin(lab, l->at[i].node, method, target, NULL, PATIENCE_NS, take_admin, q, NULL) == 0) {
            l->out++;
        } else {
            q->out = false;
        }
    }
}

/* One more question to the node; false: it has been asked all, or there is no room. */
static bool ask_more(struct misbehave_looks *l, struct asked_node *n)
{
    struct lab *lab = fabric_lab(l->in->fabric);
    bool health = n->bytes_sent >= n->bytes_wanted;
    struct question *q = free_question(l, IN_FLIGHT);
    if (!q || (health && n->health_sent >= n->health_wanted)) {
        return false;
    }
    char target[32] = "/healthz";
    if (!health) {
        int64_t bytes = fault_of(l)->reset_after_bytes + BODY_BYTES;
        snprintf(target, sizeof(target), "/bytes/%lld", (long long)bytes);
    }
    *q = (struct question){.looks = l, .node = n, .out = true, .about_health = health};
    n->bytes_sent += !health;
    n->health_sent += health;
    if (lab->ops->ask(lab, n->from, n->node, target, n->patience_ns, take_answer, q, NULL) == 0) {
        l->out++;
    } else {
        q->out = false;
    }
    return true;
}

static bool all_asked(const struct misbehave_looks *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->at[i].bytes_sent < l->at[i].bytes_wanted || l->at[i].health_sent < l->at[i].health_wanted) {
            return false;
        }
    }
    return true;
}

static void ask_some(struct misbehave_looks *l)
{
    unsigned asked = 0;
    for (bool any = true; any && asked < PER_CALL;) {
        any = false;
        for (size_t i = 0; i < l->count && asked < PER_CALL; i++) {
            bool one = ask_more(l, &l->at[i]);
            asked += one;
            any = any || one;
        }
    }
}

/* Judging. */

static enum proof refute(struct misbehave_looks *l, const struct asked_node *n, const char *why)
{
    snprintf(l->in->method, sizeof(l->in->method), "%.60s: %.90s", name_of(l, n), why);
    return PROOF_REFUTED;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median_late(struct asked_node *n)
{
    qsort(n->late_ns, n->time_count, sizeof(n->late_ns[0]), by_size);
    return n->late_ns[n->time_count / 2];
}

static enum proof judge_target(struct misbehave_looks *l, struct asked_node *n)
{
    const struct service_fault *s = fault_of(l);
    char why[96];
    int64_t slow = s->first_byte_ns + s->body_ns;
    if (!n->reads_back) {
        return refute(l, n, l->healed ? "its knobs cannot be taken away" : "its knobs do not read back");
    }
    if (n->health_right != n->health_wanted) {
        return refute(l, n, "its health check does not say so");
    }
    if (l->healed && n->well != n->bytes_wanted) {
        snprintf(why, sizeof(why), "%u of %u answers are well", n->well, n->bytes_wanted);
        return refute(l, n, why);
    }
    if (l->healed || n->bytes_wanted == 0) {
        return PROOF_PROVEN;
    }
    if (!binomial_plausible(n->hits, n->bytes_wanted, misbehave_share(s), CONFIDENCE)) {
        snprintf(why, sizeof(why), "%u of %u answers show it, %g%% were asked for", n->hits, n->bytes_wanted,
                 100 * misbehave_share(s));
        return refute(l, n, why);
    }
    if (slow > 0 && median_late(n) > slow / 10 + n->jitter_ns + LATE_NS) {
        snprintf(why, sizeof(why), "%.1f ms slower than was asked for", (double)median_late(n) / (double)NS_PER_MS);
        return refute(l, n, why);
    }
    return PROOF_PROVEN;
}

static void tell(struct misbehave_looks *l)
{
    const struct service_fault *s = fault_of(l);
    struct asked_node *n = &l->at[0];
    const struct asked_node *control = l->has_control ? &l->at[l->count - 1] : NULL;
    char seen[80] = "its health check says what it is to";
    int64_t slow = s->first_byte_ns + s->body_ns;
    if (l->healed) {
        snprintf(seen, sizeof(seen), n->bytes_wanted ? "well again" : "its slot is gone");
    } else if (n->bytes_wanted > 0 && slow > 0) {
        snprintf(seen, sizeof(seen), "%u of %u show it, in the median %.1f ms slower", n->hits, n->bytes_wanted,
                 (double)(slow + median_late(n)) / (double)NS_PER_MS);
    } else if (n->bytes_wanted > 0) {
        snprintf(seen, sizeof(seen), "%u of %u answers show it (%g%% asked)", n->hits, n->bytes_wanted,
                 100 * misbehave_share(s));
    }
    snprintf(l->in->method, sizeof(l->in->method), "%s%.40s: %s; %.40s%s", l->healed ? "" : "knobs read back; ",
             name_of(l, n), seen, control ? name_of(l, control) : "no other origin",
             control ? " is well" : " to compare with");
}

static enum proof judge(struct misbehave_looks *l)
{
    size_t targets = l->count - l->has_control;
    for (size_t i = 0; i < targets; i++) {
        if (!within_reach(l, l->at[i].node)) {
            return PROOF_PENDING; /* another fault came between */
        }
        if (judge_target(l, &l->at[i]) != PROOF_PROVEN) {
            return PROOF_REFUTED;
        }
    }
    struct asked_node *control = &l->at[targets];
    if (l->has_control && within_reach(l, control->node) && control->well + 1 < QUESTIONS_FEW) {
        return refute(l, control, "not hit, yet it does not serve well either");
    }
    tell(l);
    return PROOF_PROVEN;
}

static enum proof conclude(struct misbehave_looks *l)
{
    enum proof p = judge(l);
    l->stage = STAGE_IDLE;
    l->failing = p == PROOF_REFUTED ? l->failing + 1 : 0;
    l->was_proven = l->was_proven || p == PROOF_PROVEN;
    return p == PROOF_REFUTED && l->was_proven && l->failing < 2 ? PROOF_PENDING : p;
}

static bool knobs_read_back(const struct misbehave_looks *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (!l->at[i].reads_back) {
            return false;
        }
    }
    return true;
}

enum proof misbehave_prove(struct injection *in, bool healed)
{
    struct misbehave_looks *l = misbehave_looks_of(in);
    l->in = in;
    if (l->healed != healed && l->out == 0) {
        l->healed = healed;
        l->stage = STAGE_IDLE;
        l->failing = 0;
        l->was_proven = false;
    }
    enum proof so_far = l->was_proven && l->failing >= 2 ? PROOF_REFUTED : PROOF_PENDING;
    if (l->healed != healed) {
        return PROOF_PENDING; /* answers about the fault are still out */
    }
    if (l->stage == STAGE_IDLE) {
        begin_round(l);
        if (l->count == 0) {
            snprintf(in->method, sizeof(in->method), "other faults keep all of its origins from being asked");
        }
        return l->count == 0 && healed ? PROOF_PROVEN : so_far;
    }
    if (l->stage == STAGE_ADMIN && l->out > 0) {
        return so_far;
    }
    if (l->stage == STAGE_ADMIN && !knobs_read_back(l)) {
        return conclude(l);
    }
    l->stage = STAGE_QUESTIONS;
    if (!all_asked(l)) {
        ask_some(l);
        return so_far;
    }
    return l->out > 0 ? so_far : conclude(l);
}
