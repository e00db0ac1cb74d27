/* SPDX-License-Identifier: MIT */
/*
 * Connect, let OpenSSL talk through two memory buffers until it is done or can not go on, close. One timer bounds all
 * of it; whatever happens ends in finish(), which takes the handshake off the list before it calls back.
 *
 * The certificate is checked against the run's root and the address that was asked, as a customer does; its refusal is
 * noted and overruled, so that the certificate itself can be looked at. No name is sent (customers use addresses).
 */
#include "harness/lab/handshake.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/lab/authority.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PEER_MAX 65536

struct handshake {
    struct handshake *next;
    struct handshake_list *list;
    struct handshake_order order;
    struct loop_io io;
    struct loop_timer timer;
    int fd;
    SSL *ssl;
    BIO *from_peer, *to_peer; /* owned by ssl */
    struct text out;
    size_t sent, received;
    bool connected;
    int64_t sent_ns;
};

#define handshake_of(ptr, member) ((struct handshake *)(void *)((char *)(ptr) - offsetof(struct handshake, member)))

static void unlink_one(struct handshake *h)
{
    for (struct handshake **at = &h->list->first; *at; at = &(*at)->next) {
        if (*at == h) {
            *at = h->next;
            return;
        }
    }
}

static void free_one(struct handshake *h)
{
    loop_io_stop(&h->io);
    loop_timer_stop(&h->timer);
    fd_close(&h->fd);
    SSL_free(h->ssl);
    text_deinit(&h->out);
    free(h);
}

/* What was seen of the peer's certificate. */
static json_t *seen(const struct handshake *h)
{
    char fingerprint[FINGERPRINT_LEN];
    X509 *shown = SSL_get0_peer_certificate(h->ssl);
    long verify = SSL_get_verify_result(h->ssl);
    if (!shown || !certificate_fingerprint(shown, fingerprint)) {
        return NULL;
    }
    return json_pack("{s:I, s:s, s:s, s:s}", "verify", (json_int_t)verify, "why", X509_verify_cert_error_string(verify),
                     "certificate", fingerprint, "version", SSL_get_version(h->ssl));
}

static void finish(struct handshake *h, enum handshake_end end)
{
    unlink_one(h);
    scoped_json json_t *body = end == HANDSHAKE_DONE ? seen(h) : NULL;
    struct lab_answer answer = {.status = body || end != HANDSHAKE_DONE ? (int)end : HANDSHAKE_BROKEN,
                                .body = body,
                                .sent_ns = h->sent_ns,
                                .done_ns = loop_tick(h->order.loop) - h->order.zero_ns};
    lab_answer_fn *done = h->order.done;
    void *arg = h->order.arg;
    free_one(h);
    done(arg, &answer);
}

static void time_is_up(struct loop_timer *t, int64_t now)
{
    (void)now;
    struct handshake *h = handshake_of(t, timer);
    finish(h, h->fd < 0 ? HANDSHAKE_REFUSED : h->connected ? HANDSHAKE_STALLED : HANDSHAKE_SILENT);
}

/* True when the handshake is over (and gone). */
static bool broken(struct handshake *h)
{
    finish(h, h->connected ? HANDSHAKE_BROKEN : HANDSHAKE_REFUSED);
    return true;
}

/* What OpenSSL has to say, as far as the socket takes it; -1 when it takes nothing any more. */
static int send_out(struct handshake *h)
{
    char *at = NULL;
    long len = BIO_get_mem_data(h->to_peer, &at);
    if (len > 0) {
        text_add_bytes(&h->out, at, (size_t)len);
    }
    (void)BIO_reset(h->to_peer);
    while (h->sent < h->out.len) {
        ssize_t n = send(h->fd, h->out.at + h->sent, h->out.len - h->sent, MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        }
        h->sent += (size_t)n;
    }
    return 0;
}

static bool push(struct handshake *h)
{
    if (send_out(h) != 0) {
        return broken(h);
    }
    uint32_t events = EPOLLIN | (h->sent < h->out.len ? EPOLLOUT : 0U);
    return loop_io_set(h->order.loop, &h->io, h->fd, events, NULL) != 0 ? broken(h) : false;
}

static bool talk(struct handshake *h)
{
    ERR_clear_error();
    int rc = SSL_connect(h->ssl);
    int why = SSL_get_error(h->ssl, rc);
    ERR_clear_error();
    if (rc == 1) {
        (void)send_out(h); /* our last word: the server need not think that we failed */
        finish(h, HANDSHAKE_DONE);
        return true;
    }
    return why == SSL_ERROR_WANT_READ ? push(h) : broken(h);
}

static bool pull(struct handshake *h)
{
    for (;;) {
        char bytes[4096];
        ssize_t n = recv(h->fd, bytes, sizeof(bytes), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return false;
        }
        if (n <= 0 || (h->received += (size_t)n) > PEER_MAX || BIO_write(h->from_peer, bytes, (int)n) != (int)n) {
            return broken(h);
        }
        if (talk(h)) {
            return true;
        }
    }
}

static void ready(struct loop_io *io, uint32_t events)
{
    struct handshake *h = handshake_of(io, io);
    if (!h->connected) {
        int os = 0;
        socklen_t len = sizeof(os);
        if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &os, &len) != 0 || os != 0) {
            broken(h);
            return;
        }
        h->connected = true;
        talk(h);
        return;
    }
    if ((events & EPOLLOUT) && push(h)) {
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        pull(h);
    }
}

static bool prepare(struct handshake *h)
{
    char address[INET_ADDRSTRLEN];
    h->ssl = SSL_new(h->order.customer);
    h->from_peer = BIO_new(BIO_s_mem());
    h->to_peer = BIO_new(BIO_s_mem());
    if (!h->ssl || !h->from_peer || !h->to_peer ||
        !inet_ntop(AF_INET, &h->order.to.sin_addr, address, sizeof(address))) {
        BIO_free(h->from_peer);
        BIO_free(h->to_peer);
        return false;
    }
    SSL_set_bio(h->ssl, h->from_peer, h->to_peer);
    SSL_set_connect_state(h->ssl);
    SSL_set_verify(h->ssl, SSL_VERIFY_NONE, NULL); /* it is checked all the same, and the first thing wrong noted */
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(h->ssl), address) == 1;
}

int handshake_start(struct handshake_list *list, int take_fd, const struct handshake_order *o, struct err *e)
{
    struct handshake *h = xcalloc(1, sizeof(*h));
    h->fd = take_fd;
    h->order = *o;
    h->list = list;
    h->io.ready = ready;
    h->timer.due = time_is_up;
    if (!prepare(h)) {
        free_one(h);
        return err_set(e, ERR_MACHINE, "TLS", "OpenSSL cannot begin a handshake");
    }
    int64_t now = loop_tick(o->loop);
    h->sent_ns = now - o->zero_ns;
    if (connect(h->fd, (const struct sockaddr *)&o->to, sizeof(o->to)) != 0 && errno != EINPROGRESS) {
        fd_close(&h->fd);
        loop_timer_set(o->loop, &h->timer, now);
    } else if (loop_io_set(o->loop, &h->io, h->fd, EPOLLIN | EPOLLOUT, e) != 0) {
        free_one(h);
        return -1;
    } else {
        loop_timer_set(o->loop, &h->timer, now + o->timeout_ns);
    }
    h->next = list->first;
    list->first = h;
    return 0;
}

void handshake_list_close(struct handshake_list *list)
{
    while (list->first) {
        struct handshake *h = list->first;
        list->first = h->next;
        free_one(h);
    }
}
