/* SPDX-License-Identifier: MIT */
/* What kill and freeze have in common: they hold nodes, and are proven by knocking on them. Private to this room. */
#pragma once
#include "injectors/target.h"

/* What the kernel and a knock must say about a held node. */
struct hold_expectation {
    enum node_state state;
    bool (*knock_fits)(const struct fabric *f, uint16_t node, enum knock k);
    const char *proven; /* "dead": "%zu of %zu <proven>, ..." */
};

int hold_apply(struct injection *in, unsigned holds, struct err *e);
int hold_nodes(struct injection *in, const uint16_t *nodes, size_t n, unsigned holds, struct err *e); /* some of them */
int hold_heal(struct injection *in, struct err *e);
enum proof hold_prove(struct injection *in, const struct hold_expectation *x);
enum proof hold_prove_healed(struct injection *in); /* nobody holds it: it runs and answers /healthz */
