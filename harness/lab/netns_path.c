/* SPDX-License-Identifier: MIT */
/*
 * Driving a path to a wanted state, and reading back what was made of it.
 *
 * The path a to b leaves the router of a by its mesh device: first the filter sits there, where a fault will need it,
 * then netem or a token bucket, at the way out; behind it comes the wire, where the link is wired. A cut without netem
 * is a black hole rule in the router of b for what comes in by its device of the same link. Which mechanism makes which
 * part of a state is settled when the lab is opened, so a state falls into shares, one per mechanism, and what is read
 * back is their sum.
 *
 * Every share is absolute: asking for what is already there changes nothing. Every change is read back and compared;
 * what differs is an error here and not a surprise in a report.
 *
 * A part for which there is no mechanism cannot be had. A topology that has such links is played without them (the
 * conductor prints the limit), so wishes equal to the baseline are let pass, all others refused.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/lab/lane.h"
#include "harness/lab/shape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { CUT_PRIORITY = 30010, UNPLUG_PRIORITY = 30500, PRIORITIES = 490 }; /* gates come first: netns_gate.c */

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

static bool wired(const struct netns_lab *l, uint16_t path)
{
    return l->wired[path / 2];
}

/* Will a step want its devices to go down? */
static bool plugged(const struct netns_lab *l, uint16_t path)
{
    return l->options.link_effects && l->options.link_effects[path / 2] & 1u << EFFECT_UNPLUG;
}

/* What each mechanism has to do for a state. */
struct shares {
    struct path_state netem, wire, filter, left_out;
    bool down;
    int64_t tbf_bps;
};

/* What tells packets apart goes to the filter, on top of the rest to the wire. */
static void share_filter(const struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct shares *s)
{
    struct path_state *to = l->filtered[path / 2]                                     ? &s->filter
                            : netns_does(l, EFFECT_FILTER, "wire") && wired(l, path) ? &s->wire
                                                                                      : &s->left_out;
    to->block_new = wanted->block_new;
    to->mtu_bytes = wanted->mtu_bytes;
}

/* Packets of one port are found by the wire alone, whatever shapes all of them. */
static void share_lanes(const struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct shares *s)
{
    lanes_copy(wired(l, path) ? &s->wire : &s->left_out, wanted);
}

/* Everything else but cut and rate goes to one of them. */
static void share_shape(const struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct shares *s)
{
    struct path_state shape = *wanted;
    shape.cut = shape.down = shape.block_new = shape.stalled = false;
    shape.gate_count = shape.lane_count = 0;
    shape.rate_bps = shape.mtu_bytes = 0;
    if (netns_does(l, EFFECT_DEGRADE, "netem")) {
        s->netem = shape;
    } else if (wired(l, path)) {
        s->wire = shape;
    } else {
        s->left_out = shape;
    }
}

static struct shares share(const struct netns_lab *l, uint16_t path, const struct path_state *wanted)
{
    struct shares s = {.down = wanted->down};
    share_shape(l, path, wanted, &s);
    share_filter(l, path, wanted, &s);
    share_lanes(l, path, wanted, &s);
    *(wired(l, path) ? &s.wire.stalled : &s.left_out.stalled) = wanted->stalled;
    s.wire.down = wanted->down && wired(l, path); /* so that it knows why nobody takes its frames */
    s.netem.cut = wanted->cut && l->cut_by_netem;
    if (netns_does(l, EFFECT_RATE, "netem")) {
        s.netem.rate_bps = wanted->rate_bps;
    } else if (l->tbf) {
        s.tbf_bps = wanted->rate_bps;
    } else if (wired(l, path)) {
        s.wire.rate_bps = wanted->rate_bps;
    } else {
        s.left_out.rate_bps = wanted->rate_bps;
    }
    return s;
}

static int read_netem(const struct netns_lab *l, uint16_t path, struct path_state *got, struct err *e)
{
    if (netlink_netem_get(router_of(l, path_from(l->topo, path)), l->mesh[path].index, got, e) != 0) {
        return -1;
    }
    got->spread = l->mesh[path].spread;
    return 0;
}

static int drive_netem(struct netns_lab *l, uint16_t path, const struct path_state *share, bool first, struct err *e)
{
    struct netlink *nl = router_of(l, path_from(l->topo, path));
    struct path_state got;
    l->mesh[path].spread = share->spread;
    if (netlink_netem_set(nl, l->mesh[path].index, share, first, e) != 0 || read_netem(l, path, &got, e) != 0) {
        return -1;
    }
    return shape_same(share, &got)
               ? 0
               : err_set(e, ERR_RUN, l->mesh[path].name, "netem reads back something else than was asked for");
}

static int drive_tbf(struct netns_lab *l, uint16_t path, int64_t rate_bps, bool first, struct err *e)
{
    struct netlink *nl = router_of(l, path_from(l->topo, path));
    int64_t got = -8;
    if (!first && netlink_tbf_get(nl, l->mesh[path].index, &got, e) != 0) {
        return -1;
    }
    if (got / 8 == rate_bps / 8) {
        return 0;
    }
    if (netlink_tbf_set(nl, l->mesh[path].index, rate_bps, first, e) != 0 ||
        netlink_tbf_get(nl, l->mesh[path].index, &got, e) != 0) {
        return -1;
    }
    return got / 8 == rate_bps / 8 ? 0 : err_set(e, ERR_RUN, l->mesh[path].name, "the rate reads back as another");
}

static int drive_filter(struct netns_lab *l, uint16_t path, const struct path_state *share, bool first, struct err *e)
{
    struct netlink *nl = router_of(l, path_from(l->topo, path));
    struct path_state got = {.mtu_bytes = -1};
    if (!first && netlink_filter_get(nl, l->mesh[path].index, &got, e) != 0) {
        return -1;
    }
    if (shape_same(share, &got)) {
        return 0;
    }
    if (netlink_filter_set(nl, l->mesh[path].index, share, first, e) != 0 ||
        netlink_filter_get(nl, l->mesh[path].index, &got, e) != 0) {
        return -1;
    }
    return shape_same(share, &got)
               ? 0
               : err_set(e, ERR_RUN, l->mesh[path].name, "the filter reads back as another than was asked for");
}

static int drive_wire(struct netns_lab *l, uint16_t path, const struct path_state *share, struct err *e)
{
    struct path_state got;
    if (wire_set(l->wire, path, share, &got, e) != 0) {
        return -1;
    }
    return shape_same(share, &got) ? 0
                                   : err_set(e, ERR_RUN, l->mesh[path].name,
                                             "the wire says that something else is in force than was asked for");
}

static int drive_plug(struct netns_lab *l, uint16_t path, bool down, struct err *e)
{
    return plugged(l, path) ? netns_plug_drive(l, path, down, e) : 0;
}

/* The wire is told before a device goes down, and after it has come up. */
static int drive_shares(struct netns_lab *l, uint16_t path, const struct shares *s, bool first, struct err *e)
{
    return (!s->down && drive_plug(l, path, false, e) != 0) ||
                   (l->netem && drive_netem(l, path, &s->netem, first, e) != 0) ||
                   (l->tbf && drive_tbf(l, path, s->tbf_bps, first, e) != 0) ||
                   (l->filtered[path / 2] && drive_filter(l, path, &s->filter, first, e) != 0) ||
                   (wired(l, path) && drive_wire(l, path, &s->wire, e) != 0) ||
                   (s->down && drive_plug(l, path, true, e) != 0)
               ? -1
               : 0;
}

/* A filter costs every packet a look, so it stands only where a step will want it. */
static void choose_filtered(struct netns_lab *l)
{
    l->filtered = xcalloc(l->topo->link_count + 1, sizeof(*l->filtered));
    const unsigned *effects = l->options.link_effects;
    for (size_t k = 0; k < l->topo->link_count; k++) {
        l->filtered[k] = effects && effects[k] & 1u << EFFECT_FILTER && netns_does(l, EFFECT_FILTER, "bpf");
    }
}

int netns_path_plumb(struct netns_lab *l, struct err *e)
{
    choose_filtered(l);
    l->cut_by_netem = netns_does(l, EFFECT_CUT, "netem");
    l->netem = l->cut_by_netem || netns_does(l, EFFECT_DEGRADE, "netem") || netns_does(l, EFFECT_RATE, "netem");
    l->tbf = !l->netem && netns_does(l, EFFECT_RATE, "tbf");
    for (uint16_t p = 0; p < 2 * l->topo->link_count; p++) {
        struct shares s = share(l, p, &l->topo->links[p / 2].baseline);
        if (drive_shares(l, p, &s, true, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int refuse(const struct netns_lab *l, const char *what, enum lab_effect effect, struct err *e)
{
    if (l->caps.effects[effect].available) {
        return err_set(e, ERR_DEFECT, what, "nothing was laid for it on this link when the lab was opened");
    }
    err_set(e, ERR_MACHINE, what, "this machine cannot do it to a link");
    return err_help(e, "%s", l->caps.effects[effect].why);
}

static int drive_cut(struct netns_lab *l, uint16_t path, const struct path_state *wanted, const struct shares *s,
                     struct err *e)
{
    struct netlink_rule rule = cut_rule(l, path);
    if (drive_shares(l, path, s, false, e) != 0) {
        return -1;
    }
    return l->cut_by_netem ? 0 : drive_rule(router_of(l, path_to(l->topo, path)), &rule, wanted->cut, e);
}

/* A cut hides gates and stands before they go, and they are back before it goes: nothing slips through in between. */
int netns_path_set(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    const struct path_state *baseline = &l->topo->links[path / 2].baseline;
    struct shares s = share(l, path, wanted), base = share(l, path, baseline);
    if (wanted->cut && !l->caps.effects[EFFECT_CUT].available) {
        return refuse(l, "cut", EFFECT_CUT, e);
    }
    if (s.left_out.rate_bps != base.left_out.rate_bps) {
        return refuse(l, "rate", EFFECT_RATE, e);
    }
    if (s.down && !plugged(l, path)) {
        return refuse(l, "unplug", EFFECT_UNPLUG, e);
    }
    if (s.left_out.stalled) {
        return refuse(l, "stall", EFFECT_STALL, e);
    }
    if (s.left_out.lane_count > 0) {
        return refuse(l, "degrade", EFFECT_DEGRADE_ONLY, e);
    }
    if (s.left_out.block_new || s.left_out.mtu_bytes > 0) {
        return refuse(l, "filter", EFFECT_FILTER, e);
    }
    if (!shape_same(&s.left_out, &base.left_out)) {
        return refuse(l, "degrade", EFFECT_DEGRADE, e);
    }
    bool failed = wanted->cut ? drive_cut(l, path, wanted, &s, e) != 0 || netns_gates_set(l, path, wanted, e) != 0
                              : netns_gates_set(l, path, wanted, e) != 0 || drive_cut(l, path, wanted, &s, e) != 0;
    return failed ? -1 : 0;
}

/* What is in force by netem, bucket, filter and wire together: no part is made by two of them. */
static int read_shares(struct netns_lab *l, uint16_t path, struct path_state *sum, struct err *e)
{
    struct netlink *nl = router_of(l, path_from(l->topo, path));
    struct path_state netem = {0}, wire = {0}, filter = {0};
    struct wire_counts counts;
    int64_t tbf_bps = 0;
    bool down = false;
    if ((l->netem && read_netem(l, path, &netem, e) != 0) ||
        (l->tbf && netlink_tbf_get(nl, l->mesh[path].index, &tbf_bps, e) != 0) ||
        (l->filtered[path / 2] && netlink_filter_get(nl, l->mesh[path].index, &filter, e) != 0) ||
        (wired(l, path) && wire_get(l->wire, path, &wire, &counts, e) != 0) ||
        (plugged(l, path) && netns_plug_read(l, path, &down, e) != 0)) {
        return -1;
    }
    if (netem.cut) {
        netem.loss_ppm = 0; /* how it was done, not what was asked for */
    }
    *sum = netns_does(l, EFFECT_DEGRADE, "netem") ? netem : wire;
    sum->cut = netem.cut;
    sum->down = down;
    lanes_copy(sum, &wire);
    sum->stalled = wire.stalled;
    sum->rate_bps = netem.rate_bps + tbf_bps + wire.rate_bps;
    sum->block_new = filter.block_new || wire.block_new;
    sum->mtu_bytes = filter.mtu_bytes + wire.mtu_bytes;
    return 0;
}

int netns_path_get(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    struct netlink_rule rule = cut_rule(l, path);
    bool there = false;
    if (read_shares(l, path, actual, e) != 0 || netns_gates_get(l, path, actual, e) != 0 ||
        (!l->cut_by_netem && netlink_rule_there(router_of(l, path_to(l->topo, path)), &rule, &there, e) != 0)) {
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
    struct netlink_rule from = {.priority = priority},
                        to = {.priority = priority, .to = netns_address(l, node), .to_len = 32};
    snprintf(from.iif, sizeof(from.iif), "dr-n%u", node);
    return drive_rule(router_of(l, site), &from, unplugged, e) != 0 ||
                   drive_rule(router_of(l, site), &to, unplugged, e) != 0
               ? -1
               : 0;
}

int netns_path_sockets(struct lab *lab, uint16_t path, uint16_t port, int *send_fd, int *receive_fd, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    uint16_t from = l->topo->sites[path_from(l->topo, path)].first_node;
    uint16_t to = l->topo->sites[path_to(l->topo, path)].first_node;
    scoped_fd int out = netns_socket(l, l->nodes[from].fd, SOCK_DGRAM, e);
    scoped_fd int in = out < 0 ? -1 : netns_socket(l, l->nodes[to].fd, SOCK_DGRAM, e);
    if (in < 0) {
        return -1;
    }
    const int shared = 1; /* others hear there, too; each is connected to its own sender */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(netns_address(l, to))}};
    socklen_t len = sizeof(at);
    if (setsockopt(in, SOL_SOCKET, SO_REUSEADDR, &shared, sizeof(shared)) != 0 ||
        bind(in, (struct sockaddr *)&at, len) != 0 || getsockname(in, (struct sockaddr *)&at, &len) != 0 ||
        connect(out, (struct sockaddr *)&at, len) != 0 || getsockname(out, (struct sockaddr *)&at, &len) != 0 ||
        connect(in, (struct sockaddr *)&at, len) != 0) {
        return err_os(e, ERR_RUN, errno, "canary", "cannot place its sockets");
    }
    *send_fd = steal_fd(&out);
    *receive_fd = steal_fd(&in);
    return 0;
}
