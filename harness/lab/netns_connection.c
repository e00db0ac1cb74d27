/* SPDX-License-Identifier: MIT */
/*
 * The connections of nodes: sockets of ours among theirs, and theirs listed and broken.
 *
 * A node's connections are those of its network namespace with another address than its own; what runs over its
 * loopback device (the admin port) is between it and us. A site's nodes share 10.<site+1>/16.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <errno.h>
#include <sched.h>

#define CONNECTIONS_MAX 65536
#define LOOPBACK 127u

int netns_node_socket(struct lab *lab, uint16_t node, int type, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    return netns_socket(l, l->nodes[node].fd, type, e);
}

static int open_diag(struct netns_lab *l, uint16_t node, struct netlink **nl, struct err *e)
{
    if (setns(l->nodes[node].fd, CLONE_NEWNET) != 0) {
        return err_os(e, ERR_RUN, errno, "network namespace", "cannot enter it");
    }
    int rc = netlink_open_diag(nl, e);
    if (setns(l->cell.net_fd, CLONE_NEWNET) != 0) {
        netlink_close(rc == 0 ? steal(nl) : NULL);
        return err_os(e, ERR_RUN, errno, "network namespace", "cannot return to our own");
    }
    return rc;
}

static bool is_with(const struct netlink_connection *c, uint16_t peer)
{
    bool itself = c->peer >> 24 == LOOPBACK || c->peer == c->own;
    return !itself && (peer == TOPO_NONE || c->peer >> 16 == (10u << 8 | (peer + 1u)));
}

struct found {
    struct netlink_connection *at;
    size_t n;
};

/* All of the node with the peer; at is the caller's to free. */
static int find(struct netlink *nl, uint16_t peer, struct found *f, struct err *e)
{
    size_t all = 0, kept = 0;
    f->at = xcalloc(CONNECTIONS_MAX, sizeof(*f->at));
    if (netlink_connections(nl, f->at, CONNECTIONS_MAX, &all, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < all && i < CONNECTIONS_MAX; i++) {
        if (is_with(&f->at[i], peer)) {
            f->at[kept++] = f->at[i];
        }
    }
    f->n = kept;
    return all <= CONNECTIONS_MAX ? 0 : err_set(e, ERR_RUN, "connections", "more than %d on one node", CONNECTIONS_MAX);
}

int netns_connections(struct lab *lab, uint16_t node, uint16_t peer, uint64_t *cookies, size_t max, size_t *n,
                      struct err *e)
{
    struct netlink *nl = NULL;
    struct found f = {0};
    int rc = open_diag(netns_of(lab), node, &nl, e) != 0 ? -1 : find(nl, peer, &f, e);
    for (size_t i = 0; i < f.n && i < max; i++) {
        cookies[i] = f.at[i].cookie;
    }
    *n = f.n;
    free(f.at);
    netlink_close(nl);
    return rc;
}

int netns_disconnect(struct lab *lab, uint16_t node, uint16_t peer, struct err *e)
{
    struct netlink *nl = NULL;
    struct found f = {0};
    int rc = open_diag(netns_of(lab), node, &nl, e) != 0 ? -1 : find(nl, peer, &f, e);
    for (size_t i = 0; i < f.n && rc == 0; i++) {
        rc = netlink_disconnect(nl, &f.at[i], e);
    }
    free(f.at);
    netlink_close(nl);
    return rc;
}

bool netns_listens(struct netns_lab *l, uint16_t node)
{
    struct netlink *nl = NULL;
    bool listens = false;
    bool known = open_diag(l, node, &nl, NULL) == 0 &&
                 netlink_listens(nl, topo_service_port(l->topo->nodes[node].role), &listens, NULL) == 0;
    netlink_close(nl);
    return known && listens;
}
