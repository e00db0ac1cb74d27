/* SPDX-License-Identifier: MIT */
#include "tests/unit/lab/fake_tls.h"

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

void fake_tls_furnish(struct fake_node *n)
{
    n->bundle = xstrdup("1 0");
    n->shown = xstrdup("1 0");
}

void fake_tls_read(struct fake_node *n)
{
    free(n->shown);
    n->shown = xstrdup(n->bundle);
}

void fake_tls_forget(struct fake_node *n)
{
    free(n->bundle);
    free(n->shown);
}

json_t *fake_tls_status(const struct fake_node *n)
{
    char certificate[SHA256_HEX];
    sha256_hex(n->shown, strlen(n->shown), certificate);
    return json_pack("{s:s, s:b}", "certificate", certificate, "stall", n->stall);
}

int fake_tls_issue(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                          struct err *e)
{
    (void)node;
    (void)e;
    text_addf(bundle, "%d %u", (int)kind, ++fake_of(lab)->issued);
    sha256_hex(text_str(bundle), bundle->len, fingerprint);
    return 0;
}

int fake_tls_get(struct lab *lab, uint16_t node, struct text *bundle, struct err *e)
{
    (void)e;
    text_add(bundle, fake_of(lab)->nodes[node].bundle);
    return 0;
}

int fake_tls_set(struct lab *lab, uint16_t node, const char *bundle, struct err *e)
{
    int rc = fake_permit(fake_of(lab), e);
    if (rc == 0) {
        free(fake_of(lab)->nodes[node].bundle);
        fake_of(lab)->nodes[node].bundle = xstrdup(bundle);
    }
    return rc < 0 ? -1 : 0;
}

static int verify_of(const char *bundle)
{
    static const int codes[] = {[CERTIFICATE_EXPIRED] = X509_V_ERR_CERT_HAS_EXPIRED,
                                [CERTIFICATE_NOT_YET_VALID] = X509_V_ERR_CERT_NOT_YET_VALID,
                                [CERTIFICATE_WRONG_NAME] = X509_V_ERR_IP_ADDRESS_MISMATCH,
                                [CERTIFICATE_UNKNOWN_ISSUER] = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                                [CERTIFICATE_NO_CHAIN] = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY};
    return codes[atoi(bundle)];
}

static bool cut_between(const struct fake_lab *f, uint16_t a, uint16_t b)
{
    uint16_t link = topo_link_find(&f->topo, a, b);
    return link != TOPO_NONE && (f->paths[path_of(link, false)].cut || f->paths[path_of(link, true)].cut);
}

int fake_handshake(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                          struct err *e)
{
    (void)e;
    struct fake_lab *f = fake_of(lab);
    const struct fake_node *n = &f->nodes[to];
    char certificate[SHA256_HEX];
    if (n->unplugged || cut_between(f, f->topo.nodes[from].site, f->topo.nodes[to].site)) {
        return fake_answer_later(f, HANDSHAKE_SILENT, NULL, timeout_ns, done, arg);
    }
    if (n->state == NODE_DOWN) {
        return fake_answer_later(f, HANDSHAKE_REFUSED, NULL, NS_PER_MS, done, arg);
    }
    if (n->state == NODE_FROZEN || n->stall) {
        return fake_answer_later(f, HANDSHAKE_STALLED, NULL, timeout_ns, done, arg);
    }
    sha256_hex(n->shown, strlen(n->shown), certificate);
    return fake_answer_later(f, HANDSHAKE_DONE,
                             json_pack("{s:i, s:s}", "verify", verify_of(n->shown), "certificate", certificate),
                             NS_PER_MS, done, arg);
}
