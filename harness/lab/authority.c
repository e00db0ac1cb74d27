/* SPDX-License-Identifier: MIT */
/*
 * Certificates of EC keys (P-256), signed with SHA-256. A gateway shows its own and the intermediate's; customers have
 * the root only, so that a forgotten chain is noticed as it would be anywhere.
 *
 * Bad ones are made bad, no clock is moved: expired is one whose last second has passed, not yet valid one that begins
 * in an hour. An unknown issuer is a second authority, made for the occasion.
 */
#include "harness/lab/authority.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

struct authority {
    struct identity root, intermediate;
    char *root_pem;
    SSL_CTX *customer;
};

/* What to write into a certificate. */
struct wish {
    const char *name, *names; /* names: the value of subjectAltName; NULL: it is an authority */
    long from_s, until_s;     /* from now */
    const struct identity *issuer; /* NULL: itself */
};

static void identity_deinit(struct identity *i)
{
    X509_free(i->certificate);
    EVP_PKEY_free(i->key);
    *i = (struct identity){0};
}

static bool set_serial(X509 *x)
{
    unsigned char bytes[15];
    BIGNUM *n = NULL;
    bool right = RAND_bytes(bytes, sizeof(bytes)) == 1 && (n = BN_bin2bn(bytes, sizeof(bytes), NULL)) &&
                 BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
    return right;
}

static bool set_name(X509_NAME *to, const char *name)
{
    return X509_NAME_add_entry_by_txt(to, "O", MBSTRING_ASC, (const unsigned char *)"drtest", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool right = extension && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return right;
}

static bool add_extensions(X509 *x, X509 *issuer, const char *names)
{
    bool right =
        add_extension(x, issuer, NID_basic_constraints, names ? "critical,CA:FALSE" : "critical,CA:TRUE") &&
        add_extension(x, issuer, NID_key_usage, names ? "critical,digitalSignature" : "critical,keyCertSign") &&
        add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
        add_extension(x, issuer, NID_authority_key_identifier, "keyid");
    return right && (!names || (add_extension(x, issuer, NID_ext_key_usage, "serverAuth") &&
                                add_extension(x, issuer, NID_subject_alt_name, names)));
}

static bool fill(struct identity *i, const struct wish *w)
{
    X509 *x = i->certificate;
    X509 *issuer = w->issuer ? w->issuer->certificate : x;
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_name(X509_get_subject_name(x), w->name) &&
           X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(x), w->from_s) && X509_gmtime_adj(X509_getm_notAfter(x), w->until_s) &&
           X509_set_pubkey(x, i->key) == 1 && add_extensions(x, issuer, w->names) &&
           X509_sign(x, w->issuer ? w->issuer->key : i->key, EVP_sha256()) > 0;
}

static int make(struct identity *out, const struct wish *w, struct err *e)
{
    *out = (struct identity){.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    if (out->certificate && out->key && fill(out, w)) {
        return 0;
    }
    identity_deinit(out);
    return err_openssl(e, ERR_MACHINE, "certificates", "a certificate cannot be made");
}

static int make_pair(struct identity *root, struct identity *intermediate, const char *name, struct err *e)
{
    char below[64];
    snprintf(below, sizeof(below), "%.40s intermediate", name);
    struct wish w = {.name = name, .from_s = -DAY_S, .until_s = 60 * DAY_S};
    if (make(root, &w, e) != 0) {
        return -1;
    }
    w.name = below;
    w.issuer = root;
    return make(intermediate, &w, e);
}

static bool add_pem(struct text *t, X509 *certificate, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    bool right = memory && (key ? PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_bio_X509(memory, certificate)) == 1;
    char *at = NULL;
    long len = right ? BIO_get_mem_data(memory, &at) : 0;
    if (right) {
        text_add_bytes(t, at, (size_t)len);
    }
    BIO_free(memory);
    return right;
}

static bool believe(struct authority *a)
{
    a->customer = SSL_CTX_new(TLS_client_method());
    return a->customer && SSL_CTX_set_min_proto_version(a->customer, TLS1_2_VERSION) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(a->customer), a->root.certificate) == 1;
}

int authority_new(struct authority **out, struct err *e)
{
    struct authority *a = xcalloc(1, sizeof(*a));
    scoped_text struct text pem = {0};
    *out = NULL;
    ERR_clear_error();
    if (make_pair(&a->root, &a->intermediate, "authority of one run", e) != 0) {
        authority_free(a);
        return -1;
    }
    if (!add_pem(&pem, a->root.certificate, NULL) || !believe(a)) {
        authority_free(a);
        return err_openssl(e, ERR_MACHINE, "certificates", "the authority cannot be set up");
    }
    a->root_pem = text_steal(&pem);
    *out = a;
    return 0;
}

void authority_free(struct authority *a)
{
    if (!a) {
        return;
    }
    identity_deinit(&a->root);
    identity_deinit(&a->intermediate);
    SSL_CTX_free(a->customer);
    free(a->root_pem);
    free(a);
}

const char *authority_root(const struct authority *a)
{
    return a->root_pem;
}

struct ssl_ctx_st *authority_customer(const struct authority *a)
{
    return a->customer;
}

bool certificate_fingerprint(const struct x509_st *x, char out[FINGERPRINT_LEN])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    out[0] = '\0';
    if (X509_digest(x, EVP_sha256(), digest, &len) != 1 || 2 * len + 1 != FINGERPRINT_LEN) {
        return false;
    }
    for (unsigned i = 0; i < len; i++) {
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
    return true;
}

/* Site and number of a node, as one label: a slash cannot stand in the name of a host. */
static void host_of(const char *node, char out[128])
{
    snprintf(out, 128, "%.120s", node);
    for (char *at = out; *at; at++) {
        *at = *at == '/' ? '-' : *at;
    }
}

static int issue_from(const struct identity *issuer, const char *node, const char *address, enum certificate kind,
                      struct text *bundle, char fingerprint[FINGERPRINT_LEN], struct err *e)
{
    char host[128], names[200];
    host_of(node, host);
    bool elsewhere = kind == CERTIFICATE_WRONG_NAME;
    snprintf(names, sizeof(names), "IP:%.40s,DNS:%.128s", elsewhere ? "192.0.2.1" : address,
             elsewhere ? "elsewhere.invalid" : host);
    struct wish w = {.name = host, .names = names, .from_s = -HOUR_S, .until_s = 30 * DAY_S, .issuer = issuer};
    w.from_s = kind == CERTIFICATE_NOT_YET_VALID ? HOUR_S : w.from_s;
    w.until_s = kind == CERTIFICATE_EXPIRED ? -1 : w.until_s;
    struct identity leaf;
    if (make(&leaf, &w, e) != 0) {
        return -1;
    }
    bool written = add_pem(bundle, NULL, leaf.key) && add_pem(bundle, leaf.certificate, NULL) &&
                   (kind == CERTIFICATE_NO_CHAIN || add_pem(bundle, issuer->certificate, NULL)) &&
                   certificate_fingerprint(leaf.certificate, fingerprint);
    identity_deinit(&leaf);
    return written ? 0 : err_openssl(e, ERR_MACHINE, "certificates", "a certificate cannot be written");
}

int authority_issue(struct authority *a, const char *node, const char *address, enum certificate kind,
                    struct text *bundle, char fingerprint[FINGERPRINT_LEN], struct err *e)
{
    ERR_clear_error();
    if (kind != CERTIFICATE_UNKNOWN_ISSUER) {
        return issue_from(&a->intermediate, node, address, kind, bundle, fingerprint, e);
    }
    struct identity root = {0}, intermediate = {0};
    int rc = make_pair(&root, &intermediate, "authority of nobody", e);
    rc = rc == 0 ? issue_from(&intermediate, node, address, kind, bundle, fingerprint, e) : rc;
    identity_deinit(&root);
    identity_deinit(&intermediate);
    return rc;
}
