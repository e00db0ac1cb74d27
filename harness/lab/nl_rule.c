/* SPDX-License-Identifier: MIT */
/*
 * FIB rules whose action is a black hole: a packet that matches is dropped without a word.
 *
 * The kernel takes the same rule twice unless asked with NLM_F_EXCL, and one delete would then leave the link cut; so
 * rules are added exclusively and deleted with everything that describes them. Looking goes through the raw dump and
 * compares every field that matters; rules without our mark (FRA_PROTOCOL 0xD7) are not ours and are never touched.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/lab/nl_private.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#define OUR_PROTOCOL 0xD7

static struct nl_msg *rule_message(int type, int flags, const struct netlink_rule *r)
{
    struct fib_rule_hdr head = {
        .family = AF_INET,
        .dst_len = r->to_len,
        .table = RT_TABLE_UNSPEC,
        .action = FR_ACT_BLACKHOLE,
    };
    struct nl_msg *m = netlink_message(type, flags, &head, sizeof(head));
    netlink_put(m, FRA_PRIORITY, &r->priority, sizeof(r->priority));
    uint8_t protocol = OUR_PROTOCOL;
    netlink_put(m, FRA_PROTOCOL, &protocol, sizeof(protocol));
    if (r->iif[0]) {
        netlink_put(m, FRA_IIFNAME, r->iif, strlen(r->iif) + 1);
    }
    if (r->to_len > 0) {
        uint32_t to = htonl(r->to);
        netlink_put(m, FRA_DST, &to, sizeof(to));
    }
    return m;
}

int netlink_rule_add(struct netlink *nl, const struct netlink_rule *r, struct err *e)
{
    return netlink_call(nl, rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r), "black hole rule", e);
}

int netlink_rule_delete(struct netlink *nl, const struct netlink_rule *r, struct err *e)
{
    return netlink_call(nl, rule_message(RTM_DELRULE, 0, r), "black hole rule", e);
}

struct looking {
    const struct netlink_rule *wanted; /* NULL: count only */
    bool there;
    size_t count;
};

static bool is_wanted(const struct netlink_rule *r, const struct fib_rule_hdr *head, const void *attrs, size_t len)
{
    const uint32_t *priority = netlink_attr(attrs, len, FRA_PRIORITY, sizeof(*priority), NULL);
    const uint32_t *to = netlink_attr(attrs, len, FRA_DST, sizeof(*to), NULL);
    size_t iif_size = 0;
    const char *iif = netlink_attr(attrs, len, FRA_IIFNAME, 1, &iif_size);
    bool iif_same = iif ? r->iif[0] && iif_size == strlen(r->iif) + 1 && memcmp(iif, r->iif, iif_size) == 0 : !r->iif[0];
    bool to_same = to ? ntohl(*to) == r->to && head->dst_len == r->to_len : r->to_len == 0;
    return head->action == FR_ACT_BLACKHOLE && priority && *priority == r->priority && iif_same && to_same &&
           !(head->flags & FIB_RULE_IIF_DETACHED);
}

static int look(void *arg, const struct nlmsghdr *h)
{
    struct looking *l = arg;
    const struct fib_rule_hdr *head = nlmsg_data(h);
    if (h->nlmsg_type != RTM_NEWRULE || nlmsg_datalen(h) < (int)sizeof(*head) || head->family != AF_INET) {
        return 0;
    }
    const char *attrs = (const char *)head + NLMSG_ALIGN(sizeof(*head));
    size_t len = (size_t)nlmsg_attrlen(h, sizeof(*head));
    const uint8_t *protocol = netlink_attr(attrs, len, FRA_PROTOCOL, 1, NULL);
    if (!protocol || *protocol != OUR_PROTOCOL) {
        return 0;
    }
    l->count++;
    l->there = l->there || (l->wanted && is_wanted(l->wanted, head, attrs, len));
    return 0;
}

static int list(struct netlink *nl, struct looking *l, struct err *e)
{
    struct fib_rule_hdr head = {.family = AF_INET};
    struct nl_msg *m = netlink_message(RTM_GETRULE, 0, &head, sizeof(head));
    return netlink_dump(nl, m, "routing rules", look, l, e);
}

int netlink_rule_there(struct netlink *nl, const struct netlink_rule *r, bool *there, struct err *e)
{
    struct looking l = {.wanted = r};
    int rc = list(nl, &l, e);
    *there = l.there;
    return rc;
}

int netlink_rule_count(struct netlink *nl, size_t *n, struct err *e)
{
    struct looking l = {0};
    int rc = list(nl, &l, e);
    *n = l.count;
    return rc;
}
