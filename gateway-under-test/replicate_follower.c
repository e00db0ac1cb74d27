/* SPDX-License-Identifier: MIT */
/*
 * The follower's side: it listens on the replication port and believes the highest epoch. A HELLO of a lower epoch, or
 * of our own epoch while we lead, is refused and counted, and so is every later message of such a sender.
 *
 * A HELLO that is accepted brings the leader's history. The last entry on which both logs agree is found from the epoch
 * boundaries; what we have beyond it was never acknowledged under the rules of the new epoch (or was lost to it, in
 * async mode) and goes to lost-<epoch>.log before it is cut off. Then records come, which must continue our log
 * exactly; anything else ends the connection, and a new HELLO finds the common ground again.
 *
 * A leader that lost its power says no goodbye, and a leader that lives is never silent for long: who says nothing for
 * SILENCE_S is let go, so that the connections of the dead do not keep out the next one.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

#define IN_LIMIT (2 * FRAME_MAX)
#define HISTORY_MAX 1024
#define BATCH_MAX 1024
#define CONNECTIONS_MAX 32
#define SILENCE_S 5

static void follower_free(struct follower_conn *c)
{
    struct store *s = c->store;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        s->followers = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    conn_deinit(&c->conn);
    free(c);
}

static void reply(struct follower_conn *c, enum frame_type type)
{
    struct store *s = c->store;
    scoped_text struct text out = {0};
    size_t at = frame_begin(&out, type, s->epoch);
    char traits = (char)((s->cfg->home ? FRAME_HOME : 0) | (s->node->draining ? FRAME_DRAINING : 0));
    if (type == FRAME_STATE)
        frame_add_region(&out, s->node->config->region);
    if (type == FRAME_STATE || type == FRAME_ACK) {
        frame_add_u64(&out, index_last(&s->index));
        text_add_bytes(&out, &traits, 1);
    }
    frame_end(&out, at);
    conn_send(&c->conn, out.at, out.len);
}

static int on_vouch(struct follower_conn *c, struct frame *f)
{
    scoped_text struct text out = {0};
    int64_t stamp;
    if (frame_take_u64(f, &stamp) < 0)
        return -1;
    if (!vouch_give(c->store))
        return 0;
    size_t at = frame_begin(&out, FRAME_VOUCHED, c->store->epoch);
    frame_add_u64(&out, stamp);
    frame_end(&out, at);
    conn_send(&c->conn, out.at, out.len);
    return 0;
}

static int refuse(struct follower_conn *c)
{
    c->store->node->counters[COUNTER_stale_refused]++;
    c->greeted = false;
    reply(c, FRAME_REFUSE);
    return 0;
}

static int reconcile(struct store *s, const struct boundary *history, size_t count, int64_t their_last)
{
    int64_t last = index_last(&s->index);
    int64_t keep = index_common(s->index.boundaries.at, s->index.boundaries.len, last, history, count, their_last);
    if (keep == last)
        return 0;
    struct err e = {0};
    int64_t epoch = index_at(&s->index, keep + 1)->epoch;
    if (store_log_cut(&s->log, keep, epoch, &e) < 0) {
        node_log(s->node, "%s: %s", e.at, e.msg);
        return -1;
    }
    lost_take(s, keep);
    index_cut(&s->index, keep);
    s->node->counters[COUNTER_lost_records] += last - keep;
    node_log(s->node, "%lld records after lsn %lld moved to lost-%lld.log", (long long)(last - keep), (long long)keep,
             (long long)epoch);
    return 0;
}

static int read_history(struct frame *f, struct boundary *history, size_t *count, int64_t *last)
{
    int high, low;
    if (frame_take_u64(f, last) < 0 || frame_take_u8(f, &high) < 0 || frame_take_u8(f, &low) < 0 ||
        high * 256 + low > HISTORY_MAX)
        return -1;
    *count = (size_t)high * 256 + (size_t)low;
    for (size_t i = 0; i < *count; i++) {
        if (frame_take_u64(f, &history[i].epoch) < 0 || frame_take_u64(f, &history[i].first_lsn) < 0 ||
            history[i].first_lsn < 1 || history[i].first_lsn > *last ||
            (i > 0 && (history[i].first_lsn <= history[i - 1].first_lsn || history[i].epoch <= history[i - 1].epoch)))
            return -1;
    }
    return 0;
}

static int on_hello(struct follower_conn *c, struct frame *f)
{
    struct store *s = c->store;
    struct boundary history[HISTORY_MAX];
    size_t count;
    int64_t last;
    char region[64];
    if (f->epoch < s->epoch || (f->epoch == s->epoch && s->leading))
        return refuse(c);
    if (frame_take_region(f, region) < 0 || read_history(f, history, &count, &last) < 0)
        return -1;
    if (s->leading)
        store_step_down(s, "another region leads with a higher epoch");
    if (store_set_epoch(s, f->epoch) < 0 || reconcile(s, history, count, last) < 0)
        return -1;
    for (struct follower_conn *other = s->followers; other != NULL; other = other->next)
        other->greeted = false;
    c->greeted = true;
    (void)snprintf(s->lease.holder, sizeof(s->lease.holder), "%s", region);
    s->lease.holder_epoch = f->epoch;
    node_log(s->node, "following %s, epoch %lld, from lsn %lld", region, (long long)f->epoch,
             (long long)index_last(&s->index));
    reply(c, FRAME_STATE);
    return 0;
}

struct batch {
    struct record *at;
    size_t len, cap;
};

static void batch_deinit(struct batch *b)
{
    vec_deinit(b);
}
#define scoped_batch __attribute__((cleanup(batch_deinit)))

/* The records of a frame, which must continue our log. */
static int read_batch(const struct store *s, const struct frame *f, struct batch *b)
{
    size_t at = 0, used = 0;
    int64_t lsn = index_last(&s->index), epoch = lsn > 0 ? index_at(&s->index, lsn)->epoch : 0;
    while (at < f->len) {
        struct record *r = vec_push(b);
        if (b->len > BATCH_MAX || record_read(f->body + at, f->len - at, r, &used) != RECORD_OK)
            return -1;
        if (b->len == 1 && r->lsn <= lsn)
            s->node->counters[COUNTER_frames_repeated]++;
        if (r->lsn != ++lsn || r->epoch < epoch || r->epoch > f->epoch)
            return -1;
        epoch = r->epoch;
        at += used;
    }
    return 0;
}

static int on_records(struct follower_conn *c, const struct frame *f)
{
    struct store *s = c->store;
    scoped_batch struct batch records = {0};
    scoped_text struct text bytes = {0};
    if (read_batch(s, f, &records) < 0)
        return -1;
    text_add_bytes(&bytes, f->body, f->len);
    if (store_append_received(s, &bytes, records.at, records.len) < 0)
        return -1;
    reply(c, FRAME_ACK);
    return 0;
}

static int on_frame(struct follower_conn *c, struct frame *f)
{
    struct store *s = c->store;
    int64_t revocation;
    if (f->type == FRAME_HELLO)
        return on_hello(c, f);
    if (!c->greeted || s->leading || f->epoch != s->epoch)
        return refuse(c);
    switch (f->type) {
    case FRAME_RECORDS:
        return on_records(c, f);
    case FRAME_BEAT:
        if (frame_take_u64(f, &revocation) == 0 && revocation <= index_last(&s->index))
            s->fresh_at = loop_now(s->node->loop);
        reply(c, FRAME_ACK);
        return 0;
    case FRAME_VOUCH:
        return on_vouch(c, f);
    case FRAME_TAKEOVER:
        vouch_release(s);
        lease_ask_now(s);
        return 0;
    default:
        return -1;
    }
}

static void on_event(struct conn *conn)
{
    struct follower_conn *c = owner_of(conn, struct follower_conn, conn);
    struct frame f;
    size_t used = 0;
    enum frame_read r;
    bool fine = true;
    while (fine && (r = frame_read(text_str(&conn->in), conn->in.len, &f, &used)) == FRAME_OK) {
        c->heard_at = loop_now(c->store->node->loop);
        fine = on_frame(c, &f) == 0;
        if (fine)
            conn_take(conn, used);
    }
    if (fine && r == FRAME_BAD)
        c->store->node->counters[COUNTER_frames_broken]++;
    if (fine && r != FRAME_BAD && conn->error == 0 && !conn->eof)
        return;
    if (c->greeted)
        lease_ask_now(c->store); /* the leader is gone: ask sooner */
    follower_free(c);
}

static void on_accept(struct acceptor *a)
{
    struct store *s = owner_of(a, struct store, acceptor);
    for (int i = 0; i < 8; i++) {
        scoped_fd int fd = acceptor_take(a);
        int open = 0;
        for (const struct follower_conn *c = s->followers; c != NULL; c = c->next)
            open++;
        if (fd < 0)
            return;
        if (open >= CONNECTIONS_MAX)
            continue;
        struct follower_conn *c = xcalloc(1, sizeof(*c));
        c->store = s;
        c->heard_at = loop_now(s->node->loop);
        c->next = s->followers;
        if (c->next != NULL)
            c->next->prev = c;
        s->followers = c;
        if (conn_adopt(&c->conn, s->node->loop, steal_fd(&fd), IN_LIMIT, on_event) < 0)
            follower_free(c);
    }
}

int follower_open(struct store *s, struct err *e)
{
    return acceptor_open(&s->acceptor, s->node->loop, s->cfg->port, on_accept, e);
}

void follower_drop_links(struct store *s)
{
    while (s->followers != NULL)
        follower_free(s->followers);
}

void follower_tick(struct store *s, int64_t now)
{
    for (struct follower_conn *c = s->followers, *next; c != NULL; c = next) {
        next = c->next;
        if (now - c->heard_at > SILENCE_S * NS_PER_S)
            follower_free(c);
    }
}

void follower_close(struct store *s)
{
    follower_drop_links(s);
    acceptor_close(&s->acceptor);
}
