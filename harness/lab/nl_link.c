/* SPDX-License-Identifier: MIT */
/*
 * Links, addresses, routes and neighbours as raw messages.
 *
 * A veth pair is asked for with the namespace of both ends in the request, so neither end passes through a third
 * namespace, and with interface indexes of our choice, so that nothing has to be looked up afterwards. It is not
 * brought up in the same request: IFF_UP on the peer fails with ENOTCONN and costs a 16 ms rollback.
 */
#include "harness/lab/nl.h"

#include "harness/base/scoped.h"
#include "harness/lab/nl_private.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

static void put_u32(struct nl_msg *m, int type, uint32_t value)
{
    netlink_put(m, type, &value, sizeof(value));
}

static void put_end(struct nl_msg *m, const struct netlink_end *end)
{
    netlink_put(m, IFLA_IFNAME, end->name, strlen(end->name) + 1);
    netlink_put(m, IFLA_ADDRESS, end->mac, sizeof(end->mac));
    put_u32(m, IFLA_NET_NS_FD, (uint32_t)end->netns_fd);
}

void netlink_veth(struct netlink *nl, const struct netlink_end *a, const struct netlink_end *b)
{
    struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = a->index};
    struct nl_msg *m = netlink_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
    put_end(m, a);
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    netlink_put(m, IFLA_INFO_KIND, "veth", sizeof("veth"));
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
    struct nlattr *peer = nla_nest_start(m, VETH_INFO_PEER);
    struct ifinfomsg peer_head = {.ifi_family = AF_UNSPEC, .ifi_index = b->index};
    if (nlmsg_append(m, &peer_head, sizeof(peer_head), NLMSG_ALIGNTO) < 0) {
        abort();
    }
    put_end(m, b);
    nla_nest_end(m, peer);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    netlink_queue(nl, m, "virtual link");
}

void netlink_up(struct netlink *nl, int index)
{
    struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_queue(nl, netlink_message(RTM_SETLINK, 0, &head, sizeof(head)), "interface going up");
}

void netlink_down(struct netlink *nl, int index)
{
    struct ifinfomsg head = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_change = IFF_UP};
    netlink_queue(nl, netlink_message(RTM_SETLINK, 0, &head, sizeof(head)), "interface going down");
}

void netlink_address(struct netlink *nl, int index, uint32_t address, uint8_t prefix_len)
{
    struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = prefix_len, .ifa_index = (uint32_t)index};
    struct nl_msg *m = netlink_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
    put_u32(m, IFA_LOCAL, htonl(address));
    put_u32(m, IFA_ADDRESS, htonl(address));
    netlink_queue(nl, m, "address");
}

void netlink_route(struct netlink *nl, uint32_t to, uint8_t prefix_len, uint32_t gateway, int index)
{
    struct rtmsg head = {
        .rtm_family = AF_INET,
        .rtm_dst_len = prefix_len,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
    };
    struct nl_msg *m = netlink_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
    if (prefix_len > 0) {
        put_u32(m, RTA_DST, htonl(to));
    }
    put_u32(m, RTA_GATEWAY, htonl(gateway));
    put_u32(m, RTA_OIF, (uint32_t)index);
    netlink_queue(nl, m, "route");
}

void netlink_neighbour(struct netlink *nl, int index, uint32_t address, const uint8_t mac[6])
{
    struct ndmsg head = {.ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT};
    struct nl_msg *m = netlink_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
    put_u32(m, NDA_DST, htonl(address));
    netlink_put(m, NDA_LLADDR, mac, 6);
    netlink_queue(nl, m, "permanent neighbour");
}
