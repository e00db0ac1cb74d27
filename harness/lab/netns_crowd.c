/* SPDX-License-Identifier: MIT */
/*
 * A crowd: idle connections to a node that say nothing and stay. Whoever is thrown out comes back, so that a server
 * which closes idle connections stays as full as before; a pause before that keeps a dead node from being hammered.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BACK_AFTER_NS (100 * NS_PER_MS)

struct guest {
    struct crowd *crowd;
    struct loop_io io;
    struct loop_timer again;
    int fd;
};

struct crowd {
    struct netns_lab *lab;
    uint16_t from, to;
    size_t n;
    struct guest *at;
};

static void thrown_out(struct loop_io *io, uint32_t events);

static int come_in(struct guest *g, struct err *e)
{
    struct netns_lab *l = g->crowd->lab;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(TOPO_PORT_HTTP),
                                   .sin_addr = {htonl(netns_address(l, g->crowd->to))}};
    g->fd = netns_socket(l, l->nodes[g->crowd->from].fd, SOCK_STREAM, e);
    if (g->fd < 0) {
        return -1;
    }
    if (connect(g->fd, (const struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
        loop_timer_set(l->loop, &g->again, loop_now(l->loop) + BACK_AFTER_NS);
        fd_close(&g->fd);
        return 0;
    }
    return loop_io_set(l->loop, &g->io, g->fd, EPOLLIN | EPOLLRDHUP, e);
}

static void thrown_out(struct loop_io *io, uint32_t events)
{
    struct guest *g = (struct guest *)(void *)((char *)io - offsetof(struct guest, io));
    (void)events;
    loop_io_stop(&g->io);
    fd_close(&g->fd);
    loop_timer_set(g->crowd->lab->loop, &g->again, loop_now(g->crowd->lab->loop) + BACK_AFTER_NS);
}

static void come_again(struct loop_timer *t, int64_t now)
{
    struct guest *g = (struct guest *)(void *)((char *)t - offsetof(struct guest, again));
    struct err e = {0};
    (void)now;
    if (come_in(g, &e) != 0) {
        loop_timer_set(g->crowd->lab->loop, t, loop_now(g->crowd->lab->loop) + BACK_AFTER_NS);
    }
}

void netns_crowd_free(struct crowd *c)
{
    for (size_t i = 0; c && i < c->n; i++) {
        loop_io_stop(&c->at[i].io);
        loop_timer_stop(&c->at[i].again);
        fd_close(&c->at[i].fd);
    }
    free(c ? c->at : NULL);
    free(c);
}

int netns_node_crowd(struct lab *lab, uint16_t from, uint16_t to, size_t connections, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    struct crowd **c = &l->runs[to].crowd;
    netns_crowd_free(steal(c));
    if (connections == 0) {
        return 0;
    }
    *c = xcalloc(1, sizeof(**c));
    **c = (struct crowd){
        .lab = l, .from = from, .to = to, .n = connections, .at = xcalloc(connections, sizeof(struct guest))};
    for (size_t i = 0; i < connections; i++) {
        (*c)->at[i] = (struct guest){.crowd = *c, .fd = -1, .io.ready = thrown_out, .again.due = come_again};
    }
    for (size_t i = 0; i < connections; i++) {
        if (come_in(&(*c)->at[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}
