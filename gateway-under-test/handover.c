/* SPDX-License-Identifier: MIT */
/*
 * A planned change of leader, without a failed request: hold what comes in, ship the rest, wait for its ACK, have the
 * witness pass the lease on, step down, let what was held go (it is refused as "not forwarded, the leader is there",
 * and the gateway asks there). All of it is bounded by HOLD_MS; a handover that does not get that far is called off and
 * what was held is served here. The exception: once the witness has been asked and does not answer, the lease may have
 * been passed on, so we step down.
 *
 * Reasons: an operator's order; the home region has been connected and caught up for failback_hold_ms; we drain; our
 * disk takes no more writes. A store whose disk is full cannot note a new epoch either, so the lead does not come back
 * to it.
 *
 * The flaw failback_without_catchup passes the lease on at once, whatever the home region has.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/units.h"

#include <string.h>

#define HOLD_MS 500
#define TRANSFER_MS 400

static void on_transferred(struct call *c, enum call_end end)
{
    struct store *s = owner_of(c, struct store, handover.call);
    struct handover *h = &s->handover;
    if (end == CALL_ANSWERED && c->res.status == 200) {
        s->node->counters[COUNTER_handovers]++;
        (void)snprintf(s->lease.holder, sizeof(s->lease.holder), "%s", h->to->peer->region);
        s->lease.holder_epoch = s->epoch + 1;
        link_send(h->to, FRAME_TAKEOVER);
        store_step_down(s, "handed over");
    } else if (end == CALL_ANSWERED || end == CALL_UNREACHABLE) {
        node_log(s->node, "handover called off: the witness %s", end == CALL_ANSWERED ? "refuses" : "is out of reach");
        h->to->caught_up_since = 0;
        handover_end(s);
    } else {
        s->lease.holder[0] = '\0';
        store_step_down(s, "the witness was asked to pass the lease on and did not answer");
    }
}

static void transfer(struct store *s)
{
    struct handover *h = &s->handover;
    h->state = HANDOVER_TRANSFER;
    call_cancel(&s->lease.call);
    witness_request(&h->call, "/transfer",
                    json_pack("{s:s, s:I, s:s, s:b, s:b}", "region", s->node->config->region, "epoch",
                              (json_int_t)s->epoch, "to", h->to->peer->region, "ordered", h->ordered, "sync",
                              s->cfg->sync && !store_flaw(s, FLAW_failback_without_catchup)));
    call_start(&h->call, &s->lease.witness, (struct call_times){TRANSFER_MS, TRANSFER_MS}, true, on_transferred);
}

bool handover_begin(struct store *s, struct link *to, bool ordered)
{
    struct handover *h = &s->handover;
    if (h->state != HANDOVER_NONE || !to->connected || !store_leads(s) || !s->cfg->has_witness ||
        !lease_is_granted(s))
        return false;
    node_log(s->node, "handing over to %s%s", to->peer->region, ordered ? ", as ordered" : "");
    h->state = HANDOVER_HOLDING;
    h->to = to;
    h->ordered = ordered;
    h->until = loop_now(s->node->loop) + HOLD_MS * NS_PER_MS;
    if (store_flaw(s, FLAW_failback_without_catchup))
        transfer(s);
    else
        leader_flush(s);
    return true;
}

/* A peer to whom the leadership should go by itself. */
static struct link *successor(struct store *s, int64_t now)
{
    int64_t hold = s->cfg->failback_hold_ms * NS_PER_MS;
    for (size_t i = 0; i < s->link_count; i++) {
        struct link *k = &s->links[i];
        bool able = k->connected && !k->peer_draining && k->caught_up_since != 0 &&
                    (!s->cfg->sync || k->standing == STANDING_IN);
        bool home = k->peer_home && !s->cfg->home && !s->lease.stay && now - k->caught_up_since >= hold;
        if (able && (home || s->node->draining || s->written != WRITTEN))
            return k;
    }
    return NULL;
}

void handover_progress(struct store *s, int64_t now)
{
    struct handover *h = &s->handover;
    if (h->state == HANDOVER_NONE) {
        struct link *to = successor(s, now);
        if (to == NULL || !handover_begin(s, to, false))
            return;
    }
    if (h->state != HANDOVER_HOLDING)
        return;
    if (now >= h->until || !h->to->connected) {
        node_log(s->node, "handover called off: %s did not catch up in time", h->to->peer->region);
        h->to->caught_up_since = 0;
        handover_end(s);
    } else if (s->waiters.len == 0 && h->to->acked_lsn == index_last(&s->index)) {
        transfer(s);
    }
}

bool handover_hold(struct store *s, struct exchange *x)
{
    struct handover *h = &s->handover;
    if (h->state == HANDOVER_NONE || h->held_count == sizeof(h->held) / sizeof(h->held[0]))
        return false;
    h->held[h->held_count++] = x;
    s->node->counters[COUNTER_held]++;
    return true;
}

void handover_end(struct store *s)
{
    struct handover *h = &s->handover;
    size_t count = h->held_count;
    struct exchange *held[sizeof(h->held) / sizeof(h->held[0])];
    memcpy(held, h->held, count * sizeof(held[0]));
    h->state = HANDOVER_NONE;
    h->held_count = 0;
    call_cancel(&h->call);
    for (size_t i = 0; i < count; i++)
        orders_handle(s, held[i]);
}
