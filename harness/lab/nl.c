/* SPDX-License-Identifier: MIT */
/*
 * Sending and collecting. Building a world takes some hundred small requests; sent one by one, each costs a system call
 * and a wait. They are queued in one buffer instead, sent in one piece, and the acknowledgements are read back in
 * order: the kernel works through a datagram of netlink messages one after the other and answers each.
 *
 * A batch is bounded (64 messages, 16 KiB) so that its acknowledgements fit into the receive buffer of a socket nobody
 * may enlarge. After a failure the rest of the batch is still collected, so that the socket stays in step; sequence
 * numbers tell answers to this batch from older ones. A kernel that does not answer within two seconds is an error.
 */
#include "harness/lab/nl.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/lab/nl_private.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH_MESSAGES = 64, BATCH_BYTES = 16384, RECEIVE_BYTES = 65536, ANSWER_BOUND_MS = 2000 };

struct netlink {
    struct nl_sock *sock;
    uint32_t next_seq, first_seq;
    size_t queued, bytes;
    const char *what[BATCH_MESSAGES];
    struct err failed; /* a batch that was sent because the queue was full */
    _Alignas(struct nlmsghdr) unsigned char out[BATCH_BYTES];
    _Alignas(struct nlmsghdr) unsigned char in[RECEIVE_BYTES];
};

int netlink_open_to(struct netlink **nl, int protocol, struct err *e)
{
    struct netlink *n = xcalloc(1, sizeof(*n));
    n->next_seq = n->first_seq = 1;
    n->sock = nl_socket_alloc();
    int rc = n->sock ? nl_connect(n->sock, protocol) : -NLE_NOMEM;
    if (rc == 0) {
        rc = nl_socket_set_buffer_size(n->sock, 1 << 18, 1 << 18);
    }
    if (rc != 0) {
        netlink_close(n);
        return err_set(e, ERR_MACHINE, "netlink", "cannot open a netlink socket: %s", nl_geterror(rc));
    }
    *nl = n;
    return 0;
}

int netlink_open(struct netlink **nl, struct err *e)
{
    return netlink_open_to(nl, NETLINK_ROUTE, e);
}

int netlink_open_diag(struct netlink **nl, struct err *e)
{
    return netlink_open_to(nl, NETLINK_SOCK_DIAG, e);
}

void netlink_close(struct netlink *nl)
{
    if (nl) {
        nl_socket_free(nl->sock);
        free(nl);
    }
}

struct nl_msg *netlink_message(int type, int flags, const void *header, size_t len)
{
    union {
        const void *in;
        void *out; /* libnl copies it and has only forgotten the const */
    } head = {.in = header};
    struct nl_msg *m = nlmsg_alloc_simple(type, flags);
    if (!m || nlmsg_append(m, head.out, len, NLMSG_ALIGNTO) < 0) {
        abort();
    }
    return m;
}

void netlink_put(struct nl_msg *m, int type, const void *bytes, size_t len)
{
    if (nla_put(m, type, (int)len, bytes) < 0) {
        abort();
    }
}

/* Receive one datagram within the bound; its length, or -1. As a rule the kernel has answered before the call that
 * asked it returns, so waiting is the exception. */
static ssize_t receive(struct netlink *nl, const char *what, struct err *e)
{
    int fd = nl_socket_get_fd(nl->sock);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n;
    while ((n = recv(fd, nl->in, sizeof(nl->in), MSG_DONTWAIT)) < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (poll(&p, 1, ANSWER_BOUND_MS) == 0) {
            return err_set(e, ERR_RUN, what, "the kernel did not answer within %d ms", ANSWER_BOUND_MS);
        }
    }
    return n < 0 ? err_os(e, ERR_RUN, errno, what, "cannot read the kernel's answer") : n;
}

static int transmit(struct netlink *nl, void *bytes, size_t len, const char *what, struct err *e)
{
    int rc = nl_sendto(nl->sock, bytes, len);
    return rc < 0 ? err_set(e, ERR_RUN, what, "cannot send to the kernel: %s", nl_geterror(rc)) : 0;
}

/* One acknowledgement: 0 fine or not ours, -1 a refusal. */
static int judge(const struct netlink *nl, const struct nlmsghdr *h, struct err *e)
{
    const struct nlmsgerr *a = nlmsg_data(h);
    if (nlmsg_datalen(h) < (int)sizeof(*a) || a->error == 0) {
        return 0;
    }
    const char *what = nl->what[h->nlmsg_seq - nl->first_seq];
    int kind = a->error == -EPERM || a->error == -EOPNOTSUPP || a->error == -ENOENT ? ERR_MACHINE : ERR_RUN;
    return err_os(e, (enum err_kind)kind, -a->error, what, "the kernel refuses it");
}

static int collect(struct netlink *nl, struct err *e)
{
    int rc = 0;
    size_t open = nl->queued;
    while (open > 0) {
        ssize_t n = receive(nl, nl->what[nl->queued - open], e);
        if (n < 0) {
            return -1;
        }
        int left = (int)n;
        for (struct nlmsghdr *h = (struct nlmsghdr *)nl->in; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
            bool ours = h->nlmsg_type == NLMSG_ERROR && h->nlmsg_seq - nl->first_seq < nl->queued;
            if (ours && open > 0) {
                open--;
                rc |= judge(nl, h, e);
            }
        }
    }
    return rc;
}

static int send_batch(struct netlink *nl, struct err *e)
{
    if (nl->queued == 0) {
        return 0;
    }
    int rc = transmit(nl, nl->out, nl->bytes, nl->what[0], e);
    if (rc == 0) {
        rc = collect(nl, e);
    }
    nl->queued = nl->bytes = 0;
    nl->first_seq = nl->next_seq;
    return rc;
}

void netlink_queue(struct netlink *nl, struct nl_msg *m, const char *what)
{
    struct nlmsghdr *h = nlmsg_hdr(m);
    size_t room = NLMSG_ALIGN(h->nlmsg_len);
    if (nl->queued == BATCH_MESSAGES || nl->bytes + room > BATCH_BYTES) {
        send_batch(nl, &nl->failed);
    }
    h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    h->nlmsg_seq = nl->next_seq++;
    memset(nl->out + nl->bytes, 0, room);
    memcpy(nl->out + nl->bytes, h, h->nlmsg_len);
    nl->bytes += room;
    nl->what[nl->queued++] = what;
    nlmsg_free(m);
}

int netlink_flush(struct netlink *nl, struct err *e)
{
    send_batch(nl, &nl->failed);
    if (nl->failed.kind == ERR_NONE) {
        return 0;
    }
    if (e && e->kind == ERR_NONE) {
        *e = nl->failed;
    }
    nl->failed = (struct err){0};
    return -1;
}

int netlink_call(struct netlink *nl, struct nl_msg *m, const char *what, struct err *e)
{
    netlink_queue(nl, m, what);
    return netlink_flush(nl, e);
}

/* One datagram of a dump: 1 the dump is over, 0 there is more, -1 it failed. */
static int dump_part(struct netlink *nl, int len, const char *what, netlink_each_fn *each, void *arg, bool *enough,
                     struct err *e)
{
    for (struct nlmsghdr *h = (struct nlmsghdr *)nl->in; nlmsg_ok(h, len); h = nlmsg_next(h, &len)) {
        if (h->nlmsg_seq != nl->first_seq) {
            continue;
        }
        if (h->nlmsg_flags & NLM_F_DUMP_INTR) {
            err_set(e, ERR_RUN, what, "the kernel's table changed while it was read");
        }
        if (h->nlmsg_type == NLMSG_DONE) {
            return 1;
        }
        if (h->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *a = nlmsg_data(h);
            int os = nlmsg_datalen(h) < (int)sizeof(*a) ? EPROTO : -a->error;
            return err_os(e, ERR_RUN, os, what, "the kernel refuses to list it");
        }
        *enough = *enough || each(arg, h) != 0;
    }
    return 0;
}

static int get(struct netlink *nl, struct nl_msg *m, const char *what, netlink_each_fn *each, void *arg, struct err *e)
{
    struct nlmsghdr *h = nlmsg_hdr(m);
    h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ECHO;
    h->nlmsg_seq = nl->first_seq = nl->next_seq++;
    if (transmit(nl, h, h->nlmsg_len, what, e) != 0) {
        return -1;
    }
    for (;;) {
        ssize_t n = receive(nl, what, e);
        if (n < 0) {
            return -1;
        }
        int left = (int)n;
        for (h = (struct nlmsghdr *)nl->in; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
            if (h->nlmsg_seq != nl->first_seq) {
                continue;
            }
            if (h->nlmsg_type == NLMSG_ERROR) {
                const struct nlmsgerr *a = nlmsg_data(h);
                return err_os(e, ERR_RUN, nlmsg_datalen(h) < (int)sizeof(*a) ? EPROTO : -a->error, what,
                              "the kernel does not tell it");
            }
            each(arg, h);
            return 0;
        }
    }
}

int netlink_get(struct netlink *nl, struct nl_msg *m, const char *what, netlink_each_fn *each, void *arg, struct err *e)
{
    int rc = get(nl, m, what, each, arg, e);
    nlmsg_free(m);
    nl->first_seq = nl->next_seq;
    return rc;
}

int netlink_dump(struct netlink *nl, struct nl_msg *m, const char *what, netlink_each_fn *each, void *arg,
                 struct err *e)
{
    struct err here = {0};
    struct nlmsghdr *h = nlmsg_hdr(m);
    h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
    h->nlmsg_seq = nl->first_seq = nl->next_seq++;
    int rc = transmit(nl, h, h->nlmsg_len, what, &here);
    nlmsg_free(m);
    bool enough = false;
    while (rc == 0) {
        ssize_t n = receive(nl, what, &here);
        rc = n < 0 ? -1 : dump_part(nl, (int)n, what, each, arg, &enough, &here);
    }
    nl->first_seq = nl->next_seq;
    if (here.kind == ERR_NONE) {
        return 0;
    }
    if (e && e->kind == ERR_NONE) {
        *e = here;
    }
    return -1;
}

const void *netlink_attr(const void *attrs, size_t len, int type, size_t at_least, size_t *size)
{
    int left = (int)len;
    for (const struct nlattr *a = attrs; left > 0 && nla_ok(a, left); a = nla_next(a, &left)) {
        if (nla_type(a) == type && nla_len(a) >= (int)at_least) {
            if (size) {
                *size = (size_t)nla_len(a);
            }
            return nla_data(a);
        }
    }
    return NULL;
}
