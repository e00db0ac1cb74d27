/* SPDX-License-Identifier: MIT */
/*
 * Descriptors stay in epoll while libcurl merely pauses: CURL_POLL_REMOVE between two requests of one kept-alive
 * connection is remembered (wanted = 0) but not passed on, and the next request finds its descriptor watched. That
 * saves two system calls a request. Should such a resting descriptor become readable (the peer closed it), it is
 * taken out of epoll then, since a level-triggered event that nobody consumes would spin the loop; libcurl finds the
 * dead connection when it next wants to use it. Interest in writing is always withdrawn at once: a connected socket
 * is writable all the time.
 *
 * The table is indexed by descriptor. libcurl closes through curl_sockets_close, except for connections that it
 * gives up while they are being made (seen with 7.88): the transfer that ends so says it here by curl_sockets_gone,
 * and an entry found under a number that the kernel gave out anew is dropped. Nothing is ever closed on the table's
 * word alone.
 */
#include "harness/load/curl_sockets.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct curl_socket {
    struct loop_io io;
    struct curl_sockets *home;
    struct curl_peer *peer;
    const void *owner;
    int fd;
    uint32_t wanted, watched; /* EPOLLIN, EPOLLOUT */
};

struct curl_peer *curl_sockets_peer(struct curl_sockets *s, const char *address, uint16_t port)
{
    for (size_t i = 0; i < s->peer_count; i++) {
        if (s->peers[i]->port == port && text_eq(s->peers[i]->address, address)) {
            return s->peers[i];
        }
    }
    s->peers = vec_grow(s->peers, s->peer_count, &s->peer_cap, sizeof(*s->peers));
    struct curl_peer *made = xcalloc(1, sizeof(*made));
    snprintf(made->address, sizeof(made->address), "%s", address);
    made->port = port;
    s->peers[s->peer_count++] = made;
    return made;
}

static struct curl_socket *find(const struct curl_sockets *s, int fd)
{
    return fd >= 0 && (size_t)fd < s->len ? s->at[fd] : NULL;
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct curl_socket *k = (struct curl_socket *)io; /* io is its first member */
    if (k->wanted == 0) {
        loop_io_stop(&k->io);
        k->watched = 0;
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP)) {
        events |= k->wanted;
    }
    int bits = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
    k->home->ready(k->home, k->fd, bits);
}

static void forget(struct curl_sockets *s, struct curl_socket *k)
{
    loop_io_stop(&k->io);
    if (k->peer) {
        k->peer->open--;
    }
    s->at[k->fd] = NULL;
    free(k);
}

/* From the next source; connect(2) picks the port, as only then it knows to
 * whom, and so may use one for each of them. */
static int leave_from_next(struct curl_sockets *s, int fd)
{
    int one = 1;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = s->sources[s->next_source]};
    s->next_source = (s->next_source + 1) % s->source_count;
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) != 0
               ? -1
               : bind(fd, (struct sockaddr *)&from, sizeof(from));
}

int curl_sockets_open(struct curl_sockets *s, const struct curl_sockaddr *to, struct curl_peer *peer, const void *owner)
{
    scoped_fd int made = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (made < 0 || (s->source_count > 0 && leave_from_next(s, made) != 0)) {
        return -1;
    }
    int fd = steal_fd(&made);
    while (s->len <= (size_t)fd) {
        s->at = vec_grow(s->at, s->len, &s->cap, sizeof(*s->at));
        s->len++;
    }
    if (s->at[fd]) {
        forget(s, s->at[fd]);
    }
    struct curl_socket *k = xcalloc(1, sizeof(*k));
    k->io.ready = on_ready;
    k->home = s;
    k->fd = fd;
    k->peer = peer;
    k->owner = owner;
    s->at[fd] = k;
    if (peer) {
        peer->open++;
    }
    return fd;
}

void curl_sockets_close(struct curl_sockets *s, int fd)
{
    struct curl_socket *k = find(s, fd);
    if (k) {
        forget(s, k);
    }
    fd_close(&fd);
}

void curl_sockets_gone(struct curl_sockets *s, int fd, const void *owner)
{
    struct curl_socket *k = find(s, fd);
    if (k && k->owner == owner) {
        forget(s, k);
    }
}

int curl_sockets_watch(struct curl_sockets *s, int fd, int what)
{
    struct curl_socket *k = find(s, fd);
    if (!k) {
        return what == CURL_POLL_REMOVE ? 0 : -1;
    }
    k->wanted = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? (uint32_t)EPOLLIN : 0) |
                (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? (uint32_t)EPOLLOUT : 0);
    bool enough = (k->wanted & ~k->watched) == 0;
    bool too_much = (k->watched & ~k->wanted & EPOLLOUT) != 0;
    if (enough && !too_much) {
        return 0;
    }
    if (k->wanted == 0) {
        loop_io_stop(&k->io);
    } else if (loop_io_set(s->loop, &k->io, fd, k->wanted, NULL) != 0) {
        return -1;
    }
    k->watched = k->wanted;
    return 0;
}

void curl_sockets_deinit(struct curl_sockets *s)
{
    for (size_t i = 0; i < s->len; i++) {
        if (s->at[i]) {
            forget(s, s->at[i]);
        }
    }
    for (size_t i = 0; i < s->peer_count; i++) {
        free(s->peers[i]);
    }
    vec_free(s->at);
    vec_free(s->peers);
}
