/* SPDX-License-Identifier: MIT */
/*
 * Everything in a network namespace that could be left behind, as lines that stay the same while nothing changes: no
 * counters, no timers. Each kind is one dump; a line is what tells the thing from its like.
 *
 * Tables of nftables are behind another netlink family, which asks for CAP_NET_ADMIN and may not be there at all: then
 * nobody without those rights can have changed them, and there is nothing to list.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/lab/nl_private.h"

#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#define OUR_PROTOCOL 0xD7
#define OUR_LINKS "dr-"
#define OUR_MAJOR 0xD7u

struct inventory {
    netlink_line_fn *each;
    void *arg;
};

/* One message of a dump, taken apart: its fixed header and its attributes. NULL if it is another, or too short. */
static const void *part_of(const struct nlmsghdr *h, int type, size_t head, const char **attrs, size_t *len)
{
    if (h->nlmsg_type != type || nlmsg_datalen(h) < (int)head) {
        return NULL;
    }
    *attrs = (const char *)nlmsg_data(h) + NLMSG_ALIGN(head);
    *len = (size_t)nlmsg_attrlen(h, (int)head);
    return nlmsg_data(h);
}

/* A string attribute; "" if absent or not terminated. */
static const char *string_of(const char *attrs, size_t len, int type)
{
    size_t size = 0;
    const char *s = netlink_attr(attrs, len, type, 1, &size);
    return s && s[size - 1] == '\0' ? s : "";
}

static uint32_t number_of(const char *attrs, size_t len, int type)
{
    const uint32_t *n = netlink_attr(attrs, len, type, sizeof(*n), NULL);
    return n ? *n : 0;
}

static void tell(const struct inventory *v, struct text *line, bool ours)
{
    v->each(v->arg, text_str(line), ours);
}

static int link_line(void *arg, const struct nlmsghdr *h)
{
    const char *attrs;
    size_t len;
    scoped_text struct text line = {0};
    const struct ifinfomsg *head = part_of(h, RTM_NEWLINK, sizeof(*head), &attrs, &len);
    if (head) {
        const char *name = string_of(attrs, len, IFLA_IFNAME);
        text_addf(&line, "link %s (number %d, %s)", name, head->ifi_index, head->ifi_flags & IFF_UP ? "up" : "down");
        tell(arg, &line, text_starts(name, OUR_LINKS));
    }
    return 0;
}

static int qdisc_line(void *arg, const struct nlmsghdr *h)
{
    const char *attrs;
    size_t len;
    scoped_text struct text line = {0};
    const struct tcmsg *head = part_of(h, RTM_NEWQDISC, sizeof(*head), &attrs, &len);
    if (head) {
        char device[IF_NAMESIZE] = "?";
        if_indextoname((unsigned)head->tcm_ifindex, device);
        text_addf(&line, "queueing discipline %s %x: at %x on %s", string_of(attrs, len, TCA_KIND),
                  TC_H_MAJ(head->tcm_handle) >> 16, head->tcm_parent, device);
        tell(arg, &line, head->tcm_handle >> 24 == OUR_MAJOR);
    }
    return 0;
}

static int rule_line(void *arg, const struct nlmsghdr *h)
{
    const char *attrs;
    size_t len;
    scoped_text struct text line = {0};
    const struct fib_rule_hdr *head = part_of(h, RTM_NEWRULE, sizeof(*head), &attrs, &len);
    if (head) {
        const uint8_t *protocol = netlink_attr(attrs, len, FRA_PROTOCOL, 1, NULL);
        text_addf(&line, "routing rule %u (family %u, action %u, table %u, %s)", number_of(attrs, len, FRA_PRIORITY),
                  head->family, head->action, number_of(attrs, len, FRA_TABLE), string_of(attrs, len, FRA_IIFNAME));
        tell(arg, &line, protocol && *protocol == OUR_PROTOCOL);
    }
    return 0;
}

static int neighbour_line(void *arg, const struct nlmsghdr *h)
{
    const char *attrs;
    size_t len, size = 0;
    scoped_text struct text line = {0};
    const struct ndmsg *head = part_of(h, RTM_NEWNEIGH, sizeof(*head), &attrs, &len);
    if (head && head->ndm_state & NUD_PERMANENT) {
        const unsigned char *to = netlink_attr(attrs, len, NDA_DST, 1, &size);
        text_addf(&line, "permanent neighbour on device %d, ", head->ndm_ifindex);
        for (size_t i = 0; to && i < size; i++) {
            text_addf(&line, "%02x", to[i]);
        }
        tell(arg, &line, false);
    }
    return 0;
}

static int table_line(void *arg, const struct nlmsghdr *h)
{
    const char *attrs;
    size_t len;
    scoped_text struct text line = {0};
    const struct nfgenmsg *head =
        part_of(h, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, sizeof(*head), &attrs, &len);
    if (head) {
        text_addf(&line, "nftables table %s (family %u)", string_of(attrs, len, NFTA_TABLE_NAME), head->nfgen_family);
        tell(arg, &line, false);
    }
    return 0;
}

static int list_routing(struct netlink *nl, struct inventory *v, struct err *e)
{
    static const struct {
        int type;
        size_t head;
        const char *what;
        netlink_each_fn *line;
    } kinds[] = {{RTM_GETLINK, sizeof(struct ifinfomsg), "links", link_line},
                 {RTM_GETQDISC, sizeof(struct tcmsg), "queueing disciplines", qdisc_line},
                 {RTM_GETRULE, sizeof(struct fib_rule_hdr), "routing rules", rule_line},
                 {RTM_GETNEIGH, sizeof(struct ndmsg), "neighbours", neighbour_line}};
    static const char blank[64];
    for (size_t i = 0; i < array_len(kinds); i++) {
        struct nl_msg *m = netlink_message(kinds[i].type, 0, blank, kinds[i].head);
        if (netlink_dump(nl, m, kinds[i].what, kinds[i].line, v, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static void list_tables(struct inventory *v)
{
    const struct nfgenmsg head = {.version = NFNETLINK_V0};
    struct netlink *nl = NULL;
    if (netlink_open_to(&nl, NETLINK_NETFILTER, NULL) == 0) {
        struct nl_msg *m = netlink_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, &head, sizeof(head));
        netlink_dump(nl, m, "tables of nftables", table_line, v, NULL);
    }
    netlink_close(nl);
}

int netlink_inventory(netlink_line_fn *each, void *arg, struct err *e)
{
    struct inventory v = {each, arg};
    struct netlink *nl = NULL;
    int rc = netlink_open(&nl, e) != 0 ? -1 : list_routing(nl, &v, e);
    netlink_close(nl);
    list_tables(&v);
    return rc;
}
