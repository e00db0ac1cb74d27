/* SPDX-License-Identifier: MIT */
/*
 * The TLS port of the gateway against OpenSSL's own client: what it shows, what it survives, what a change of its
 * certificate does to whom. A server on loopback and its clients share one loop.
 */
#include "gateway-under-test/server.h"
#include "gateway-under-test/tls.h"
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/authority.h"
#include "harness/lab/handshake.h"
#include "harness/load/client.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE ((size_t)900000)

static struct loop *loop;
static struct authority *authority;
static struct server server;
static struct tls_identity *shown;
static struct sockaddr_in at;
static char folder[] = "/tmp/drtest-tls-XXXXXX";
static char path[64];

static void handle(void *ctx, struct exchange *x)
{
    (void)ctx;
    if (!span_is(exchange_path(x), "/large")) {
        exchange_answer(x, 200, "text/plain", "", "ok\n", 3);
        return;
    }
    scoped_free char *body = xcalloc(LARGE, 1);
    memset(body, 'x', LARGE);
    exchange_answer(x, 200, "text/plain", "", body, LARGE);
}

static bool put(const char *file, enum certificate kind, char fingerprint[FINGERPRINT_LEN])
{
    scoped_text struct text bundle = {0};
    return authority_issue(authority, "us-east/1", "127.0.0.1", kind, &bundle, fingerprint, NULL) == 0 &&
           file_replace(file, bundle.at, bundle.len, NULL) == 0;
}

/* A new certificate, on the disk and at the server. */
static bool show(enum certificate kind, char fingerprint[FINGERPRINT_LEN])
{
    struct tls_identity *next;
    if (!put(path, kind, fingerprint) || tls_identity_open(&next, path, path, NULL) != 0)
        return false;
    server_secure(&server, next);
    tls_identity_close(shown);
    shown = next;
    return true;
}

static int setup(void)
{
    struct server_limits limits = server_defaults;
    socklen_t len = sizeof(at);
    char fingerprint[FINGERPRINT_LEN];
    limits.handshake_ms = 200;
    loop = loop_new(NULL);
    if (loop == NULL || authority_new(&authority, NULL) != 0 || mkdtemp(folder) == NULL ||
        server_open(&server, loop, 0, &limits, handle, NULL, NULL) != 0 ||
        getsockname(server.acceptor.fd, (struct sockaddr *)&at, &len) != 0)
        return -1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)snprintf(path, sizeof(path), "%s/tls.pem", folder);
    (void)signal(SIGPIPE, SIG_IGN); /* of OpenSSL's own sockets, which the customers here use */
    return show(CERTIFICATE_ROTATED, fingerprint) ? 0 : -1;
}

static int cleanup(void)
{
    server_close(&server);
    tls_identity_close(steal(&shown));
    authority_free(steal(&authority));
    loop_free(loop);
    unlink(path);
    rmdir(folder);
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
    return 0;
}

static void pass(int64_t ms)
{
    loop_run(loop, clock_mono_ns() + ms * NS_PER_MS, NULL, NULL);
}

struct seen {
    bool done;
    int end;
    int verify;
    char certificate[FINGERPRINT_LEN];
};

static void take_seen(void *arg, const struct lab_answer *a)
{
    struct seen *s = arg;
    s->done = true;
    s->end = a->status;
    s->verify = (int)json_integer_value(json_object_get(a->body, "verify"));
    const char *text = json_string_value(json_object_get(a->body, "certificate"));
    (void)snprintf(s->certificate, sizeof(s->certificate), "%s", text ? text : "");
}

static struct seen shake(int64_t timeout_ms)
{
    struct handshake_list list = {0};
    struct seen s = {0};
    struct handshake_order o = {.loop = loop, .timeout_ns = timeout_ms * NS_PER_MS, .to = at,
                                .customer = authority_customer(authority), .done = take_seen, .arg = &s};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(handshake_start(&list, fd, &o, NULL), 0);
    CU_ASSERT_EQUAL(loop_run(loop, clock_mono_ns() + 20 * NS_PER_S, &s.done, NULL), 0);
    handshake_list_close(&list);
    return s;
}

static void customers_see_what_is_wrong(void)
{
    static const struct {
        enum certificate kind;
        int verify;
    } rows[] = {
        {CERTIFICATE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED},
        {CERTIFICATE_NOT_YET_VALID, X509_V_ERR_CERT_NOT_YET_VALID},
        {CERTIFICATE_WRONG_NAME, X509_V_ERR_IP_ADDRESS_MISMATCH},
        {CERTIFICATE_UNKNOWN_ISSUER, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        {CERTIFICATE_NO_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        {CERTIFICATE_ROTATED, X509_V_OK},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        char fingerprint[FINGERPRINT_LEN];
        CU_ASSERT(show(rows[i].kind, fingerprint));
        struct seen s = shake(5000);
        CU_ASSERT_EQUAL(s.end, HANDSHAKE_DONE);
        CU_ASSERT_EQUAL(s.verify, rows[i].verify);
        CU_ASSERT_STRING_EQUAL(s.certificate, fingerprint);
        CU_ASSERT_STRING_EQUAL(tls_identity_fingerprint(shown), fingerprint);
        CU_ASSERT_EQUAL(tls_identity_ends_s(shown) * NS_PER_S < clock_wall_ns(), rows[i].kind == CERTIFICATE_EXPIRED);
    }
}

static void what_does_not_fit_is_refused(void)
{
    struct tls_identity *none;
    struct err e = {0};
    char other[80], fingerprint[FINGERPRINT_LEN];
    (void)snprintf(other, sizeof(other), "%s/other.pem", folder);
    CU_ASSERT_EQUAL(tls_identity_open(&none, other, other, &e), -1);
    CU_ASSERT_PTR_NULL(none);
    CU_ASSERT_EQUAL(file_replace(other, "-----BEGIN CERTIFICATE-----\nMII", 31, NULL), 0);
    CU_ASSERT_EQUAL(tls_identity_open(&none, other, path, &e), -1);
    CU_ASSERT(put(other, CERTIFICATE_ROTATED, fingerprint));
    CU_ASSERT_EQUAL(tls_identity_open(&none, path, other, &e), -1); /* the key of another certificate */
    CU_ASSERT_PTR_NOT_NULL(strstr(e.at, "other.pem"));
    unlink(other);
}

/* A customer with a connection of his own, on the same loop. */
struct customer {
    int fd;
    SSL *ssl;
};

static bool again(struct customer *c, int rc)
{
    int why = SSL_get_error(c->ssl, rc);
    pass(1);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static void customer_come(struct customer *c)
{
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->ssl = SSL_new(authority_customer(authority));
    (void)connect(c->fd, (const struct sockaddr *)&at, sizeof(at));
    pass(5);
    SSL_set_fd(c->ssl, c->fd);
    int rc = -1;
    for (int i = 0; i < 2000 && (rc = SSL_connect(c->ssl)) != 1 && again(c, rc); i++)
        continue;
    CU_ASSERT_EQUAL(rc, 1);
}

static void customer_go(struct customer *c)
{
    SSL_free(c->ssl);
    fd_close(&c->fd);
    pass(5);
}

/* Bytes of the answer to one request on the connection as it is. */
static size_t customer_ask(struct customer *c, const char *request)
{
    char block[4096];
    size_t whole = 0, head = 0, body = 0;
    int rc = SSL_write(c->ssl, request, (int)strlen(request));
    CU_ASSERT_EQUAL(rc, (int)strlen(request));
    for (int i = 0; i < 20000; i++) {
        rc = SSL_read(c->ssl, block, sizeof(block) - 1);
        if (rc <= 0 && !again(c, rc))
            break;
        if (rc <= 0)
            continue;
        block[rc] = '\0';
        const char *length = head == 0 ? strstr(block, "Content-Length: ") : NULL;
        if (length != NULL) {
            body = strtoul(length + 16, NULL, 10);
            head = (size_t)(strstr(block, "\r\n\r\n") + 4 - block);
        }
        whole += (size_t)rc;
        if (head > 0 && whole >= head + body)
            return body;
    }
    return 0;
}

static void an_open_connection_outlives_its_certificate(void)
{
    char first[FINGERPRINT_LEN], second[FINGERPRINT_LEN], third[FINGERPRINT_LEN];
    struct customer c;
    CU_ASSERT(show(CERTIFICATE_ROTATED, first));
    customer_come(&c);
    CU_ASSERT_EQUAL(customer_ask(&c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 3);
    CU_ASSERT(show(CERTIFICATE_ROTATED, second));
    CU_ASSERT_STRING_NOT_EQUAL(first, second);
    CU_ASSERT_STRING_EQUAL(shake(5000).certificate, second);
    CU_ASSERT_EQUAL(customer_ask(&c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 3);
    CU_ASSERT(show(CERTIFICATE_EXPIRED, third));
    CU_ASSERT_EQUAL(customer_ask(&c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 3);
    customer_go(&c);
    CU_ASSERT(show(CERTIFICATE_ROTATED, first));
}

static void large_answers_arrive_whole_and_requests_in_one_breath_in_turn(void)
{
    struct customer c;
    customer_come(&c);
    CU_ASSERT_EQUAL(customer_ask(&c, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"), LARGE);
    CU_ASSERT_EQUAL(customer_ask(&c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /large HTTP/1.1\r\nHost: x\r\n\r\n"), 3);
    customer_go(&c);
}

static int stranger(const void *bytes, size_t len)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(fd, (const struct sockaddr *)&at, sizeof(at));
    pass(1);
    (void)send(fd, bytes, len, MSG_NOSIGNAL);
    pass(1);
    return fd;
}

struct landing {
    bool landed;
    struct exchange_answer answer;
};

static void take_landing(void *arg, const struct exchange_answer *a)
{
    struct landing *l = arg;
    l->answer = *a;
    l->landed = true;
}

static struct exchange_answer load_asks(struct transport *t, bool fresh)
{
    struct landing l = {0};
    struct exchange_request r = {.fresh = fresh, .address = "127.0.0.1", .port = ntohs(at.sin_port), .target = "/",
                                 .timeout_ns = 5 * NS_PER_S};
    CU_ASSERT_EQUAL(t->ops->send(t, &r, take_landing, &l, NULL), 0);
    CU_ASSERT_EQUAL(loop_run(loop, clock_mono_ns() + 20 * NS_PER_S, &l.landed, NULL), 0);
    return l.answer;
}

static void the_load_believes_the_root_alone(void)
{
    struct transport *t = NULL, *stranger_to_it = NULL;
    char root[80], fingerprint[FINGERPRINT_LEN];
    (void)snprintf(root, sizeof(root), "%s/root.pem", folder);
    CU_ASSERT_EQUAL(file_replace(root, authority_root(authority), strlen(authority_root(authority)), NULL), 0);
    CU_ASSERT_EQUAL_FATAL(transport_curl_new(&t, loop, 4, NULL), 0);
    transport_curl_secure(t, root);
    CU_ASSERT(show(CERTIFICATE_ROTATED, fingerprint));
    CU_ASSERT_EQUAL(load_asks(t, true).status, 200);
    CU_ASSERT_EQUAL(load_asks(t, false).status, 200); /* and stays connected */
    for (enum certificate kind = CERTIFICATE_EXPIRED; kind < CERTIFICATES; kind++) {
        CU_ASSERT(show(kind, fingerprint));
        struct exchange_answer a = load_asks(t, true);
        CU_ASSERT(a.refused && a.insecure && !a.connected && !a.local_error && a.status == 0);
        CU_ASSERT_EQUAL(load_asks(t, false).status, 200);
    }
    CU_ASSERT(show(CERTIFICATE_ROTATED, fingerprint));
    CU_ASSERT_EQUAL(load_asks(t, true).status, 200);
    CU_ASSERT_EQUAL_FATAL(transport_curl_new(&stranger_to_it, loop, 4, NULL), 0);
    transport_curl_secure(stranger_to_it, "/nowhere.pem");
    CU_ASSERT(load_asks(stranger_to_it, true).local_error); /* our own fault, not the gateway's */
    t->ops->free(t);
    stranger_to_it->ops->free(stranger_to_it);
    unlink(root);
}

/* Send these bytes, then wait until the server closes; false if it has not within a second. */
static bool hung_up_on(const void *bytes, size_t len)
{
    char block[4096];
    int fd = stranger(bytes, len);
    bool closed = false;
    for (int i = 0; i < 1000 && !closed; i++) {
        pass(1);
        ssize_t n = recv(fd, block, sizeof(block), 0);
        closed = n == 0 || (n < 0 && errno != EAGAIN);
    }
    fd_close(&fd);
    return closed;
}

static size_t client_hello(char *to, size_t room)
{
    SSL *ssl = SSL_new(authority_customer(authority));
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    (void)SSL_connect(ssl);
    int n = BIO_read(out, to, (int)room);
    SSL_free(ssl);
    return n > 0 ? (size_t)n : 0;
}

static void garbage_is_sent_away(void)
{
    struct rng r;
    char bytes[4096], plain[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    rng_init(&r, 7, "garbage");
    CU_ASSERT(hung_up_on(plain, strlen(plain)));
    for (int i = 0; i < 20; i++) {
        size_t len = 1 + (size_t)rng_below(&r, sizeof(bytes));
        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)rng_below(&r, 256);
        CU_ASSERT(hung_up_on(bytes, len));
    }
    for (int i = 0; i < 60; i++) {
        size_t len = client_hello(bytes, sizeof(bytes));
        CU_ASSERT(len > 50);
        bytes[rng_below(&r, len)] ^= (char)(1 + rng_below(&r, 255));
        int fd = stranger(bytes, i % 3 == 0 ? len : 1 + (size_t)rng_below(&r, len));
        fd_close(&fd);
    }
    pass(5);
    CU_ASSERT_EQUAL(server.open, 0);
    CU_ASSERT_EQUAL(shake(5000).verify, X509_V_OK);
}

static void whoever_says_nothing_is_not_waited_for(void)
{
    char hello[4096];
    size_t len = client_hello(hello, sizeof(hello));
    pass(5);
    int64_t failed = server.handshakes_failed;
    CU_ASSERT(hung_up_on("", 0));
    CU_ASSERT(hung_up_on(hello, len / 2));
    CU_ASSERT(hung_up_on(hello, len)); /* nothing after the server's part */
    CU_ASSERT_EQUAL(server.handshakes_failed - failed, 3);
    CU_ASSERT_EQUAL(server.open, 0);
}

static void a_held_port_connects_and_stalls(void)
{
    CU_ASSERT_EQUAL(server_hold(&server, true, NULL), 0);
    CU_ASSERT_EQUAL(shake(50).end, HANDSHAKE_STALLED);
    CU_ASSERT_EQUAL(server_hold(&server, false, NULL), 0);
    CU_ASSERT_EQUAL(shake(5000).end, HANDSHAKE_DONE);
}

static void nobody_there_is_told_from_no_tls(void)
{
    struct sockaddr_in was = at;
    struct tls_identity *keep = shown;
    server_secure(&server, NULL);
    CU_ASSERT_EQUAL(shake(5000).end, HANDSHAKE_BROKEN);
    server_secure(&server, keep);
    at.sin_port = htons(1);
    CU_ASSERT_EQUAL(shake(5000).end, HANDSHAKE_REFUSED);
    at = was;
}

void suite_tls(void)
{
    runner_suite(setup, cleanup);
    runner_test(customers_see_what_is_wrong);
    runner_test(what_does_not_fit_is_refused);
    runner_test(an_open_connection_outlives_its_certificate);
    runner_test(large_answers_arrive_whole_and_requests_in_one_breath_in_turn);
    runner_test(the_load_believes_the_root_alone);
    runner_test(garbage_is_sent_away);
    runner_test(whoever_says_nothing_is_not_waited_for);
    runner_test(a_held_port_connects_and_stalls);
    runner_test(nobody_there_is_told_from_no_tls);
}
