/* SPDX-License-Identifier: MIT */
/*
 * The circuit breaker of one upstream: after failures in a row nothing is sent there for a while (open), then a few
 * trial requests at a time (half-open), and if they all go well everything again (closed).
 *
 * Embedded in struct member, driven by passive.c. Pure; a zeroed one is closed. Without one in the configuration
 * (failures 0) it stays closed.
 */
#pragma once
#include "gateway-under-test/config.h"

#include <stdbool.h>
#include <stdint.h>

/* How an attempt ended, as far as its upstream is concerned. */
enum attempt_end { ATTEMPT_GOOD, ATTEMPT_REFUSE, ATTEMPT_TIMEOUT, ATTEMPT_RESET, ATTEMPT_5XX };

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
extern const char *const breaker_words[];

struct breaker {
    enum breaker_state state;
    int failures;        /* in a row, while closed */
    int64_t open_until;
    int on_trial, passed; /* while half-open */
};

bool breaker_allows(const struct breaker *b, const struct config_breaker *cfg, int64_t now);
void breaker_begin(struct breaker *b, int64_t now); /* an attempt is made */
void breaker_leave(struct breaker *b); /* it was given up and says nothing */
/* It has ended; true when this opened or closed the breaker. */
bool breaker_end(struct breaker *b, const struct config_breaker *cfg, enum attempt_end end, int64_t now);
