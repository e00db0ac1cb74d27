/* SPDX-License-Identifier: MIT */
/*
 * Who leads, and what each region's log holds: the truth that the measures are checked against.
 *
 * The lease: while the leader's store serves and reaches the witness, or all other stores in its stead (failsafe), each
 * tick of the renewal period extends it; when it has run out, a standby that serves, reaches the witness and is in sync
 * takes over with the next epoch. Fail-back: once the primary's store has held the leader's whole log for the
 * hold-down, the lead returns, losing nothing. Shipping: asynchronous every `every`, synchronous with the write itself;
 * a standby that stays away for a second is recorded as out of sync when the leader reaches the witness, and waited for
 * until then. A returning log is cut back to the last common position before it follows: what is cut off is what was
 * lost. A store that is told to stop passes the lead on first. Flaws do here what flaws.h says of them. What a lag
 * holds back is not shipped; in sync mode a write waits for a standby that is late, and one whose records are stopped
 * counts as away after STUCK_NS more.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <stdio.h>
#include <string.h>

#define AWAY_NS NS_PER_S
#define STUCK_NS (2 * NS_PER_S)
#define FLAWED_SHIPPING_NS (500 * NS_PER_MS)
#define DROP_EVERY 7
#define DUPLICATE_EVERY 20

static uint16_t witness_site(const struct sim *s)
{
    for (uint16_t site = 0; site < s->topology->site_count; site++)
        if (s->topology->sites[site].kind == SITE_WITNESS)
            return site;
    return TOPO_NONE;
}

uint16_t sim_store_node(const struct sim *s, uint16_t site)
{
    const struct topo_site *region = &s->topology->sites[site];
    return (uint16_t)(region->first_node + region->gateways);
}

static bool store_serving(const struct sim *s, uint16_t site)
{
    return site != TOPO_NONE && sim_serving(s, sim_store_node(s, site));
}

static bool store_reaches_witness(const struct sim *s, uint16_t site)
{
    uint16_t witness = witness_site(s);
    return sim_serving(s, s->topology->sites[witness].first_node) && sim_path_open(s, site, witness, TOPO_PORT_LEASE);
}

static bool synchronous(const struct sim *s)
{
    return s->topology->replication.mode == REPLICATION_SYNC && !sim_flaw(s, "ack_before_replicate");
}

static int64_t shipping_ns(const struct sim *s)
{
    int64_t every = s->topology->replication.every_ns;
    return sim_flaw(s, "ack_before_replicate") && every < FLAWED_SHIPPING_NS ? FLAWED_SHIPPING_NS : every;
}

static bool is_standby(const struct sim *s, uint16_t site)
{
    return s->topology->sites[site].kind == SITE_REGION && site != s->leader;
}

static bool standby_reachable(const struct sim *s, uint16_t site)
{
    return store_serving(s, s->leader) && store_serving(s, site) &&
           sim_path_open(s, s->leader, site, TOPO_PORT_REPLICATION);
}

static struct sim_slot lag_of(const struct sim *s, uint16_t site)
{
    return sim_lag(s, sim_store_node(s, s->leader), site);
}

static bool standby_in_time(const struct sim *s, uint16_t site)
{
    struct sim_slot lag = lag_of(s, site);
    return standby_reachable(s, site) && !lag.stop && lag.delay_ns == 0;
}

bool sim_may_serve(const struct sim *s, uint16_t gateway_site)
{
    return store_serving(s, s->leader) && loop_now(s->loop) < s->lease_until_ns &&
           sim_path_open(s, gateway_site, s->leader, TOPO_PORT_HTTP);
}

/* The flaw stale_follower_read: every second read goes to a region that follows, if there is one within reach. */
uint16_t sim_reader(struct sim *s, uint16_t gateway_site)
{
    if (!sim_flaw(s, "stale_follower_read") || ++s->reads % 2 == 0)
        return s->leader;
    for (uint16_t site = 0; site < s->topology->site_count; site++)
        if (is_standby(s, site) && store_serving(s, site) && sim_path_open(s, gateway_site, site, TOPO_PORT_HTTP))
            return site;
    return s->leader;
}

const struct sim_op *sim_latest(const struct sim *s, uint16_t site, uint16_t key)
{
    const struct sim_store *st = &s->stores[site];
    for (size_t i = st->log.len; i-- > 0;)
        if (st->log.at[i].key == key)
            return &st->log.at[i];
    return NULL;
}

/* Make the standby's log equal to the leader's up to an instant: cut it back to the common part, copy the rest. */
static void store_follow(struct sim *s, uint16_t site, int64_t until_ns)
{
    const struct sim_store *from = &s->stores[s->leader];
    struct sim_store *to = &s->stores[site];
    size_t common = to->log.len < from->log.len ? to->log.len : from->log.len;
    while (common > 0 && (to->log.at[common - 1].epoch != from->log.at[common - 1].epoch ||
                          strcmp(to->log.at[common - 1].op, from->log.at[common - 1].op) != 0))
        common--;
    for (size_t i = common; i < to->log.len; i++)
        *vec_push(&to->aside) = to->log.at[i];
    to->log.len = common;
    for (size_t i = common; i < from->log.len && from->log.at[i].at_ns <= until_ns; i++)
        *vec_push(&to->log) = from->log.at[i];
    to->in_sync = true;
    to->away_since_ns = 0;
}

/* In sync mode, whether every standby that counts can take the write now. */
static bool standbys_ready(const struct sim *s)
{
    if (sim_flaw(s, "silent_async_degrade"))
        return true;
    for (uint16_t site = 0; site < s->topology->site_count; site++)
        if (is_standby(s, site) && s->stores[site].in_sync && !standby_in_time(s, site))
            return false;
    return true;
}

static void store_op(struct sim *s, const struct sim_op *op, uint32_t version)
{
    struct sim_op *stored = vec_push(&s->stores[s->leader].log);
    *stored = *op;
    stored->version = version;
    stored->epoch = s->epoch;
    stored->at_ns = loop_now(s->loop);
}

bool sim_append(struct sim *s, const struct sim_op *op, uint32_t *version, uint64_t *lsn)
{
    if (synchronous(s) && !standbys_ready(s))
        return false;
    const struct sim_op *before = sim_latest(s, s->leader, op->key);
    bool dropped = sim_flaw(s, "drop_every_nth_write") && ++s->writes % DROP_EVERY == 0;
    bool twice = sim_flaw(s, "duplicate_on_retry") && ++s->writes % DUPLICATE_EVERY == 0;
    *version = before ? before->version + 1 : 1; /* read before the log grows and moves */
    *lsn = s->stores[s->leader].log.len + 1;
    if (dropped)
        return true;
    store_op(s, op, *version);
    if (twice)
        store_op(s, op, ++*version);
    for (uint16_t site = 0; synchronous(s) && site < s->topology->site_count; site++)
        if (is_standby(s, site) && standby_in_time(s, site))
            store_follow(s, site, INT64_MAX);
    return true;
}

static void store_lead(struct sim *s, uint16_t site, int64_t now)
{
    s->leader = site;
    s->epoch++;
    s->lease_until_ns = now + topo_lease_ms(s->topology) * NS_PER_MS;
    s->caught_up_since_ns = 0;
}

/* All peers vouch for the leader: what they say must get there and back. */
static bool peers_vouch(const struct sim *s)
{
    bool all = s->topology->failover.failsafe;
    for (uint16_t site = 0; all && site < s->topology->site_count; site++)
        all = !is_standby(s, site) || standby_reachable(s, site);
    return all;
}

static bool may_take_over(const struct sim *s, uint16_t site)
{
    bool first = s->epoch == 0;
    if (s->topology->sites[site].kind != SITE_REGION || !store_serving(s, site) || !store_reaches_witness(s, site))
        return false;
    if (first || sim_flaw(s, "no_failover"))
        return site == s->topology->primary;
    return !synchronous(s) || s->stores[site].in_sync;
}

/* Renewals and applications happen on one beat, as in the real store. */
static void lease_tick(struct sim *s, int64_t now)
{
    int64_t beat = topo_renew_ms(s->topology) * NS_PER_MS;
    if (now % beat >= 10 * NS_PER_MS)
        return;
    if (store_serving(s, s->leader) && (store_reaches_witness(s, s->leader) || peers_vouch(s)) &&
        now < s->lease_until_ns) {
        s->lease_until_ns = now + topo_lease_ms(s->topology) * NS_PER_MS;
        return;
    }
    if (s->leader != TOPO_NONE && now < s->lease_until_ns)
        return;
    for (uint16_t site = 0; site < s->topology->site_count; site++)
        if (may_take_over(s, site)) {
            store_lead(s, site, now);
            return;
        }
}

static void standby_tick(struct sim *s, uint16_t site, int64_t now, bool ship)
{
    struct sim_store *st = &s->stores[site];
    struct sim_slot lag = lag_of(s, site);
    if (standby_reachable(s, site) && !lag.stop) {
        int64_t least_age = sim_flaw(s, "ack_before_replicate") ? FLAWED_SHIPPING_NS + lag.delay_ns : lag.delay_ns;
        st->away_since_ns = 0;
        if ((ship || (synchronous(s) && !st->in_sync)) && !sim_lag_spoils(s, sim_store_node(s, s->leader), site))
            store_follow(s, site, least_age ? now - least_age : INT64_MAX);
        return;
    }
    int64_t patience = standby_reachable(s, site) ? AWAY_NS + STUCK_NS : AWAY_NS;
    if (!st->away_since_ns)
        st->away_since_ns = now;
    bool degrade = s->topology->replication.degrade == DEGRADE_ASYNC && !sim_flaw(s, "silent_async_degrade");
    if (degrade && now - st->away_since_ns >= patience && store_serving(s, s->leader) &&
        store_reaches_witness(s, s->leader))
        st->in_sync = false;
}

void sim_store_leaves(struct sim *s, uint16_t site)
{
    for (uint16_t to = 0; s->leader == site && to < s->topology->site_count; to++)
        if (is_standby(s, to) && s->stores[to].in_sync && sim_hand_over(s, to))
            s->stay = false;
}

bool sim_hand_over(struct sim *s, uint16_t to)
{
    if (s->leader == TOPO_NONE || to == s->leader || !standby_in_time(s, to))
        return false;
    store_follow(s, to, INT64_MAX);
    store_lead(s, to, loop_now(s->loop));
    s->stay = to != s->topology->primary;
    return true;
}

static void failback_tick(struct sim *s, int64_t now)
{
    uint16_t home = s->topology->primary;
    int64_t hold = s->topology->failover.probe_every_ns * s->topology->failover.healthy_after;
    if (s->leader == TOPO_NONE || s->leader == home || s->stay || !standby_in_time(s, home) ||
        s->nodes[sim_store_node(s, home)].leave_at_ns) {
        s->caught_up_since_ns = 0;
        return;
    }
    if (sim_flaw(s, "failback_without_catchup")) {
        store_lead(s, home, now);
        return;
    }
    if (!s->caught_up_since_ns)
        s->caught_up_since_ns = now;
    else if (now - s->caught_up_since_ns >= hold)
        sim_hand_over(s, home);
}

void sim_store_tick(struct sim *s, int64_t now)
{
    bool ship = now >= s->ship_at_ns;
    if (ship)
        s->ship_at_ns = now + shipping_ns(s);
    lease_tick(s, now);
    failback_tick(s, now);
    for (uint16_t site = 0; s->leader != TOPO_NONE && site < s->topology->site_count; site++)
        if (is_standby(s, site))
            standby_tick(s, site, now, ship);
    sim_backup_tick(s, now);
}

static int op_name_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void ops_digest(const struct sim_op *at, size_t n, char out[SHA256_HEX])
{
    vec_of(const char *) names = {0};
    scoped_text struct text all = {0};
    for (size_t i = 0; i < n; i++)
        *vec_push(&names) = at[i].op;
    if (names.len)
        qsort(names.at, names.len, sizeof(*names.at), op_name_order);
    for (size_t i = 0; i < names.len; i++)
        text_addf(&all, "%s\n", names.at[i]);
    vec_deinit(&names);
    sha256_hex(text_str(&all), all.len, out);
}

static json_t *page_of(const struct sim_op *at, size_t n, uint64_t from, size_t limit)
{
    json_t *ops = json_array();
    size_t i = from ? from - 1 : 0;
    for (; i < n && json_array_size(ops) < limit; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%u", at[i].key);
        json_array_append_new(ops, json_pack("[s,I,i,s,i,s]", at[i].op, (json_int_t)i + 1, (int)at[i].epoch, key,
                                             (int)at[i].version, at[i].value));
    }
    bool last = i >= n;
    json_t *page = json_pack("{s:I,s:I,s:I,s:I,s:o}", "from", (json_int_t)(from ? from : 1), "next",
                             (json_int_t)(last ? 0 : i + 1), "count", (json_int_t)json_array_size(ops), "total",
                             (json_int_t)n, "ops", ops);
    char digest[SHA256_HEX];
    if (last) {
        ops_digest(at, n, digest);
        json_object_set_new(page, "digest", json_string(digest));
    }
    return page;
}

json_t *sim_ops_page(const struct sim *s, uint16_t site, uint64_t from, size_t limit)
{
    return page_of(s->stores[site].log.at, s->stores[site].log.len, from, limit);
}

json_t *sim_lost_page(const struct sim *s, uint16_t site, uint64_t from, size_t limit)
{
    return page_of(s->stores[site].aside.at, s->stores[site].aside.len, from, limit);
}
