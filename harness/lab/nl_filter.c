/* SPDX-License-Identifier: MIT */
/*
 * A filter at the way out of a device: clsact and one classic BPF program in direct action, which says "pass" or
 * "drop".
 *
 * The program travels inside the netlink message, so neither bpf(2) nor root is needed. It is a pure function of what
 * is asked for: first the length, then, of IPv4 and TCP and no later fragment, the two flags that tell the first packet
 * of a connection (SYN, no ACK). Neutral is a program that passes everything: it is laid before the baseline and later
 * only replaced under the same handle, which loses no packet.
 *
 * Read back is the program itself: the length stands in it, everything else is made again and compared word by word. A
 * program that we would not have written is an error, whatever it does.
 *
 * Packets begin with their Ethernet header here. Drops are counted by nobody; datagrams and connections tell.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/lab/nl_private.h"
#include "harness/spec/topology.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#define OUR_PREFERENCE 0xD701u
#define OUR_HANDLE 1u
#define PROGRAM_MAX 16
#define WAY_OUT TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

enum { SYN = 0x02, SYN_AND_ACK = 0x12, FRAGMENT_OFFSET = 0x1fff };
enum { AT_TYPE = 12, AT_IP = 14, AT_FRAGMENT = AT_IP + 6, AT_PROTOCOL = AT_IP + 9, AT_FLAGS = AT_IP + 13 };

struct program {
    struct sock_filter at[PROGRAM_MAX];
    unsigned short len;
};

static void add(struct program *p, const struct sock_filter *steps, size_t n)
{
    memcpy(&p->at[p->len], steps, n * sizeof(*steps));
    p->len = (unsigned short)(p->len + n);
}

/* Each part ends in a drop that whoever is not concerned jumps over. */
static struct program write_program(const struct path_state *s)
{
    struct program p = {0};
    const struct sock_filter length[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(s->mtu_bytes + ETH_HLEN), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
    };
    static const struct sock_filter opening[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 9),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_PROTOCOL),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 7),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_FRAGMENT),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FRAGMENT_OFFSET, 5, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, AT_IP), /* x: length of the IP header */
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, AT_FLAGS),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN_AND_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
    };
    static const struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, TC_ACT_OK);
    if (s->mtu_bytes > 0) {
        add(&p, length, array_len(length));
    }
    if (s->block_new) {
        add(&p, opening, array_len(opening));
    }
    add(&p, &pass, 1);
    return p;
}

static int lay_clsact(struct netlink *nl, int index, struct err *e)
{
    struct tcmsg head = {.tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
                         .tcm_parent = TC_H_CLSACT};
    struct nl_msg *m = netlink_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
    netlink_put(m, TCA_KIND, "clsact", sizeof("clsact"));
    return netlink_call(nl, m, "clsact", e);
}

int netlink_filter_set(struct netlink *nl, int index, const struct path_state *p, bool first, struct err *e)
{
    if (first && lay_clsact(nl, index, e) != 0) {
        return -1;
    }
    struct program program = write_program(p);
    struct tcmsg head = {.tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_handle = OUR_HANDLE, .tcm_parent = WAY_OUT,
                         .tcm_info = TC_H_MAKE(OUR_PREFERENCE << 16, htons(ETH_P_ALL))};
    struct nl_msg *m =
        netlink_message(RTM_NEWTFILTER, first ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_REPLACE, &head, sizeof(head));
    uint32_t flags = TCA_BPF_FLAG_ACT_DIRECT;
    netlink_put(m, TCA_KIND, "bpf", sizeof("bpf"));
    struct nlattr *options = nla_nest_start(m, TCA_OPTIONS);
    netlink_put(m, TCA_BPF_OPS_LEN, &program.len, sizeof(program.len));
    netlink_put(m, TCA_BPF_OPS, program.at, program.len * sizeof(program.at[0]));
    netlink_put(m, TCA_BPF_FLAGS, &flags, sizeof(flags));
    nla_nest_end(m, options);
    return netlink_call(nl, m, "filter", e);
}

struct looking {
    int index;
    bool there;
    struct program program; /* len 0: another kind, or none that we would write */
};

static int look(void *arg, const struct nlmsghdr *h)
{
    struct looking *l = arg;
    const struct tcmsg *head = nlmsg_data(h);
    if (h->nlmsg_type != RTM_NEWTFILTER || nlmsg_datalen(h) < (int)sizeof(*head) || head->tcm_ifindex != l->index ||
        head->tcm_info >> 16 != OUR_PREFERENCE || head->tcm_handle != OUR_HANDLE) {
        return 0;
    }
    const char *attrs = (const char *)head + NLMSG_ALIGN(sizeof(*head));
    size_t options_size = 0, size = 0;
    const void *options = netlink_attr(attrs, (size_t)nlmsg_attrlen(h, sizeof(*head)), TCA_OPTIONS, 1, &options_size);
    const void *ops = options ? netlink_attr(options, options_size, TCA_BPF_OPS, 1, &size) : NULL;
    const uint32_t *flags = options ? netlink_attr(options, options_size, TCA_BPF_FLAGS, sizeof(*flags), NULL) : NULL;
    l->there = true;
    if (ops && size <= sizeof(l->program.at) && flags && *flags & TCA_BPF_FLAG_ACT_DIRECT) {
        memcpy(l->program.at, ops, size);
        l->program.len = (unsigned short)(size / sizeof(l->program.at[0]));
    }
    return 0;
}

static struct path_state understand(const struct program *p)
{
    struct path_state s = {0};
    bool length = p->len > 2 && p->at[0].code == (BPF_LD | BPF_W | BPF_LEN);
    s.mtu_bytes = length ? (int64_t)p->at[1].k - ETH_HLEN : 0;
    s.block_new = p->len > (length ? 4 : 1);
    return s;
}

int netlink_filter_get(struct netlink *nl, int index, struct path_state *p, struct err *e)
{
    struct looking l = {.index = index};
    struct tcmsg head = {.tcm_family = AF_UNSPEC, .tcm_ifindex = index, .tcm_parent = WAY_OUT};
    struct nl_msg *m = netlink_message(RTM_GETTFILTER, 0, &head, sizeof(head));
    if (netlink_dump(nl, m, "filters", look, &l, e) != 0) {
        return -1;
    }
    if (!l.there) {
        return err_set(e, ERR_RUN, "filter", "the device does not carry our filter");
    }
    *p = understand(&l.program);
    struct program same = write_program(p);
    if (same.len != l.program.len || memcmp(same.at, l.program.at, same.len * sizeof(same.at[0])) != 0) {
        return err_set(e, ERR_RUN, "filter", "the read-back is another program");
    }
    return 0;
}
