/* SPDX-License-Identifier: MIT */
/*
 * The leader's side of replication: one connection to each peer, dialled again every 100 ms while it is down. HELLO
 * carries our epoch and history, STATE the peer's position after it has cut what differs, and from there on records
 * flow. Async mode ships what has gathered every every_ms; sync mode ships each record as soon as it is on disk. Every
 * tick a BEAT asks for an ACK, so that a peer that is frozen or behind a black hole is known by its silence; after a
 * second of it the connection is given up and dialled anew, for a healed path must not wait for TCP's back-off.
 *
 * How much is shipped ahead is bounded by what the socket buffer has not taken (SHIP_AHEAD); the next ACK goes on.
 *
 * Where a fault makes a link late (lag.h), records wait here until they are old enough, and BEATs go on: the peer is
 * there and well, its data are not. Damage comes after the frame is sealed, as on a bad line.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

#define REDIAL_MS 100
#define DIAL_MS 400
#define SILENCE_MS 1000
#define BATCH 512
#define SHIP_AHEAD ((size_t)1 << 20)
#define IN_LIMIT (2 * FRAME_MAX)
#define HISTORY_MAX 1024
#define FLAWED_LAG_MS 500

static void on_event(struct conn *c);

static int64_t ship_every_ms(const struct store *s)
{
    if (store_flaw(s, FLAW_ack_before_replicate) && s->cfg->every_ms < FLAWED_LAG_MS)
        return FLAWED_LAG_MS;
    return s->cfg->every_ms;
}

/* Up to where a flawed leader ships: nothing younger than its lag. */
static int64_t ripe_lsn(const struct store *s, int64_t now)
{
    int64_t lsn = store_written(s);
    while (lsn > 0 && index_at(&s->index, lsn)->mono_ns > now - FLAWED_LAG_MS * NS_PER_MS)
        lsn--;
    return lsn;
}

static bool ships_at_once(const struct store *s)
{
    return s->cfg->sync && !store_flaw(s, FLAW_ack_before_replicate);
}

/* Seal the frame and let it go, through what a fault may do to it on its way. */
static void send_frame(struct link *k, struct text *out, size_t at, enum frame_type type)
{
    struct lag *l = &k->lag;
    struct rng *rng = &k->store->node->rng;
    frame_end(out, at);
    l->frames++;
    bool twice = type == FRAME_RECORDS && lag_draw(l, l->all.duplicate_ppm, rng);
    if (twice) {
        l->doubled++;
        conn_send(&k->conn, out->at + at, out->len - at);
    } else if (lag_draw(l, l->all.corrupt_ppm, rng)) {
        l->damaged++;
        lag_damage(out->at + at, out->len - at, rng);
    }
    conn_send(&k->conn, out->at + at, out->len - at);
}

static void link_down(struct link *k)
{
    bool was = k->connected;
    conn_close(&k->conn);
    k->connected = false;
    k->caught_up_since = 0;
    k->dial_at = loop_now(k->store->node->loop) + REDIAL_MS * NS_PER_MS;
    if (was)
        node_log(k->store->node, "peer %s is gone", k->peer->region);
}

static void link_dial(struct link *k, int64_t now)
{
    struct store *s = k->store;
    k->dial_at = now + DIAL_MS * NS_PER_MS;
    conn_close(&k->conn);
    if (conn_dial(&k->conn, s->node->loop, &k->peer->to, SILENCE_MS, IN_LIMIT, on_event) < 0) {
        k->dial_at = now + REDIAL_MS * NS_PER_MS;
        return;
    }
    struct text hello = {0};
    size_t at = frame_begin(&hello, FRAME_HELLO, s->epoch);
    size_t count = s->index.boundaries.len, skip = count > HISTORY_MAX ? count - HISTORY_MAX : 0;
    unsigned char n[2];
    put_u16(n, (uint16_t)(count - skip));
    frame_add_region(&hello, s->node->config->region);
    frame_add_u64(&hello, index_last(&s->index));
    text_add_bytes(&hello, n, sizeof(n));
    for (size_t i = skip; i < count; i++) {
        frame_add_u64(&hello, s->index.boundaries.at[i].epoch);
        frame_add_u64(&hello, s->index.boundaries.at[i].first_lsn);
    }
    send_frame(k, &hello, at, FRAME_HELLO);
    text_deinit(&hello);
}

void link_send(struct link *k, enum frame_type type)
{
    struct text out = {0};
    size_t at = frame_begin(&out, type, k->store->epoch);
    if (type == FRAME_VOUCH)
        frame_add_u64(&out, k->vouch_asked_ns);
    send_frame(k, &out, at, type);
    text_deinit(&out);
}

static void beat(struct link *k)
{
    struct text out = {0};
    size_t at = frame_begin(&out, FRAME_BEAT, k->store->epoch);
    frame_add_u64(&out, index_last_revocation(&k->store->index));
    send_frame(k, &out, at, FRAME_BEAT);
    text_deinit(&out);
}

/* The last record to be shipped now that nothing holds back. */
static int64_t released_lsn(const struct link *k)
{
    const struct store *s = k->store;
    int64_t lsn = k->sent_lsn, now = loop_now(s->node->loop);
    if (k->lag.count == 0)
        return k->flush_to;
    while (lsn < k->flush_to && !lag_holds(&k->lag, index_at(&s->index, lsn + 1)->mono_ns, now))
        lsn++;
    return lsn;
}

static void ship(struct link *k)
{
    struct store *s = k->store;
    struct text out = {0};
    int64_t upto = released_lsn(k);
    while (k->connected && k->sent_lsn < upto && k->conn.error == 0 && k->conn.out.len - k->conn.out_at < SHIP_AHEAD) {
        int64_t to = upto - k->sent_lsn > BATCH ? k->sent_lsn + BATCH : upto;
        text_clear(&out);
        size_t at = frame_begin(&out, FRAME_RECORDS, s->epoch);
        for (int64_t lsn = k->sent_lsn + 1; lsn <= to; lsn++)
            record_write(index_at(&s->index, lsn), &out);
        send_frame(k, &out, at, FRAME_RECORDS);
        s->node->counters[COUNTER_shipped] += to - k->sent_lsn;
        k->sent_lsn = to;
    }
    text_deinit(&out);
}

static void flush_up_to(struct store *s, int64_t lsn)
{
    for (size_t i = 0; i < s->link_count; i++) {
        s->links[i].flush_to = lsn;
        ship(&s->links[i]);
    }
}

void leader_flush(struct store *s)
{
    (void)store_put_down(s);
    flush_up_to(s, store_written(s));
}

void leader_appended(struct store *s)
{
    if (ships_at_once(s))
        leader_flush(s);
}

static int take_traits(struct link *k, struct frame *f)
{
    int traits;
    if (frame_take_u8(f, &traits) < 0)
        return -1;
    k->peer_home = (traits & FRAME_HOME) != 0;
    k->peer_draining = (traits & FRAME_DRAINING) != 0;
    return 0;
}

static int on_state(struct link *k, struct frame *f)
{
    struct store *s = k->store;
    char region[64];
    int64_t last;
    if (frame_take_region(f, region) < 0 || frame_take_u64(f, &last) < 0 || take_traits(k, f) < 0 ||
        strcmp(region, k->peer->region) != 0 || last > store_written(s))
        return -1;
    k->connected = true;
    k->sent_lsn = k->acked_lsn = last;
    k->flush_to = store_written(s);
    node_log(s->node, "peer %s follows from lsn %lld of %lld", region, (long long)last, (long long)k->flush_to);
    if (store_flaw(s, FLAW_failback_without_catchup) && k->peer_home && !s->lease.stay)
        handover_begin(s, k, false);
    else
        ship(k);
    return 0;
}

static int on_ack(struct link *k, struct frame *f)
{
    int64_t lsn;
    if (!k->connected || frame_take_u64(f, &lsn) < 0 || take_traits(k, f) < 0 || lsn > k->sent_lsn)
        return -1;
    if (lsn > k->acked_lsn || lsn == store_written(k->store))
        k->progress_at = loop_now(k->store->node->loop);
    if (lsn > k->acked_lsn)
        k->acked_lsn = lsn;
    ship(k);
    return 0;
}

/* One message of the peer; -1 ends the connection. May end our leadership. */
static int on_frame(struct link *k, struct frame *f)
{
    struct store *s = k->store;
    switch (f->type) {
    case FRAME_STATE:
        return on_state(k, f);
    case FRAME_ACK:
        return on_ack(k, f);
    case FRAME_VOUCHED:
        return vouch_taken(k, f);
    case FRAME_REFUSE:
        node_log(s->node, "peer %s refuses epoch %lld, it knows %lld", k->peer->region, (long long)s->epoch,
                 (long long)f->epoch);
        if (!store_flaw(s, FLAW_no_fencing))
            store_step_down(s, "a peer knows a higher epoch");
        return -1;
    default:
        return -1;
    }
}

static void on_event(struct conn *c)
{
    struct link *k = owner_of(c, struct link, conn);
    struct store *s = k->store;
    struct frame f;
    size_t used = 0;
    enum frame_read r;
    int64_t now = loop_now(s->node->loop);
    while ((r = frame_read(text_str(&c->in), c->in.len, &f, &used)) == FRAME_OK) {
        k->heard_at = now;
        int rc = on_frame(k, &f);
        if (!s->leading)
            return; /* stepped down; the link is closed */
        if (rc < 0) {
            link_down(k);
            return;
        }
        conn_take(c, used);
    }
    if (r == FRAME_BAD || c->error != 0 || c->eof) {
        link_down(k);
        return;
    }
    commit_advance(s);
    if (s->leading)
        handover_progress(s, now);
}

int64_t link_lag_ms(const struct link *k)
{
    const struct store *s = k->store;
    const struct record *r = index_at(&s->index, k->acked_lsn + 1);
    if (r == NULL)
        return 0;
    int64_t since = r->mono_ns > s->led_since ? r->mono_ns : s->led_since;
    return (loop_now(s->node->loop) - since) / NS_PER_MS;
}

static void note_caught_up(struct link *k, int64_t now)
{
    int64_t allowed = ships_at_once(k->store) ? 200 : 2 * ship_every_ms(k->store) + 100;
    bool caught_up = k->connected && now - k->heard_at < allowed * NS_PER_MS && link_lag_ms(k) <= allowed;
    if (!caught_up)
        k->caught_up_since = 0;
    else if (k->caught_up_since == 0)
        k->caught_up_since = now;
}

void leader_tick(struct store *s, int64_t now)
{
    for (size_t i = 0; i < s->link_count && s->leading; i++) {
        struct link *k = &s->links[i];
        if (k->connected && now - k->heard_at > SILENCE_MS * NS_PER_MS)
            link_down(k);
        if (k->connected) {
            beat(k);
            vouch_ask(k);
        } else if (now >= k->dial_at) {
            link_dial(k, now);
        }
        ship(k);
        note_caught_up(k, now);
        standing_tick(k, now);
    }
    commit_advance(s);
}

static void on_ship(struct loop_timer *t, int64_t now)
{
    struct store *s = owner_of(t, struct store, ship);
    loop_timer_set(s->node->loop, t, now + ship_every_ms(s) * NS_PER_MS);
    flush_up_to(s, store_flaw(s, FLAW_ack_before_replicate) ? ripe_lsn(s, now) : store_written(s));
}

struct link *leader_link(struct store *s, const char *region, size_t len)
{
    for (size_t i = 0; i < s->link_count; i++) {
        const char *name = s->links[i].peer->region;
        if (strlen(name) == len && memcmp(name, region, len) == 0)
            return &s->links[i];
    }
    return NULL;
}

void leader_open(struct store *s)
{
    s->ship.due = on_ship;
    s->link_count = s->cfg->peer_count;
    for (size_t i = 0; i < s->link_count; i++)
        s->links[i] = (struct link){.store = s, .peer = &s->cfg->peers[i]};
}

static bool listed(json_t *regions, const char *region)
{
    for (size_t i = 0; i < json_array_size(regions); i++) {
        const char *name = json_string_value(json_array_get(regions, i));
        if (name != NULL && strcmp(name, region) == 0)
            return true;
    }
    return false;
}

void leader_start(struct store *s, json_t *in_sync)
{
    int64_t now = loop_now(s->node->loop);
    for (size_t i = 0; i < s->link_count; i++) {
        struct link *k = &s->links[i];
        k->connected = false;
        k->standing = listed(in_sync, k->peer->region) ? STANDING_IN : STANDING_OUT;
        k->heard_at = k->progress_at = now;
        k->sent_lsn = k->acked_lsn = k->flush_to = k->caught_up_since = k->vouch_asked_ns = k->vouched_ns = 0;
        link_dial(k, now);
    }
    leader_mode_changed(s);
}

void leader_mode_changed(struct store *s)
{
    if (!s->leading || ships_at_once(s))
        loop_timer_stop(&s->ship);
    else
        loop_timer_set(s->node->loop, &s->ship, loop_now(s->node->loop) + ship_every_ms(s) * NS_PER_MS);
    if (s->leading && ships_at_once(s))
        leader_flush(s);
}

void leader_stop(struct store *s)
{
    loop_timer_stop(&s->ship);
    for (size_t i = 0; i < s->link_count; i++) {
        call_cancel(&s->links[i].tell);
        conn_close(&s->links[i].conn);
        s->links[i].connected = false;
    }
}
