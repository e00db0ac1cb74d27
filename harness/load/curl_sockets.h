/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of libcurl on our loop, and a count of kept-alive connections per peer. For transport_curl.c only.
 *
 * Each descriptor that libcurl opens is ours from open to close. Peers tell whether a kept-alive request should have
 * found an idle connection.
 */
#pragma once
#include "harness/base/loop.h"
#include <curl/curl.h>
#include <netinet/in.h>
#include <stddef.h>

/* One address and port asked so far. */
struct curl_peer {
    char address[16];
    uint16_t port;
    size_t open; /* kept-alive connections that exist */
    size_t busy; /* kept-alive requests under way */
};

struct curl_sockets {
    struct loop *loop;
    struct curl_socket **at; /* by descriptor */
    size_t len, cap;
    struct curl_peer **peers;
    size_t peer_count, peer_cap;
    struct in_addr *sources; /* connections leave from these in turn; the owner's */
    size_t source_count, next_source;
    /* libcurl wants to hear of fd: bits of CURL_CSELECT_*. */
    void (*ready)(struct curl_sockets *s, int fd, int bits);
};

void curl_sockets_deinit(struct curl_sockets *s); /* after libcurl has closed what it had */
struct curl_peer *curl_sockets_peer(struct curl_sockets *s, const char *address, uint16_t port);
/* socket(2), and bind(2) where there are sources, for a connection to peer (NULL: one not kept). -1 with errno. */
int curl_sockets_open(struct curl_sockets *s, const struct curl_sockaddr *to, struct curl_peer *peer,
                      const void *owner);
void curl_sockets_close(struct curl_sockets *s, int fd);
/* owner's connection came to nothing; libcurl may have closed it without a word. */
void curl_sockets_gone(struct curl_sockets *s, int fd, const void *owner);
/* What libcurl's socket callback says: CURL_POLL_*. -1 when the loop refuses. */
int curl_sockets_watch(struct curl_sockets *s, int fd, int what);
