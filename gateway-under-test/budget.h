/* SPDX-License-Identifier: MIT */
/*
 * The budget of retries of one gateway: every request earns a fifth of one, every retry of a request that may have
 * reached an upstream spends one. Embedded in struct gateway. Pure.
 */
#pragma once
#include <stdbool.h>

struct retry_budget {
    double tokens;
};

void budget_init(struct retry_budget *b);
void budget_earn(struct retry_budget *b);  /* a request came in */
bool budget_spend(struct retry_budget *b); /* false: it is used up, do not retry */
