/* SPDX-License-Identifier: MIT */
/*
 * The callers' keys, made from the seed alone, so that nobody has to write down a secret: 128 bits each from a stream
 * of the seed that is named after the caller. A seed is no secret either: these keys open nothing but the world of the
 * run.
 */
#include "harness/spec/plan.h"

#include "harness/base/rng.h"

#include <inttypes.h>

void plan_make_keys(struct plan *p)
{
    static const char *const names[CALLERS] = {
        [CALLER_CUSTOMER] = "customer", [CALLER_LEAKED] = "leaked", [CALLER_BULK] = "bulk"};
    for (int who = 0; p->topology->identity.asked && who < CALLERS; who++) {
        struct topo_caller *c = &p->topology->callers[who];
        struct rng rng;
        rng_init(&rng, p->seed, arena_printf(&p->arena, "credential/%s", names[who]));
        uint64_t high = rng_next(&rng), low = rng_next(&rng);
        c->name = names[who];
        c->secret = arena_printf(&p->arena, "%016" PRIx64 "%016" PRIx64, high, low);
        c->key = arena_printf(&p->arena, "%s.%s", c->name, c->secret);
    }
}
