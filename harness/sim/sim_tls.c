/* SPDX-License-Identifier: MIT */
/*
 * TLS in the model: a bundle is a word for what is wrong with it and a number, a handshake looks at the word. Gateways
 * show what they read last, at their start or by SIGHUP. Who keeps a connection has shaken hands before.
 */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/text.h"
#include "harness/sim/sim.h"
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_tls_read(struct sim_node *n)
{
    memcpy(n->shown, n->bundle, sizeof(n->shown));
}

static void issue(struct sim *s, enum certificate kind, char bundle[SIM_BUNDLE])
{
    snprintf(bundle, SIM_BUNDLE, "%d %u", (int)kind, ++s->certificates);
}

void sim_tls_furnish(struct sim *s, uint16_t node)
{
    issue(s, CERTIFICATE_ROTATED, s->nodes[node].bundle);
    sim_tls_read(&s->nodes[node]);
}

static int verify_of(const char *shown)
{
    static const int codes[] = {[CERTIFICATE_EXPIRED] = X509_V_ERR_CERT_HAS_EXPIRED,
                                [CERTIFICATE_NOT_YET_VALID] = X509_V_ERR_CERT_NOT_YET_VALID,
                                [CERTIFICATE_WRONG_NAME] = X509_V_ERR_IP_ADDRESS_MISMATCH,
                                [CERTIFICATE_UNKNOWN_ISSUER] = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                                [CERTIFICATE_NO_CHAIN] = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY};
    return codes[atoi(shown)];
}

bool sim_tls_accepted(const struct sim *s, uint16_t node)
{
    return verify_of(s->nodes[node].shown) == X509_V_OK;
}

json_t *sim_tls_status(const struct sim *s, uint16_t node)
{
    char certificate[SHA256_HEX];
    const struct sim_node *n = &s->nodes[node];
    sha256_hex(n->shown, strlen(n->shown), certificate);
    return json_pack("{s:s,s:b}", "certificate", certificate, "stall", n->stall);
}

json_t *sim_tls_seen(const struct sim *s, uint16_t node)
{
    char certificate[SHA256_HEX];
    const char *shown = s->nodes[node].shown;
    sha256_hex(shown, strlen(shown), certificate);
    return json_pack("{s:i,s:s}", "verify", verify_of(shown), "certificate", certificate);
}

int sim_tls_issue(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                  struct err *e)
{
    (void)node;
    (void)e;
    char made[SIM_BUNDLE];
    issue((struct sim *)lab, kind, made);
    text_add(bundle, made);
    sha256_hex(made, strlen(made), fingerprint);
    return 0;
}

int sim_tls_get(struct lab *lab, uint16_t node, struct text *bundle, struct err *e)
{
    (void)e;
    text_add(bundle, ((struct sim *)lab)->nodes[node].bundle);
    return 0;
}

int sim_tls_set(struct lab *lab, uint16_t node, const char *bundle, struct err *e)
{
    (void)e;
    snprintf(((struct sim *)lab)->nodes[node].bundle, SIM_BUNDLE, "%s", bundle);
    return 0;
}

const char *sim_tls_authority(struct lab *lab)
{
    (void)lab;
    return NULL;
}
