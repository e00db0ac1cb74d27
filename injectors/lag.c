/* SPDX-License-Identifier: MIT */
/*
 * lag: what one region gets from the others comes late, not at all, damaged or twice, while the connections that carry
 * it live and customers are served as before.
 *
 *     of: replication   the records that leaders ship to the region's store; its followers' position trails or stands
 *                       still
 *     of: config        the desired state of the region's gateways, which go on with an old one
 *
 * Made through the admin ports of the sender's side of replication (every store of another region, since any of them
 * may lead) and of the gateways themselves, in a slot named by the fault. Slots live in memory: a node that started
 * again has none, so each look that misses ours orders it anew, and one such look is no lapse. The same way healing is
 * repeated until no node that runs has our slot.
 *
 * Proven by the slot, read back, and by what is seen elsewhere (lag_proof.c): the follower's own position against the
 * leader's history, or the age of the gateways' desired state.
 */
#include "injectors/lag.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_NS (500 * NS_PER_MS)
#define STEP_NS (5 * NS_PER_MS)
#define CONFIG_DELAY_MIN_NS NS_PER_S /* gateways fetch twice a second: less could not be told from none */

static const char *const of_words[] = {"replication", "config", NULL};

static const struct field lag_fields[] = {
    {.key = "of",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct action, of_config),
     .words = of_words,
     .required = true,
     .example = "replication",
     .doc = "what comes late: the records of the stores, or the desired state of the gateways"},
    {.key = "stop", .kind = FIELD_BOOL, .offset = offsetof(struct action, stop), .choice = FIELD_SOME,
     .example = "true",
     .doc = "nothing comes at all"},
    {.key = "delay", .kind = FIELD_DURATION, .offset = offsetof(struct action, shape.delay_ns), .min = NS_PER_MS,
     .max = 600 * NS_PER_S, .choice = FIELD_SOME, .example = "2s", .doc = "everything comes so much later"},
    {.key = "corrupt", .kind = FIELD_RATIO, .offset = offsetof(struct action, shape.corrupt_ppm), .min = 1, .max = PPM,
     .choice = FIELD_SOME, .example = "1%", .doc = "share of the stores' messages that have a bit flipped"},
    {.key = "duplicate", .kind = FIELD_RATIO, .offset = offsetof(struct action, shape.duplicate_ppm), .min = 1,
     .max = PPM, .choice = FIELD_SOME, .example = "1%", .doc = "share of the messages with records that come twice"},
};

static bool lag_objects(const struct action *a, char why[ACTION_WHY])
{
    const struct path_state *w = &a->shape;
    bool damaged = w->corrupt_ppm || w->duplicate_ppm, more = w->delay_ns || damaged;
    if (a->stop && more) {
        snprintf(why, ACTION_WHY, "what is stopped can be neither late nor damaged; give `stop` alone");
    } else if (!a->stop && !more) {
        snprintf(why, ACTION_WHY, "`stop: false` asks for nothing; give `stop: true` or a `delay`");
    } else if (a->of_config && damaged) {
        snprintf(why, ACTION_WHY, "`corrupt` and `duplicate` are of replication only; see `drift` for a damaged file");
    } else if (a->of_config && w->delay_ns && w->delay_ns < CONFIG_DELAY_MIN_NS) {
        snprintf(why, ACTION_WHY, "a `delay` of the configuration is 1s at least: it is fetched twice a second");
    } else {
        return false;
    }
    return true;
}

static bool lag_apart(const struct action *a, const struct action *b)
{
    return a->of_config != b->of_config;
}

static bool runs(struct injection *in, uint16_t node)
{
    struct lab *lab = fabric_lab(in->fabric);
    return fabric_held(in->fabric, node) == 0 && lab->ops->node_state(lab, node) == NODE_UP;
}

static bool is_store(const struct topo_node *n)
{
    return n->role == NODE_ORIGIN && n->number == 1;
}

static bool carries(const struct injection *in, const struct topo_node *n)
{
    uint16_t site = in->action->site;
    return in->action->of_config ? n->role == NODE_GATEWAY && n->site == site : is_store(n) && n->site != site;
}

/* Everyone who has something to say about it. */
static void find_nodes(struct injection *in, struct lag_state *s)
{
    const struct topology *t = fabric_topology(in->fabric);
    s->n = 0;
    for (uint16_t i = 0; i < t->node_count && s->n < LAG_NODES_MAX; i++) {
        const struct topo_node *n = &t->nodes[i];
        if (in->action->of_config ? n->role == NODE_GATEWAY : is_store(n)) {
            s->at[s->n++] = (struct lag_look){.state = s, .node = i, .carries = carries(in, n)};
        }
    }
}

static void write_order(const struct injection *in, bool on, struct text *body)
{
    const struct action *a = in->action;
    const struct path_state *w = &a->shape;
    text_addf(body, "{\"fault\":\"%u\",\"to\":\"%s\"", in->fault, fabric_topology(in->fabric)->sites[a->site].name);
    if (on) {
        text_addf(body, ",\"stop\":%s,\"delay_ms\":%lld,\"corrupt_ppm\":%lld,\"duplicate_ppm\":%lld",
                  a->stop ? "true" : "false", (long long)(w->delay_ns / NS_PER_MS), (long long)w->corrupt_ppm,
                  (long long)w->duplicate_ppm);
    }
    text_add(body, "}");
}

static void take_order(void *arg, const struct lab_answer *answer)
{
    struct lag_look *l = arg;
    l->status = answer->status;
    l->asking = false;
}

static int wait_for_all(struct injection *in, struct lag_state *s, struct err *e)
{
    struct loop *loop = fabric_lab(in->fabric)->ops->loop(fabric_lab(in->fabric));
    int64_t until_ns = loop_tick(loop) + 4 * PATIENCE_NS;
    while (lag_asking(s)) {
        if (loop_tick(loop) >= until_ns) {
            return err_set(e, ERR_RUN, "lag", "an admin port did not answer and did not fail either");
        }
        if (loop_run(loop, loop_now(loop) + STEP_NS, NULL, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int order(struct injection *in, struct lag_look *l, bool on, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_text struct text body = {0};
    write_order(in, on, &body);
    l->status = 0;
    l->asking = true;
    int rc = lab->ops->admin(lab, l->node, "POST", "/lag", text_str(&body), PATIENCE_NS, take_order, l, e);
    l->asking = rc == 0;
    return rc;
}

/* Tell every carrier that runs; how many were told, -1 when one did not take it. */
static int order_all(struct injection *in, bool on, struct err *e)
{
    struct lag_state *s = lag_state_of(in);
    int told = 0, rc = wait_for_all(in, s, e); /* looks that are under way */
    for (size_t i = 0; i < s->n; i++) {
        s->at[i].told = rc == 0 && s->at[i].carries && runs(in, s->at[i].node);
        rc |= s->at[i].told ? order(in, &s->at[i], on, e) : 0;
        told += s->at[i].told;
    }
    rc |= wait_for_all(in, s, e);
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].told && s->at[i].status != 200) {
            rc = err_set(e, ERR_RUN, fabric_topology(in->fabric)->nodes[s->at[i].node].name, "lag: %s %d",
                         s->at[i].status ? "refused with" : "no answer,", s->at[i].status);
        }
    }
    return rc == 0 ? told : -1;
}

static int lag_apply(struct injection *in, struct err *e)
{
    struct lag_state *s = xcalloc(1, sizeof(*s));
    in->state = (char *)s;
    s->in = in;
    find_nodes(in, s);
    int told = order_all(in, true, e);
    return told == 0 ? err_set(e, ERR_RUN, "lag", "nobody who could be late runs") : told < 0 ? -1 : 0;
}

static int lag_heal(struct injection *in, struct err *e)
{
    if (!in->state) {
        return 0;
    }
    return order_all(in, false, e) < 0 ? -1 : 0;
}

/* Begin a round: ask everyone that runs. */
static enum proof ask_all(struct injection *in, struct lag_state *s, bool healed)
{
    struct lab *lab = fabric_lab(in->fabric);
    s->open = true;
    s->healed = healed;
    for (size_t i = 0; i < s->n; i++) {
        struct lag_look *l = &s->at[i];
        lag_look_clear(l);
        if (runs(in, l->node)) {
            l->asking =
                lab->ops->admin(lab, l->node, "GET", "/status", NULL, PATIENCE_NS, lag_take_status, l, NULL) == 0;
        }
    }
    return PROOF_PENDING;
}

/* Who answers and is not as it should be is told again. */
static bool all_told(struct injection *in, struct lag_state *s, bool healed)
{
    bool right = true;
    for (size_t i = 0; i < s->n; i++) {
        struct lag_look *l = &s->at[i];
        if (!l->carries || l->status != 200 || l->slot == (healed ? SLOT_NONE : SLOT_OURS)) {
            continue;
        }
        snprintf(in->method, sizeof(in->method),
                 healed ? "%.80s is still told to be late" : "%.80s does not say that it is late",
                 fabric_topology(in->fabric)->nodes[l->node].name);
        order(in, l, !healed, NULL);
        right = false;
    }
    return right;
}

static enum proof lag_prove(struct injection *in, bool healed)
{
    struct lag_state *s = lag_state_of(in);
    if (!s) {
        snprintf(in->method, sizeof(in->method), "nobody was told");
        return healed ? PROOF_PROVEN : PROOF_REFUTED;
    }
    if (lag_asking(s)) {
        return PROOF_PENDING;
    }
    if (!s->open || s->healed != healed) {
        return ask_all(in, s, healed);
    }
    s->open = false;
    if (!all_told(in, s, healed)) {
        return healed ? PROOF_PENDING : PROOF_REFUTED;
    }
    return healed ? lag_judge_healed(in, s) : lag_judge(in, s);
}

const struct injector injector_lag = {
    .type = {.verb = "lag",
             .summary = "what a region gets from the others, records or configuration, comes late, not at all or "
                        "damaged",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION,
             .fields = lag_fields,
             .field_count = sizeof(lag_fields) / sizeof(lag_fields[0]),
             .objects = lag_objects,
             .apart = lag_apart},
    .apply = lag_apply,
    .heal = lag_heal,
    .prove = lag_prove,
    .effect = EFFECT_LAG,
};
