/* SPDX-License-Identifier: MIT */
/*
 * Driving a path to a wanted state, and reading back what the kernel made of it.
 *
 * The path a to b leaves the router of a by its mesh device: netem sits there, at the way out. A cut without netem is a
 * black hole rule in the router of b for what comes in by its device of the same link. Either is absolute: asking for the
 * state that is already there changes nothing. Every change is read back and compared; what differs is an error here
 * and not a surprise in a report.
 *
 * Without netem a path cannot have delay, loss and the like. A topology that has such links is played without them
 * (the conductor prints the limit), so wishes equal to the baseline are let pass, all others refused.
 */
#include "harness/lab/netns.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/lab/shape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { CUT_PRIORITY = 30000, UNPLUG_PRIORITY = 30500, PRIORITIES = 500 };

static struct netlink *router_of(const struct netns_lab *l, uint16_t site)
{
    return l->routers[site].nl;
}

static struct netlink_rule cut_rule(const struct netns_lab *l, uint16_t path)
{
    struct netlink_rule r = {.priority = (uint32_t)(CUT_PRIORITY + path / 2 % PRIORITIES)};
    memcpy(r.iif, l->mesh[path ^ 1].name, sizeof(r.iif));
    return r;
}

static int drive_rule(struct netlink *nl, const struct netlink_rule *r, bool wanted, struct err *e)
{
    bool there;
    if (netlink_rule_there(nl, r, &there, e) != 0) {
        return -1;
    }
    if (there == wanted) {
        return 0;
    }
    if ((wanted ? netlink_rule_add(nl, r, e) : netlink_rule_delete(nl, r, e)) != 0 ||
        netlink_rule_there(nl, r, &there, e) != 0) {
        return -1;
    }
    return there == wanted ? 0 : err_set(e, ERR_RUN, r->iif, "a black hole rule was acknowledged but not carried out");
}

static int read_netem(const struct netns_lab *l, uint16_t path, struct path_state *got, struct err *e)
{
    if (netlink_netem_get(router_of(l, path_from(l->topo, path)), l->mesh[path].index, got, e) != 0) {
        return -1;
    }
    got->spread = l->mesh[path].spread;
    return 0;
}

static int drive_netem(struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct err *e)
{
    struct path_state asked = *wanted, got;
    asked.cut = wanted->cut && l->cut_by_netem;
    l->mesh[path].spread = asked.spread;
    if (netlink_netem_set(router_of(l, path_from(l->topo, path)), l->mesh[path].index, &asked, false, e) != 0 ||
        read_netem(l, path, &got, e) != 0) {
        return -1;
    }
    return shape_same(&asked, &got)
               ? 0
               : err_set(e, ERR_RUN, l->mesh[path].name, "netem reads back something else than was asked for");
}

static int drive_without_netem(struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct err *e)
{
    const struct path_state *baseline = &l->topo->links[path / 2].baseline;
    struct path_state plain = *wanted;
    plain.cut = baseline->cut;
    plain.rate_bps = baseline->rate_bps;
    if (!shape_same(&plain, baseline)) {
        err_set(e, ERR_MACHINE, "degrade", "delay, loss and the like need netem, and this kernel has none");
        return err_help(e, "load sch_netem, or run on a kernel that has it");
    }
    if (!l->tbf) {
        return wanted->rate_bps == baseline->rate_bps
                   ? 0
                   : err_set(e, ERR_MACHINE, "rate", "a rate needs netem or a token bucket, and this kernel has neither");
    }
    struct netlink *nl = router_of(l, path_from(l->topo, path));
    int64_t got;
    if (netlink_tbf_get(nl, l->mesh[path].index, &got, e) != 0) {
        return -1;
    }
    if (got / 8 == wanted->rate_bps / 8) {
        return 0;
    }
    if (netlink_tbf_set(nl, l->mesh[path].index, wanted->rate_bps, false, e) != 0 ||
        netlink_tbf_get(nl, l->mesh[path].index, &got, e) != 0) {
        return -1;
    }
    return got / 8 == wanted->rate_bps / 8 ? 0 : err_set(e, ERR_RUN, l->mesh[path].name, "the rate reads back as another");
}

int netns_path_set(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    if (wanted->cut && strcmp(l->caps.effects[EFFECT_CUT].name, "none") == 0) {
        return err_set(e, ERR_MACHINE, "cut", "this machine cannot cut a link");
    }
    int rc = l->netem ? drive_netem(l, path, wanted, e) : drive_without_netem(l, path, wanted, e);
    if (rc != 0 || l->cut_by_netem) {
        return rc;
    }
    struct netlink_rule rule = cut_rule(l, path);
    return drive_rule(router_of(l, path_to(l->topo, path)), &rule, wanted->cut, e);
}

int netns_path_get(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    struct netlink *nl = router_of(l, path_from(l->topo, path));
    *actual = (struct path_state){0};
    if ((l->netem && read_netem(l, path, actual, e) != 0) ||
        (l->tbf && netlink_tbf_get(nl, l->mesh[path].index, &actual->rate_bps, e) != 0)) {
        return -1;
    }
    struct netlink_rule rule = cut_rule(l, path);
    bool there;
    if (netlink_rule_there(router_of(l, path_to(l->topo, path)), &rule, &there, e) != 0) {
        return -1;
    }
    actual->cut = actual->cut || there;
    return 0;
}

int netns_node_unplug(struct lab *lab, uint16_t node, bool unplugged, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    uint16_t site = l->topo->nodes[node].site;
    uint32_t priority = (uint32_t)(UNPLUG_PRIORITY + (node - l->topo->sites[site].first_node) % PRIORITIES);
    struct netlink_rule from = {.priority = priority}, to = {.priority = priority, .to = netns_address(l, node), .to_len = 32};
    snprintf(from.iif, sizeof(from.iif), "dr-n%u", node);
    return drive_rule(router_of(l, site), &from, unplugged, e) != 0 || drive_rule(router_of(l, site), &to, unplugged, e) != 0
               ? -1
               : 0;
}

int netns_path_sockets(struct lab *lab, uint16_t path, int *send_fd, int *receive_fd, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    uint16_t from = l->topo->sites[path_from(l->topo, path)].first_node;
    uint16_t to = l->topo->sites[path_to(l->topo, path)].first_node;
    scoped_fd int out = netns_socket(l, l->nodes[from].fd, SOCK_DGRAM, e);
    scoped_fd int in = out < 0 ? -1 : netns_socket(l, l->nodes[to].fd, SOCK_DGRAM, e);
    if (in < 0) {
        return -1;
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(netns_address(l, to))}};
    socklen_t len = sizeof(at);
    if (bind(in, (struct sockaddr *)&at, len) != 0 || getsockname(in, (struct sockaddr *)&at, &len) != 0 ||
        connect(out, (struct sockaddr *)&at, len) != 0) {
        return err_os(e, ERR_RUN, errno, "canary", "cannot place its sockets");
    }
    *send_fd = steal_fd(&out);
    *receive_fd = steal_fd(&in);
    return 0;
}
