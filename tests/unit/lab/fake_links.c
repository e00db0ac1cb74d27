/* SPDX-License-Identifier: MIT */
/* Paths, plugs and connections of the lab of arrays. */
#include "tests/unit/lab/fake_parts.h"

int fake_path_set(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e)
{
    int rc = fake_permit(fake_lab_of(lab), e);
    if (rc == 0) {
        fake_lab_of(lab)->paths[path] = *wanted;
    }
    return rc < 0 ? -1 : 0;
}

int fake_path_get(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e)
{
    (void)e;
    *actual = fake_lab_of(lab)->paths[path];
    return 0;
}

int fake_unplug(struct lab *lab, uint16_t node, bool unplugged, struct err *e)
{
    int rc = fake_permit(fake_lab_of(lab), e);
    if (rc == 0) {
        fake_lab_of(lab)->nodes[node].unplugged = unplugged;
    }
    return rc < 0 ? -1 : 0;
}

int fake_connections(struct lab *lab, uint16_t node, uint16_t peer, uint64_t *cookies, size_t max, size_t *n, struct err *e)
{
    (void)peer;
    (void)e;
    uint64_t one = fake_lab_of(lab)->nodes[node].connection;
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
    int rc = fake_permit(fake_lab_of(lab), e);
    struct fake_node *n = &fake_lab_of(lab)->nodes[node];
    n->connection += rc == 0 && n->connection != 0 ? 1000 : 0;
    return rc < 0 ? -1 : 0;
}
