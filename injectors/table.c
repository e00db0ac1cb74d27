/* SPDX-License-Identifier: MIT */
/* The verbs of a timeline, one row each, in the order in which people read about them. */
#include "harness/spec/rounds.h"
#include "injectors/injector.h"

#include <string.h>

#define INJECTORS(row) \
    row(kill) row(stop) row(freeze) row(starve) \
    row(partition) row(reject) row(degrade) row(block_new) row(disconnect) row(unplug) row(stall) \
    row(misbehave) row(surge) \
    row(dns) \
    row(drift) row(lag) row(clock) row(tls) \
    row(fail_over) row(fail_back) row(revoke) row(restore) row(nothing)

#define DECLARE(verb) extern const struct injector injector_##verb;
INJECTORS(DECLARE)

#define ROW(verb) &injector_##verb,
const struct injector *const injectors[] = {INJECTORS(ROW) NULL};

#define TYPE(verb) &injector_##verb.type,
static const struct action_type *const types[] = {INJECTORS(TYPE) &flap_type, NULL}; /* a flap is rounds of others */

const struct injector *injector_find(const char *verb)
{
    for (const struct injector *const *i = injectors; *i; i++) {
        if (strcmp((*i)->type.verb, verb) == 0) {
            return *i;
        }
    }
    return NULL;
}

enum lab_effect injector_effect(const struct action *a)
{
    const struct injector *i = injector_find(a->type->verb);
    return i->effect_of ? i->effect_of(a) : i->effect;
}

unsigned injector_effects(const struct action *a)
{
    const struct injector *i = injector_find(a->type->verb);
    return 1u << injector_effect(a) | (i->also ? i->also(a) : 0);
}

const struct action_type *const *injector_types(size_t *n)
{
    *n = sizeof(types) / sizeof(types[0]) - 1;
    return types;
}
