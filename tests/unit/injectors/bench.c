/* SPDX-License-Identifier: MIT */
#include "tests/unit/injectors/bench.h"

#include "harness/base/units.h"

#include <stdlib.h>
#include <string.h>

void bench_new(struct bench *b, const char *verb, const struct action *a)
{
    *b = (struct bench){.lab = fake_lab_new(), .action = *a, .injector = injector_find(verb)};
    fabric_new(&b->fabric, &b->lab->lab, &b->lab->topo, NULL);
    b->action.type = &b->injector->type;
    b->in = (struct injection){.fault = 1, .action = &b->action, .fabric = b->fabric};
}

void bench_free(struct bench *b)
{
    fabric_free(b->fabric);
    fake_lab_free(b->lab);
    free(b->in.state);
}

int bench_apply(struct bench *b)
{
    b->in.begun_at_ns = lab_now(&b->lab->lab);
    int rc = b->injector->apply(&b->in, &b->err);
    b->in.applied_at_ns = lab_now(&b->lab->lab);
    return rc;
}

int bench_heal(struct bench *b)
{
    int rc = b->injector->heal(&b->in, &b->err);
    b->in.healed_at_ns = lab_now(&b->lab->lab);
    return rc;
}

enum proof bench_prove(struct bench *b, bool healed)
{
    enum proof p = PROOF_PENDING;
    for (int i = 0; i < 150 && p == PROOF_PENDING; i++) {
        p = b->injector->prove(&b->in, healed);
        fake_lab_pass(b->lab, 20 * NS_PER_MS);
    }
    return p;
}
