/* SPDX-License-Identifier: MIT */
/*
 * The queueing discipline at the root of a device: what all kinds share, and TBF.
 *
 * Changes are made in place (NLM_F_REPLACE on the same handle and kind): packets that are queued keep their due time
 * and none is thrown away. The read-back asks for that one device and takes the options apart again.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/lab/nl_private.h"
#include "harness/lab/shape.h"
#include "harness/spec/topology.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#define OUR_HANDLE 0xD7010000u
#define TICK_NS 64
#define UNLIMITED_BYTES_PER_S INT64_C(2147483647)
#define TBF_LIMIT_BYTES (4u << 20)

struct nl_msg *netlink_qdisc_message(int index, const char *kind, bool first)
{
    struct tcmsg head = {
        .tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_handle = OUR_HANDLE, .tcm_parent = TC_H_ROOT};
    int flags = first ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_REPLACE;
    struct nl_msg *m = netlink_message(RTM_NEWQDISC, flags, &head, sizeof(head));
    netlink_put(m, TCA_KIND, kind, strlen(kind) + 1);
    return m;
}

static int look_for_root(void *arg, const struct nlmsghdr *h)
{
    struct netlink_root *r = arg;
    const struct tcmsg *head = nlmsg_data(h);
    if (h->nlmsg_type != RTM_NEWQDISC || nlmsg_datalen(h) < (int)sizeof(*head) || head->tcm_ifindex != r->index ||
        head->tcm_parent != TC_H_ROOT) {
        return 0;
    }
    const char *attrs = (const char *)head + NLMSG_ALIGN(sizeof(*head));
    size_t len = (size_t)nlmsg_attrlen(h, sizeof(*head));
    size_t kind_size = 0, size = 0;
    const char *kind = netlink_attr(attrs, len, TCA_KIND, 1, &kind_size);
    const void *options = netlink_attr(attrs, len, TCA_OPTIONS, 1, &size);
    bool same = kind && kind_size == strlen(r->kind) + 1 && memcmp(kind, r->kind, kind_size) == 0;
    if (same && head->tcm_handle == OUR_HANDLE && options && size <= sizeof(r->bytes)) {
        memcpy(r->bytes, options, size);
        r->len = size;
        r->there = true;
    }
    return 1;
}

int netlink_qdisc_read(struct netlink *nl, struct netlink_root *r, struct err *e)
{
    struct tcmsg head = {.tcm_family = AF_UNSPEC, .tcm_ifindex = r->index, .tcm_parent = TC_H_ROOT};
    struct nl_msg *m = netlink_message(RTM_GETQDISC, 0, &head, sizeof(head));
    if (netlink_get(nl, m, "queueing disciplines", look_for_root, r, e) != 0) {
        return -1;
    }
    return r->there ? 0 : err_set(e, ERR_RUN, r->kind, "the device does not carry our queueing discipline");
}

int netlink_tbf_set(struct netlink *nl, int index, int64_t rate_bps, bool first, struct err *e)
{
    int64_t bytes_per_s = rate_bps > 0 ? rate_bps / 8 : UNLIMITED_BYTES_PER_S;
    if (bytes_per_s <= 0 || bytes_per_s > UNLIMITED_BYTES_PER_S) {
        return err_set(e, ERR_RUN, "tbf", "a rate of %lld bit/s is out of its range", (long long)rate_bps);
    }
    struct nl_msg *m = netlink_qdisc_message(index, "tbf", first);
    struct nlattr *options = nla_nest_start(m, TCA_OPTIONS);
    uint32_t burst = (uint32_t)shape_bucket_bytes(rate_bps);
    struct tc_tbf_qopt head = {
        .rate = {.rate = (uint32_t)bytes_per_s, .linklayer = TC_LINKLAYER_ETHERNET},
        .limit = TBF_LIMIT_BYTES,
        .buffer = (uint32_t)((uint64_t)burst * (uint64_t)NS_PER_S / (uint64_t)bytes_per_s / TICK_NS),
    };
    netlink_put(m, TCA_TBF_PARMS, &head, sizeof(head));
    netlink_put(m, TCA_TBF_BURST, &burst, sizeof(burst));
    nla_nest_end(m, options);
    return netlink_call(nl, m, "tbf", e);
}

int netlink_tbf_get(struct netlink *nl, int index, int64_t *rate_bps, struct err *e)
{
    struct netlink_root r = {.index = index, .kind = "tbf"};
    if (netlink_qdisc_read(nl, &r, e) != 0) {
        return -1;
    }
    const struct tc_tbf_qopt *head = netlink_attr(r.bytes, r.len, TCA_TBF_PARMS, sizeof(*head), NULL);
    if (!head) {
        return err_set(e, ERR_RUN, "tbf", "the read-back lacks its parameters");
    }
    *rate_bps = head->rate.rate == UNLIMITED_BYTES_PER_S ? 0 : (int64_t)head->rate.rate * 8;
    return 0;
}
