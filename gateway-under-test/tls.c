/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL between two memory buffers. TLS 1.2 and 1.3, no renegotiation, and no resumption: with a session resumed
 * the peer would not be shown the certificate, and a client could go on for hours after it has expired or was replaced.
 * Whoever leaves without a goodbye has left; HTTP tells whether something is missing.
 *
 * A certificate that is out of date, of a wrong name or of an unknown authority is served like any other: to refuse it
 * is the client's business. Only a key that does not fit is an error here.
 */
#include "gateway-under-test/tls.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <time.h>

struct tls_identity {
    SSL_CTX *context;
    char fingerprint[2 * SHA256_DIGEST_LENGTH + 1];
    int64_t ends_s;
};

struct tls {
    SSL *ssl;
    BIO *from_peer, *to_peer; /* owned by ssl */
};

static int load(struct tls_identity *i, const char *certificate_path, const char *key_path, struct err *e)
{
    if (SSL_CTX_use_certificate_chain_file(i->context, certificate_path) != 1)
        return err_openssl(e, ERR_MACHINE, certificate_path, "holds no certificate");
    if (SSL_CTX_use_PrivateKey_file(i->context, key_path, SSL_FILETYPE_PEM) != 1)
        return err_openssl(e, ERR_MACHINE, key_path, "holds no key for the certificate");
    return 0;
}

static int describe(struct tls_identity *i, struct err *e)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct tm ends = {0};
    const X509 *own = SSL_CTX_get0_certificate(i->context);
    if (X509_digest(own, EVP_sha256(), digest, &len) != 1 || len != SHA256_DIGEST_LENGTH ||
        ASN1_TIME_to_tm(X509_get0_notAfter(own), &ends) != 1)
        return err_openssl(e, ERR_MACHINE, "certificate", "cannot be read");
    for (unsigned k = 0; k < len; k++)
        (void)snprintf(i->fingerprint + 2 * k, 3, "%02x", digest[k]);
    i->ends_s = timegm(&ends);
    return 0;
}

static bool restrict_context(SSL_CTX *c)
{
    (void)SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_num_tickets(c, 0) == 1 && SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1;
}

int tls_identity_open(struct tls_identity **out, const char *certificate_path, const char *key_path, struct err *e)
{
    struct tls_identity *i = xcalloc(1, sizeof(*i));
    *out = NULL;
    ERR_clear_error();
    i->context = SSL_CTX_new(TLS_server_method());
    if (i->context == NULL || !restrict_context(i->context))
        (void)err_openssl(e, ERR_MACHINE, "TLS", "OpenSSL cannot be set up");
    else if (load(i, certificate_path, key_path, e) == 0 && describe(i, e) == 0)
        *out = steal(&i);
    tls_identity_close(i);
    return *out != NULL ? 0 : -1;
}

void tls_identity_close(struct tls_identity *i)
{
    if (i == NULL)
        return;
    SSL_CTX_free(i->context);
    free(i);
}

const char *tls_identity_fingerprint(const struct tls_identity *i)
{
    return i->fingerprint;
}

int64_t tls_identity_ends_s(const struct tls_identity *i)
{
    return i->ends_s;
}

struct tls *tls_new(const struct tls_identity *i)
{
    struct tls *t = xcalloc(1, sizeof(*t));
    t->ssl = SSL_new(i->context);
    t->from_peer = BIO_new(BIO_s_mem());
    t->to_peer = BIO_new(BIO_s_mem());
    if (t->ssl == NULL || t->from_peer == NULL || t->to_peer == NULL)
        abort(); /* out of memory */
    SSL_set_bio(t->ssl, t->from_peer, t->to_peer);
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    free(t);
}

bool tls_shaken(const struct tls *t)
{
    return SSL_is_init_finished(t->ssl) == 1;
}

/* What OpenSSL wants the peer to have. */
static void drain(struct tls *t, struct text *wire)
{
    char *at = NULL;
    long len = BIO_get_mem_data(t->to_peer, &at);
    if (len > 0)
        text_add_bytes(wire, at, (size_t)len);
    (void)BIO_reset(t->to_peer);
}

static enum tls_end unseal(struct tls *t, struct text *in)
{
    char block[16 * 1024];
    size_t n = 0;
    ERR_clear_error();
    while (SSL_read_ex(t->ssl, block, sizeof(block), &n) == 1)
        text_add_bytes(in, block, n);
    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        return TLS_GOES_ON;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_GOODBYE;
    default:
        return TLS_BROKEN;
    }
}

enum tls_end tls_take(struct tls *t, const void *bytes, size_t len, struct text *in, struct text *wire)
{
    size_t taken = 0;
    if (BIO_write_ex(t->from_peer, bytes, len, &taken) != 1 || taken != len)
        return TLS_BROKEN;
    enum tls_end end = unseal(t, in);
    drain(t, wire);
    ERR_clear_error();
    return end;
}

int tls_seal(struct tls *t, struct text *out, struct text *wire)
{
    size_t taken = 0;
    if (out->len == 0 || !tls_shaken(t))
        return 0;
    ERR_clear_error();
    int whole = SSL_write_ex(t->ssl, out->at, out->len, &taken);
    drain(t, wire);
    if (whole != 1 || taken != out->len)
        return -1;
    text_clear(out);
    return 0;
}

void tls_goodbye(struct tls *t, struct text *wire)
{
    ERR_clear_error();
    if (tls_shaken(t))
        (void)SSL_shutdown(t->ssl);
    drain(t, wire);
    ERR_clear_error();
}
