/* SPDX-License-Identifier: MIT */
/*
 * Three ledgers of wishes: layers on paths, holds on nodes, limits to what nodes may have, each entry owned by one
 * fault. The world is always driven to what all entries together want, never "back" by one of them, so the order of
 * heals cannot matter.
 *
 * Layers are kept sorted by fault, so that sums and products are formed in the same order whatever the order in which
 * faults came: equal sets of layers give equal wanted states to the last bit.
 *
 * Failure paths: an entry is made before the lab is driven, and taken away before the lab is driven back. Where driving
 * fails the path or node is remembered as not yet where it should be, with the fault to blame, and every later lift or
 * release tries it again; so a heal may be repeated until it succeeds, and one that fails half-way does not keep the
 * rest from being healed. What others owe comes last, and its failure is theirs: a heal that hangs must not stand in
 * the way of the next.
 */
#include "harness/lab/fabric.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/vec.h"
#include "harness/lab/gate.h"
#include "harness/lab/lane.h"
#include "harness/lab/shape.h"

#include <stdlib.h>
#include <string.h>

struct layer {
    uint16_t fault, path;
    struct path_state wish;
};

struct hold {
    uint16_t fault, node;
    unsigned what;
};

struct limit {
    uint16_t fault, node;
    enum lab_resource resource;
    int64_t most;
};

struct fabric {
    struct lab *lab;
    const struct topology *topo;
    vec_of(struct layer) layers; /* by fault */
    vec_of(struct hold) holds;
    vec_of(struct limit) limits;
    uint16_t *astray; /* by path: the fault whose driving failed, 0 none */
    unsigned *driven; /* by node: the holds that the lab has been told of and not yet relieved of */
    bool *recalled;   /* by node: its next start is from a backup */
    uint16_t *owed;   /* by node: the fault whose release has yet to relieve it, 0 none */
    int64_t (*told)[LAB_RESOURCES]; /* by node: the limits that the lab was told last */
};

int fabric_new(struct fabric **out, struct lab *lab, const struct topology *t, struct err *e)
{
    (void)e;
    struct fabric *f = xcalloc(1, sizeof(*f));
    f->lab = lab;
    f->topo = t;
    f->astray = xcalloc(2 * t->link_count + 1, sizeof(*f->astray));
    f->driven = xcalloc(t->node_count + 1, sizeof(*f->driven));
    f->told = xcalloc(t->node_count + 1, sizeof(*f->told));
    for (size_t i = 0; i < t->node_count; i++) {
        for (int r = 0; r < LAB_RESOURCES; r++) {
            f->told[i][r] = LAB_PLENTY;
        }
    }
    f->recalled = xcalloc(t->node_count + 1, sizeof(*f->recalled));
    f->owed = xcalloc(t->node_count + 1, sizeof(*f->owed));
    *out = f;
    return 0;
}

void fabric_free(struct fabric *f)
{
    if (!f) {
        return;
    }
    vec_deinit(&f->layers);
    vec_deinit(&f->holds);
    vec_deinit(&f->limits);
    free(f->astray);
    free(f->driven);
    free(f->told);
    free(f->recalled);
    free(f->owed);
    free(f);
}

struct lab *fabric_lab(struct fabric *f)
{
    return f->lab;
}

const struct topology *fabric_topology(const struct fabric *f)
{
    return f->topo;
}

bool fabric_hit_by(const struct fabric *f, uint16_t fault)
{
    for (size_t i = 0; i < f->layers.len; i++) {
        if (f->layers.at[i].fault == fault) {
            return true;
        }
    }
    for (size_t i = 0; i < f->holds.len; i++) {
        if (f->holds.at[i].fault == fault) {
            return true;
        }
    }
    for (size_t i = 0; i < f->limits.len; i++) {
        if (f->limits.at[i].fault == fault) {
            return true;
        }
    }
    return false;
}

/* Paths. */

struct path_state fabric_wanted(const struct fabric *f, uint16_t path)
{
    struct shape_sum sum = {0};
    shape_add(&sum, &f->topo->links[path / 2].baseline);
    for (size_t i = 0; i < f->layers.len; i++) {
        if (f->layers.at[i].path == path) {
            shape_add(&sum, &f->layers.at[i].wish);
        }
    }
    return shape_total(&sum);
}

static int drive_path(struct fabric *f, uint16_t fault, uint16_t path, struct err *e)
{
    struct path_state wanted = fabric_wanted(f, path);
    int rc = f->lab->ops->path_set(f->lab, path, &wanted, e);
    f->astray[path] = rc != 0 ? fault : 0;
    return rc;
}

static struct layer *layer_place(struct fabric *f, uint16_t fault, uint16_t path)
{
    size_t at = 0;
    while (at < f->layers.len && f->layers.at[at].fault <= fault) {
        if (f->layers.at[at].fault == fault && f->layers.at[at].path == path) {
            return &f->layers.at[at];
        }
        at++;
    }
    vec_push(&f->layers);
    struct layer *l = &f->layers.at[at];
    memmove(l + 1, l, (f->layers.len - 1 - at) * sizeof(*l));
    return l;
}

int fabric_lay(struct fabric *f, uint16_t fault, uint16_t path, const struct path_state *wish, struct err *e)
{
    if (path >= 2 * f->topo->link_count) {
        return err_set(e, ERR_DEFECT, "fabric", "there is no path %u", path);
    }
    struct path_state wanted = fabric_wanted(f, path);
    if (!gates_add(&wanted, wish)) {
        return err_set(e, ERR_MEANING, "fabric", "more than %d ports of one path are singled out at once",
                       PATH_GATES_MAX);
    }
    if (!lanes_add(&wanted, wish)) {
        return err_set(e, ERR_MEANING, "fabric", "more than %d ports of one path are degraded at once", PATH_LANES_MAX);
    }
    *layer_place(f, fault, path) = (struct layer){.fault = fault, .path = path, .wish = *wish};
    return drive_path(f, fault, path, e);
}

int fabric_lift(struct fabric *f, uint16_t fault, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->layers.len; i++) {
        struct layer l = f->layers.at[i];
        if (l.fault == fault) {
            f->astray[l.path] = fault;
        } else {
            f->layers.at[kept++] = l;
        }
    }
    f->layers.len = kept;
    int rc = 0;
    for (uint16_t path = 0; path < 2 * f->topo->link_count; path++) {
        rc |= f->astray[path] == fault ? drive_path(f, fault, path, e) : 0;
    }
    for (uint16_t path = 0; path < 2 * f->topo->link_count; path++) {
        if (f->astray[path] && f->astray[path] != fault) {
            drive_path(f, f->astray[path], path, NULL);
        }
    }
    return rc;
}

/* Nodes. */

unsigned fabric_held(const struct fabric *f, uint16_t node)
{
    unsigned what = 0;
    for (size_t i = 0; i < f->holds.len; i++) {
        if (f->holds.at[i].node == node) {
            what |= f->holds.at[i].what;
        }
    }
    for (size_t i = 0; i < f->limits.len; i++) {
        if (f->limits.at[i].node == node) {
            what |= HOLD_STARVED;
        }
    }
    return what;
}

static struct hold *hold_of(struct fabric *f, uint16_t fault, uint16_t node)
{
    for (size_t i = 0; i < f->holds.len; i++) {
        if (f->holds.at[i].fault == fault && f->holds.at[i].node == node) {
            return &f->holds.at[i];
        }
    }
    struct hold *h = vec_push(&f->holds);
    *h = (struct hold){.fault = fault, .node = node};
    return h;
}

int fabric_hold(struct fabric *f, uint16_t fault, uint16_t node, enum node_hold hold, struct err *e)
{
    if (node >= f->topo->node_count) {
        return err_set(e, ERR_DEFECT, "fabric", "there is no node %u", node);
    }
    hold_of(f, fault, node)->what |= (unsigned)hold;
    f->driven[node] |= (unsigned)hold;
    const struct lab_ops *ops = f->lab->ops;
    switch (hold) {
    case HOLD_DOWN:
        return ops->node_kill(f->lab, node, e);
    case HOLD_FROZEN:
        return f->driven[node] & HOLD_DOWN ? 0 : ops->node_freeze(f->lab, node, true, e);
    case HOLD_UNPLUGGED:
        return ops->node_unplug(f->lab, node, true, e);
    case HOLD_NO_DISK:
    case HOLD_NO_BACKUPS:
        return 0; /* felt when the node starts again */
    case HOLD_STARVED:
        break;
    case HOLD_ILL:
        f->driven[node] &= ~(unsigned)HOLD_ILL;
        return 0;
    }
    return err_set(e, ERR_DEFECT, "fabric", "there is no hold %d", (int)hold);
}

void fabric_recall(struct fabric *f, uint16_t node)
{
    f->recalled[node] = true;
}

/* A limit of the process itself went with the process, that of a disk with a disk that was lost. */
static int starve_again(struct fabric *f, uint16_t node, struct err *e)
{
    int rc = 0;
    for (int r = 0; r < LAB_RESOURCES; r++) {
        if (f->told[node][r] != LAB_PLENTY) {
            rc |= f->lab->ops->node_starve(f->lab, node, (enum lab_resource)r, f->told[node][r], e);
        }
    }
    return rc;
}

/* Start a node that nobody holds down any longer; who holds it frozen or short of something still finds it so. */
static int start_again(struct fabric *f, uint16_t node, unsigned wanted, struct err *e)
{
    const struct lab_ops *ops = f->lab->ops;
    unsigned how = (f->driven[node] & HOLD_NO_DISK ? LAB_START_FRESH : 0U) |
                   (f->driven[node] & HOLD_NO_BACKUPS ? LAB_START_NO_BACKUPS : 0U) |
                   (f->recalled[node] ? LAB_START_RESTORE : 0U);
    if (ops->node_start(f->lab, node, how, e) != 0) {
        return -1;
    }
    f->driven[node] &= ~(unsigned)(HOLD_DOWN | HOLD_NO_DISK | HOLD_NO_BACKUPS);
    f->recalled[node] = false;
    int rc = starve_again(f, node, e);
    return wanted & HOLD_FROZEN ? rc | ops->node_freeze(f->lab, node, true, e) : rc;
}

int64_t fabric_allowed(const struct fabric *f, uint16_t node, enum lab_resource r)
{
    int64_t most = LAB_PLENTY;
    for (size_t i = 0; i < f->limits.len; i++) {
        const struct limit *l = &f->limits.at[i];
        if (l->node == node && l->resource == r && (most == LAB_PLENTY || lab_as_scarce(r, l->most, most))) {
            most = l->most;
        }
    }
    return most;
}

/* These a process meets only when it starts: it opens its files and listens then. */
static bool felt_at_start(enum lab_resource r)
{
    return r == RESOURCE_WRITING || r == RESOURCE_BACKLOG;
}

static int drive_supply(struct fabric *f, uint16_t node, enum lab_resource r, struct err *e)
{
    const struct lab_ops *ops = f->lab->ops;
    bool again = felt_at_start(r) && !(f->driven[node] & HOLD_DOWN);
    int64_t allowed = fabric_allowed(f, node, r);
    if (again && ops->node_kill(f->lab, node, e) != 0) {
        return -1;
    }
    int rc = ops->node_starve(f->lab, node, r, allowed, e);
    f->told[node][r] = rc == 0 ? allowed : f->told[node][r];
    return again ? rc | start_again(f, node, fabric_held(f, node), e) : rc;
}

int fabric_starve(struct fabric *f, uint16_t fault, uint16_t node, enum lab_resource r, int64_t limit, struct err *e)
{
    if (node >= f->topo->node_count || !f->lab->ops->node_starve) {
        return err_set(e, ERR_DEFECT, "fabric", "there is no node %u that could be starved", node);
    }
    *vec_push(&f->limits) = (struct limit){.fault = fault, .node = node, .resource = r, .most = limit};
    f->told[node][r] = limit; /* also if it fails: half of it may have happened */
    return drive_supply(f, node, r, e);
}

/* Give back what nobody withholds any more, and life to who died of the want. */
static int feed_node(struct fabric *f, uint16_t node, struct err *e)
{
    bool fed = false;
    int rc = 0;
    for (int r = 0; r < LAB_RESOURCES; r++) {
        if (f->told[node][r] != fabric_allowed(f, node, (enum lab_resource)r)) {
            rc |= drive_supply(f, node, (enum lab_resource)r, e);
            fed = true;
        }
    }
    bool died = fed && !(f->driven[node] & HOLD_DOWN) && f->lab->ops->node_state(f->lab, node) == NODE_DOWN;
    return died ? rc | start_again(f, node, fabric_held(f, node), e) : rc;
}

/* Undo what the lab was told about a node and nobody wants any more: power first, then the process. */
static int relieve_node(struct fabric *f, uint16_t node, struct err *e)
{
    const struct lab_ops *ops = f->lab->ops;
    unsigned wanted = fabric_held(f, node), surplus = f->driven[node] & ~wanted;
    int rc = feed_node(f, node, e);
    if (surplus & HOLD_UNPLUGGED) {
        int done = ops->node_unplug(f->lab, node, false, e);
        f->driven[node] &= done == 0 ? ~(unsigned)HOLD_UNPLUGGED : ~0U;
        rc |= done;
    }
    if (surplus & HOLD_FROZEN) {
        int done = wanted & HOLD_DOWN || surplus & HOLD_DOWN ? 0 : ops->node_freeze(f->lab, node, false, e);
        f->driven[node] &= done == 0 ? ~(unsigned)HOLD_FROZEN : ~0U;
        rc |= done;
    }
    if (surplus & HOLD_DOWN) {
        rc |= start_again(f, node, wanted, e);
    }
    f->owed[node] = rc == 0 ? 0 : f->owed[node];
    return rc;
}

int fabric_release(struct fabric *f, uint16_t fault, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->holds.len; i++) {
        if (f->holds.at[i].fault == fault) {
            f->owed[f->holds.at[i].node] = fault;
        } else {
            f->holds.at[kept++] = f->holds.at[i];
        }
    }
    f->holds.len = kept;
    kept = 0;
    for (size_t i = 0; i < f->limits.len; i++) {
        if (f->limits.at[i].fault == fault) {
            f->owed[f->limits.at[i].node] = fault;
        } else {
            f->limits.at[kept++] = f->limits.at[i];
        }
    }
    f->limits.len = kept;
    int rc = 0;
    for (uint16_t node = 0; node < f->topo->node_count; node++) {
        rc |= f->owed[node] == fault ? relieve_node(f, node, e) : 0;
    }
    for (uint16_t node = 0; node < f->topo->node_count; node++) {
        if (f->owed[node] && f->owed[node] != fault) {
            relieve_node(f, node, NULL);
        }
    }
    return rc;
}
