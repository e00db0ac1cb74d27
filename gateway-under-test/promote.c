/* SPDX-License-Identifier: MIT */
/*
 * The lead by an operator's order, POST /promote at a store that follows. Where there is a witness it is asked, and its
 * grant is needed; nothing is gained over the store's own questions but an answer, and that a store which is not to
 * take over by itself does. Refused is who leads, and who hears from a leader.
 *
 * With force neither a leader that is heard nor the witness's refusal counts. The witness takes the order for its own:
 * the lease of whoever held it is over, and he learns so with his next question or from a peer. When the witness does
 * not answer the operator's word stands in for it, until it does; then it learns of the order with the first question.
 *
 * Whoever leads by order alone may meet another one who counts on: a witness out of sight, a home store without a
 * witness that starts again. Their epochs rise by one at a time, so ours begins far ahead of what we know, each region
 * elsewhere: no two logs ever have different entries of one epoch.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/store.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <string.h>

#define EPOCHS_AHEAD 1000
#define HEARD_MS 1000 /* as long as a leader bears with a silent peer */

static bool hears_a_leader(const struct store *s)
{
    int64_t now = loop_now(s->node->loop);
    for (const struct follower_conn *c = s->followers; c != NULL; c = c->next) {
        if (c->greeted && now - c->heard_at < HEARD_MS * NS_PER_MS)
            return true;
    }
    return false;
}

static int64_t epoch_of_our_own(const struct store *s)
{
    int64_t rank = 1;
    for (size_t i = 0; i < s->cfg->peer_count; i++)
        rank += strcmp(s->cfg->peers[i].region, s->node->config->region) < 0;
    return s->epoch + rank * EPOCHS_AHEAD;
}

static void lead_by_order(struct store *s)
{
    node_log(s->node, "promoted by an operator; no witness has been asked or has answered, who led before may lead on");
    s->lease.by_order = s->cfg->has_witness;
    s->lease.stay = true;
    store_take_over(s, epoch_of_our_own(s), NULL);
    if (!s->leading)
        s->lease.by_order = false;
}

static void answer(struct store *s, struct exchange *x, int otherwise, const char *why)
{
    if (s->leading)
        answer_json(x, 200, json_pack("{s:I}", "epoch", (json_int_t)s->epoch));
    else
        answer_error(x, otherwise, "", why);
}

/* NULL: nothing is in the way. */
static const char *obstacle(struct store *s, bool force)
{
    if (s->leading)
        return "this store leads already";
    if (s->node->draining || s->promotion.x != NULL)
        return "this store drains, or is being promoted";
    if (force)
        return NULL;
    if (hears_a_leader(s))
        return "another region leads and is alive";
    return vouch_binds(s) ? "this store has promised to leave the lease to another region" : NULL;
}

void promote_take_order(struct store *s, struct exchange *x)
{
    struct http_span body = exchange_body(x);
    scoped_json json_t *doc = body.len > 0 ? json_read(body.at, body.len, "request", NULL) : json_object();
    const json_t *wish = json_object_get(doc, "force");
    bool force = json_is_true(wish);
    if (!json_is_object(doc) || (wish != NULL && !json_is_boolean(wish))) {
        answer_error(x, 400, "", "the body must be empty, or an object in which force is true or false");
        return;
    }
    const char *why = obstacle(s, force);
    if (why != NULL) {
        answer_error(x, 409, "", why);
        return;
    }
    vouch_release(s);
    if (s->cfg->has_witness) {
        s->promotion.x = x;
        s->promotion.force = force;
        lease_order(s);
        return;
    }
    lead_by_order(s);
    answer(s, x, 500, "the epoch cannot be written");
}

void promote_end(struct store *s, bool answered)
{
    struct exchange *x = s->promotion.x;
    s->promotion.x = NULL;
    if (s->promotion.force && !s->leading)
        lead_by_order(s);
    s->promotion.force = false;
    answer(s, x, answered ? 409 : 503, answered ? "the witness refuses the lease" : "the witness does not answer");
}

void promote_close(struct store *s)
{
    if (s->promotion.x != NULL)
        answer_error(s->promotion.x, 503, "", "closing");
    s->promotion.x = NULL;
}
