/* SPDX-License-Identifier: MIT */
/*
 * starve: the nodes run short of one resource. What follows is up to them: a gateway without descriptors shakes hands
 * and serves nobody, a store without a disk has to refuse writes, who needs more memory than it may have is killed.
 *
 * Descriptors run short only when somebody takes them: a crowd of idle connections, as many as the limit, is part of
 * the fault. Who was started under another limit is restarted where the kernel leaves no other way (fabric_starve).
 *
 * Proven by the limit read back, by a trial beside the node that does not get more, and by the same trial on a node
 * that is not hit, which does. Without descriptors the port is asked, too: it must connect, and stay silent. Trials by
 * guests in a control group cost the node something, so they are made once; from then on reading back is enough.
 */
#include "injectors/hold.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

static const char *const disk_words[] = {"", "full", "readonly", NULL};
static const char *const io_words[] = {"", "slow", "error", "lost_writes", NULL};

#define IN(member) .offset = offsetof(struct action, starve.member)

static const struct field starve_fields[] = {
    {.key = "descriptors",
     .kind = FIELD_COUNT,
     IN(descriptors),
     .choice = FIELD_SOME,
     .min = 8,
     .max = 1024,
     .example = "32",
     .doc = "open files and connections; idle connections take what is left"},
    {.key = "disk",
     .kind = FIELD_ENUM,
     IN(disk),
     .choice = FIELD_SOME,
     .words = disk_words,
     .example = "full",
     .doc = "full: no byte left; readonly: started again on a disk that takes nothing"},
    {.key = "inodes",
     .kind = FIELD_COUNT,
     IN(inodes),
     .given = offsetof(struct action, starve.inodes_given),
     .choice = FIELD_SOME,
     .max = 1000,
     .example = "0",
     .doc = "files that can still be made"},
    {.key = "io",
     .kind = FIELD_ENUM,
     IN(io),
     .choice = FIELD_SOME,
     .words = io_words,
     .example = "slow",
     .doc = "slow: each read, write and sync takes `delay` longer; error: they fail; lost_writes: a node that dies "
            "finds only what it had synced"},
    {.key = "delay",
     .kind = FIELD_DURATION,
     IN(io_delay_ns),
     .with = "io",
     .min = 10 * NS_PER_MS,
     .max = NS_PER_S,
     .example = "200ms",
     .doc = "of a slow disk; 100ms if absent"},
    {.key = "ports",
     .kind = FIELD_COUNT,
     IN(ports),
     .choice = FIELD_SOME,
     .min = 1,
     .max = 200,
     .example = "10",
     .doc = "local ports for connections to one destination"},
    {.key = "backlog",
     .kind = FIELD_COUNT,
     IN(backlog),
     .choice = FIELD_SOME,
     .min = 1,
     .max = 200,
     .example = "1",
     .doc = "connections that wait to be accepted; the node is started again to feel it"},
    {.key = "processes",
     .kind = FIELD_COUNT,
     IN(processes),
     .choice = FIELD_SOME,
     .min = 1,
     .max = 200,
     .example = "8",
     .doc = "processes and threads (needs root)"},
    {.key = "cpu",
     .kind = FIELD_RATIO,
     IN(cpu_ppm),
     .choice = FIELD_SOME,
     .min = 10000,
     .max = 900000,
     .example = "20%",
     .doc = "of one processor (needs root)"},
    {.key = "memory",
     .kind = FIELD_BYTES,
     IN(memory_bytes),
     .choice = FIELD_SOME,
     .min = 4000000,
     .max = 256000000,
     .example = "64MB",
     .doc = "who needs more is killed (needs root)"},
};

#define SLOW_NS (100 * NS_PER_MS)
#define PAGE_BYTES 4096 /* limits of memory are kept in pages */

struct want {
    enum lab_resource resource;
    int64_t limit;
    enum lab_effect effect;
    bool by_guest; /* the trial is a process beside the node, and costs it something */
};

static struct want want_of_io(const struct starve_wish *w)
{
    if (w->io == IO_SLOW) {
        return (struct want){RESOURCE_IO_TIME, w->io_delay_ns ? w->io_delay_ns : SLOW_NS, EFFECT_IO, true};
    }
    return (struct want){w->io == IO_ERROR ? RESOURCE_IO : RESOURCE_IO_KEPT, 0, EFFECT_IO, true};
}

static struct want want_of(const struct action *a)
{
    const struct starve_wish *w = &a->starve;
    if (w->descriptors) {
        return (struct want){RESOURCE_DESCRIPTORS, w->descriptors, EFFECT_DESCRIPTORS, false};
    }
    if (w->disk != DISK_WELL) {
        return (struct want){w->disk == DISK_FULL ? RESOURCE_DISK : RESOURCE_WRITING, 0, EFFECT_DISK, false};
    }
    if (w->io != IO_WELL) {
        return want_of_io(w);
    }
    if (w->ports) {
        return (struct want){RESOURCE_PORTS, w->ports, EFFECT_PORTS, false};
    }
    if (w->backlog) {
        return (struct want){RESOURCE_BACKLOG, w->backlog, EFFECT_BACKLOG, false};
    }
    if (w->processes) {
        return (struct want){RESOURCE_PROCESSES, w->processes, EFFECT_PROCESSES, true};
    }
    if (w->cpu_ppm) {
        return (struct want){RESOURCE_CPU, w->cpu_ppm, EFFECT_CPU, true};
    }
    if (w->memory_bytes) {
        return (struct want){RESOURCE_MEMORY, w->memory_bytes / PAGE_BYTES * PAGE_BYTES, EFFECT_MEMORY, true};
    }
    return (struct want){RESOURCE_INODES, w->inodes, EFFECT_DISK, false};
}

/* The round comes first: look_round_of takes the state for one. */
struct starve_state {
    struct look_round round;
    size_t tried;    /* nodes whose trial has been made in this round, the control last */
    bool bitten;     /* proven once: guests are not invited again */
    char words[96];  /* what the first node's trial saw */
};

static struct starve_state *state_of(struct injection *in)
{
    if (!in->state) {
        in->state = xcalloc(1, sizeof(struct starve_state));
    }
    return (struct starve_state *)(void *)in->state;
}

static size_t targets_of(struct injection *in, uint16_t nodes[TARGET_NODES_MAX + 1])
{
    return target_nodes(fabric_topology(in->fabric), in->action, nodes, TARGET_NODES_MAX);
}

static int starve_apply(struct injection *in, struct err *e)
{
    const struct want w = want_of(in->action);
    struct lab *lab = fabric_lab(in->fabric);
    uint16_t nodes[TARGET_NODES_MAX + 1];
    size_t n = targets_of(in, nodes);
    for (size_t i = 0; i < n; i++) {
        uint16_t from = target_observer(in->fabric, nodes[i]);
        if (fabric_starve(in->fabric, in->fault, nodes[i], w.resource, w.limit, e) != 0) {
            return -1;
        }
        if (w.resource == RESOURCE_DESCRIPTORS && from != TOPO_NONE &&
            lab->ops->node_crowd(lab, from, nodes[i], (size_t)w.limit, e) != 0) {
            return -1;
        }
    }
    return n > 0 ? 0 : err_set(e, ERR_MEANING, in->action->type->verb, "it hits no node");
}

static int starve_heal(struct injection *in, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    uint16_t nodes[TARGET_NODES_MAX + 1];
    size_t n = targets_of(in, nodes);
    for (size_t i = 0; i < n && in->action->starve.descriptors; i++) {
        lab->ops->node_crowd(lab, 0, nodes[i], 0, NULL);
    }
    return fabric_release(in->fabric, in->fault, e);
}

static enum proof refute(struct injection *in, uint16_t node, const char *why)
{
    snprintf(in->method, sizeof(in->method), "%.60s: %.90s", fabric_topology(in->fabric)->nodes[node].name, why);
    return PROOF_REFUTED;
}

/* One node, or the control, on which the same must not be felt. */
static enum proof look_at(struct injection *in, uint16_t node, const struct want *w, bool hit)
{
    struct starve_state *s = state_of(in);
    struct lab *lab = fabric_lab(in->fabric);
    struct lab_supply seen;
    struct err e = {0};
    bool try = !w->by_guest || !s->bitten;
    int rc = lab->ops->node_supply(lab, node, w->resource, try ? w->limit : LAB_PLENTY, &seen, &e);
    if (rc != 0) {
        return rc > 0 ? PROOF_PENDING : refute(in, node, e.msg);
    }
    bool limited = seen.limit != LAB_PLENTY && lab_as_scarce(w->resource, seen.limit, w->limit);
    if (limited != hit) {
        return refute(in, node, hit ? "the limit reads back otherwise" : "not hit, yet limited too");
    }
    if (try && seen.short_of != hit) {
        return refute(in, node, seen.seen[0] ? seen.seen : "the trial says otherwise");
    }
    if (hit && try) {
        snprintf(s->words, sizeof(s->words), "%s", seen.seen);
    }
    return PROOF_PROVEN;
}

/* All targets, then the control. What is still under way is asked again by the next call. */
static enum proof try_all(struct injection *in, const uint16_t *nodes, size_t n, const struct want *w)
{
    struct starve_state *s = state_of(in);
    uint16_t bystander = target_bystander(in->fabric, nodes, n);
    size_t all = n + (bystander != TOPO_NONE);
    while (s->tried < all) {
        bool hit = s->tried < n;
        enum proof p = look_at(in, hit ? nodes[s->tried] : bystander, w, hit);
        if (p != PROOF_PROVEN) {
            s->tried = p == PROOF_PENDING ? s->tried : 0;
            return p;
        }
        s->tried++;
    }
    s->tried = 0;
    s->bitten = true;
    snprintf(in->method, sizeof(in->method), "%zu limited, read back; %.80s; %.40s has plenty", n, s->words,
             bystander == TOPO_NONE ? "nobody else" : fabric_topology(in->fabric)->nodes[bystander].name);
    return PROOF_PROVEN;
}

static bool unserved_knock(const struct fabric *f, uint16_t node, enum knock k)
{
    (void)f;
    (void)node;
    return k == KNOCK_CONNECTED_SILENT || k == KNOCK_SILENT;
}

/* Supplied again by everyone, then asked like a node that was started again. */
static enum proof prove_fed(struct injection *in, const uint16_t *nodes, size_t n, const struct want *w)
{
    struct lab *lab = fabric_lab(in->fabric);
    for (size_t i = 0; i < n; i++) {
        struct lab_supply seen = {0};
        struct err e = {0};
        if (fabric_allowed(in->fabric, nodes[i], w->resource) != LAB_PLENTY) {
            continue;
        }
        if (lab->ops->node_supply(lab, nodes[i], w->resource, LAB_PLENTY, &seen, &e) != 0 || seen.limit != LAB_PLENTY) {
            refute(in, nodes[i], e.kind ? e.msg : "still limited");
            return PROOF_PENDING;
        }
    }
    return hold_prove_healed(in);
}

static enum proof starve_prove(struct injection *in, bool healed)
{
    static const struct hold_expectation unserved = {
        .state = NODE_UP, .knock_fits = unserved_knock, .proven = "without descriptors"};
    const struct want w = want_of(in->action);
    uint16_t nodes[TARGET_NODES_MAX + 1];
    size_t n = targets_of(in, nodes);
    (void)state_of(in);
    if (healed) {
        return prove_fed(in, nodes, n, &w);
    }
    enum proof p = try_all(in, nodes, n, &w);
    return p == PROOF_PROVEN && w.resource == RESOURCE_DESCRIPTORS ? hold_prove(in, &unserved) : p;
}

/* Guests work and are killed in their own time. */
static int64_t starve_proof_bound(const struct action *a)
{
    return want_of(a).by_guest ? 6 * NS_PER_S : 3 * NS_PER_S;
}

/* Two steps may take two things from one node; a step is one fault, and has one proof. */
static bool starve_objects(const struct action *a, char why[ACTION_WHY])
{
    const struct starve_wish *w = &a->starve;
    int n = (w->descriptors > 0) + (w->disk != DISK_WELL) + w->inodes_given + (w->ports > 0) + (w->backlog > 0) +
            (w->processes > 0) + (w->cpu_ppm > 0) + (w->memory_bytes > 0) + (w->io != IO_WELL);
    if (w->io_delay_ns > 0 && w->io != IO_SLOW) {
        snprintf(why, ACTION_WHY, "`delay` is of a slow disk; leave it out, or say `io: slow`");
        return true;
    }
    snprintf(why, ACTION_WHY, "a step takes one resource; take %d of them by as many steps", n);
    return n > 1;
}

/* Short of the others a node serves on, slower or fewer. Without descriptors it serves nobody, and a store that cannot
 * write takes no orders. */
static bool starve_spares(const struct action *a)
{
    const struct starve_wish *w = &a->starve;
    return w->descriptors == 0 && w->disk == DISK_WELL && w->io != IO_ERROR;
}

static enum lab_effect starve_effect(const struct action *a)
{
    return want_of(a).effect;
}

const struct injector injector_starve = {
    .type = {.verb = "starve",
             .summary = "nodes run short of descriptors, disk, ports, processes, processor or memory, or their disk "
                        "turns bad",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN,
             .fields = starve_fields,
             .field_count = sizeof(starve_fields) / sizeof(starve_fields[0]),
             .severing = true,
             .spares = starve_spares,
             .proof_bound_ns = starve_proof_bound,
             .objects = starve_objects},
    .apply = starve_apply,
    .heal = starve_heal,
    .prove = starve_prove,
    .effect = EFFECT_DISK,
    .effect_of = starve_effect,
};
