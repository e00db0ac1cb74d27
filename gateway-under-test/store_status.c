/* SPDX-License-Identifier: MIT */
/*
 * What a store tells about itself on the admin port.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/origin.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

static json_t *peer_status(const struct link *k)
{
    bool leading = k->store->leading;
    return json_pack("{s:s, s:b, s:I, s:b, s:I, s:o}", "region", k->peer->region, "connected", leading && k->connected,
                     "acked_lsn", (json_int_t)(leading ? k->acked_lsn : 0), "in_sync", leading && standing_in_sync(k),
                     "lag_ms", (json_int_t)(leading ? link_lag_ms(k) : 0), "lag", lag_status(&k->lag));
}

/* A follower does not know how far its peers are, and says nothing of them. */
void store_gauges(const struct store *s, struct text *out)
{
    metrics_gauge(out, "leader", "1 while this store leads", store_leads(s));
    metrics_gauge(out, "epoch", "fencing epoch", (double)s->epoch);
    metrics_gauge(out, "lsn", "last entry of the log", (double)index_last(&s->index));
    if (!s->leading || s->link_count == 0)
        return;
    text_add(out, "# HELP drgateway_replication_lag_seconds age of the oldest record that a peer lacks\n"
                  "# TYPE drgateway_replication_lag_seconds gauge\n");
    for (size_t i = 0; i < s->link_count; i++)
        text_addf(out, "drgateway_replication_lag_seconds{peer=\"%s\"} %.3f\n", s->links[i].peer->region,
                  (double)link_lag_ms(&s->links[i]) / 1000);
    text_add(out, "# HELP drgateway_in_sync 1 while a peer has what it must have\n"
                  "# TYPE drgateway_in_sync gauge\n");
    for (size_t i = 0; i < s->link_count; i++)
        text_addf(out, "drgateway_in_sync{peer=\"%s\"} %d\n", s->links[i].peer->region, standing_in_sync(&s->links[i]));
}

/* Whose word the lease holds by now; null: it does not lead, or needs nobody's. The operator's is the last resort. */
static json_t *lease_by(const struct store *s)
{
    if (!store_leads(s) || !s->cfg->has_witness)
        return json_null();
    return json_string(s->lease.by_order ? "operator" : lease_is_granted(s) ? "witness" : "peers");
}

void store_status(struct store *s, json_t *into)
{
    char digest[SHA256_HEX];
    json_t *peers = json_array();
    int64_t last = index_last(&s->index);
    for (size_t i = 0; i < s->link_count; i++)
        json_array_append_new(peers, peer_status(&s->links[i]));
    if (last > 0)
        index_digest(&s->index, digest);
    json_object_set_new(into, "leader", json_boolean(store_leads(s)));
    json_object_set_new(into, "lease_by", lease_by(s));
    json_object_set_new(into, "epoch", json_integer(s->epoch));
    json_object_set_new(into, "lsn", json_integer(last));
    json_object_set_new(into, "durable_lsn", json_integer(store_written(s)));
    json_object_set_new(into, "durability", json_string(s->cfg->force ? "disk" : "os"));
    json_object_set_new(into, "commit_lsn", json_integer(s->leading ? commit_lsn(s) : last));
    json_object_set_new(into, "writes", json_integer(s->node->counters[COUNTER_writes]));
    json_object_set_new(into, "mode", json_string(s->cfg->sync ? "sync" : "async"));
    json_object_set_new(into, "digest", last > 0 ? json_string(digest) : json_null());
    json_object_set_new(into, "lost_log", json_integer((json_int_t)s->lost.len));
    json_object_set_new(into, "frames_broken", json_integer(s->node->counters[COUNTER_frames_broken]));
    json_object_set_new(into, "frames_repeated", json_integer(s->node->counters[COUNTER_frames_repeated]));
    json_object_set_new(into, "peers", peers);
}
