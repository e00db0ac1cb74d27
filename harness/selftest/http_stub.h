/* SPDX-License-Identifier: MIT */
/*
 * The little of HTTP/1.1 that the scripted servers of the self-test speak: listeners on loopback, one request per
 * connection, one answer, close.
 *
 * It shares no code with the clients that measure it. The owner decides at accept what becomes of a connection and
 * answers when the request is whole; what it leaves alone stays open and silent until the client gives up.
 */
#pragma once
#include "harness/base/loop.h"
#include <stddef.h>

struct stub;
struct stub_listener;

#define STUB_REQUEST_MAX 1024

struct stub_request {
    bool post;
    const char *target, *nonce, *body; /* nonce: 16 digits or empty; body NUL-terminated, empty without one */
};

struct stub_exchange {
    struct loop_io io;
    struct loop_timer timer; /* for answers that come late; the owner sets `due` */
    struct stub *stub;
    const struct stub_listener *from;
    struct stub_exchange *next_free;
    int mood; /* the owner's: how it stood when the connection was accepted */
    bool whole;
    size_t len;
    char nonce[17];
    char bytes[STUB_REQUEST_MAX + 1];
};

struct stub_listener {
    struct loop_io io;
    struct stub *stub;
    int fd;
};

struct stub {
    struct loop *loop;
    struct stub_exchange *exchanges, *free;
    bool (*accepted)(struct stub_exchange *x); /* false: reset it at once */
    void (*asked)(struct stub_exchange *x, const struct stub_request *r);
};

/* Connections beyond capacity are closed at once. */
void stub_init(struct stub *s, struct loop *l, size_t capacity);
/* A listening socket on an address of 127.0.0.0/8 (dotted) and a free port; -1 with the reason. */
int stub_socket(const char *address, uint16_t *port, struct err *e);
/* Accept from now on. -1: the loop refuses. */
int stub_listen(struct stub *s, struct stub_listener *l, int fd);
void stub_listener_rest(struct stub_listener *l); /* connections pile up in the kernel until stub_listen */

/* One write, then close. head: more header lines, each ended by \r\n, or "". Check and nonce are put in. */
void stub_answer(struct stub_exchange *x, const char *status, const char *head, const char *body, size_t len);
void stub_close(struct stub_exchange *x, bool reset);
