/* SPDX-License-Identifier: MIT */
/*
 * Attempts overlap, so that ends come late: one that began before the breaker opened says nothing new while it is open
 * and is not looked at. While half-open such a straggler counts as a trial, which at worst opens it once more.
 */
#include "gateway-under-test/breaker.h"

#include "harness/base/units.h"

const char *const breaker_words[] = {"closed", "open", "half-open"};

bool breaker_allows(const struct breaker *b, const struct config_breaker *cfg, int64_t now)
{
    switch (b->state) {
    case BREAKER_CLOSED:
        break;
    case BREAKER_OPEN:
        return now >= b->open_until;
    case BREAKER_HALF_OPEN:
        return b->on_trial + b->passed < cfg->probes;
    }
    return true;
}

void breaker_begin(struct breaker *b, int64_t now)
{
    if (b->state == BREAKER_OPEN && now >= b->open_until)
        *b = (struct breaker){.state = BREAKER_HALF_OPEN};
    if (b->state == BREAKER_HALF_OPEN)
        b->on_trial++;
}

void breaker_leave(struct breaker *b)
{
    b->on_trial -= b->on_trial > 0;
}

static bool open_it(struct breaker *b, const struct config_breaker *cfg, int64_t now)
{
    *b = (struct breaker){.state = BREAKER_OPEN, .open_until = now + cfg->open_ms * NS_PER_MS};
    return true;
}

static bool end_closed(struct breaker *b, const struct config_breaker *cfg, bool bad, int64_t now)
{
    b->failures = bad ? b->failures + 1 : 0;
    return b->failures >= cfg->failures && open_it(b, cfg, now);
}

static bool end_trial(struct breaker *b, const struct config_breaker *cfg, bool bad, int64_t now)
{
    if (bad)
        return open_it(b, cfg, now);
    b->on_trial -= b->on_trial > 0;
    if (++b->passed < cfg->probes)
        return false;
    *b = (struct breaker){.state = BREAKER_CLOSED};
    return true;
}

bool breaker_end(struct breaker *b, const struct config_breaker *cfg, enum attempt_end end, int64_t now)
{
    bool bad = (cfg->triggers >> end) & 1;
    if (cfg->failures == 0 || b->state == BREAKER_OPEN)
        return false;
    return b->state == BREAKER_CLOSED ? end_closed(b, cfg, bad, now) : end_trial(b, cfg, bad, now);
}
