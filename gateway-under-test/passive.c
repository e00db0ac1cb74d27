/* SPDX-License-Identifier: MIT */
/*
 * What requests themselves tell about a member. Failures in a row eject it for a base time, twice that the next time,
 * three times after that; each base time of service without a failure takes one off again. Never more than a share of
 * the members, but always one, so that a fault of all (or of what they depend on) does not empty the pool. What was
 * under way when a member was ejected and fails after that says nothing new; nor does what we ourselves gave up when
 * the checks found it down, though the breaker gets its trial back.
 *
 * The breaker, where there is one, sees the same ends and judges by its own triggers.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/pool.h"
#include "harness/base/units.h"

static bool too_many_ejected(const struct member *m, int64_t now)
{
    const struct pool *p = m->pool;
    int64_t ejected = 0;
    for (size_t i = 0; i < p->count; i++)
        ejected += now < p->members[i].ejected_until;
    return ejected > 0 && (ejected + 1) * 100 > p->cfg->passive.eject_share * (int64_t)p->count;
}

static void eject(struct member *m, int64_t now)
{
    struct node *n = m->pool->table->node;
    m->failures = 0;
    if (too_many_ejected(m, now))
        return;
    int64_t ms = m->pool->cfg->passive.eject_ms * ++m->ejections;
    m->ejected_until = m->calm_since = now + ms * NS_PER_MS;
    upstream_host_down(&m->up);
    n->counters[COUNTER_ejections]++;
    node_log(n, "%s is ejected for %lld ms", m->cfg->name, (long long)ms);
}

static void note_failure(struct member *m, int64_t now)
{
    int limit = m->pool->cfg->passive.failures * (config_flaw(m->pool->table->config, FLAW_slow_detect) ? 10 : 1);
    if (now >= m->ejected_until && ++m->failures >= limit)
        eject(m, now);
}

static void note_success(struct member *m, int64_t now)
{
    int64_t base = m->pool->cfg->passive.eject_ms * NS_PER_MS;
    m->failures = 0;
    if (m->ejections > 0 && now - m->calm_since >= base) {
        m->ejections--;
        m->calm_since = now;
    }
}

void member_begins(struct member *m)
{
    breaker_begin(&m->breaker, loop_now(m->up.loop));
}

void member_left(struct member *m)
{
    breaker_leave(&m->breaker);
}

void member_ended(struct member *m, enum attempt_end end)
{
    int64_t now = loop_now(m->up.loop);
    struct node *n = m->pool->table->node;
    if (end == ATTEMPT_GOOD)
        note_success(m, now);
    else
        note_failure(m, now);
    if (breaker_end(&m->breaker, &m->pool->cfg->breaker, end, now)) {
        n->counters[COUNTER_breaker_opened] += m->breaker.state == BREAKER_OPEN;
        node_log(n, "the breaker of %s is %s", m->cfg->name, breaker_words[m->breaker.state]);
    }
}
