/* SPDX-License-Identifier: MIT */
/*
 * How entries get on disk. What a leader appends in one turn of the loop is gathered and goes there with one write, and
 * with `durability: disk` one fdatasync(2), at the beginning of the next turn; only then may it be shipped, committed
 * and acknowledged (store_written). Under load a turn has many orders, without load an order has a turn of its own and
 * waits for nothing. Only a leader has something gathered: who steps down writes it first.
 *
 * What a follower receives has been gathered by its leader, and is on disk before the ACK.
 *
 * A write is all or nothing. When the disk does not take it, log and index are as before, and all whose entries it
 * held are refused. From then on each entry is tried alone, before the index learns of it, since taking entries out of
 * the index again costs a walk over all of them. When the disk takes the bytes and does not force them, they are taken
 * back, too, but might be found after a loss of power: their clients are told that the outcome is unknown.
 *
 * The loop waits for the disk. A disk that takes longer than the lease costs the leadership, as it should: nobody
 * could be acknowledged meanwhile.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

int64_t store_written(const struct store *s)
{
    return index_last(&s->index) - (int64_t)s->gathered.lengths.len;
}

/* Entries that follow the last one in the log. */
static enum written put(struct store *s, const struct text *bytes, const int64_t *lengths, size_t count)
{
    struct err e = {0};
    int64_t keep = (int64_t)s->log.ends.len;
    enum written end = WRITTEN;
    if (store_log_append(&s->log, bytes, lengths, count, &e) < 0)
        end = UNWRITTEN;
    else if (s->cfg->force && store_log_force(&s->log, keep, &e) < 0)
        end = UNSURE;
    s->node->counters[COUNTER_log_writes] += end == WRITTEN;
    if (end != WRITTEN && s->written == WRITTEN)
        node_log(s->node, "%s: %s", e.at, e.msg);
    s->written = end;
    return end;
}

bool store_put_down(struct store *s)
{
    struct gathered *g = &s->gathered;
    int64_t keep = store_written(s);
    if (g->lengths.len == 0)
        return true;
    bool fine = put(s, &g->bytes, g->lengths.at, g->lengths.len) == WRITTEN;
    text_clear(&g->bytes);
    g->lengths.len = 0;
    if (fine)
        return true;
    index_cut(&s->index, keep);
    commit_refuse(s, keep);
    return false;
}

static void on_turn(struct loop_timer *t, int64_t now)
{
    struct store *s = owner_of(t, struct store, gathered.turn);
    (void)now;
    if (!s->leading)
        return;
    if (store_put_down(s))
        leader_appended(s);
    commit_advance(s);
}

/* Before the index has it: what came before is on disk, or was taken back. */
static bool put_alone(struct store *s, const struct record *r)
{
    scoped_text struct text bytes = {0};
    record_write(r, &bytes);
    int64_t length = (int64_t)bytes.len;
    return put(s, &bytes, &length, 1) == WRITTEN;
}

const struct record *store_append(struct store *s, const struct record *r)
{
    struct gathered *g = &s->gathered;
    size_t before = g->bytes.len;
    bool alone = s->written != WRITTEN;
    if (alone && !put_alone(s, r))
        return NULL;
    if (!alone) {
        record_write(r, &g->bytes);
        *vec_push(&g->lengths) = (int64_t)(g->bytes.len - before);
    }
    struct record *own = index_add(&s->index, r);
    own->mono_ns = loop_now(s->node->loop);
    loop_timer_set(s->node->loop, &g->turn, own->mono_ns);
    return own;
}

int store_append_received(struct store *s, const struct text *bytes, const struct record *records, size_t count)
{
    scoped_free int64_t *lengths = xcalloc(count + 1, sizeof(*lengths));
    size_t at = 0, used = 0;
    struct record r;
    for (size_t i = 0; i < count && record_read(bytes->at + at, bytes->len - at, &r, &used) == RECORD_OK; i++) {
        lengths[i] = (int64_t)used;
        at += used;
    }
    if (put(s, bytes, lengths, count) != WRITTEN)
        return -1;
    for (size_t i = 0; i < count; i++)
        index_add(&s->index, &records[i]);
    s->node->counters[COUNTER_received] += (int64_t)count;
    return 0;
}

void store_gathered_open(struct store *s)
{
    s->gathered.turn.due = on_turn;
}

void store_gathered_close(struct store *s)
{
    loop_timer_stop(&s->gathered.turn);
    text_deinit(&s->gathered.bytes);
    vec_deinit(&s->gathered.lengths);
}
