/* SPDX-License-Identifier: MIT */
/*
 * FIB rules whose action is a black hole, or "unreachable": a packet that matches gets no further.
 *
 * The kernel takes the same rule twice unless asked with NLM_F_EXCL, and one delete would then leave the link cut; so
 * rules are added exclusively and deleted with everything that describes them. Looking goes through the raw dump and
 * reads every field that matters; rules without our mark (FRA_PROTOCOL 0xD7) are not ours and are never touched. A rule
 * whose device has gone is none.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/lab/nl_private.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#define OUR_PROTOCOL 0xD7

static void put_port(struct nl_msg *m, int type, uint16_t port)
{
    const struct fib_rule_port_range range = {.start = port, .end = port};
    if (port > 0) {
        netlink_put(m, type, &range, sizeof(range));
    }
}

static struct nl_msg *rule_message(int type, int flags, const struct netlink_rule *r)
{
    struct fib_rule_hdr head = {
        .family = AF_INET,
        .dst_len = r->to_len,
        .table = RT_TABLE_UNSPEC,
        .action = r->unreachable ? FR_ACT_UNREACHABLE : FR_ACT_BLACKHOLE,
    };
    struct nl_msg *m = netlink_message(type, flags, &head, sizeof(head));
    netlink_put(m, FRA_PRIORITY, &r->priority, sizeof(r->priority));
    uint8_t protocol = OUR_PROTOCOL, tcp = IPPROTO_TCP;
    netlink_put(m, FRA_PROTOCOL, &protocol, sizeof(protocol));
    if (r->iif[0]) {
        netlink_put(m, FRA_IIFNAME, r->iif, strlen(r->iif) + 1);
    }
    if (r->to_len > 0) {
        uint32_t to = htonl(r->to);
        netlink_put(m, FRA_DST, &to, sizeof(to));
    }
    if (r->to_port > 0 || r->from_port > 0) {
        netlink_put(m, FRA_IP_PROTO, &tcp, sizeof(tcp));
    }
    put_port(m, FRA_DPORT_RANGE, r->to_port);
    put_port(m, FRA_SPORT_RANGE, r->from_port);
    return m;
}

int netlink_rule_add(struct netlink *nl, const struct netlink_rule *r, struct err *e)
{
    return netlink_call(nl, rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r), "routing rule", e);
}

int netlink_rule_delete(struct netlink *nl, const struct netlink_rule *r, struct err *e)
{
    return netlink_call(nl, rule_message(RTM_DELRULE, 0, r), "routing rule", e);
}

struct attrs {
    const char *at;
    size_t len;
};

/* 0: none; false: a range, which is not ours. */
static bool read_port(const struct attrs *a, int type, uint16_t *port)
{
    const struct fib_rule_port_range *range = netlink_attr(a->at, a->len, type, sizeof(*range), NULL);
    *port = range ? range->start : 0;
    return !range || range->start == range->end;
}

/* False: nothing that we would make. */
static bool read_rule(const struct fib_rule_hdr *head, const struct attrs *a, struct netlink_rule *r)
{
    const uint32_t *priority = netlink_attr(a->at, a->len, FRA_PRIORITY, sizeof(*priority), NULL);
    const uint32_t *to = netlink_attr(a->at, a->len, FRA_DST, sizeof(*to), NULL);
    const uint8_t *proto = netlink_attr(a->at, a->len, FRA_IP_PROTO, sizeof(*proto), NULL);
    size_t iif_size = 0;
    const char *iif = netlink_attr(a->at, a->len, FRA_IIFNAME, 1, &iif_size);
    *r = (struct netlink_rule){.priority = priority ? *priority : 0,
                               .to = to ? ntohl(*to) : 0,
                               .to_len = head->dst_len,
                               .unreachable = head->action == FR_ACT_UNREACHABLE};
    bool ports = read_port(a, FRA_DPORT_RANGE, &r->to_port) && read_port(a, FRA_SPORT_RANGE, &r->from_port);
    bool tcp = proto ? *proto == IPPROTO_TCP : r->to_port == 0 && r->from_port == 0;
    if (!ports || !tcp || iif_size > sizeof(r->iif) || head->flags & FIB_RULE_IIF_DETACHED ||
        (head->action != FR_ACT_BLACKHOLE && !r->unreachable)) {
        return false;
    }
    if (iif) {
        memcpy(r->iif, iif, iif_size);
        r->iif[sizeof(r->iif) - 1] = '\0';
    }
    return true;
}

struct looking {
    netlink_rule_fn *each; /* NULL: count only */
    void *arg;
    size_t count;
};

static int look(void *arg, const struct nlmsghdr *h)
{
    struct looking *l = arg;
    const struct fib_rule_hdr *head = nlmsg_data(h);
    if (h->nlmsg_type != RTM_NEWRULE || nlmsg_datalen(h) < (int)sizeof(*head) || head->family != AF_INET) {
        return 0;
    }
    const struct attrs a = {(const char *)head + NLMSG_ALIGN(sizeof(*head)), (size_t)nlmsg_attrlen(h, sizeof(*head))};
    const uint8_t *protocol = netlink_attr(a.at, a.len, FRA_PROTOCOL, 1, NULL);
    if (!protocol || *protocol != OUR_PROTOCOL) {
        return 0;
    }
    struct netlink_rule r;
    l->count++;
    return l->each && read_rule(head, &a, &r) ? l->each(l->arg, &r) : 0;
}

static int list(struct netlink *nl, struct looking *l, struct err *e)
{
    struct fib_rule_hdr head = {.family = AF_INET};
    struct nl_msg *m = netlink_message(RTM_GETRULE, 0, &head, sizeof(head));
    return netlink_dump(nl, m, "routing rules", look, l, e);
}

int netlink_rule_each(struct netlink *nl, netlink_rule_fn *each, void *arg, struct err *e)
{
    struct looking l = {.each = each, .arg = arg};
    return list(nl, &l, e);
}

struct search {
    const struct netlink_rule *wanted;
    bool there;
};

static int compare(void *arg, const struct netlink_rule *r)
{
    struct search *s = arg;
    s->there = s->there || netlink_rule_same(r, s->wanted);
    return s->there;
}

int netlink_rule_there(struct netlink *nl, const struct netlink_rule *r, bool *there, struct err *e)
{
    struct search s = {.wanted = r};
    int rc = netlink_rule_each(nl, compare, &s, e);
    *there = s.there;
    return rc;
}

int netlink_rule_count(struct netlink *nl, size_t *n, struct err *e)
{
    struct looking l = {0};
    int rc = list(nl, &l, e);
    *n = l.count;
    return rc;
}

bool netlink_rule_same(const struct netlink_rule *a, const struct netlink_rule *b)
{
    return a->priority == b->priority && a->to == b->to && a->to_len == b->to_len && a->to_port == b->to_port &&
           a->from_port == b->from_port && a->unreachable == b->unreachable && strcmp(a->iif, b->iif) == 0;
}
