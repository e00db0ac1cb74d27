/* SPDX-License-Identifier: MIT */
/*
 * What the kernel forgets when a device goes down: the static routes by it and its permanent neighbours. (Addresses,
 * and the routes that come with them, it keeps or makes again.) They are kept as the raw messages in which it lists
 * them, and put back as they are, marks of a dead link taken off. Putting back replaces what is there already, so it
 * may be repeated.
 *
 * Looking whether all are there compares the kinds of attributes that make the thing what it is; counters and ages that
 * the kernel adds differ each time.
 */
#include "harness/lab/nl.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/vec.h"
#include "harness/lab/nl_private.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

struct thing {
    int type; /* RTM_NEWROUTE, RTM_NEWNEIGH */
    union {
        struct rtmsg route;
        struct ndmsg neighbour;
    } head;
    size_t len; /* of the attributes */
    unsigned char *attrs;
};

struct things {
    struct thing *at;
    size_t len, cap;
};

struct netlink_kept {
    int index;
    struct things all;
};

static void forget(struct things *t)
{
    for (size_t i = 0; i < t->len; i++) {
        free(t->at[i].attrs);
    }
    vec_deinit(t);
}

static size_t head_size(int type)
{
    return type == RTM_NEWROUTE ? sizeof(struct rtmsg) : sizeof(struct ndmsg);
}

struct listing {
    int index;
    struct things *to;
};

static bool is_ours(const struct listing *l, const struct nlmsghdr *h, const void *attrs, size_t len)
{
    if (h->nlmsg_type == RTM_NEWROUTE) {
        const struct rtmsg *r = nlmsg_data(h);
        const uint32_t *device = netlink_attr(attrs, len, RTA_OIF, sizeof(*device), NULL);
        return r->rtm_family == AF_INET && r->rtm_table == RT_TABLE_MAIN && r->rtm_protocol != RTPROT_KERNEL &&
               device && (int)*device == l->index;
    }
    const struct ndmsg *n = nlmsg_data(h);
    return n->ndm_family == AF_INET && n->ndm_ifindex == l->index && n->ndm_state & NUD_PERMANENT;
}

static int take(void *arg, const struct nlmsghdr *h)
{
    struct listing *l = arg;
    bool known = h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_NEWNEIGH;
    size_t head = head_size(h->nlmsg_type);
    if (!known || nlmsg_datalen(h) < (int)head) {
        return 0;
    }
    const char *attrs = (const char *)nlmsg_data(h) + NLMSG_ALIGN(head);
    size_t len = (size_t)nlmsg_attrlen(h, (int)head);
    if (!is_ours(l, h, attrs, len)) {
        return 0;
    }
    struct thing *t = vec_push(l->to);
    *t = (struct thing){.type = h->nlmsg_type, .len = len, .attrs = xcalloc(1, len + 1)};
    memcpy(&t->head, nlmsg_data(h), head);
    memcpy(t->attrs, attrs, len);
    if (t->type == RTM_NEWROUTE) {
        t->head.route.rtm_flags &= ~(unsigned)(RTNH_F_DEAD | RTNH_F_LINKDOWN);
    }
    return 0;
}

static int list(struct netlink *nl, int index, struct things *to, struct err *e)
{
    struct listing l = {.index = index, .to = to};
    const struct rtmsg routes = {.rtm_family = AF_INET};
    const struct ndmsg neighbours = {.ndm_family = AF_INET};
    if (netlink_dump(nl, netlink_message(RTM_GETROUTE, 0, &routes, sizeof(routes)), "routes", take, &l, e) != 0) {
        return -1;
    }
    return netlink_dump(nl, netlink_message(RTM_GETNEIGH, 0, &neighbours, sizeof(neighbours)), "neighbours", take, &l,
                        e);
}

int netlink_keep(struct netlink *nl, int index, struct netlink_kept **out, struct err *e)
{
    struct netlink_kept *k = xcalloc(1, sizeof(*k));
    k->index = index;
    if (list(nl, index, &k->all, e) != 0) {
        netlink_kept_free(k);
        return -1;
    }
    *out = k;
    return 0;
}

void netlink_kept_free(struct netlink_kept *k)
{
    if (k) {
        forget(&k->all);
        free(k);
    }
}

int netlink_put_back(struct netlink *nl, const struct netlink_kept *k, struct err *e)
{
    for (size_t i = 0; i < k->all.len; i++) {
        const struct thing *t = &k->all.at[i];
        struct nl_msg *m = netlink_message(t->type, NLM_F_CREATE | NLM_F_REPLACE, &t->head, head_size(t->type));
        if (nlmsg_append(m, t->attrs, t->len, NLMSG_ALIGNTO) < 0) {
            abort();
        }
        netlink_queue(nl, m, t->type == RTM_NEWROUTE ? "route put back" : "neighbour put back");
    }
    return netlink_flush(nl, e);
}

static bool same_attr(const struct thing *a, const struct thing *b, int type)
{
    size_t m = 0, n = 0;
    const void *x = netlink_attr(a->attrs, a->len, type, 0, &m), *y = netlink_attr(b->attrs, b->len, type, 0, &n);
    return x && y ? m == n && memcmp(x, y, m) == 0 : !x && !y;
}

static bool same(const struct thing *a, const struct thing *b)
{
    static const int of_route[] = {RTA_DST, RTA_GATEWAY, RTA_OIF, RTA_PREFSRC, RTA_PRIORITY};
    static const int of_neighbour[] = {NDA_DST, NDA_LLADDR};
    const int *types = a->type == RTM_NEWROUTE ? of_route : of_neighbour;
    size_t n = a->type == RTM_NEWROUTE ? array_len(of_route) : array_len(of_neighbour);
    bool right = a->type == b->type && memcmp(&a->head, &b->head, head_size(a->type)) == 0;
    for (size_t i = 0; i < n && right; i++) {
        right = same_attr(a, b, types[i]);
    }
    return right;
}

int netlink_kept_there(struct netlink *nl, const struct netlink_kept *k, bool *there, struct err *e)
{
    struct things now = {0};
    int rc = list(nl, k->index, &now, e);
    *there = rc == 0;
    for (size_t i = 0; i < k->all.len && *there; i++) {
        bool found = false;
        for (size_t j = 0; j < now.len && !found; j++) {
            found = same(&k->all.at[i], &now.at[j]);
        }
        *there = found;
    }
    forget(&now);
    return rc;
}

struct flags {
    int index;
    bool there, up;
};

static int read_flags(void *arg, const struct nlmsghdr *h)
{
    struct flags *f = arg;
    const struct ifinfomsg *head = nlmsg_data(h);
    if (h->nlmsg_type == RTM_NEWLINK && nlmsg_datalen(h) >= (int)sizeof(*head) && head->ifi_index == f->index) {
        f->there = true;
        f->up = head->ifi_flags & IFF_UP;
    }
    return 0;
}

int netlink_is_up(struct netlink *nl, int index, bool *up, struct err *e)
{
    struct flags f = {.index = index};
    const struct ifinfomsg head = {.ifi_family = AF_UNSPEC};
    if (netlink_dump(nl, netlink_message(RTM_GETLINK, 0, &head, sizeof(head)), "links", read_flags, &f, e) != 0) {
        return -1;
    }
    *up = f.up;
    return f.there ? 0 : err_set(e, ERR_RUN, "link", "the device has gone");
}
