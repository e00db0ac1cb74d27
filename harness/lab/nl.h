/* SPDX-License-Identifier: MIT */
/*
 * rtnetlink, and the only door to it: the lab's other files never see a netlink header.
 *
 * A struct netlink is a socket in one network namespace (that of the caller when it was opened). Things that only add
 * are queued (netlink_veth, netlink_up, netlink_address, netlink_route, netlink_neighbour) and go out together with
 * netlink_flush, which returns when the kernel has acknowledged each of them; the first failure names the thing. Rules
 * and queueing disciplines go out at once.
 *
 * Everything we add that could be confused with somebody else's carries a mark: FIB rules protocol 0xD7, queueing
 * disciplines major 0xD701, filters preference 0xD701. Addresses are IPv4 in host byte order. See rtnetlink(7),
 * veth(4), tc-netem(8), tc-tbf(8).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct netlink;
struct path_state;

int netlink_open(struct netlink **nl, struct err *e);
void netlink_close(struct netlink *nl);

struct netlink_end {
    int netns_fd;
    int index; /* interface index to give it, 2.. */
    char name[16];
    uint8_t mac[6];
};
/* Both ends are made where they belong; nothing of them shows up in the namespace of the socket. */
void netlink_veth(struct netlink *nl, const struct netlink_end *a, const struct netlink_end *b);
void netlink_up(struct netlink *nl, int index);
void netlink_down(struct netlink *nl, int index);
void netlink_address(struct netlink *nl, int index, uint32_t address, uint8_t prefix_len);
void netlink_route(struct netlink *nl, uint32_t to, uint8_t prefix_len, uint32_t gateway, int index); /* 0/0: default */
void netlink_neighbour(struct netlink *nl, int index, uint32_t address, const uint8_t mac[6]);        /* permanent */
int netlink_flush(struct netlink *nl, struct err *e);

/* What a device loses when it goes down: taken before, put back once it is up, and looked for. */
struct netlink_kept;
int netlink_keep(struct netlink *nl, int index, struct netlink_kept **out, struct err *e);
void netlink_kept_free(struct netlink_kept *k); /* NULL is fine */
int netlink_put_back(struct netlink *nl, const struct netlink_kept *k, struct err *e);
int netlink_kept_there(struct netlink *nl, const struct netlink_kept *k, bool *there, struct err *e); /* all of it */
int netlink_is_up(struct netlink *nl, int index, bool *up, struct err *e);

/* A rule that lets packets vanish, or has the kernel say "network unreachable": what comes in by `iif` (empty: any) and
 * goes to `to`/`to_len` (0: any); of these only TCP to or from a port, where one is given. */
struct netlink_rule {
    uint32_t priority; /* 30000..30999 */
    char iif[16];
    uint32_t to;
    uint8_t to_len;
    uint16_t to_port, from_port;
    bool unreachable;
};
bool netlink_rule_same(const struct netlink_rule *a, const struct netlink_rule *b);
/* To add one that is there is an error; it is deleted by its full description, and there as read back, by field. */
int netlink_rule_add(struct netlink *nl, const struct netlink_rule *r, struct err *e);
int netlink_rule_delete(struct netlink *nl, const struct netlink_rule *r, struct err *e);
int netlink_rule_there(struct netlink *nl, const struct netlink_rule *r, bool *there, struct err *e);
/* Every rule of ours in this namespace; `each` returns non-zero to see no more of them. */
typedef int netlink_rule_fn(void *arg, const struct netlink_rule *r);
int netlink_rule_each(struct netlink *nl, netlink_rule_fn *each, void *arg, struct err *e);
int netlink_rule_count(struct netlink *nl, size_t *n, struct err *e); /* rules with our mark in this namespace */

/* Netem at the root of a device: added once (first true), changed in place ever after. A cut is 100 % loss. The
 * parameters of p (all but the mtu) are all written each time, and read back from the raw message, all but the spread,
 * which the kernel does not show. */
int netlink_netem_set(struct netlink *nl, int index, const struct path_state *p, bool first, struct err *e);
int netlink_netem_get(struct netlink *nl, int index, struct path_state *p, struct err *e);
/* Token bucket at the root of a device. rate_bps 0: unlimited. */
int netlink_tbf_set(struct netlink *nl, int index, int64_t rate_bps, bool first, struct err *e);
int netlink_tbf_get(struct netlink *nl, int index, int64_t *rate_bps, struct err *e);
/* A filter before that queue: block_new and mtu_bytes of p, nothing else of it. Added
 * once (first), changed in place ever after. */
int netlink_filter_set(struct netlink *nl, int index, const struct path_state *p, bool first, struct err *e);
int netlink_filter_get(struct netlink *nl, int index, struct path_state *p, struct err *e);

/* TCP connections of the namespace that a socket of netlink_open_diag stands in; see sock_diag(7). The kernel gives a
 * cookie to one connection only, ever. */
struct netlink_connection {
    uint64_t cookie;
    uint32_t own, peer;
    uint16_t own_port, peer_port;
};
int netlink_open_diag(struct netlink **nl, struct err *e);
/* All that are established or only half closed: the first max of them, and how many there are. */
int netlink_connections(struct netlink *nl, struct netlink_connection *list, size_t max, size_t *n, struct err *e);
/* Does anybody listen on a TCP port of that namespace (IPv4)? */
int netlink_listens(struct netlink *nl, uint16_t port, bool *listens, struct err *e);
/* End it: its owner gets ECONNABORTED, its peer a reset. One that has gone by itself is no error. */
int netlink_disconnect(struct netlink *nl, const struct netlink_connection *c, struct err *e);

/* What stands in the caller's network namespace, a line each: links, queueing disciplines, rules, permanent
 * neighbours, tables of nftables. ours: it bears our name or mark. What we may not look at (nftables without
 * privilege) is passed over. */
typedef void netlink_line_fn(void *arg, const char *line, bool ours);
int netlink_inventory(netlink_line_fn *each, void *arg, struct err *e);
