/* SPDX-License-Identifier: MIT */
/*
 * fail_over, fail_back: what an operator does who moves the service to another region on purpose, or back home. Not
 * faults: they are neither proven nor healed.
 *
 * The leader among the origins is looked up, its store told to hand over, the gateways of all other regions to stand by
 * and those of the target region to serve; to fail back is the same towards the primary region, after which the
 * gateways of all regions serve again. A region that leads already keeps the lead. Whoever does not answer is the
 * operator's problem as it would be in life: what can be done is done, the first refusal is reported.
 */
#include "injectors/operator.h"
#include "injectors/target.h"

#include "harness/base/err.h"
#include "harness/base/text.h"

extern const struct injector injector_fail_back;

static const struct field fail_over_fields[] = {
    {.key = "to",
     .kind = FIELD_REGION,
     .offset = offsetof(struct action, site),
     .required = true,
     .example = "eu-west",
     .doc = "the region that takes over"},
};

static bool homeward(const struct injection *in)
{
    return in->action->type == &injector_fail_back.type;
}

/* Where to: the region that is named, or home. */
static uint16_t goal(const struct injection *in)
{
    return homeward(in) ? fabric_topology(in->fabric)->primary : in->action->site;
}

static int hand_over(struct injection *in, struct look_round *r, struct err *e)
{
    const struct topology *t = fabric_topology(in->fabric);
    uint16_t leader = look_round_leader(r, in->fabric, e);
    if (leader == TOPO_NONE) {
        return err_set(e, ERR_RUN, "fail_over", "no origin says that it leads");
    }
    if (t->nodes[leader].site == goal(in)) {
        return 0;
    }
    scoped_text struct text body = {0};
    text_addf(&body, "{\"to\":\"%s\"}", t->sites[goal(in)].name);
    look_round_new(r);
    if (look_round_call(r, in->fabric, leader, "POST", "/handover", text_str(&body), e) != 0 ||
        look_round_wait(r, in->fabric, e) != 0) {
        return -1;
    }
    return look_round_accepted(r, in->fabric, "handover", e);
}

static int turn_traffic(struct injection *in, struct look_round *r, struct err *e)
{
    const struct topology *t = fabric_topology(in->fabric);
    look_round_new(r);
    for (uint16_t i = 0; i < t->node_count && r->n <= TARGET_NODES_MAX; i++) {
        if (t->nodes[i].role != NODE_GATEWAY) {
            continue;
        }
        bool serves = homeward(in) || t->nodes[i].site == goal(in);
        const char *body = serves ? "{\"standby\":false}" : "{\"standby\":true}";
        look_round_call(r, in->fabric, i, "POST", "/standby", body, e);
    }
    return look_round_wait(r, in->fabric, e) != 0 ? -1 : look_round_accepted(r, in->fabric, "standby", e);
}

static int fail_over_apply(struct injection *in, struct err *e)
{
    struct look_round *r = look_round_of(in);
    int handed = hand_over(in, r, e);
    int turned = turn_traffic(in, r, e);
    return handed == 0 && turned == 0 ? 0 : -1;
}

const struct injector injector_fail_over = {
    .type = {.verb = "fail_over",
             .summary = "an operator moves the service to another region",
             .class = ACTION_OPERATOR,
             .fields = fail_over_fields,
             .field_count = sizeof(fail_over_fields) / sizeof(fail_over_fields[0])},
    .apply = fail_over_apply,
    .heal = operator_heal,
    .prove = operator_prove,
    .effect = EFFECT_FAIL_OVER,
};

const struct injector injector_fail_back = {
    .type = {.verb = "fail_back",
             .summary = "an operator moves the service back to the primary region, and lets all gateways serve",
             .class = ACTION_OPERATOR},
    .apply = fail_over_apply,
    .heal = operator_heal,
    .prove = operator_prove,
    .effect = EFFECT_FAIL_OVER,
};
