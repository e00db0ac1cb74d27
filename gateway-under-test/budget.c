/* SPDX-License-Identifier: MIT */
/*
 * Retries help against the failure of few and harm in the failure of all: then each request becomes as many as it has
 * retries, and what is overloaded cannot recover. With the budget the load on the upstreams is at most 1.2 times the
 * requests in the long run. The reserve lets a short outage of one upstream pass without a bad answer: that of a few
 * hundred requests a second, until its checks have found it.
 *
 * Attempts that certainly did nothing (no connection, "not forwarded") are free: they load nobody.
 */
#include "gateway-under-test/budget.h"

#define PER_REQUEST 0.2
#define RESERVE 500

void budget_init(struct retry_budget *b)
{
    b->tokens = RESERVE;
}

void budget_earn(struct retry_budget *b)
{
    b->tokens = b->tokens + PER_REQUEST < RESERVE ? b->tokens + PER_REQUEST : RESERVE;
}

bool budget_spend(struct retry_budget *b)
{
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}
