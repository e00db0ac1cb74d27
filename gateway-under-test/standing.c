/* SPDX-License-Identifier: MIT */
/*
 * Which peers count in sync mode. The rule that keeps every acknowledged write: the witness's list of regions in sync
 * may name only those that have everything acknowledged, because whoever is in it may be made leader.
 *
 * Leaving: a peer silent for degrade_after_ms, or one that answers and yet takes nothing for STUCK_MS more, counts on
 * until the witness has written it off; only then may a write be acknowledged without it. Joining goes the other way
 * round: first the peer counts again, then it must have all that was acknowledged without it, then the witness is told.
 * A question to the witness without an answer may have been heard, so both ways the stricter state holds until it has
 * answered. With degrade: block nobody leaves.
 *
 * The flaw silent_async_degrade leaves without telling the witness, and status goes on saying in sync.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/units.h"

#define TELL_MS 300
#define STUCK_MS 2000

bool standing_counts(const struct link *k)
{
    if (store_flaw(k->store, FLAW_silent_async_degrade))
        return k->standing != STANDING_OUT;
    return !k->store->cfg->degrade_async || k->standing != STANDING_OUT;
}

bool standing_in_sync(const struct link *k)
{
    if (!k->store->cfg->sync)
        return k->caught_up_since != 0;
    if (store_flaw(k->store, FLAW_silent_async_degrade))
        return true;
    return k->standing == STANDING_IN || k->standing == STANDING_LEAVING;
}

static void become(struct link *k, enum standing to)
{
    struct store *s = k->store;
    if (to == STANDING_OUT) {
        s->node->counters[COUNTER_degraded]++;
        if (!store_flaw(s, FLAW_silent_async_degrade))
            node_log(s->node, "peer %s is out of sync, writes do not wait for it", k->peer->region);
    } else if (to == STANDING_IN) {
        node_log(s->node, "peer %s is in sync", k->peer->region);
    }
    k->standing = to;
}

/* The witness knows, or there is none. */
static void settle(struct link *k)
{
    if (k->standing == STANDING_TELLING)
        become(k, STANDING_IN);
    else if (k->standing == STANDING_LEAVING)
        become(k, STANDING_OUT);
}

static void on_told(struct call *c, enum call_end end)
{
    struct link *k = owner_of(c, struct link, tell);
    if (end != CALL_ANSWERED || c->res.status != 200)
        return; /* told again with the next tick */
    settle(k);
    commit_advance(k->store);
}

static void tell(struct link *k, bool in_sync)
{
    struct store *s = k->store;
    if (k->tell.under_way)
        return;
    if (!s->cfg->has_witness) {
        settle(k);
        return;
    }
    witness_request(&k->tell, "/sync",
                    json_pack("{s:s, s:I, s:s, s:b}", "region", s->node->config->region, "epoch", (json_int_t)s->epoch,
                              "peer", k->peer->region, "in_sync", in_sync));
    call_start(&k->tell, &s->lease.witness, (struct call_times){TELL_MS, TELL_MS}, true, on_told);
}

/* The flaw: in and out as it pleases. */
static void tick_silently(struct link *k, bool away)
{
    if (away && k->standing != STANDING_OUT)
        become(k, STANDING_OUT);
    else if (!away && k->connected && link_lag_ms(k) == 0 && k->standing == STANDING_OUT)
        k->standing = STANDING_IN;
}

void standing_tick(struct link *k, int64_t now)
{
    struct store *s = k->store;
    int64_t patience = s->cfg->degrade_after_ms * NS_PER_MS;
    bool away = now - k->heard_at > patience || now - k->progress_at > patience + STUCK_MS * NS_PER_MS;
    if (!s->cfg->sync)
        return;
    if (store_flaw(s, FLAW_silent_async_degrade)) {
        tick_silently(k, away);
        return;
    }
    switch (k->standing) {
    case STANDING_OUT:
        if (k->connected && !away && k->caught_up_since != 0) {
            k->standing = STANDING_JOINING;
            k->joined_at_lsn = store_written(s);
        }
        break;
    case STANDING_JOINING:
        if (away)
            k->standing = STANDING_OUT;
        else if (k->connected && k->acked_lsn >= k->joined_at_lsn) {
            k->standing = STANDING_TELLING;
            tell(k, true);
        }
        break;
    case STANDING_TELLING:
        if (away && s->cfg->degrade_async) {
            call_cancel(&k->tell);
            k->standing = STANDING_LEAVING;
        } else {
            tell(k, true);
        }
        break;
    case STANDING_IN:
        if (away && s->cfg->degrade_async)
            k->standing = STANDING_LEAVING;
        break;
    case STANDING_LEAVING:
        tell(k, false);
        break;
    }
}
