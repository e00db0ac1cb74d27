/* SPDX-License-Identifier: MIT */
/*
 * One fault, three questions: make it, undo it, is it so? An injector never sees the evidence; the conductor brackets
 * its calls with events, so none can forget to record itself.
 *
 * apply: acts and returns when the effect is confirmed (pidfd readable, read-back equal). heal: idempotent, valid after
 * half an apply, leaves what other faults still want. prove: asks the kernel and the canaries whether the fault is (or,
 * with healed true, no longer is) in force; called again and again until it settles or its bound passes; must not
 * block.
 */
#pragma once
#include "harness/lab/canary.h"
#include "harness/lab/fabric.h"
#include "harness/lab/tether.h"
#include "harness/lab/train.h"
#include "harness/spec/action.h"
#include "harness/spec/field.h"

enum proof { PROOF_PENDING, PROOF_PROVEN, PROOF_REFUTED };

#define INJECTION_CANARIES_MAX 64 /* of one fault: 3,200 datagrams a second */

/* What the extra load of a surge has come to, over all vantages, as its processes told last. */
struct load_seen {
    bool idle;                /* ended, no answer is out */
    int64_t at_ns;            /* run time of the oldest of these words */
    uint64_t planned, offered, unsent; /* requests due; of these sent; attempts that stopped on our side */
    uint64_t held, held_wanted; /* slow connections */
};

struct injection {
    uint16_t fault;               /* id of the step, names its layers */
    const struct action *action;
    struct fabric *fabric;
    struct canary *const *canaries; /* on the paths this fault hits, in the order of injection_paths: at most the first
                                     * INJECTION_CANARIES_MAX of them; the others are proven by read-back */
    size_t canary_count;
    struct canary *control;       /* on a path no fault hits; NULL if the world has none */
    const struct load_seen *load; /* surge: made by the conductor, begun before apply, ended after heal; else NULL */
    struct canary *const *long_canaries; /* canary_count of them, one byte longer than the mtu asked for; else NULL */
    struct canary *const *lane_canaries; /* of a step that shapes one port: canary_count, on that port; else NULL */
    struct train *const *trains; /* of a step with a rate that they can show: canary_count of them; else NULL */
    struct tether *const *tethers; /* for verbs about connections, in the order of injection_tethers, as many at most */
    size_t tether_count;
    struct tether *control_tether; /* between places no fault hits; NULL if the world has none */
    int64_t applied_at_ns, healed_at_ns; /* ends of apply and heal, set by the conductor; 0 not yet */
    int64_t begun_at_ns;          /* begin of apply */
    char method[160];             /* prove: how it was proven, or what was seen instead */
    char *state;                  /* the injector's own (heap), freed with free(3) when the lab's loop runs no more */
};

struct injector {
    struct action_type type;
    int (*apply)(struct injection *in, struct err *e);
    int (*heal)(struct injection *in, struct err *e);
    enum proof (*prove)(struct injection *in, bool healed);
    enum lab_effect effect;       /* which mechanism it needs */
    enum lab_effect (*effect_of)(const struct action *a); /* where that depends on the parameters; else NULL */
    unsigned (*also)(const struct action *a); /* and which beside it, an or of 1u << effect; NULL: none */
    bool tethered;                            /* proven by connections: it wants tethers */
};

extern const struct injector *const injectors[]; /* NULL-terminated, one row per verb */
const struct injector *injector_find(const char *verb);
enum lab_effect injector_effect(const struct action *a); /* of the verb's injector with these parameters */
unsigned injector_effects(const struct action *a);       /* that one and those beside it, an or of 1u << effect */
/* The action types of all verbs for the loader, NULL-terminated. */
const struct action_type *const *injector_types(size_t *n);

/* The paths of the topology that an action hits (link faults only), at most max; returns how many. */
size_t injection_paths(const struct topology *t, const struct action *a, uint16_t *paths, size_t max);
/* The port whose packets an action shapes; 0: those of all, or of none. */
uint16_t injection_lane(const struct action *a);
/* The rate that an action asks for and a train can show; 0: none. */
int64_t injection_train_bps(const struct action *a);
/* The nodes between which tethers show what a fault about connections does; of a link one per path, in their order. */
struct tether_ends {
    uint16_t from, to;
};
size_t injection_tethers(const struct topology *t, const struct action *a, struct tether_ends *ends, size_t max);
/* Or 1u << effect into the entry of each link that an action hits: lab_options.link_effects, action by action. */
void injection_link_effects(const struct topology *t, const struct action *a, unsigned *by_link);
