/* SPDX-License-Identifier: MIT */
/*
 * Leadership is a lease from the witness. The holder renews it every renew_ms and counts its age from the moment the
 * granted question was *sent*, on CLOCK_BOOTTIME: the witness counts from its arrival, so the holder's end is always
 * the earlier one, and a frozen or suspended process sees on its first look that its time is over. A tenth of the lease
 * (at least 25 ms, or a quarter of a very short one) is kept as margin for clocks that run at different speeds.
 *
 * A follower asks, too, as often, and just after the lease it was told about will have run out; so the pause without a
 * leader is hardly longer than the lease. It is the witness who judges whether it may lead.
 *
 * One that was granted the lease and could not write its epoch does not want it for ABSTENTION leases: it would get it
 * again and again, and keep it from those who can.
 *
 * Without a witness in the configuration nobody can grant anything: the home region's store leads from its start, with
 * a new epoch each time, and no other does without an order.
 *
 * Where the witness is silent the peers may stand in for it (vouch.c), or an operator (promote.c).
 *
 * With the flaw no_fencing the end of the lease is not noticed; only a witness that says who leads now ends it. With
 * lease_by_wall_clock it is counted on a clock that others set.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

#define ABSTENTION 4

int64_t lease_usable_ns(int64_t lease_ms)
{
    int64_t least = lease_ms / 4 < 25 ? lease_ms / 4 : 25;
    int64_t margin = lease_ms / 10 > least ? lease_ms / 10 : least;
    return (lease_ms - margin) * NS_PER_MS;
}

int64_t lease_clock_ns(const struct store *s)
{
    return store_flaw(s, FLAW_lease_by_wall_clock) ? wall_ns(&s->node->wall) : clock_boot_ns();
}

static int64_t left_of_ns(const struct store *s, int64_t since_ns)
{
    return lease_usable_ns(s->cfg->lease_ms) - (lease_clock_ns(s) - since_ns);
}

/* By the witness's word or by that of all peers. */
static int64_t left_ns(const struct store *s)
{
    int64_t granted = s->lease.since_ns, vouched = vouched_since_ns(s);
    return left_of_ns(s, vouched > granted ? vouched : granted);
}

bool lease_is_granted(const struct store *s)
{
    return left_of_ns(s, s->lease.since_ns) > 0;
}

bool lease_holds(const struct store *s)
{
    return !s->cfg->has_witness || s->lease.by_order || store_flaw(s, FLAW_no_fencing) || left_ns(s) > 0;
}

void witness_request(struct call *c, const char *path, json_t *take)
{
    char *body = json_canonical(take);
    json_decref(take);
    text_clear(&c->request);
    text_addf(&c->request,
              "POST %s HTTP/1.1\r\nHost: witness\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
              path, strlen(body), body);
    free(body);
}

static void ask_again(struct store *s, int64_t in_ms)
{
    loop_timer_set(s->node->loop, &s->lease.ask, loop_now(s->node->loop) + in_ms * NS_PER_MS);
}

static void look_when_it_ends(struct store *s)
{
    loop_timer_set(s->node->loop, &s->lease.expiry, loop_now(s->node->loop) + left_ns(s));
}

static void granted(struct store *s, int64_t epoch, json_t *reply)
{
    struct lease *l = &s->lease;
    if (lease_clock_ns(s) - l->sent_ns >= lease_usable_ns(s->cfg->lease_ms))
        return; /* the answer took so long that it is worthless */
    l->since_ns = l->sent_ns;
    l->by_order = false;
    look_when_it_ends(s);
    if (s->leading && epoch != s->epoch)
        store_step_down(s, "the witness counts another epoch");
    if (!s->leading)
        store_take_over(s, epoch, json_object_get(reply, "in_sync"));
}

static void read_reply(struct store *s, json_t *reply)
{
    struct lease *l = &s->lease;
    const char *holder = json_string_value(json_object_get(reply, "holder"));
    int64_t epoch = json_integer_value(json_object_get(reply, "epoch"));
    int64_t left_ms = json_integer_value(json_object_get(reply, "left_ms"));
    (void)snprintf(l->holder, sizeof(l->holder), "%s", holder ? holder : "");
    l->holder_epoch = epoch;
    l->stay = json_is_true(json_object_get(reply, "stay"));
    if (json_is_true(json_object_get(reply, "granted"))) {
        ask_again(s, s->cfg->renew_ms);
        granted(s, epoch, reply);
        return;
    }
    if (s->leading)
        store_step_down(s, "the witness refuses the lease");
    if (left_ms >= 0 && left_ms < s->cfg->renew_ms)
        ask_again(s, left_ms + 2);
}

static void on_answer(struct call *c, enum call_end end)
{
    struct store *s = owner_of(c, struct store, lease.call);
    struct http_span body = {0};
    if (s->lease.again)
        ask_again(s, 0);
    s->lease.again = false;
    if (end == CALL_ANSWERED && c->res.status == 200)
        body = call_body(c);
    json_t *reply = body.len > 0 ? json_read(body.at, body.len, "witness", NULL) : NULL;
    bool answered = json_is_object(reply);
    if (answered)
        read_reply(s, reply); /* otherwise the next question is set already */
    json_decref(reply);
    if (s->promotion.x != NULL)
        promote_end(s, answered);
}

static bool wants_to_lead(struct store *s)
{
    if (s->promotion.x != NULL)
        return s->promotion.force || !vouch_binds(s); /* the promise may have come after the order */
    if (s->node->draining || vouch_binds(s) || lease_clock_ns(s) < s->lease.abstains_until_ns)
        return false;
    return s->cfg->home || !store_flaw(s, FLAW_no_failover);
}

static void on_ask(struct loop_timer *t, int64_t now)
{
    struct store *s = owner_of(t, struct store, lease.ask);
    struct lease *l = &s->lease;
    const struct record *last = index_at(&s->index, index_last(&s->index));
    (void)now;
    ask_again(s, s->cfg->renew_ms);
    if (s->handover.state == HANDOVER_TRANSFER)
        return; /* the lease is on its way to another one */
    if (s->promotion.x != NULL && l->call.under_way)
        return; /* an operator waits for its end */
    call_cancel(&l->call);
    witness_request(&l->call, "/lease",
                    json_pack("{s:s, s:I, s:I, s:I, s:b, s:b, s:b, s:b}", "region", s->node->config->region, "epoch",
                              (json_int_t)s->epoch, "lsn", (json_int_t)index_last(&s->index), "log_epoch",
                              (json_int_t)(last ? last->epoch : 0), "want", wants_to_lead(s), "lead", s->leading,
                              "sync", s->cfg->sync, "force", s->promotion.force || l->by_order));
    l->sent_ns = lease_clock_ns(s);
    call_start(&l->call, &l->witness, (struct call_times){s->cfg->renew_ms, s->cfg->renew_ms * 2}, true, on_answer);
}

static void on_expiry(struct loop_timer *t, int64_t now)
{
    struct store *s = owner_of(t, struct store, lease.expiry);
    (void)now;
    if (!s->leading || s->lease.by_order || store_flaw(s, FLAW_no_fencing))
        return;
    if (lease_holds(s))
        look_when_it_ends(s);
    else
        store_step_down(s, "the lease ran out");
}

void lease_open(struct store *s)
{
    struct lease *l = &s->lease;
    upstream_init(&l->witness, s->node->loop, &s->cfg->witness);
    l->ask.due = on_ask;
    l->expiry.due = on_expiry;
    vouch_open(s);
    if (s->cfg->has_witness)
        lease_ask_now(s);
    else if (s->cfg->home)
        store_take_over(s, s->epoch + 1, NULL);
}

void lease_ask_now(struct store *s)
{
    if (!s->cfg->has_witness)
        return;
    if (s->lease.call.under_way)
        s->lease.again = true; /* its answer may have been given before what made us ask */
    else
        ask_again(s, 0);
}

void lease_order(struct store *s)
{
    call_cancel(&s->lease.call); /* an answer to what was asked before is none to this */
    ask_again(s, 0);
}

void lease_abstain(struct store *s)
{
    s->lease.abstains_until_ns = lease_clock_ns(s) + ABSTENTION * s->cfg->lease_ms * NS_PER_MS;
}

void lease_close(struct store *s)
{
    promote_close(s);
    loop_timer_stop(&s->lease.ask);
    loop_timer_stop(&s->lease.expiry);
    call_deinit(&s->lease.call);
    upstream_deinit(&s->lease.witness);
}
