/* SPDX-License-Identifier: MIT */
/* What the nl_*.c files share: messages on their way, and reading dumps. Nobody else includes this. */
#pragma once
#include "harness/lab/nl.h"

#include <stdbool.h>
#include <stddef.h>

struct nl_msg;
struct nlmsghdr;

int netlink_open_to(struct netlink **nl, int protocol, struct err *e); /* NETLINK_ROUTE, _NETFILTER, _SOCK_DIAG */

/* A message with its fixed header, and its attributes. Memory aborts; a message
 * holds a page, none of ours comes near. */
struct nl_msg *netlink_message(int type, int flags, const void *header, size_t len);
void netlink_put(struct nl_msg *m, int type, const void *bytes, size_t len);

/* Put a finished message (freed here) into the queue; what is a literal that names it in an error. */
void netlink_queue(struct netlink *nl, struct nl_msg *m, const char *what);
/* Send one message at once; its acknowledgement decides. */
int netlink_call(struct netlink *nl, struct nl_msg *m, const char *what, struct err *e);

/* Ask for a dump (m is freed here) and hand each message to `each`, which
 * returns non-zero to look at no more of them. */
typedef int netlink_each_fn(void *arg, const struct nlmsghdr *h);
int netlink_dump(struct netlink *nl, struct nl_msg *m, const char *what, netlink_each_fn *each, void *arg,
                 struct err *e);

/* Ask for one thing (m is freed here) and hand the answer to `each`: a dump of all
 * to find one costs as much as there are. */
int netlink_get(struct netlink *nl, struct nl_msg *m, const char *what, netlink_each_fn *each, void *arg,
                struct err *e);

/* Attribute of a message part, with its length checked; NULL if absent or too short. */
const void *netlink_attr(const void *attrs, size_t len, int type, size_t at_least, size_t *size);

/* The root queueing discipline of a device: a message that adds (first) or changes it, and its options, copied out of
 * the answer (nl_qdisc.c). Reading fails where the device does not carry ours, of the kind asked for. */
struct netlink_root {
    int index;
    const char *kind;
    bool there;
    size_t len;
    _Alignas(8) unsigned char bytes[1024];
};
struct nl_msg *netlink_qdisc_message(int index, const char *kind, bool first);
int netlink_qdisc_read(struct netlink *nl, struct netlink_root *r, struct err *e);
