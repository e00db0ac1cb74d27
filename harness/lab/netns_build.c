/* SPDX-License-Identifier: MIT */
/*
 * Building the world: a namespace per node and per router, veth pairs between them, addresses, routes, neighbours.
 *
 *     node 10.<site+1>.<n+1>.2/30 ── .1 router of its site ══ 100.64.0.0/10, a /30 per link ══ router of the other site
 *
 * A client that opens more connections than one address has ports for has more of them, 10.<site+1>.254.<i>/32, by a
 * route of its router. A node's default route is its router; a router knows each neighbouring site's 10.<site+1>.0.0/16
 * by the link to it. Addresses of hardware are ours, so every neighbour entry is permanent from the start: a cut kills
 * ARP, too, and learned entries would turn a one-way cut into a two-way one after half a minute.
 *
 * A link that has to be shaped by the wire is two such pairs, from each router to the middle (netns_wire.c).
 *
 * Settings that new devices copy (rp_filter off, no IPv6) are written before there are devices. rp_filter would drop
 * the open direction of a one-way cut, hence it is read back from every router. Offloads are switched off at both ends
 * of each pair, else loss on a router would hit 64 KiB at a time.
 *
 * Each namespace is made by unshare(2), which leaves us inside: settings, the netlink socket and the control socket
 * for ethtool are made there and then, without another setns(2). Failure paths: whatever was made hangs on descriptors
 * that netns_tear_down closes; nothing has a name.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESH_BASE 0x64400000u /* 100.64.0.0 */
#define LOOPBACK_INDEX 1
#define FIRST_INDEX 2
#define TRIPWIRE_INDEX 100000

static int put_setting(const char *path, const char *value, struct err *e)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, 1) != 1) {
        return err_os(e, ERR_MACHINE, errno, path, "cannot set it to %s", value);
    }
    return 0;
}

static int settle_namespace(bool router, struct err *e)
{
    static const char *const no_v6[] = {"/proc/sys/net/ipv6/conf/all/disable_ipv6",
                                        "/proc/sys/net/ipv6/conf/default/disable_ipv6"};
    for (size_t i = 0; i < array_len(no_v6); i++) {
        if (access(no_v6[i], F_OK) == 0 && put_setting(no_v6[i], "1", e) != 0) {
            return -1;
        }
    }
    if (put_setting("/proc/sys/net/ipv4/conf/all/rp_filter", "0", e) != 0 ||
        put_setting("/proc/sys/net/ipv4/conf/default/rp_filter", "0", e) != 0) {
        return -1;
    }
    return router ? put_setting("/proc/sys/net/ipv4/ip_forward", "1", e) : 0;
}

/* A new namespace around us; *control is a socket in it for ioctl(2). */
static int make_place(struct place *p, int *control, bool router, struct err *e)
{
    if (unshare(CLONE_NEWNET) != 0) {
        return err_os(e, ERR_MACHINE, errno, "network namespace", "cannot make one more");
    }
    p->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    *control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || *control < 0) {
        return err_os(e, ERR_MACHINE, errno, "network namespace", "cannot hold on to it");
    }
    return settle_namespace(router, e) != 0 || netlink_open(&p->nl, e) != 0 ? -1 : 0;
}

void netns_offloads_off(int control, const char *device)
{
    static const uint32_t commands[] = {ETHTOOL_STXCSUM, ETHTOOL_SSG, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO};
    for (size_t i = 0; i < array_len(commands); i++) {
        struct ethtool_value off = {.cmd = commands[i]};
        struct ifreq request = {.ifr_data = (char *)&off};
        snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
        ioctl(control, SIOCETHTOOL, &request); /* a kernel without the switch has nothing to switch off */
    }
}

uint32_t netns_address(const struct netns_lab *l, uint16_t node)
{
    struct in_addr a = {0};
    inet_pton(AF_INET, l->topo->nodes[node].address, &a);
    return ntohl(a.s_addr);
}

static void give_mac(struct netlink_end *end, uint8_t kind, uint16_t number, uint8_t side)
{
    uint8_t mac[6] = {0x02, 0xD7, kind, (uint8_t)(number >> 8), (uint8_t)number, side};
    memcpy(end->mac, mac, sizeof(mac));
}

static int node_device(const struct netns_lab *l, uint16_t node)
{
    return FIRST_INDEX + node - netns_site(l, node)->first_node;
}

static void node_ends(const struct netns_lab *l, uint16_t node, struct netlink_end *inner, struct netlink_end *outer)
{
    *inner = (struct netlink_end){.netns_fd = l->nodes[node].fd, .index = FIRST_INDEX, .name = "eth0"};
    *outer = (struct netlink_end){.netns_fd = l->routers[l->topo->nodes[node].site].fd, .index = node_device(l, node)};
    snprintf(outer->name, sizeof(outer->name), "dr-n%u", node);
    give_mac(inner, 1, node, 2);
    give_mac(outer, 1, node, 1);
}

static void mesh_ends(const struct netns_lab *l, uint16_t link, struct netlink_end ends[2])
{
    for (uint16_t side = 0; side < 2; side++) {
        const struct mesh_end *m = &l->mesh[path_of(link, side == 1)];
        ends[side] = (struct netlink_end){.netns_fd = l->routers[path_from(l->topo, path_of(link, side == 1))].fd,
                                     .index = m->index};
        memcpy(ends[side].name, m->name, sizeof(m->name));
        give_mac(&ends[side], 2, link, (uint8_t)(side + 1));
    }
}

/* Which device of which router each path leaves by: behind those of the nodes, in the order of the links. */
static void number_mesh(struct netns_lab *l)
{
    scoped_free int *next = xcalloc(l->topo->site_count, sizeof(*next));
    for (size_t s = 0; s < l->topo->site_count; s++) {
        next[s] = FIRST_INDEX + l->topo->sites[s].node_count;
    }
    for (uint16_t p = 0; p < 2 * l->topo->link_count; p++) {
        struct mesh_end *m = &l->mesh[p];
        m->index = next[path_from(l->topo, p)]++;
        snprintf(m->name, sizeof(m->name), "dr-m%d", p / 2);
    }
}

static void furnish_node(const struct netns_lab *l, uint16_t node)
{
    struct netlink_end inner, outer;
    node_ends(l, node, &inner, &outer);
    uint32_t address = netns_address(l, node), gateway = address - 1;
    struct netlink *nl = l->nodes[node].nl;
    netlink_up(nl, LOOPBACK_INDEX);
    netlink_address(nl, inner.index, address, 30);
    netlink_up(nl, inner.index);
    netlink_neighbour(nl, inner.index, gateway, outer.mac);
    netlink_route(nl, 0, 0, gateway, inner.index);
    uint16_t site = l->topo->nodes[node].site, sources = l->topo->sites[site].sources;
    for (uint16_t i = 1; i < sources; i++) {
        netlink_address(nl, inner.index, topo_source(site, i), 32);
    }
    nl = l->routers[site].nl;
    netlink_address(nl, outer.index, gateway, 30);
    netlink_up(nl, outer.index);
    netlink_neighbour(nl, outer.index, address, inner.mac);
    if (sources > 1) {
        netlink_route(nl, topo_source(site, 0), 24, address, outer.index);
    }
}

static void furnish_link(const struct netns_lab *l, uint16_t link)
{
    struct netlink_end ends[2];
    mesh_ends(l, link, ends);
    uint32_t base = MESH_BASE + 4u * link;
    for (uint16_t side = 0; side < 2; side++) {
        uint16_t path = path_of(link, side == 1);
        struct netlink *nl = l->routers[path_from(l->topo, path)].nl;
        uint32_t own = base + 1 + side, other = base + 2 - side;
        netlink_address(nl, ends[side].index, own, 30);
        netlink_up(nl, ends[side].index);
        netlink_neighbour(nl, ends[side].index, other, ends[1 - side].mac);
        netlink_route(nl, netns_network(path_to(l->topo, path)), 16, other, ends[side].index);
    }
}

static int make_places(struct netns_lab *l, int *controls, struct err *e)
{
    for (size_t i = 0; i < l->topo->node_count; i++) {
        if (make_place(&l->nodes[i], &controls[i], false, e) != 0) {
            return -1;
        }
    }
    int *next = controls + l->topo->node_count;
    for (size_t s = 0; s < l->topo->site_count; s++) {
        if (make_place(&l->routers[s], next++, true, e) != 0) {
            return -1;
        }
    }
    return l->wired_count > 0 ? make_place(&l->middle, next, false, e) : 0;
}

/* A pair between our own namespace and the one that is closed last: when our end has gone, so has the world. */
static void hang_tripwire(struct netns_lab *l, struct netlink *nl)
{
    struct netlink_end here = {.netns_fd = l->cell.net_fd, .index = FIRST_INDEX, .name = NETNS_TRIPWIRE};
    struct netlink_end there = {
        .netns_fd = l->routers[l->topo->site_count - 1].fd, .index = TRIPWIRE_INDEX, .name = "dr-t"};
    give_mac(&here, 3, 0, 1);
    give_mac(&there, 3, 0, 2);
    netlink_veth(nl, &here, &there);
}

static int make_links(struct netns_lab *l, struct netlink *nl, const int *controls, struct err *e)
{
    const struct topology *t = l->topo;
    const int *router_controls = controls + t->node_count;
    struct netlink_end ends[2];
    for (uint16_t n = 0; n < t->node_count; n++) {
        node_ends(l, n, &ends[0], &ends[1]);
        netlink_veth(nl, &ends[0], &ends[1]);
    }
    for (uint16_t k = 0; k < t->link_count; k++) {
        mesh_ends(l, k, ends);
        if (!l->wired[k]) {
            netlink_veth(nl, &ends[0], &ends[1]);
        }
    }
    for (size_t i = 0; i < l->wired_count; i++) {
        mesh_ends(l, l->wired_links[i], ends);
        netns_wire_pairs(l, nl, i, ends);
    }
    hang_tripwire(l, nl);
    if (netlink_flush(nl, e) != 0) {
        return -1;
    }
    for (uint16_t n = 0; n < t->node_count; n++) {
        node_ends(l, n, &ends[0], &ends[1]);
        netns_offloads_off(controls[n], ends[0].name);
        netns_offloads_off(router_controls[t->nodes[n].site], ends[1].name);
    }
    for (uint16_t p = 0; p < 2 * t->link_count; p++) {
        netns_offloads_off(router_controls[path_from(t, p)], l->mesh[p].name);
    }
    return 0;
}

static int furnish(struct netns_lab *l, struct err *e)
{
    for (uint16_t n = 0; n < l->topo->node_count; n++) {
        furnish_node(l, n);
    }
    for (uint16_t k = 0; k < l->topo->link_count; k++) {
        furnish_link(l, k);
    }
    for (size_t n = 0; n < l->topo->node_count; n++) {
        if (netlink_flush(l->nodes[n].nl, e) != 0) {
            return -1;
        }
        netlink_close(steal(&l->nodes[n].nl));
    }
    for (size_t s = 0; s < l->topo->site_count; s++) {
        if (netlink_flush(l->routers[s].nl, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* From inside each router: is the source check off on every device a fault may hit? */
static int check_sources_unchecked(const struct netns_lab *l, struct err *e)
{
    for (uint16_t p = 0; p < 2 * l->topo->link_count; p++) {
        char path[96], value = '?';
        snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", l->mesh[p].name);
        if (setns(l->routers[path_from(l->topo, p)].fd, CLONE_NEWNET) != 0) {
            return err_os(e, ERR_RUN, errno, path, "cannot enter the router");
        }
        scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, &value, 1) != 1 || value != '0') {
            return err_set(e, ERR_MACHINE, path, "the source check stays on (%c) and would break one-way cuts", value);
        }
    }
    return 0;
}

static int build_from_home(struct netns_lab *l, const int *controls, struct err *e)
{
    if (setns(l->cell.net_fd, CLONE_NEWNET) != 0) {
        return err_os(e, ERR_RUN, errno, "network namespace", "cannot return to our own");
    }
    struct netlink *nl = NULL;
    if (netlink_open(&nl, e) != 0) {
        return -1;
    }
    int middle = controls[l->topo->node_count + l->topo->site_count];
    int rc = make_links(l, nl, controls, e) != 0 || furnish(l, e) != 0 || netns_wire_furnish(l, middle, e) != 0 ||
                     netns_wire_start(l, e) != 0 || netns_gates_furnish(l, e) != 0 || netns_path_plumb(l, e) != 0
                 ? -1
                 : 0;
    netlink_close(nl);
    return rc;
}

int netns_build(struct netns_lab *l, struct err *e)
{
    size_t places = l->topo->node_count + l->topo->site_count + 1; /* one for the middle */
    scoped_free int *controls = xcalloc(places, sizeof(*controls));
    number_mesh(l);
    int rc = make_places(l, controls, e) != 0 || build_from_home(l, controls, e) != 0 ||
                     check_sources_unchecked(l, e) != 0
                 ? -1
                 : 0;
    for (size_t i = 0; i < places; i++) {
        fd_close(&controls[i]);
    }
    if (setns(l->cell.net_fd, CLONE_NEWNET) != 0 && rc == 0) {
        return err_os(e, ERR_RUN, errno, "network namespace", "cannot return to our own");
    }
    return rc;
}

static void leave(struct place *p)
{
    netlink_close(steal(&p->nl));
    fd_close(&p->fd);
}

void netns_tear_down(struct netns_lab *l)
{
    for (size_t i = 0; l->nodes && i < l->topo->node_count; i++) {
        leave(&l->nodes[i]);
    }
    for (size_t s = 0; l->routers && s < l->topo->site_count; s++) {
        leave(&l->routers[s]);
    }
    leave(&l->middle);
    wire_forget(steal(&l->wire));
    answerer_forget(steal(&l->answerer));
}

int netns_socket(struct netns_lab *l, int netns_fd, int type, struct err *e)
{
    if (setns(netns_fd, CLONE_NEWNET) != 0) {
        return err_os(e, ERR_RUN, errno, "network namespace", "cannot enter it");
    }
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int os = errno;
    if (setns(l->cell.net_fd, CLONE_NEWNET) != 0) {
        fd_close(&fd);
        return err_os(e, ERR_RUN, errno, "network namespace", "cannot return to our own");
    }
    return fd >= 0 ? fd : err_os(e, ERR_RUN, os, "socket", "cannot make one");
}
