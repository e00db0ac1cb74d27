/* SPDX-License-Identifier: MIT */
/*
 * Layers of faults on paths, and on nodes. Pure bookkeeping above a lab's path_set: no kernel here.
 *
 * Each fault owns at most one layer per path, named by its id. The wanted state of a path is the merge of its baseline
 * and all layers, as harness/lab/shape.h tells. Lifting a layer that is not there is no error (heals are idempotent).
 */
#pragma once
#include "harness/lab/lab.h"

struct fabric;
int fabric_new(struct fabric **out, struct lab *lab, const struct topology *t, struct err *e);
void fabric_free(struct fabric *f);

int fabric_lay(struct fabric *f, uint16_t fault, uint16_t path, const struct path_state *wish, struct err *e);
int fabric_lift(struct fabric *f, uint16_t fault, struct err *e); /* from every path */
struct path_state fabric_wanted(const struct fabric *f, uint16_t path);

/* Holds on nodes, counted per fault: a node runs only when nobody holds it down, thaws when nobody holds it frozen.
 * Who also holds its disk lost (beside down) makes it start again with an empty one. HOLD_STARVED is only told: of a
 * node that somebody starves. Ill says that it serves, but badly; nothing is done to it, and nobody takes it for a
 * node that is well. */
enum node_hold {
    HOLD_DOWN = 1, HOLD_FROZEN = 2, HOLD_UNPLUGGED = 4, HOLD_NO_DISK = 8, HOLD_STARVED = 16, HOLD_ILL = 32,
    HOLD_NO_BACKUPS = 64, /* beside no disk: the region's second medium is lost, too */
};
int fabric_hold(struct fabric *f, uint16_t fault, uint16_t node, enum node_hold hold, struct err *e);
/* When this node starts the next time, a store without a log begins with a backup. */
void fabric_recall(struct fabric *f, uint16_t node);
/* Release every hold of the fault, starting, thawing and plugging in what nobody else holds. */
int fabric_release(struct fabric *f, uint16_t fault, struct err *e);
/* Leave a node no more than that of a resource; with several faults the least counts. What the process would not feel
 * while it runs costs it a restart. fabric_release gives it back, and starts the node again if it has died of it. */
int fabric_starve(struct fabric *f, uint16_t fault, uint16_t node, enum lab_resource r, int64_t limit, struct err *e);
int64_t fabric_allowed(const struct fabric *f, uint16_t node, enum lab_resource r); /* LAB_PLENTY: nobody starves it */
unsigned fabric_held(const struct fabric *f, uint16_t node); /* by anybody: an or of enum node_hold */
bool fabric_hit_by(const struct fabric *f, uint16_t fault); /* it has a layer or a hold somewhere */
struct lab *fabric_lab(struct fabric *f);
const struct topology *fabric_topology(const struct fabric *f);
