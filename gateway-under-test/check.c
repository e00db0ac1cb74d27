/* SPDX-License-Identifier: MIT */
/*
 * Active checks: every member is asked on a connection of its own every every_ms (start to start, 5 % jitter so that
 * many gateways do not march in step). unhealthy_after failures in a row take it down, healthy_after successes bring it
 * back; a member of which nothing is known yet is believed at once. The answer's X-DR-Role and X-DR-Epoch tell who
 * leads.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/pool.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

static int64_t period_ns(const struct member *m)
{
    struct table *t = m->pool->table;
    int64_t every = m->pool->cfg->check.every_ms * NS_PER_MS;
    if (config_flaw(t->config, FLAW_slow_detect))
        every *= 10;
    int64_t spread = every / 10;
    return every - spread / 2 + (int64_t)rng_below(&t->node->rng, (uint64_t)spread + 1);
}

static void note_role(struct member *m)
{
    int64_t epoch = 0;
    struct http_span role = call_field(&m->check, "x-dr-role");
    if (role.at == NULL || !span_int(call_field(&m->check, "x-dr-epoch"), &epoch))
        return;
    if (span_is(role, "leader"))
        pool_learn_leader(m->pool, m->cfg->region, strlen(m->cfg->region), epoch);
    else
        pool_learn_follower(m->pool, m->cfg->region, epoch);
}

static void on_done(struct call *c, enum call_end end)
{
    struct member *m = owner_of(c, struct member, check);
    struct node *n = m->pool->table->node;
    int wanted = m->pool->cfg->check.status, status = end == CALL_ANSWERED ? c->res.status : 0;
    bool good = wanted != 0 ? status == wanted : status >= 200 && status < 300;
    n->counters[good ? COUNTER_checks_ok : COUNTER_checks_failed]++;
    m->good_run = good ? m->good_run + 1 : 0;
    m->bad_run = good ? 0 : m->bad_run + 1;
    if (good)
        note_role(m);
    if (good && (m->health == HEALTH_UNKNOWN || m->good_run >= m->pool->cfg->check.healthy_after))
        member_set_health(m, HEALTH_UP);
    if (!good && m->bad_run >= m->pool->cfg->check.unhealthy_after)
        member_set_health(m, HEALTH_DOWN);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct member *m = owner_of(t, struct member, check_timer);
    const struct config_pool *cfg = m->pool->cfg;
    int64_t limit = cfg->check.timeout_ms;
    loop_timer_set(m->up.loop, t, now + period_ns(m));
    if (m->check.under_way)
        return; /* time-out longer than the period: the one under way counts */
    text_clear(&m->check.request);
    text_addf(&m->check.request,
              "GET %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\nUser-Agent: drgateway-check\r\n\r\n",
              cfg->check.path, cfg->check.host ? cfg->check.host : m->cfg->address, ntohs(m->probe.address.sin_port));
    call_start(&m->check, &m->probe, (struct call_times){.connect_ms = limit, .total_ms = limit}, false, on_done);
}

void check_start(struct member *m)
{
    m->check_timer.due = on_due;
    loop_timer_set(m->up.loop, &m->check_timer, loop_now(m->up.loop));
}

void check_stop(struct member *m)
{
    loop_timer_stop(&m->check_timer);
    call_deinit(&m->check);
}
