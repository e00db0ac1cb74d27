/* SPDX-License-Identifier: MIT */
/*
 * A round takes the records behind the chain's last one out of the index, a slice per turn of the loop so that nobody
 * has to wait for a large log, and commits when none is left. Records, not bytes of the log file: what a backup is does
 * not hang on how the log lies on the disk.
 *
 * The flaw backup_corrupt spoils a bit of every slice on its way to the medium, behind the hash: what rotting media, a
 * failing controller or a truncating pipe do, and what nobody sees who does not read his backups.
 *
 * A round that fails ends the chain; the next begins another. What counted before goes on to count.
 */
#include "gateway-under-test/backup.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define SLICE_BYTES ((size_t)1024 * 1024)

static void forget_chain(struct backup *b)
{
    chain_close(&b->chain);
    json_decref(b->in_force.manifest);
    b->in_force.manifest = NULL;
}

static int begin_chain(struct backup *b, struct err *e)
{
    char id[CHAIN_LEN + 1];
    forget_chain(b);
    (void)snprintf(id, sizeof(id), "%08llx%08llx", (unsigned long long)rng_below(&b->node->rng, UINT32_MAX),
                   (unsigned long long)rng_below(&b->node->rng, UINT32_MAX));
    b->epoch = b->store->epoch;
    return chain_begin(&b->chain, b->node->backup_dir, b->node->config->region, id, e);
}

/* 1: there is more. */
static int add_slice(struct backup *b, struct err *e)
{
    scoped_text struct text bytes = {0};
    const struct store_index *index = &b->store->index;
    struct chain_tail tail = {.records = b->chain.manifest.records};
    int64_t last = store_written(b->store);
    while (tail.records < last && bytes.len < SLICE_BYTES) {
        const struct record *r = index_at(index, ++tail.records);
        record_write(r, &bytes);
        tail.epoch = r->epoch;
        tail.time_ns = r->time_ns;
    }
    bool spoilt = store_flaw(b->store, FLAW_backup_corrupt);
    if (bytes.len > 0 && chain_add(&b->chain, bytes.at, bytes.len, tail, spoilt, e) < 0)
        return -1;
    return tail.records < last;
}

static int commit(struct backup *b, struct err *e)
{
    json_t *doc = NULL;
    if (b->in_force.manifest != NULL && b->in_force.records == b->chain.manifest.records)
        return 0; /* nothing is new */
    if (chain_commit(&b->chain, wall_ns(&b->node->wall), &doc, e) < 0) {
        json_decref(doc);
        return -1;
    }
    json_decref(b->in_force.manifest);
    b->in_force.manifest = doc;
    b->in_force.bytes = b->chain.manifest.bytes;
    b->in_force.records = b->chain.manifest.records;
    b->node->counters[COUNTER_backups]++;
    return 0;
}

/* 1: the round goes on in the next turn. */
static int round_step(struct backup *b, struct err *e)
{
    if ((b->chain.folder[0] == '\0' || b->epoch != b->store->epoch) && begin_chain(b, e) < 0)
        return -1;
    int more = add_slice(b, e);
    return more != 0 ? more : commit(b, e);
}

static void next_round(struct backup *b, int64_t now)
{
    int64_t at = b->begun_at + b->cfg->every_ms * NS_PER_MS;
    loop_timer_set(b->node->loop, &b->timer, at > now ? at : now + b->cfg->every_ms * NS_PER_MS);
    b->begun_at = 0;
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct backup *b = owner_of(t, struct backup, timer);
    struct err e = {0};
    b->begun_at = b->begun_at ? b->begun_at : now;
    if (!store_leads(b->store)) {
        forget_chain(b);
        next_round(b, now);
        return;
    }
    int rc = round_step(b, &e);
    if (rc > 0) {
        loop_timer_set(b->node->loop, t, now);
        return;
    }
    if (rc < 0) {
        node_log(b->node, "backup: %s: %s", e.at, e.msg);
        b->node->counters[COUNTER_backups_failed]++;
        forget_chain(b);
    } else {
        b->in_force.at_ns = now;
        for (size_t i = 0; i < b->peer_count; i++)
            backup_peer_go_on(&b->peers[i]);
    }
    next_round(b, now);
}

int backup_open(struct backup *b, struct node *n, struct store *s, struct err *e)
{
    b->node = n;
    b->cfg = n->config->backup;
    if (s == NULL || b->cfg == NULL)
        return 0;
    if (n->backup_dir == NULL)
        return err_set(e, ERR_USAGE, "command line", "a store with backups needs --backups DIR");
    b->store = s;
    b->chain.fd = -1;
    b->peer_count = b->cfg->offsite_count;
    b->peers = xcalloc(b->peer_count + 1, sizeof(*b->peers));
    for (size_t i = 0; i < b->peer_count; i++)
        backup_peer_open(&b->peers[i], b, &b->cfg->offsite[i]);
    b->timer.due = on_due;
    loop_timer_set(n->loop, &b->timer, loop_now(n->loop));
    return 0;
}

void backup_close(struct backup *b)
{
    if (b->store == NULL)
        return;
    loop_timer_stop(&b->timer);
    for (size_t i = 0; i < b->peer_count; i++)
        backup_peer_close(&b->peers[i]);
    free(b->peers);
    forget_chain(b);
}

void backup_adopt(struct backup *b, const struct config *next)
{
    b->cfg = next->backup;
    for (size_t i = 0; i < b->peer_count; i++)
        b->peers[i].cfg = &next->backup->offsite[i];
}

bool backup_handle(struct backup *b, struct exchange *x)
{
    if (!span_starts(exchange_path(x), "/backups/"))
        return false;
    if (b->store == NULL)
        answer_error(x, 404, "", "no store here, or one without backups");
    else if (!span_is(exchange_method(x), "PUT"))
        answer_error(x, 405, "Allow: PUT\r\n", "method not allowed");
    else
        backup_receive(b, x);
    return true;
}

static json_t *recalled_status(const struct recalled *r)
{
    if (!r->asked)
        return json_null();
    return json_pack("{s:s?, s:b, s:I}", "region", r->region[0] ? r->region : NULL, "whole", r->whole, "lsn",
                     (json_int_t)r->records);
}

json_t *backup_status(const struct backup *b, const struct recalled *r)
{
    json_t *offsite = json_array();
    bool counts = b->in_force.manifest != NULL;
    if (b->store == NULL) {
        json_decref(offsite);
        return json_null();
    }
    for (size_t i = 0; i < b->peer_count; i++) {
        const struct backup_peer *p = &b->peers[i];
        bool same = counts && strcmp(p->chain, b->chain.id) == 0;
        json_array_append_new(offsite, json_pack("{s:s, s:I}", "region", p->cfg->region, "lsn",
                                                 (json_int_t)(same ? p->told : 0)));
    }
    return json_pack("{s:I, s:o, s:I, s:o, s:o}", "lsn", (json_int_t)(counts ? b->in_force.records : 0), "age_ms",
                     counts ? json_integer((loop_now(b->node->loop) - b->in_force.at_ns) / NS_PER_MS) : json_null(),
                     "failed", (json_int_t)b->node->counters[COUNTER_backups_failed], "offsite", offsite, "restored",
                     recalled_status(r));
}

void backup_gauges(const struct backup *b, struct text *out)
{
    if (b->in_force.manifest == NULL)
        return;
    metrics_gauge(out, "backup_lsn", "last entry of the log that is in the backup", (double)b->in_force.records);
    metrics_gauge(out, "backup_age_seconds", "time since the backup was last known to be complete",
                  (double)(loop_now(b->node->loop) - b->in_force.at_ns) / (double)NS_PER_S);
}
