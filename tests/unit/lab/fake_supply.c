/* SPDX-License-Identifier: MIT */
/* What nodes of the lab of arrays may have, and idle connections to them. */
#include "tests/unit/lab/fake_supply.h"

#include <stdio.h>

int fake_starve(struct lab *lab, uint16_t node, enum lab_resource r, int64_t limit, struct err *e)
{
    int rc = fake_permit(fake_of(lab), e);
    if (rc == 0) {
        fake_of(lab)->nodes[node].limits[r] = limit;
    }
    return rc < 0 ? -1 : 0;
}

int fake_supply(struct lab *lab, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                       struct err *e)
{
    struct fake_node *n = &fake_of(lab)->nodes[node];
    (void)e;
    *s = (struct lab_supply){.limit = n->limits[r]};
    n->trying = want != LAB_PLENTY && r >= RESOURCE_PROCESSES && !n->trying;
    s->short_of =
        want != LAB_PLENTY && n->limits[r] != LAB_PLENTY && lab_as_scarce(r, n->limits[r], want) && !n->unfelt;
    snprintf(s->seen, sizeof(s->seen), "fake trial");
    return n->trying ? 1 : 0;
}

int fake_crowd(struct lab *lab, uint16_t from, uint16_t to, size_t connections, struct err *e)
{
    (void)from;
    int rc = fake_permit(fake_of(lab), e);
    if (rc == 0) {
        fake_of(lab)->nodes[to].crowd = connections;
    }
    return rc < 0 ? -1 : 0;
}
