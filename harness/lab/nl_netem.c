/* SPDX-License-Identifier: MIT */
/*
 * Netem at the root of a device, written and read as raw structs of <linux/pkt_sched.h>.
 *
 * libnl's own setters for netem leave out what is zero, and the kernel keeps what a change does not mention: a fault
 * "healed" with them stays half in force. So each message carries every attribute, zeros included, and delays go as
 * 64-bit nanoseconds next to the old field in ticks of 64 ns. Two attributes are different: a loss model goes when it
 * is not mentioned, and the table of a jitter's spread is read only where there is jitter, so it is sent just then, the
 * uniform one included.
 *
 * Probabilities are raw 32-bit shares of 2^32 - 1. All of them is a cut; a loss of 100 % is one less, so that the two
 * can be told apart when they are read back. The kernel never shows the table of the spread: the caller remembers what
 * it asked for, and only datagrams can prove it.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/lab/nl_private.h"
#include "harness/lab/shape.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <math.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_PACKETS 50000 /* never the bottleneck: 1 s of delay at 50,000 packets a second */
#define TICK_NS 64
#define SPREAD_ROWS 1024 /* the message stays within a page */

static uint32_t share(double p)
{
    double raw = floor(p * UINT32_MAX + 0.5);
    return raw >= UINT32_MAX ? UINT32_MAX - 1 : (uint32_t)raw;
}

static uint32_t share_of_ppm(int64_t ppm)
{
    return share((double)ppm / (double)PPM);
}

static double chance(uint32_t raw)
{
    return (double)raw / UINT32_MAX;
}

static int64_t share_ppm(uint32_t raw)
{
    return llround(chance(raw) * (double)PPM);
}

static uint32_t ticks(int64_t ns)
{
    return ns / TICK_NS > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / TICK_NS);
}

static void put_spread(struct nl_msg *m, enum path_spread spread)
{
    int16_t rows[SPREAD_ROWS];
    for (int i = 0; i < SPREAD_ROWS; i++) {
        double row = shape_spread(spread, (i + 0.5) / SPREAD_ROWS) * NETEM_DIST_SCALE;
        rows[i] = (int16_t)fmin(INT16_MAX, round(row));
    }
    netlink_put(m, TCA_NETEM_DELAY_DIST, rows, sizeof(rows));
}

static void put_rate(struct nl_msg *m, int64_t rate_bps)
{
    int64_t bytes_per_s = rate_bps / 8;
    bool wide = bytes_per_s > UINT32_MAX;
    struct tc_netem_rate rate = {.rate = wide ? UINT32_MAX : (uint32_t)bytes_per_s};
    netlink_put(m, TCA_NETEM_RATE, &rate, sizeof(rate));
    if (wide) {
        netlink_put(m, TCA_NETEM_RATE64, &bytes_per_s, sizeof(bytes_per_s));
    }
}

/* In the kernel's words h is the share delivered within a spell, k1 the share lost between. */
static void put_chain(struct nl_msg *m, const struct shape_chain *c)
{
    struct tc_netem_gemodel model = {
        .p = share(c->begin), .r = share(c->end), .h = share(1 - c->within), .k1 = share(c->calm)};
    struct nlattr *loss = nla_nest_start(m, TCA_NETEM_LOSS);
    netlink_put(m, NETEM_LOSS_GE, &model, sizeof(model));
    nla_nest_end(m, loss);
}

int netlink_netem_set(struct netlink *nl, int index, const struct path_state *p, bool first, struct err *e)
{
    struct shape_chain chain;
    bool bursts = !p->cut && shape_chain(p, &chain);
    struct nl_msg *m = netlink_qdisc_message(index, "netem", first);
    struct nlattr *options = nla_nest_start(m, TCA_OPTIONS);
    struct tc_netem_qopt head = {
        .latency = ticks(p->delay_ns),
        .jitter = ticks(p->jitter_ns),
        .limit = p->limit_packets > 0 ? (uint32_t)p->limit_packets : QUEUE_PACKETS,
        .loss = p->cut ? UINT32_MAX : bursts ? 0 : share_of_ppm(p->loss_ppm),
        .gap = p->reorder_ppm == 0 ? 0 : p->reorder_gap > 0 ? (uint32_t)p->reorder_gap : 1,
        .duplicate = share_of_ppm(p->duplicate_ppm),
    };
    if (nlmsg_append(m, &head, sizeof(head), NLMSG_ALIGNTO) < 0) {
        abort();
    }
    struct tc_netem_corr correlation = {.delay_corr = share_of_ppm(p->jitter_correlation_ppm)};
    struct tc_netem_reorder reorder = {.probability = share_of_ppm(p->reorder_ppm)};
    struct tc_netem_corrupt corrupt = {.probability = share_of_ppm(p->corrupt_ppm)};
    struct tc_netem_slot slot = {0};
    netlink_put(m, TCA_NETEM_CORR, &correlation, sizeof(correlation));
    netlink_put(m, TCA_NETEM_REORDER, &reorder, sizeof(reorder));
    netlink_put(m, TCA_NETEM_CORRUPT, &corrupt, sizeof(corrupt));
    put_rate(m, p->rate_bps);
    netlink_put(m, TCA_NETEM_SLOT, &slot, sizeof(slot));
    netlink_put(m, TCA_NETEM_LATENCY64, &p->delay_ns, sizeof(p->delay_ns));
    netlink_put(m, TCA_NETEM_JITTER64, &p->jitter_ns, sizeof(p->jitter_ns));
    if (bursts) {
        put_chain(m, &chain);
    }
    if (p->jitter_ns > 0) {
        put_spread(m, p->spread);
    }
    nla_nest_end(m, options);
    return netlink_call(nl, m, "netem", e);
}

/* The attributes behind the fixed part of a dump; NULL where the kernel left one out. */
struct netem_parts {
    const struct tc_netem_corr *correlation;
    const struct tc_netem_reorder *reorder;
    const struct tc_netem_corrupt *corrupt;
    const struct tc_netem_rate *rate;
    const struct tc_netem_slot *slot;
    const struct tc_netem_gemodel *bursts;
    const void *rate64, *latency, *jitter;
    bool other_loss; /* a loss model that we never ask for */
};

static struct netem_parts take_apart(const unsigned char *attrs, size_t len)
{
    struct netem_parts n = {
        .correlation = netlink_attr(attrs, len, TCA_NETEM_CORR, sizeof(*n.correlation), NULL),
        .reorder = netlink_attr(attrs, len, TCA_NETEM_REORDER, sizeof(*n.reorder), NULL),
        .corrupt = netlink_attr(attrs, len, TCA_NETEM_CORRUPT, sizeof(*n.corrupt), NULL),
        .rate = netlink_attr(attrs, len, TCA_NETEM_RATE, sizeof(*n.rate), NULL),
        .slot = netlink_attr(attrs, len, TCA_NETEM_SLOT, sizeof(*n.slot), NULL),
        .rate64 = netlink_attr(attrs, len, TCA_NETEM_RATE64, sizeof(uint64_t), NULL),
        .latency = netlink_attr(attrs, len, TCA_NETEM_LATENCY64, sizeof(int64_t), NULL),
        .jitter = netlink_attr(attrs, len, TCA_NETEM_JITTER64, sizeof(int64_t), NULL),
    };
    size_t size = 0;
    const void *loss = netlink_attr(attrs, len, TCA_NETEM_LOSS, 0, &size);
    if (loss) {
        n.bursts = netlink_attr(loss, size, NETEM_LOSS_GE, sizeof(*n.bursts), NULL);
        n.other_loss = !n.bursts;
    }
    return n;
}

static const char *what_is_wrong(const struct netem_parts *n)
{
    return !n->latency || !n->jitter ? "lacks the delay in nanoseconds"
           : n->other_loss           ? "has a loss model that nobody asked for"
           : n->slot && (n->slot->max_delay || n->slot->dist_delay) ? "has slots that nobody asked for"
           : n->correlation && (n->correlation->loss_corr || n->correlation->dup_corr)
               ? "has correlations that nobody asked for"
               : NULL;
}

int netlink_netem_get(struct netlink *nl, int index, struct path_state *p, struct err *e)
{
    struct netlink_root r = {.index = index, .kind = "netem"};
    struct tc_netem_qopt head;
    if (netlink_qdisc_read(nl, &r, e) != 0) {
        return -1;
    }
    if (r.len < sizeof(head)) {
        return err_set(e, ERR_RUN, "netem", "the read-back is too short");
    }
    memcpy(&head, r.bytes, sizeof(head));
    struct netem_parts n = take_apart(r.bytes + NLMSG_ALIGN(sizeof(head)), r.len - NLMSG_ALIGN(sizeof(head)));
    const char *wrong = what_is_wrong(&n);
    if (wrong) {
        return err_set(e, ERR_RUN, "netem", "the read-back %s", wrong);
    }
    *p = (struct path_state){
        .cut = head.loss == UINT32_MAX,
        .jitter_correlation_ppm = n.correlation ? share_ppm(n.correlation->delay_corr) : 0,
        .loss_ppm = head.loss == UINT32_MAX ? 0 : share_ppm(head.loss),
        .duplicate_ppm = share_ppm(head.duplicate),
        .reorder_ppm = head.gap && n.reorder ? share_ppm(n.reorder->probability) : 0,
        .reorder_gap = head.gap,
        .corrupt_ppm = n.corrupt ? share_ppm(n.corrupt->probability) : 0,
        .rate_bps = n.rate ? (int64_t)n.rate->rate * 8 : 0,
        .limit_packets = head.limit == QUEUE_PACKETS ? 0 : head.limit,
    };
    memcpy(&p->delay_ns, n.latency, sizeof(p->delay_ns));
    memcpy(&p->jitter_ns, n.jitter, sizeof(p->jitter_ns));
    if (n.rate64) {
        memcpy(&p->rate_bps, n.rate64, sizeof(p->rate_bps));
        p->rate_bps *= 8;
    }
    if (n.bursts) {
        struct shape_chain chain = {.begin = chance(n.bursts->p), .end = chance(n.bursts->r),
                                    .within = 1 - chance(n.bursts->h), .calm = chance(n.bursts->k1)};
        shape_from_chain(p, &chain);
    }
    return 0;
}
