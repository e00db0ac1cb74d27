/* SPDX-License-Identifier: MIT */
/*
 * TCP connections seen and ended from outside: NETLINK_SOCK_DIAG, SOCK_DESTROY.
 *
 * The kernel ends one connection per request, found by its four numbers and checked by its cookie, so nothing that came
 * after under the same numbers can be hit. It needs CONFIG_INET_DIAG_DESTROY (EOPNOTSUPP without it) and CAP_NET_ADMIN
 * over the network namespace, which the owner of a user namespace has in it.
 */
#include "harness/lab/nl.h"

#include "harness/base/err.h"
#include "harness/lab/nl_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/msg.h>
#include <string.h>

#define LISTENERS_MAX 64 /* a node has a few */
#define OPEN_STATES (1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2)

struct listing {
    struct netlink_connection *list;
    size_t max, n;
};

static int take(void *arg, const struct nlmsghdr *h)
{
    struct listing *l = arg;
    const struct inet_diag_msg *d = nlmsg_data(h);
    if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlmsg_datalen(h) < (int)sizeof(*d) || d->idiag_family != AF_INET) {
        return 0;
    }
    if (l->n < l->max) {
        l->list[l->n] = (struct netlink_connection){
            .cookie = (uint64_t)d->id.idiag_cookie[1] << 32 | d->id.idiag_cookie[0],
            .own = ntohl(d->id.idiag_src[0]),
            .peer = ntohl(d->id.idiag_dst[0]),
            .own_port = ntohs(d->id.idiag_sport),
            .peer_port = ntohs(d->id.idiag_dport),
        };
    }
    l->n++;
    return 0;
}

static int list_sockets(struct netlink *nl, uint32_t states, struct listing *l, struct err *e)
{
    const struct inet_diag_req_v2 all = {
        .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = states};
    struct nl_msg *m = netlink_message(SOCK_DIAG_BY_FAMILY, 0, &all, sizeof(all));
    return netlink_dump(nl, m, "connections", take, l, e);
}

int netlink_connections(struct netlink *nl, struct netlink_connection *list, size_t max, size_t *n, struct err *e)
{
    struct listing l = {.list = list, .max = max};
    int rc = list_sockets(nl, OPEN_STATES, &l, e);
    *n = l.n;
    return rc;
}

int netlink_listens(struct netlink *nl, uint16_t port, bool *listens, struct err *e)
{
    struct netlink_connection at[LISTENERS_MAX] = {0};
    struct listing l = {.list = at, .max = LISTENERS_MAX};
    int rc = list_sockets(nl, 1u << TCP_LISTEN, &l, e);
    *listens = false;
    for (size_t i = 0; i < l.n && i < LISTENERS_MAX; i++) {
        *listens |= at[i].own_port == port;
    }
    return rc;
}

int netlink_disconnect(struct netlink *nl, const struct netlink_connection *c, struct err *e)
{
    struct err refused = {0};
    const struct inet_diag_req_v2 one = {
        .sdiag_family = AF_INET,
        .sdiag_protocol = IPPROTO_TCP,
        .idiag_states = OPEN_STATES,
        .id = {.idiag_src = {htonl(c->own)},
               .idiag_dst = {htonl(c->peer)},
               .idiag_sport = htons(c->own_port),
               .idiag_dport = htons(c->peer_port),
               .idiag_cookie = {(uint32_t)c->cookie, (uint32_t)(c->cookie >> 32)}},
    };
    if (netlink_call(nl, netlink_message(SOCK_DESTROY, 0, &one, sizeof(one)), "connection", &refused) == 0 ||
        refused.os == ENOENT || refused.os == ESTALE) {
        return 0;
    }
    if (e && e->kind == ERR_NONE) {
        *e = refused;
    }
    return -1;
}
