/* SPDX-License-Identifier: MIT */
/*
 * Holding nodes, and looking whether it is so.
 *
 * Applying takes the power off every target before any process is killed, so that no FIN or RST of a dying region gets
 * out. Proof is a round: the kernel's view of each process first (that needs no waiting), then one knock on every
 * target's own port, past all gateways, together with one on a bystander, who must answer: a world in which nobody
 * answers proves nothing.
 *
 * The proof of the heal leaves out nodes that another fault still holds, and that of a frozen node is left out while
 * another fault has killed it: the strongest hold is what shows.
 */
#include "injectors/hold.h"

#include "harness/base/err.h"

#include <stdio.h>
#include <string.h>

static const char *const knock_words[] = {
    [KNOCK_ANSWERED] = "answered",
    [KNOCK_REFUSED] = "refused",
    [KNOCK_SILENT] = "silent",
    [KNOCK_CONNECTED_SILENT] = "connected but silent",
};

static const char *knock_word(int k)
{
    return k >= 0 && k <= KNOCK_CONNECTED_SILENT ? knock_words[k] : "unknown";
}

static const char *name_of(const struct injection *in, uint16_t node)
{
    return fabric_topology(in->fabric)->nodes[node].name;
}

int hold_apply(struct injection *in, unsigned holds, struct err *e)
{
    uint16_t nodes[TARGET_NODES_MAX];
    size_t n = target_nodes(fabric_topology(in->fabric), in->action, nodes, TARGET_NODES_MAX);
    return n > 0 ? hold_nodes(in, nodes, n, holds, e)
                 : err_set(e, ERR_MEANING, in->action->type->verb, "it hits no node");
}

int hold_nodes(struct injection *in, const uint16_t *nodes, size_t n, unsigned holds, struct err *e)
{
    static const enum node_hold order[] = {HOLD_NO_BACKUPS, HOLD_NO_DISK, HOLD_UNPLUGGED, HOLD_FROZEN, HOLD_DOWN};
    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        for (size_t i = 0; i < n && holds & order[k]; i++) {
            if (fabric_hold(in->fabric, in->fault, nodes[i], order[k], e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

int hold_heal(struct injection *in, struct err *e)
{
    return fabric_release(in->fabric, in->fault, e);
}

static enum proof refute(struct injection *in, uint16_t node, const char *why)
{
    snprintf(in->method, sizeof(in->method), "%.80s: %.70s", name_of(in, node), why);
    return PROOF_REFUTED;
}

static enum proof judge_round(struct injection *in, const struct look_round *r, size_t targets,
                              const struct hold_expectation *x)
{
    for (size_t i = 0; i < targets; i++) {
        const struct look *l = &r->at[i];
        if (!x->knock_fits(in->fabric, l->node, (enum knock)l->status)) {
            return refute(in, l->node, knock_word(l->status));
        }
    }
    if (r->n > targets && r->at[targets].status != KNOCK_ANSWERED) {
        return refute(in, r->at[targets].node, "not hit, yet it does not answer either");
    }
    const char *bystander = r->n > targets ? name_of(in, r->at[targets].node) : "nobody left to";
    snprintf(in->method, sizeof(in->method), "%zu %s, own port %s; %.60s answers", targets, x->proven,
             knock_word(r->at[0].status), bystander);
    return PROOF_PROVEN;
}

/* The targets on which the fault can show. */
static size_t showing(const struct injection *in, const struct hold_expectation *x, uint16_t nodes[TARGET_NODES_MAX])
{
    uint16_t all[TARGET_NODES_MAX];
    size_t n = 0, targets = target_nodes(fabric_topology(in->fabric), in->action, all, TARGET_NODES_MAX);
    for (size_t i = 0; i < targets; i++) {
        if (x->state == NODE_DOWN || !(fabric_held(in->fabric, all[i]) & HOLD_DOWN)) {
            nodes[n++] = all[i];
        }
    }
    return n;
}

/* Others may have come or gone since the round was asked. */
static bool asked_these(const struct look_round *r, const uint16_t *nodes, size_t n)
{
    bool same = r->n == n || r->n == n + 1;
    for (size_t i = 0; same && i < n; i++) {
        same = r->at[i].node == nodes[i];
    }
    return same;
}

enum proof hold_prove(struct injection *in, const struct hold_expectation *x)
{
    static const char *const mismatch[] = {[NODE_DOWN] = "its process is not dead",
                                           [NODE_UP] = "its process does not run",
                                           [NODE_FROZEN] = "its process is not stopped"};
    struct look_round *r = look_round_of(in);
    struct lab *lab = fabric_lab(in->fabric);
    uint16_t nodes[TARGET_NODES_MAX + 1];
    size_t n = showing(in, x, nodes);
    if (n == 0) {
        snprintf(in->method, sizeof(in->method), "another fault has killed all of them");
        return PROOF_PENDING;
    }
    for (size_t i = 0; i < n; i++) {
        if (lab->ops->node_state(lab, nodes[i]) != x->state) {
            return refute(in, nodes[i], mismatch[x->state]);
        }
    }
    enum proof stand = look_round_stand(r, false);
    if (stand == PROOF_PROVEN && asked_these(r, nodes, n)) {
        return judge_round(in, r, n, x);
    }
    if (stand == PROOF_PENDING) {
        return stand;
    }
    uint16_t bystander = target_bystander(in->fabric, nodes, n);
    nodes[n] = bystander;
    return look_round_knock(r, in->fabric, nodes, n + (bystander != TOPO_NONE)) ? PROOF_PENDING : PROOF_REFUTED;
}

enum proof hold_prove_healed(struct injection *in)
{
    struct look_round *r = look_round_of(in);
    uint16_t all[TARGET_NODES_MAX], nodes[TARGET_NODES_MAX];
    size_t n = 0, targets = target_nodes(fabric_topology(in->fabric), in->action, all, TARGET_NODES_MAX);
    for (size_t i = 0; i < targets; i++) {
        if (fabric_held(in->fabric, all[i]) == 0 && target_observer(in->fabric, all[i]) != TOPO_NONE) {
            nodes[n++] = all[i];
        }
    }
    if (n == 0) {
        snprintf(in->method, sizeof(in->method), "other faults still hold all of them");
        return PROOF_PROVEN;
    }
    enum proof stand = look_round_stand(r, true);
    if (stand == PROOF_PENDING) {
        return stand;
    }
    if (stand == PROOF_REFUTED || r->n != n) { /* who is held by others may have changed since */
        return look_round_knock(r, in->fabric, nodes, n) ? PROOF_PENDING : PROOF_REFUTED;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (r->at[i].status != KNOCK_ANSWERED) {
            snprintf(in->method, sizeof(in->method), "%.80s is %s", name_of(in, r->at[i].node),
                     knock_word(r->at[i].status));
            return PROOF_PENDING; /* it may still be starting; the bound decides */
        }
    }
    snprintf(in->method, sizeof(in->method), "%zu of %zu answer again", n, targets);
    return PROOF_PROVEN;
}
