/* SPDX-License-Identifier: MIT */
/* The connections of the lab of arrays: one per node at most. */
#include "tests/unit/lab/fake_lab.h"

int fake_connections(struct lab *lab, uint16_t node, uint16_t peer, uint64_t *cookies, size_t max, size_t *n,
                     struct err *e)
{
    (void)peer;
    (void)e;
    uint64_t one = fake_of(lab)->nodes[node].connection;
    *n = one != 0;
    if (max > 0 && one != 0) {
        cookies[0] = one;
    }
    return 0;
}

/* It breaks, and another takes its place. */
int fake_disconnect(struct lab *lab, uint16_t node, uint16_t peer, struct err *e)
{
    (void)peer;
    int rc = fake_permit(fake_of(lab), e);
    struct fake_node *n = &fake_of(lab)->nodes[node];
    n->connection += rc == 0 && n->connection != 0 ? 1000 : 0;
    return rc < 0 ? -1 : 0;
}
