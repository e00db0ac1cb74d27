/* SPDX-License-Identifier: MIT */
/*
 * Wired links: their devices, the namespace in the middle, and the wire that carries frames between them.
 *
 *     router of a ── dr-m<k> ═ dr-w<k>a ── wire ── dr-w<k>b ═ dr-m<k> ── router of b
 *
 * The routers see what they would see with a direct pair: the same devices, indexes, addresses and neighbours, so
 * routes, rules and canaries know nothing of it. The devices in the middle have no addresses and its stack forwards
 * nothing: a frame that the wire does not carry arrives nowhere.
 *
 * The wire is started once the devices are there, before the first node, from inside the middle (a child inherits its
 * parent's network namespace) and inside the cell: whatever ends the run ends it.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#define MIDDLE_FIRST_INDEX 2
#define MIDDLE_MAC 4

void netns_wire_choose(struct netns_lab *l)
{
    l->wired = xcalloc(l->topo->link_count + 1, sizeof(*l->wired));
    l->wired_links = xcalloc(l->topo->link_count + 1, sizeof(*l->wired_links));
    lab_caps_settle(&l->caps, l->topo, l->options.link_effects, l->options.forced, l->wired);
    for (uint16_t k = 0; k < l->topo->link_count; k++) {
        if (l->wired[k]) {
            l->wired_links[l->wired_count++] = k;
        }
    }
}

static struct netlink_end middle_end(const struct netns_lab *l, size_t i, unsigned side)
{
    struct netlink_end end = {.netns_fd = l->middle.fd, .index = MIDDLE_FIRST_INDEX + (int)(2 * i + side)};
    uint16_t link = l->wired_links[i];
    snprintf(end.name, sizeof(end.name), "dr-w%u%c", link, side == 0 ? 'a' : 'b');
    const uint8_t mac[6] = {0x02, 0xD7, MIDDLE_MAC, (uint8_t)(link >> 8), (uint8_t)link, (uint8_t)(side + 1)};
    memcpy(end.mac, mac, sizeof(mac));
    return end;
}

void netns_wire_pairs(const struct netns_lab *l, struct netlink *nl, size_t i, const struct netlink_end ends[2])
{
    for (unsigned side = 0; side < 2; side++) {
        struct netlink_end middle = middle_end(l, i, side);
        netlink_veth(nl, &ends[side], &middle);
    }
}

int netns_wire_furnish(struct netns_lab *l, int control, struct err *e)
{
    for (size_t i = 0; i < l->wired_count; i++) {
        for (unsigned side = 0; side < 2; side++) {
            struct netlink_end end = middle_end(l, i, side);
            netns_offloads_off(control, end.name);
            netlink_up(l->middle.nl, end.index);
        }
    }
    return l->wired_count > 0 ? netlink_flush(l->middle.nl, e) : 0;
}

int netns_wire_start(struct netns_lab *l, struct err *e)
{
    if (l->wired_count == 0) {
        return 0;
    }
    if (setns(l->middle.fd, CLONE_NEWNET) != 0) {
        return err_os(e, ERR_RUN, errno, "wire", "cannot enter its network namespace");
    }
    const struct wire_options o = {.seed = l->options.seed,
                                   .links = l->wired_links,
                                   .link_count = l->wired_count,
                                   .first_index = MIDDLE_FIRST_INDEX};
    int rc = wire_open(&l->wire, &o, e);
    if (setns(l->cell.net_fd, CLONE_NEWNET) != 0 && rc == 0) {
        rc = err_os(e, ERR_RUN, errno, "network namespace", "cannot return to our own");
    }
    return rc;
}

int netns_carriage(struct lab *lab, struct wire_counts *counts, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    if (!l->wire) {
        return 1;
    }
    return counts ? wire_totals(l->wire, counts, e) : wire_check(l->wire, e);
}
