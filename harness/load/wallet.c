/* SPDX-License-Identifier: MIT */
/*
 * A token says in wall time when it ends, for others read it; when it is renewed is counted on the loop's clock, which
 * costs nothing to look at. Half of its life is left then, enough for a request that hangs (plan_check.c sees to that).
 * Whoever sets the host's clock during a run gets tokens that are wrong for so long, as his customers would.
 */
#include "harness/load/wallet.h"

#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/load/client.h"

void wallet_init(struct wallet *w, const struct topology *t, const struct token_key *key)
{
    *w = (struct wallet){.topology = t, .key = key};
}

void wallet_deinit(struct wallet *w)
{
    for (int who = 0; who < CALLERS; who++) {
        text_deinit(&w->tokens[who].text);
    }
}

static int renew(struct wallet *w, enum caller who, int64_t now_ns, struct err *e)
{
    struct wallet_token *token = &w->tokens[who];
    int64_t lifetime_ns = w->topology->identity.tokens.lifetime_ns, begins_s = clock_wall_ns() / NS_PER_S;
    const struct token_claims claims = {.subject = w->topology->callers[who].name,
                                        .audience = TOPO_AUDIENCE,
                                        .begins_s = begins_s,
                                        .ends_s = begins_s + lifetime_ns / NS_PER_S};
    text_clear(&token->text);
    if (token_sign(w->key, &claims, &token->text, e) != 0) {
        return -1;
    }
    token->renew_ns = now_ns + lifetime_ns / 2;
    return 0;
}

int wallet_show(struct wallet *w, enum caller who, int64_t now_ns, struct exchange_request *r, struct err *e)
{
    if (!w->key) {
        r->api_key = topo_key(w->topology, who);
        return 0;
    }
    if (now_ns >= w->tokens[who].renew_ns && renew(w, who, now_ns, e) != 0) {
        return -1;
    }
    r->token = text_str(&w->tokens[who].text);
    return 0;
}
