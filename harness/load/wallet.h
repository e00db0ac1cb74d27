/* SPDX-License-Identifier: MIT */
/*
 * What customers show to gateways that ask who calls: an API key each, or tokens that they sign and renew themselves.
 *
 * One per process of the load; owns the tokens, borrows topology and key. Invariant: a token that is shown has half of
 * its life before it, but for the time between two requests.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/spec/topology.h"

struct err;
struct exchange_request;

struct wallet {
    const struct topology *topology;
    const struct token_key *key; /* NULL: API keys, or nothing where nobody asks */
    struct wallet_token {
        struct text text;
        int64_t renew_ns; /* loop time; 0: there is none yet */
    } tokens[CALLERS];
};

void wallet_init(struct wallet *w, const struct topology *t, const struct token_key *key);
void wallet_deinit(struct wallet *w);
/* Put into the request what the caller shows at now_ns of loop time; borrowed from the wallet until asked again. */
int wallet_show(struct wallet *w, enum caller who, int64_t now_ns, struct exchange_request *r, struct err *e);
