/* SPDX-License-Identifier: MIT */
/*
 * Netem and TBF at the root of a device, written and read as raw structs of <linux/pkt_sched.h>.
 *
 * libnl's own setters for netem leave out what is zero, and the kernel keeps what a change does not mention: a fault
 * "healed" with them stays half in force. So each message carries every attribute, zeros included, and delays go
 * as 64-bit nanoseconds next to the old field in ticks of 64 ns. Probabilities are raw 32-bit shares of 2^32 - 1.
 *
 * Changes are made in place (NLM_F_REPLACE on the same handle and kind): packets that are queued keep their due time
 * and none is thrown away. The read-back takes the options of the dump apart again: a struct first, attributes behind it.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/lab/nl_private.h"
#include "harness/spec/topology.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#define OUR_HANDLE 0xD7010000u
#define QUEUE_PACKETS 50000 /* never the bottleneck: 1 s of delay at 50,000 packets a second */
#define TICK_NS 64
#define UNLIMITED_BYTES_PER_S INT64_C(2147483647)
#define TBF_BURST_BYTES 65536u
#define TBF_LIMIT_BYTES (4u << 20)

static struct nl_msg *qdisc_message(int index, const char *kind, bool first)
{
    struct tcmsg head = {
        .tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_handle = OUR_HANDLE, .tcm_parent = TC_H_ROOT};
    int flags = first ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_REPLACE;
    struct nl_msg *m = netlink_message(RTM_NEWQDISC, flags, &head, sizeof(head));
    netlink_put(m, TCA_KIND, kind, strlen(kind) + 1);
    return m;
}

static uint32_t share(int64_t ppm)
{
    return (uint32_t)((uint64_t)ppm * UINT32_MAX / (uint64_t)PPM);
}

static int64_t share_ppm(uint32_t raw)
{
    return (int64_t)(((uint64_t)raw * (uint64_t)PPM + UINT32_MAX / 2) / UINT32_MAX);
}

static uint32_t ticks(int64_t ns)
{
    return ns / TICK_NS > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / TICK_NS);
}

int netlink_netem_set(struct netlink *nl, int index, const struct path_state *p, bool first, struct err *e)
{
    struct nl_msg *m = qdisc_message(index, "netem", first);
    struct nlattr *options = nla_nest_start(m, TCA_OPTIONS);
    struct tc_netem_qopt head = {
        .latency = ticks(p->delay_ns),
        .jitter = ticks(p->jitter_ns),
        .limit = QUEUE_PACKETS,
        .loss = share(p->cut ? PPM : p->loss_ppm),
        .gap = p->reorder_ppm > 0,
        .duplicate = share(p->duplicate_ppm),
    };
    if (nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO) < 0) {
        abort();
    }
    struct tc_netem_corr correlation = {0};
    struct tc_netem_reorder reorder = {.probability = share(p->reorder_ppm)};
    struct tc_netem_corrupt corrupt = {.probability = share(p->corrupt_ppm)};
    int64_t bytes_per_s = p->rate_bps / 8;
    bool wide = bytes_per_s > UINT32_MAX;
    struct tc_netem_rate rate = {.rate = wide ? UINT32_MAX : (uint32_t)bytes_per_s};
    struct tc_netem_slot slot = {0};
    netlink_put(m, TCA_NETEM_CORR, &correlation, sizeof(correlation));
    netlink_put(m, TCA_NETEM_REORDER, &reorder, sizeof(reorder));
    netlink_put(m, TCA_NETEM_CORRUPT, &corrupt, sizeof(corrupt));
    netlink_put(m, TCA_NETEM_RATE, &rate, sizeof(rate));
    if (wide) {
        netlink_put(m, TCA_NETEM_RATE64, &bytes_per_s, sizeof(bytes_per_s));
    }
    netlink_put(m, TCA_NETEM_SLOT, &slot, sizeof(slot));
    netlink_put(m, TCA_NETEM_LATENCY64, &p->delay_ns, sizeof(p->delay_ns));
    netlink_put(m, TCA_NETEM_JITTER64, &p->jitter_ns, sizeof(p->jitter_ns));
    nla_nest_end(m, options);
    return netlink_call(nl, m, "netem", e);
}

/* The options of the root queueing discipline of one device, copied out of a dump. */
struct root_options {
    int index;
    const char *kind;
    bool there;
    size_t len;
    _Alignas(8) unsigned char bytes[1024];
};

static int look_for_root(void *arg, const struct nlmsghdr *h)
{
    struct root_options *r = arg;
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

static int read_root(struct netlink *nl, struct root_options *r, struct err *e)
{
    struct tcmsg head = {.tcm_family = AF_UNSPEC, .tcm_ifindex = r->index};
    struct nl_msg *m = netlink_message(RTM_GETQDISC, 0, &head, sizeof(head));
    if (netlink_dump(nl, m, "queueing disciplines", look_for_root, r, e) != 0) {
        return -1;
    }
    return r->there ? 0 : err_set(e, ERR_RUN, r->kind, "the device does not carry our queueing discipline");
}

int netlink_netem_get(struct netlink *nl, int index, struct path_state *p, struct err *e)
{
    struct root_options r = {.index = index, .kind = "netem"};
    if (read_root(nl, &r, e) != 0) {
        return -1;
    }
    struct tc_netem_qopt head;
    if (r.len < sizeof(head)) {
        return err_set(e, ERR_RUN, "netem", "the read-back is too short");
    }
    memcpy(&head, r.bytes, sizeof(head));
    const unsigned char *attrs = r.bytes + NLMSG_ALIGN(sizeof(head));
    size_t len = r.len - NLMSG_ALIGN(sizeof(head));
    const struct tc_netem_reorder *reorder = netlink_attr(attrs, len, TCA_NETEM_REORDER, sizeof(*reorder), NULL);
    const struct tc_netem_corrupt *corrupt = netlink_attr(attrs, len, TCA_NETEM_CORRUPT, sizeof(*corrupt), NULL);
    const struct tc_netem_rate *rate = netlink_attr(attrs, len, TCA_NETEM_RATE, sizeof(*rate), NULL);
    const void *rate64 = netlink_attr(attrs, len, TCA_NETEM_RATE64, sizeof(uint64_t), NULL);
    const void *latency = netlink_attr(attrs, len, TCA_NETEM_LATENCY64, sizeof(int64_t), NULL);
    const void *jitter = netlink_attr(attrs, len, TCA_NETEM_JITTER64, sizeof(int64_t), NULL);
    const struct tc_netem_gimodel *model = netlink_attr(attrs, len, TCA_NETEM_LOSS, 0, NULL);
    if (!latency || !jitter || model) {
        return err_set(e, ERR_RUN, "netem", "the read-back %s", model ? "has a loss model that nobody asked for"
                                                                     : "lacks the delay in nanoseconds");
    }
    *p = (struct path_state){
        .cut = head.loss == UINT32_MAX,
        .loss_ppm = share_ppm(head.loss),
        .duplicate_ppm = share_ppm(head.duplicate),
        .reorder_ppm = head.gap && reorder ? share_ppm(reorder->probability) : 0,
        .corrupt_ppm = corrupt ? share_ppm(corrupt->probability) : 0,
        .rate_bps = rate ? (int64_t)rate->rate * 8 : 0,
    };
    memcpy(&p->delay_ns, latency, sizeof(p->delay_ns));
    memcpy(&p->jitter_ns, jitter, sizeof(p->jitter_ns));
    if (rate64) {
        memcpy(&p->rate_bps, rate64, sizeof(p->rate_bps));
        p->rate_bps *= 8;
    }
    return 0;
}

int netlink_tbf_set(struct netlink *nl, int index, int64_t rate_bps, bool first, struct err *e)
{
    int64_t bytes_per_s = rate_bps > 0 ? rate_bps / 8 : UNLIMITED_BYTES_PER_S;
    if (bytes_per_s <= 0 || bytes_per_s > UNLIMITED_BYTES_PER_S) {
        return err_set(e, ERR_RUN, "tbf", "a rate of %lld bit/s is out of its range", (long long)rate_bps);
    }
    struct nl_msg *m = qdisc_message(index, "tbf", first);
    struct nlattr *options = nla_nest_start(m, TCA_OPTIONS);
    uint32_t burst = TBF_BURST_BYTES;
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
    struct root_options r = {.index = index, .kind = "tbf"};
    if (read_root(nl, &r, e) != 0) {
        return -1;
    }
    const struct tc_tbf_qopt *head = netlink_attr(r.bytes, r.len, TCA_TBF_PARMS, sizeof(*head), NULL);
    if (!head) {
        return err_set(e, ERR_RUN, "tbf", "the read-back lacks its parameters");
    }
    *rate_bps = head->rate.rate == UNLIMITED_BYTES_PER_S ? 0 : (int64_t)head->rate.rate * 8;
    return 0;
}
