/* SPDX-License-Identifier: MIT */
/*
 * revoke: an operator takes a key away, or believes no more tokens of a name. Not a fault: it is neither proven nor
 * healed. The store that leads is told, and has acknowledged when apply returns; that it then goes on to the gateways
 * by itself is what a drill is about.
 */
#include "injectors/operator.h"
#include "injectors/target.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

static int revoke_apply(struct injection *in, struct err *e)
{
    struct look_round *r = look_round_of(in);
    uint16_t leader = look_round_leader(r, in->fabric, e);
    scoped_text struct text body = {0};
    if (leader == TOPO_NONE) {
        return err_set(e, ERR_RUN, "revoke", "no origin says that it leads");
    }
    const struct topology *t = fabric_topology(in->fabric);
    text_addf(&body, "{\"subject\":\"%s:%s\"}", topo_subject_kind(t), t->callers[CALLER_LEAKED].name);
    look_round_new(r);
    if (look_round_call(r, in->fabric, leader, "POST", "/revocations", text_str(&body), e) != 0 ||
        look_round_wait(r, in->fabric, e) != 0) {
        return -1;
    }
    return look_round_accepted(r, in->fabric, "revocation", e);
}

const struct injector injector_revoke = {
    .type = {.verb = "revoke",
             .summary = "an operator revokes the key, or the name of the tokens, that patrols show at every gateway",
             .class = ACTION_OPERATOR,
             .of_identity = true},
    .apply = revoke_apply,
    .heal = operator_heal,
    .prove = operator_prove,
    .effect = EFFECT_REVOKE,
};
