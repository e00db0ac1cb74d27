/* SPDX-License-Identifier: MIT */
/*
 * One fault, three questions: make it, undo it, is it so? An injector never sees the evidence; the conductor brackets
 * its calls with events, so none can forget to record itself.
 *
 * apply: acts and returns when the effect is confirmed (pidfd readable, read-back equal). heal: idempotent, valid after
 * half an apply, leaves what other faults still want. prove: asks the kernel and the canaries whether the fault is (or,
 * with healed true, no longer is) in force; called again and again until it settles or its bound passes; must not block.
 */
#pragma once
#include "harness/lab/canary.h"
#include "harness/lab/fabric.h"
#include "harness/spec/action.h"
#include "harness/spec/field.h"

enum proof { PROOF_PENDING, PROOF_PROVEN, PROOF_REFUTED };

#define INJECTION_CANARIES_MAX 64 /* of one fault: 3,200 datagrams a second */

struct injection {
    uint16_t fault;               /* id of the step, names its layers */
    const struct action *action;
    struct fabric *fabric;
    struct canary *const *canaries; /* on the paths this fault hits, in the order of injection_paths: at most the first
                                     * INJECTION_CANARIES_MAX of them; the others are proven by read-back */
    size_t canary_count;
    struct canary *control;       /* on a path no fault hits; NULL if the world has none */
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
};

extern const struct injector *const injectors[]; /* NULL-terminated, one row per verb */
const struct injector *injector_find(const char *verb);
enum lab_effect injector_effect(const struct action *a); /* of the verb's injector with these parameters */
/* The action types of all verbs for the loader, NULL-terminated. */
const struct action_type *const *injector_types(size_t *n);

/* The paths of the topology that an action hits (link faults only), at most max; returns how many. */
size_t injection_paths(const struct topology *t, const struct action *a, uint16_t *paths, size_t max);
/* Or 1u << effect into the entry of each link that an action hits: lab_options.link_effects, action by action. */
void injection_link_effects(const struct topology *t, const struct action *a, unsigned *by_link);
