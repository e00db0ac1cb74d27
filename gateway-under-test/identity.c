/* SPDX-License-Identifier: MIT */
/*
 * A caller shows an API key, `X-API-Key: NAME.SECRET`, or a token, `Authorization: Bearer TOKEN`. Of a key only the
 * SHA-256 of its secret is known here; an unknown name is compared, too, with a hash that nothing has, so that the time
 * taken tells nobody which names there are. Proven callers are known by subjects: key:NAME for a key; sub:SUBJECT and
 * jti:ID for a token. Revocations and limits are about subjects.
 *
 * 401 says that nobody knows who calls, 403 that he may not; X-DR-Reason has the word. When what is revoked is not
 * known well enough, fail_closed answers 503 with "not forwarded", for that is for the gateway to mend and another one
 * may know. A limited caller is told 429 after all that, so that a revoked one learns nothing about his limit.
 */
#include "gateway-under-test/identity.h"

#include "gateway-under-test/gateway.h"
#include "gateway-under-test/jwt.h"
#include "gateway-under-test/node.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KEYS_FILE_MAX ((size_t)64 * 1024)
#define SUBJECT_MAX (JWT_SUBJECT + 4)

#define REFUSAL_ROW(word, status, text) [REFUSAL_##word] = {#word, status, text},
static const struct {
    const char *word;
    int status;
    const char *text;
} rows[REFUSAL_COUNT] = {REFUSALS(REFUSAL_ROW)};
#undef REFUSAL_ROW

static const enum refusal of_token[] = {
    [JWT_MALFORMED] = REFUSAL_malformed_token, [JWT_UNKNOWN_KEY] = REFUSAL_unknown_token_key,
    [JWT_BAD_SIGNATURE] = REFUSAL_bad_signature, [JWT_EXPIRED] = REFUSAL_expired,
    [JWT_NOT_YET_VALID] = REFUSAL_not_yet_valid, [JWT_WRONG_AUDIENCE] = REFUSAL_wrong_audience};

/* Where a refusal is asked for, REFUSAL_COUNT says that there is none. */

struct caller {
    char subject[SUBJECT_MAX], also[SUBJECT_MAX]; /* the second one empty: none */
};

int callers_read_keys(const struct node *n, const struct config *c, struct jwt_keys **out, struct err *e)
{
    scoped_text struct text path = {0}, set = {0};
    *out = NULL;
    if (c->identity.token_keys == NULL)
        return 0;
    node_beside_config(n, c->identity.token_keys, &path);
    return text_read_file(&set, path.at, KEYS_FILE_MAX, e) < 0
               ? -1
               : jwt_keys_read(text_str(&set), set.len, path.at, out, e);
}

void callers_open(struct callers *c, struct gateway *g, struct jwt_keys *take)
{
    c->gateway = g;
    c->keys = take;
    revocations_open(&c->revocations, g);
    limiter_open(&c->limiter, g);
}

void callers_renew(struct callers *c, struct jwt_keys *take)
{
    jwt_keys_free(c->keys);
    c->keys = take;
}

void callers_close(struct callers *c)
{
    revocations_close(&c->revocations);
    limiter_close(&c->limiter);
    jwt_keys_free(c->keys);
}

static const struct config_key *key_named(const struct config_identity *id, const char *name, size_t len)
{
    for (size_t i = 0; i < id->key_count; i++) {
        if (strlen(id->keys[i].id) == len && memcmp(id->keys[i].id, name, len) == 0)
            return &id->keys[i];
    }
    return NULL;
}

static enum refusal check_key(const struct config_identity *id, struct http_span shown, struct caller *who)
{
    static const unsigned char of_nothing[CONFIG_HASH];
    unsigned char hash[EVP_MAX_MD_SIZE];
    const char *dot = memchr(shown.at, '.', shown.len);
    size_t name_len = dot ? (size_t)(dot - shown.at) : shown.len;
    struct http_span secret = {dot ? dot + 1 : shown.at, dot ? shown.len - name_len - 1 : 0};
    const struct config_key *k = key_named(id, shown.at, name_len);
    bool hashed = EVP_Digest(secret.at, secret.len, hash, NULL, EVP_sha256(), NULL) == 1;
    bool same = CRYPTO_memcmp(hash, k ? k->hash : of_nothing, CONFIG_HASH) == 0;
    if (!hashed || k == NULL || dot == NULL || !same)
        return REFUSAL_unknown_key;
    (void)snprintf(who->subject, sizeof(who->subject), "key:%s", k->id);
    return REFUSAL_COUNT;
}

static enum refusal check_token(const struct callers *c, struct http_span shown, struct caller *who)
{
    const struct node *n = c->gateway->node;
    const struct config_identity *id = &c->gateway->table->config->identity;
    const struct jwt_rules rules = {id->audience, wall_ns(&n->wall) / NS_PER_S, id->leeway_s};
    struct jwt_claims claims = {0};
    enum jwt_ruling r = c->keys ? jwt_check(c->keys, shown.at, shown.len, &rules, &claims) : JWT_UNKNOWN_KEY;
    if (r != JWT_GOOD)
        return of_token[r];
    (void)snprintf(who->subject, sizeof(who->subject), "sub:%s", claims.subject);
    if (claims.id[0] != '\0')
        (void)snprintf(who->also, sizeof(who->also), "jti:%s", claims.id);
    return REFUSAL_COUNT;
}

/* The token of an Authorization field; absent when it is about something else. */
static struct http_span bearer(struct http_span field)
{
    static const char scheme[] = "bearer ";
    size_t len = sizeof(scheme) - 1;
    if (field.at == NULL || field.len <= len || strncasecmp(field.at, scheme, len) != 0)
        return (struct http_span){0};
    return (struct http_span){field.at + len, field.len - len};
}

static enum refusal prove(const struct callers *c, const struct exchange *x, const struct config_route *r,
                          struct caller *who)
{
    struct http_span key = exchange_field(x, "x-api-key"), token = bearer(exchange_field(x, "authorization"));
    if (key.at == NULL && token.at == NULL)
        return REFUSAL_no_credential;
    if (key.at != NULL && token.at != NULL)
        return REFUSAL_two_credentials;
    enum refusal proven = key.at != NULL ? check_key(&c->gateway->table->config->identity, key, who)
                                         : check_token(c, token, who);
    bool taken = key.at != NULL ? r->takes_key : r->takes_token;
    return proven == REFUSAL_COUNT && !taken ? REFUSAL_kind_not_taken : proven;
}

/* Known for what he is: may he still? */
static enum refusal believe(struct callers *c, const struct caller *who, int64_t now)
{
    const struct config *config = c->gateway->table->config;
    const struct revocation_list *list = &c->revocations.list;
    if (config_flaw(config, FLAW_revocation_ignored))
        return REFUSAL_COUNT;
    if (revocation_listed(list, who->subject) || revocation_listed(list, who->also))
        return REFUSAL_revoked;
    return config->identity.fail_closed && revocations_stale(&c->revocations, now) ? REFUSAL_revocations_stale
                                                                                   : REFUSAL_COUNT;
}

static void refuse(struct callers *c, struct exchange *x, enum refusal why)
{
    struct node *n = c->gateway->node;
    scoped_text struct text fields = {0};
    int status = rows[why].status;
    text_addf(&fields, "X-DR-Reason: %s\r\n", rows[why].word);
    if (status == 401)
        text_addf(&fields, "WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"%s\"\r\n",
                  rows[why].text);
    if (status == 429 || status == 503)
        text_add(&fields, "Retry-After: 1\r\n");
    if (status == 503)
        text_add(&fields, "X-DR-Not-Forwarded: 1\r\n");
    c->refused[why]++;
    n->counters[COUNTER_rate_limited] += status == 429;
    n->counters[COUNTER_not_forwarded] += status == 503;
    answer_error(x, status, text_str(&fields), rows[why].text);
}

bool callers_admit(struct callers *c, struct exchange *x, const struct config_route *r)
{
    int64_t now = loop_now(c->gateway->node->loop);
    struct caller who = {0};
    if (!r->takes_key && !r->takes_token)
        return true;
    enum refusal why = prove(c, x, r, &who);
    if (why == REFUSAL_COUNT)
        why = believe(c, &who, now);
    if (why == REFUSAL_COUNT && !limit_admit(&c->limiter, who.subject, now))
        why = REFUSAL_rate_limited;
    if (why != REFUSAL_COUNT)
        refuse(c, x, why);
    return why == REFUSAL_COUNT;
}

json_t *callers_status(const struct callers *c)
{
    static const char *const modes[] = {"local", "divided", "shared"};
    const struct config *config = c->gateway->table->config;
    int64_t now = loop_now(c->gateway->node->loop);
    if (config->identity.key_count == 0 && config->identity.token_keys == NULL)
        return json_null();
    return json_pack("{s:I, s:I, s:o, s:s, s:b}", "keys", (json_int_t)config->identity.key_count, "token_keys",
                     (json_int_t)(c->keys ? jwt_keys_count(c->keys) : 0), "revocations",
                     revocations_status(&c->revocations, now), "limits", modes[config->limits.mode], "alone",
                     limiter_alone(&c->limiter, now));
}

void callers_gauges(const struct callers *c, struct text *out)
{
    int64_t now = loop_now(c->gateway->node->loop);
    text_add(out, "# HELP drgateway_refused_total requests refused for what their caller is\n"
                  "# TYPE drgateway_refused_total counter\n");
    for (int i = 0; i < REFUSAL_COUNT; i++)
        text_addf(out, "drgateway_refused_total{reason=\"%s\"} %lld\n", rows[i].word, (long long)c->refused[i]);
    metrics_gauge(out, "revocations_stale", "1 while what is revoked is not known well enough",
                  revocations_stale(&c->revocations, now));
    if (c->revocations.known_at != 0)
        metrics_gauge(out, "revocations_age_seconds", "age of what is known of revocations",
                      (double)(now - c->revocations.known_at) / (double)NS_PER_S);
}
