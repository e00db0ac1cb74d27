/* SPDX-License-Identifier: MIT */
/*
 * clock: the wall clock of one node jumps, or runs too fast or too slow. The host's clock and the harness's stay as
 * they are: the node is told by its admin port, in a slot named by the fault, to take its time so. A node that started
 * again has no slot; the look that finds its clock right orders it anew.
 *
 * Proven by the time that the node itself reports, against what it reported before the fault: it went as far astray as
 * was asked, within the exchanges' own lengths, while the clock of a bystander did not. A rate shows only after a
 * while: its proof may take until it has gained three times what an exchange leaves open.
 */
#include "injectors/target.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <stdlib.h>

#define LEAST_NS (20 * NS_PER_MS) /* what an exchange leaves open at least */
#define TELLING 3
#define STEP_MAX_NS (INT64_C(315360000) * NS_PER_S)
#define PROOF_MIN_NS (2 * NS_PER_S)

struct clock_state {
    struct look_round round;
    uint16_t node, bystander; /* TOPO_NONE: nobody to compare with */
    int64_t since_ns;         /* run time of the order */
    struct look before[2];    /* of the node and of the bystander */
};

/* No parameters that merge: two clocks on one node at a time are refused, since what one has done the other's look
 * would not tell from its own. */
static const struct field clock_fields[] = {
    {.key = "step", .kind = FIELD_STEP, .offset = offsetof(struct action, step_ns), .min = -STEP_MAX_NS,
     .max = STEP_MAX_NS,
     .example = "-1h", .doc = "the clock jumps by so much, back with a minus"},
    {.key = "rate", .kind = FIELD_FACTOR, .offset = offsetof(struct action, clock_ppm), .min = PPM / 10,
     .max = 10 * PPM,
     .example = "1.01", .doc = "it runs so many times as fast from then on"},
};

static int64_t gain_ppm(const struct action *a)
{
    return a->clock_ppm ? a->clock_ppm - PPM : 0;
}

static bool clock_objects(const struct action *a, char why[ACTION_WHY])
{
    int64_t step = llabs(a->step_ns), gain = llabs(gain_ppm(a));
    if (gain > 0 && gain < PPM / 1000) {
        snprintf(why, ACTION_WHY, "a `rate` nearer to 1 than 0.001 cannot be told within a drill");
    } else if (step > 0 && step < TELLING * LEAST_NS) {
        snprintf(why, ACTION_WHY, "a `step` of less than 60ms cannot be told from the time that asking takes");
    } else if (step == 0 && gain == 0) {
        snprintf(why, ACTION_WHY, "that clock would be right; give a `step`, a `rate` other than 1, or both");
    } else {
        return false;
    }
    return true;
}

static int64_t clock_proof_bound(const struct action *a)
{
    int64_t gain = llabs(gain_ppm(a));
    return a->step_ns || gain == 0 ? PROOF_MIN_NS : PROOF_MIN_NS + 2 * TELLING * LEAST_NS * PPM / gain;
}

static struct clock_state *state_of(const struct injection *in)
{
    return (struct clock_state *)(void *)in->state;
}

static bool begin_round(struct injection *in, struct clock_state *s)
{
    const uint16_t nodes[] = {s->node, s->bystander};
    return look_round_status(&s->round, in->fabric, nodes, s->bystander == TOPO_NONE ? 1 : 2);
}

static void write_order(const struct injection *in, bool on, struct text *body)
{
    text_addf(body, "{\"fault\":\"%u\"", in->fault);
    if (on) {
        text_addf(body, ",\"step_ms\":%lld,\"rate_ppm\":%lld", (long long)(in->action->step_ns / NS_PER_MS),
                  (long long)(in->action->clock_ppm ? in->action->clock_ppm : PPM));
    }
    text_add(body, "}");
}

/* The order takes the place of a round of looks; its answer says nothing of a time. */
static int send_order(struct injection *in, struct clock_state *s, bool on, struct err *e)
{
    scoped_text struct text body = {0};
    write_order(in, on, &body);
    look_round_new(&s->round);
    s->since_ns = lab_now(fabric_lab(in->fabric));
    return look_round_call(&s->round, in->fabric, s->node, "POST", "/clock", text_str(&body), e);
}

static int order(struct injection *in, struct clock_state *s, bool on, struct err *e)
{
    if (look_round_wait(&s->round, in->fabric, e) != 0 || /* a look that is under way */
        send_order(in, s, on, e) != 0 || look_round_wait(&s->round, in->fabric, e) != 0) {
        return -1;
    }
    int status = s->round.at[0].status;
    return status == 200 ? 0
                         : err_set(e, ERR_RUN, fabric_topology(in->fabric)->nodes[s->node].name, "clock: %s %d",
                                   status ? "refused with" : "no answer,", status);
}

static int clock_apply(struct injection *in, struct err *e)
{
    struct clock_state *s = xcalloc(1, sizeof(*s));
    in->state = (char *)s;
    s->node = in->action->node;
    s->bystander = target_bystander(in->fabric, &s->node, 1);
    if (!begin_round(in, s) || look_round_wait(&s->round, in->fabric, e) != 0 || s->round.at[0].time_ns == 0) {
        return err_set(e, ERR_RUN, fabric_topology(in->fabric)->nodes[s->node].name,
                       "it does not say what time it has");
    }
    s->before[0] = s->round.at[0];
    s->before[1] = s->round.n > 1 ? s->round.at[1] : (struct look){0};
    return order(in, s, true, e);
}

/* A dead process has no slot, and a frozen one is told when it answers again. */
static int clock_heal(struct injection *in, struct err *e)
{
    struct clock_state *s = state_of(in);
    if (!s || fabric_held(in->fabric, s->node) != 0) {
        return 0;
    }
    return order(in, s, false, e);
}

/* How far a clock went astray since before, and how much of that the asking may be. */
static int64_t astray_ns(const struct look *before, const struct look *now, int64_t *open_ns)
{
    *open_ns = LEAST_NS + (before->took_ns + now->took_ns) / 2;
    return (now->time_ns - before->time_ns) - (now->at_ns - before->at_ns);
}

static bool bystander_right(struct injection *in, const struct clock_state *s)
{
    int64_t open;
    if (s->round.n < 2 || s->round.at[1].time_ns == 0 || s->before[1].time_ns == 0) {
        return true; /* nobody to compare with, or not now */
    }
    int64_t astray = astray_ns(&s->before[1], &s->round.at[1], &open);
    if (llabs(astray) <= open) {
        return true;
    }
    snprintf(in->method, sizeof(in->method), "%.60s, which nothing hits, went astray by %.3f s",
             fabric_topology(in->fabric)->nodes[s->bystander].name, (double)astray / 1e9);
    return false;
}

static int64_t expected_ns(const struct injection *in, const struct clock_state *s, const struct look *l)
{
    return in->action->step_ns +
           (int64_t)((double)(l->at_ns - s->since_ns) * (double)gain_ppm(in->action) / (double)PPM);
}

/* Nobody who is dead or held has a clock to look at; what is seen when it runs again counts. */
static bool cannot_say(struct injection *in, const struct clock_state *s)
{
    if (s->round.at[0].time_ns != 0) {
        return false;
    }
    snprintf(in->method, sizeof(in->method), "it does not answer now");
    return true;
}

static enum proof judge(struct injection *in, struct clock_state *s)
{
    int64_t open, astray = astray_ns(&s->before[0], &s->round.at[0], &open),
                  expected = expected_ns(in, s, &s->round.at[0]);
    if (cannot_say(in, s)) {
        return fabric_held(in->fabric, s->node) ? PROOF_PROVEN : PROOF_PENDING;
    }
    if (!bystander_right(in, s)) {
        return PROOF_REFUTED;
    }
    bool telling = llabs(expected) >= TELLING * open;
    snprintf(in->method, sizeof(in->method),
             "it reports a time %+.3f s off, asked %+.3f s; a bystander's clock is right", (double)astray / 1e9,
             (double)expected / 1e9);
    if (llabs(astray - expected) <= open) {
        return telling ? PROOF_PROVEN : PROOF_PENDING;
    }
    if (telling && llabs(astray) <= open) {
        (void)send_order(in, s, true, NULL); /* it started again */
    }
    return PROOF_REFUTED;
}

static enum proof judge_healed(struct injection *in, struct clock_state *s)
{
    int64_t open, astray = astray_ns(&s->before[0], &s->round.at[0], &open);
    if (cannot_say(in, s)) {
        return PROOF_PENDING;
    }
    snprintf(in->method, sizeof(in->method), "it reports a time %+.3f s off", (double)astray / 1e9);
    if (llabs(astray) <= open) {
        return PROOF_PROVEN;
    }
    (void)send_order(in, s, false, NULL); /* it was held when it should have been told */
    return PROOF_PENDING;
}

static enum proof clock_prove(struct injection *in, bool healed)
{
    struct clock_state *s = state_of(in);
    if (!s) {
        snprintf(in->method, sizeof(in->method), "nobody was told");
        return healed ? PROOF_PROVEN : PROOF_REFUTED;
    }
    enum proof stand = look_round_stand(&s->round, healed);
    if (stand == PROOF_PROVEN) {
        return healed ? judge_healed(in, s) : judge(in, s);
    }
    if (stand == PROOF_PENDING) {
        return stand;
    }
    return begin_round(in, s) ? PROOF_PENDING : PROOF_REFUTED;
}

const struct injector injector_clock = {
    .type = {.verb = "clock",
             .summary = "the wall clock of a node jumps, or runs at another speed; the host's does not",
             .class = ACTION_FAULT,
             .targets = TARGET_NODE | TARGET_ORIGIN,
             .fields = clock_fields,
             .field_count = sizeof(clock_fields) / sizeof(clock_fields[0]),
             .proof_bound_ns = clock_proof_bound,
             .objects = clock_objects},
    .apply = clock_apply,
    .heal = clock_heal,
    .prove = clock_prove,
    .effect = EFFECT_CLOCK,
};
