/* SPDX-License-Identifier: MIT */
/*
 * disconnect: the connections that exist break, new ones are let in. It is over as soon as it has happened; with
 * `every` it happens again and again: a storm of resets.
 *
 * Of a region or a node all its connections with other nodes break, of a link those between nodes of the two places.
 * They are broken in the nodes' own namespaces (never in a client's): the owner gets ECONNABORTED, the peer a reset,
 * which travels the link like any packet, so behind a cut the peer believes in its half for as long as it sends
 * nothing.
 *
 * Proven by the cookies of the connections listed before, none of which is there any more, and by connections of ours
 * among them, which broke and were let in anew. One between places that are not hit must have stood throughout. What
 * breaks is broken: there is nothing to undo.
 */
#include "injectors/target.h"
#include "injectors/tied.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define OVER_AFTER_NS (2 * NS_PER_S)
#define EVERY_MIN_NS (1 * NS_PER_S)
#define VICTIMS_MAX 4096

static const struct field disconnect_fields[] = {
    {.key = "every",
     .kind = FIELD_DURATION,
     .offset = offsetof(struct action, every_ns),
     .min = EVERY_MIN_NS,
     .max = 3600 * NS_PER_S,
     .example = "2s",
     .with = "for",
     .doc = "once more each time this has passed, until `for` has"},
};

/* A node and the site with which its connections are in question; TOPO_NONE: all others. */
struct victim {
    uint16_t node, peer;
};

struct connection {
    struct victim of;
    uint64_t cookie;
};

struct broken {
    size_t n;
    struct connection at[];
};

static bool disconnect_objects(const struct action *a, char why[ACTION_WHY])
{
    if (a->direction == DIRECTION_BOTH) {
        return false;
    }
    snprintf(why, ACTION_WHY, "a connection breaks in both directions; leave `direction` out");
    return true;
}

static size_t add_site(const struct topology *t, uint16_t site, uint16_t peer, struct victim *v, size_t n)
{
    const struct topo_site *s = &t->sites[site];
    for (uint16_t i = 0; i < s->node_count && n < VICTIMS_MAX && s->kind != SITE_VANTAGE; i++) {
        v[n++] = (struct victim){(uint16_t)(s->first_node + i), peer};
    }
    return n;
}

static size_t victims(const struct topology *t, const struct action *a, struct victim v[VICTIMS_MAX])
{
    uint16_t nodes[TARGET_NODES_MAX];
    size_t n = 0;
    for (uint16_t link = 0; link < t->link_count; link++) {
        if (action_hits_link(t, a, link)) {
            const struct topo_link *l = &t->links[link];
            n = add_site(t, l->b, l->a, v, add_site(t, l->a, l->b, v, n));
        }
    }
    if (a->target == TARGET_LINK) {
        return n;
    }
    n = target_nodes(t, a, nodes, TARGET_NODES_MAX);
    for (size_t i = 0; i < n; i++) {
        v[i] = (struct victim){nodes[i], TOPO_NONE};
    }
    return n;
}

/* The connections of one victim, behind those noted already. */
static int note(struct injection *in, struct victim v, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    struct broken *old = (struct broken *)(void *)in->state;
    size_t n = 0, now = 0;
    if (lab->ops->connections(lab, v.node, v.peer, NULL, 0, &n, e) != 0) {
        return -1;
    }
    uint64_t *cookies = xcalloc(n + 1, sizeof(*cookies));
    int rc = lab->ops->connections(lab, v.node, v.peer, cookies, n, &now, e);
    n = now < n ? now : n;
    struct broken *b = xcalloc(1, sizeof(*b) + (old->n + n + 1) * sizeof(b->at[0]));
    memcpy(b, old, sizeof(*b) + old->n * sizeof(b->at[0]));
    for (size_t i = 0; i < n && rc == 0; i++) {
        b->at[b->n++] = (struct connection){v, cookies[i]};
    }
    free(cookies);
    free(old);
    in->state = (char *)b;
    return rc;
}

static int disconnect_apply(struct injection *in, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    struct victim v[VICTIMS_MAX];
    size_t n = victims(fabric_topology(in->fabric), in->action, v);
    in->state = xcalloc(1, sizeof(struct broken));
    if (n == 0 || !lab->ops->disconnect) {
        return err_set(e, ERR_MEANING, "disconnect", n == 0 ? "it hits no node" : "this lab has no connections");
    }
    for (size_t i = 0; i < n; i++) {
        if (note(in, v[i], e) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (lab->ops->disconnect(lab, v[i].node, v[i].peer, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int disconnect_heal(struct injection *in, struct err *e)
{
    (void)in;
    (void)e;
    return 0;
}

/* How many of a victim's connections noted before are there still; where they cannot be listed all of them may be. */
static int survivors(struct injection *in, const struct broken *b, struct victim v)
{
    struct lab *lab = fabric_lab(in->fabric);
    size_t n = 0, now = 0;
    int alive = 0;
    if (lab->ops->connections(lab, v.node, v.peer, NULL, 0, &n, NULL) != 0) {
        return (int)b->n;
    }
    uint64_t *cookies = xcalloc(n + 1, sizeof(*cookies));
    int rc = lab->ops->connections(lab, v.node, v.peer, cookies, n, &now, NULL);
    for (size_t i = 0; i < b->n; i++) {
        for (size_t k = 0; k < n && k < now && b->at[i].of.node == v.node; k++) {
            alive += b->at[i].cookie == cookies[k];
        }
    }
    free(cookies);
    return rc == 0 ? alive : (int)b->n;
}

static enum proof all_gone(struct injection *in)
{
    const struct broken *b = (const struct broken *)(void *)in->state;
    struct victim v[VICTIMS_MAX];
    size_t n = victims(fabric_topology(in->fabric), in->action, v);
    if (b->n == 0) {
        snprintf(in->method, sizeof(in->method), "there was no connection to break");
        return PROOF_PENDING;
    }
    for (size_t i = 0; i < n; i++) {
        int alive = survivors(in, b, v[i]);
        if (alive != 0) {
            snprintf(in->method, sizeof(in->method), "%d of the connections of before are still there", alive);
            return PROOF_REFUTED;
        }
    }
    return PROOF_PROVEN;
}

/* A connection of ours: it stood, it broke, and another stands since. */
static enum proof broke(struct injection *in, const struct tether *t)
{
    struct tether_view v = tether_look(t);
    bool has_broken = v.broke_ns >= in->begun_at_ns && v.stood_ns < in->begun_at_ns;
    if (tied_hidden(in, t) || (has_broken && v.up_ns >= 0)) {
        return PROOF_PROVEN;
    }
    bool still = v.up_ns >= 0 && v.up_ns < in->begun_at_ns;
    snprintf(in->method, sizeof(in->method), still         ? "a connection of our own still stands"
                                             : has_broken ? "no new connection has been let in yet"
                                                          : "no connection of our own stood before");
    return still ? PROOF_REFUTED : PROOF_PENDING;
}

static enum proof stands_again(struct injection *in)
{
    for (size_t i = 0; i < in->tether_count; i++) {
        if (!tied_hidden(in, in->tethers[i]) && tether_look(in->tethers[i]).up_ns < 0) {
            snprintf(in->method, sizeof(in->method), "no new connection has been let in");
            return PROOF_PENDING;
        }
    }
    snprintf(in->method, sizeof(in->method), "nothing to undo; new connections stand");
    return PROOF_PROVEN;
}

static enum proof disconnect_prove(struct injection *in, bool healed)
{
    if (healed) {
        return stands_again(in);
    }
    enum proof seen = all_gone(in);
    for (size_t i = 0; i < in->tether_count && seen == PROOF_PROVEN; i++) {
        seen = broke(in, in->tethers[i]);
    }
    seen = seen == PROOF_PROVEN ? tied_control(in, false) : seen;
    if (seen == PROOF_PROVEN) {
        const struct broken *b = (const struct broken *)(void *)in->state;
        snprintf(in->method, sizeof(in->method), "%zu connections listed before are gone, new ones are let in; %s",
                 b->n, in->control_tether ? "control stands" : "no place left for a control");
    }
    return seen;
}

const struct injector injector_disconnect = {
    .type = {.verb = "disconnect",
             .summary = "connections that exist break, new ones are let in",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN | TARGET_LINK,
             .fields = disconnect_fields,
             .field_count = sizeof(disconnect_fields) / sizeof(disconnect_fields[0]),
             .proven_once = true,
             .momentary_ns = OVER_AFTER_NS,
             .objects = disconnect_objects},
    .apply = disconnect_apply,
    .heal = disconnect_heal,
    .prove = disconnect_prove,
    .effect = EFFECT_DISCONNECT,
    .tethered = true,
};
