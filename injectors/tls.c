/* SPDX-License-Identifier: MIT */
/*
 * tls: what customers meet before their first byte. certificate: gateways show another one, made by the run's own
 * authority with something wrong with it; who is connected goes on, newcomers turn away. rotated is a good one: nobody
 * must notice. handshake: stall lets newcomers connect and never answers them.
 *
 * A certificate is changed as an operator would: the file replaced, the gateway told to read it again; the fault begins
 * when its admin port reports the new fingerprint. The bytes that stood there are in the injection's state before the
 * first file is touched; they are put back only where the file still is the one we wrote. Handshakes are stalled by the
 * admin port.
 *
 * Proof is a round: a handshake of our own with every target, straight to it, must end as it should (the certificate's
 * fingerprint, and what a customer says of it), and the target's admin port must say the same; one with a gateway that
 * is not hit must be well.
 */
#include "injectors/target.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <openssl/x509_vfy.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct shown {
    uint16_t node;
    char becomes[65];   /* fingerprint of the certificate */
    size_t was, issued; /* where the bundles begin */
};

/* One heap block, since the conductor frees it as one. */
struct tls_state {
    struct look_round round, orders; /* of looks for proof; of what apply and heal say to admin ports and hear */
    size_t n;
    struct shown at[TARGET_NODES_MAX];
    char bundles[]; /* one behind the other, each with its NUL */
};

/* What a customer says of each; without its chain a certificate is of an unknown issuer, too. */
static const int verify_codes[] = {
    [CERTIFICATE_ROTATED] = X509_V_OK,
    [CERTIFICATE_EXPIRED] = X509_V_ERR_CERT_HAS_EXPIRED,
    [CERTIFICATE_NOT_YET_VALID] = X509_V_ERR_CERT_NOT_YET_VALID,
    [CERTIFICATE_WRONG_NAME] = X509_V_ERR_IP_ADDRESS_MISMATCH,
    [CERTIFICATE_UNKNOWN_ISSUER] = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    [CERTIFICATE_NO_CHAIN] = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
};

static const char *const handshake_words[] = {"", "stall", NULL};

static const struct field tls_fields[] = {
    {.key = "certificate",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, certificate),
     .words = certificate_words,
     .choice = FIELD_ONE,
     .example = "expired",
     .doc = "the gateways show another certificate from now on; rotated: a new one with nothing wrong"},
    {.key = "handshake",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct action, stall),
     .words = handshake_words,
     .choice = FIELD_ONE,
     .example = "stall",
     .doc = "stall: connections are made, handshakes never answered"},
};

static struct tls_state *state_of(const struct injection *in)
{
    return (struct tls_state *)(void *)in->state;
}

static const char *name_of(const struct injection *in, uint16_t node)
{
    return fabric_topology(in->fabric)->nodes[node].name;
}

/* Read what stands there and make what is to stand there; nothing is touched yet. */
static int plan_one(struct injection *in, struct shown *s, struct text *bundles, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_text struct text was = {0}, issued = {0};
    if (lab->ops->tls_get(lab, s->node, &was, e) != 0 ||
        lab->ops->tls_issue(lab, s->node, in->action->certificate, &issued, s->becomes, e) != 0) {
        return -1;
    }
    s->was = bundles->len;
    text_add_bytes(bundles, text_str(&was), was.len + 1);
    s->issued = bundles->len;
    text_add_bytes(bundles, text_str(&issued), issued.len + 1);
    return 0;
}

static void keep_journal(struct injection *in, const struct shown *at, size_t n, const struct text *bundles)
{
    struct tls_state *s = xcalloc(1, sizeof(*s) + bundles->len);
    s->n = n;
    memcpy(s->at, at, n * sizeof(*at));
    memcpy(s->bundles, text_str(bundles), bundles->len);
    in->state = (char *)s;
}

static int show(struct injection *in, const struct shown *s, size_t bundle, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    return lab->ops->tls_set(lab, s->node, state_of(in)->bundles + bundle, e) != 0
               ? -1
               : lab->ops->node_signal(lab, s->node, SIGHUP, e);
}

static bool says_so(const struct injection *in, const struct look *l, const struct shown *s)
{
    return l->status == 200 && (in->action->stall ? l->stall : strcmp(l->certificate, s->becomes) == 0);
}

static size_t count_taken_up(const struct injection *in)
{
    const struct tls_state *s = state_of(in);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        n += says_so(in, &s->orders.at[i], &s->at[i]);
    }
    return n;
}

static int await_take_up(struct injection *in, struct err *e)
{
    struct tls_state *s = state_of(in);
    uint16_t nodes[TARGET_NODES_MAX];
    for (size_t i = 0; i < s->n; i++) {
        nodes[i] = s->at[i].node;
    }
    return look_round_until(&s->orders, in, nodes, s->n, count_taken_up, e);
}

/* To every target that lives; one that is frozen finds it when it thaws. */
static int order_stall(struct injection *in, bool stall, struct err *e)
{
    struct tls_state *s = state_of(in);
    struct lab *lab = fabric_lab(in->fabric);
    look_round_new(&s->orders);
    for (size_t i = 0; i < s->n; i++) {
        const char *body = stall ? "{\"stall\":true}" : "{\"stall\":false}";
        if (lab->ops->node_state(lab, s->at[i].node) != NODE_DOWN &&
            look_round_call(&s->orders, in->fabric, s->at[i].node, "POST", "/tls", body, e) != 0) {
            return -1;
        }
    }
    return look_round_wait(&s->orders, in->fabric, e);
}

static int tls_apply(struct injection *in, struct err *e)
{
    uint16_t nodes[TARGET_NODES_MAX];
    struct shown at[TARGET_NODES_MAX] = {0};
    scoped_text struct text bundles = {0};
    size_t n = target_gateways(fabric_topology(in->fabric), in->action, nodes);
    if (n == 0) {
        return err_set(e, ERR_MEANING, "tls", "it hits no gateway");
    }
    for (size_t i = 0; i < n; i++) {
        at[i].node = nodes[i];
        if (!in->action->stall && plan_one(in, &at[i], &bundles, e) != 0) {
            return -1;
        }
    }
    keep_journal(in, at, n, &bundles);
    if (in->action->stall && order_stall(in, true, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n && !in->action->stall; i++) {
        if (show(in, &at[i], at[i].issued, e) != 0) {
            return -1;
        }
    }
    return await_take_up(in, e);
}

static int put_back(struct injection *in, const struct shown *s, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    scoped_text struct text now = {0};
    if (lab->ops->tls_get(lab, s->node, &now, e) != 0) {
        return -1;
    }
    if (strcmp(text_str(&now), state_of(in)->bundles + s->issued) != 0) {
        return 0; /* somebody has renewed it meanwhile */
    }
    if (lab->ops->node_state(lab, s->node) == NODE_DOWN) {
        return lab->ops->tls_set(lab, s->node, state_of(in)->bundles + s->was, e);
    }
    return show(in, s, s->was, e);
}

static int tls_heal(struct injection *in, struct err *e)
{
    struct tls_state *s = state_of(in);
    int rc = 0;
    if (!s) {
        return 0;
    }
    if (in->action->stall) {
        return order_stall(in, false, e);
    }
    for (size_t i = 0; i < s->n; i++) {
        rc |= put_back(in, &s->at[i], e);
    }
    return rc;
}

static bool is_target(const struct tls_state *s, uint16_t node)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].node == node) {
            return true;
        }
    }
    return false;
}

/* Handshakes with the targets, what these say of themselves, and handshakes with the other gateways, in that order. */
static enum proof begin_round(struct injection *in)
{
    struct tls_state *s = state_of(in);
    const struct topology *t = fabric_topology(in->fabric);
    look_round_new(&s->round);
    for (size_t i = 0; i < s->n; i++) {
        if (look_round_handshake(&s->round, in->fabric, s->at[i].node, NULL) != 0) {
            return PROOF_REFUTED;
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        if (look_round_call(&s->round, in->fabric, s->at[i].node, "GET", "/status", NULL, NULL) != 0) {
            return PROOF_REFUTED;
        }
    }
    for (uint16_t i = 0; i < t->node_count && s->round.n <= TARGET_NODES_MAX; i++) {
        bool other = t->nodes[i].role == NODE_GATEWAY && !is_target(s, i) && fabric_held(in->fabric, i) == 0;
        if (other && look_round_handshake(&s->round, in->fabric, i, NULL) != 0) {
            return PROOF_REFUTED;
        }
    }
    return PROOF_PENDING;
}

static bool is_well(const struct look *l)
{
    return l->status == HANDSHAKE_DONE && l->verify == X509_V_OK;
}

static void tell_seen(struct injection *in, const struct look *l, const char *instead_of)
{
    static const char *const ends[] = {[HANDSHAKE_DONE] = "done",       [HANDSHAKE_REFUSED] = "refused",
                                       [HANDSHAKE_SILENT] = "silent",   [HANDSHAKE_STALLED] = "stalled",
                                       [HANDSHAKE_BROKEN] = "broken off"};
    bool done = l->status == HANDSHAKE_DONE;
    snprintf(in->method, sizeof(in->method), "%.60s: handshake %s%s%.12s%s%.40s, not %.30s", name_of(in, l->node),
             l->status >= 0 && l->status <= HANDSHAKE_BROKEN ? ends[l->status] : "unknown", done ? " with " : "",
             done ? l->certificate : "", done ? ", " : "", done ? X509_verify_cert_error_string(l->verify) : "",
             instead_of);
}

/* Does a target look as asked, from outside and by its own word? */
static bool shows(struct injection *in, size_t i)
{
    const struct tls_state *s = state_of(in);
    const struct look *shaken = &s->round.at[i], *status = &s->round.at[s->n + i];
    bool fits = in->action->stall
                    ? shaken->status == HANDSHAKE_STALLED
                    : shaken->status == HANDSHAKE_DONE && shaken->verify == verify_codes[in->action->certificate] &&
                          strcmp(shaken->certificate, s->at[i].becomes) == 0;
    if (!fits) {
        tell_seen(in, shaken, in->action->stall ? "stalled" : certificate_words[in->action->certificate]);
    } else if (!says_so(in, status, &s->at[i])) {
        fits = false;
        snprintf(in->method, sizeof(in->method), "%.80s itself says otherwise", name_of(in, status->node));
    }
    return fits;
}

static enum proof judge(struct injection *in)
{
    struct tls_state *s = state_of(in);
    const struct look *well = NULL, *others = s->round.at + 2 * s->n;
    size_t other_count = s->round.n - 2 * s->n;
    for (size_t i = 0; i < s->n; i++) {
        if (!shows(in, i)) {
            return PROOF_REFUTED;
        }
    }
    for (size_t i = 0; i < other_count && !well; i++) {
        well = is_well(&others[i]) ? &others[i] : NULL;
    }
    if (!well && other_count > 0) {
        tell_seen(in, &others[0], "well, though not hit");
        return PROOF_REFUTED;
    }
    const char *what = in->action->stall ? "handshake stalls, as it says"
                                         : X509_verify_cert_error_string(verify_codes[in->action->certificate]);
    snprintf(in->method, sizeof(in->method), "%zu seen from outside: %.40s%s%.12s; %.36s is well", s->n, what,
             in->action->stall ? "" : ", certificate ", in->action->stall ? "" : s->at[0].becomes,
             well ? name_of(in, well->node) : "nobody else");
    return PROOF_PROVEN;
}

static enum proof judge_healed(struct injection *in)
{
    struct tls_state *s = state_of(in);
    size_t looked_at = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct look *l = &s->round.at[i];
        if (fabric_held(in->fabric, l->node) != 0 || target_observer(in->fabric, l->node) == TOPO_NONE) {
            continue;
        }
        looked_at++;
        if (!is_well(l) || (!in->action->stall && strcmp(l->certificate, s->at[i].becomes) == 0)) {
            tell_seen(in, l, "well again");
            return PROOF_PENDING; /* it may still be reading its file; the bound decides */
        }
    }
    snprintf(in->method, sizeof(in->method), "%zu of %zu shake hands well again", looked_at, s->n);
    return PROOF_PROVEN;
}

static enum proof tls_prove(struct injection *in, bool healed)
{
    struct tls_state *s = state_of(in);
    if (!s) {
        snprintf(in->method, sizeof(in->method), "nothing was changed");
        return healed ? PROOF_PROVEN : PROOF_REFUTED;
    }
    enum proof stand = look_round_stand(&s->round, healed);
    if (stand == PROOF_PROVEN) {
        return healed ? judge_healed(in) : judge(in);
    }
    return stand == PROOF_PENDING ? stand : begin_round(in);
}

const struct injector injector_tls = {
    .type = {.verb = "tls",
             .summary = "gateways show a certificate that customers refuse, or never answer a handshake",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE,
             .fields = tls_fields,
             .field_count = sizeof(tls_fields) / sizeof(tls_fields[0]),
             .severing = true,
             .of_tls = true,
             .of_process = true},
    .apply = tls_apply,
    .heal = tls_heal,
    .prove = tls_prove,
    .effect = EFFECT_TLS,
};
