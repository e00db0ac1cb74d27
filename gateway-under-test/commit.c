/* SPDX-License-Identifier: MIT */
/*
 * What may be acknowledged. In async mode that is what the leader has on its own disk; in sync mode it is what every
 * peer that counts has, too (with degrade: block all peers always count). Answers that must wait stand in a list:
 * writes until they are through, and reads of a value that is not yet, since a value that could vanish must not be
 * seen. A wait is bounded: who is not through after WAIT_MS is told 504, outcome unknown; whose entry the disk does not
 * take, at once, that it is not there.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/store.h"
#include "harness/base/units.h"

#define WAIT_MS 5000

int64_t commit_lsn(const struct store *s)
{
    int64_t lsn = store_written(s);
    if (!s->cfg->sync || store_flaw(s, FLAW_ack_before_replicate))
        return lsn;
    for (size_t i = 0; i < s->link_count; i++) {
        if (standing_counts(&s->links[i]) && s->links[i].acked_lsn < lsn)
            lsn = s->links[i].acked_lsn;
    }
    return lsn;
}

static void answer(struct store *s, const struct waiter *w)
{
    const struct record *r = index_at(&s->index, w->lsn);
    if (w->kind == WAIT_READ)
        orders_answer_read(s, w->x, r->key, r);
    else if (w->kind == WAIT_REVOCATION)
        revoked_answer_order(s, w->x, r);
    else
        orders_answer_write(s, w->x, r, w->kind == WAIT_REPLAY);
}

void commit_wait(struct store *s, struct exchange *x, int64_t lsn, enum wait_kind kind)
{
    struct waiter w = {x, lsn, loop_now(s->node->loop) + WAIT_MS * NS_PER_MS, kind};
    if (lsn <= commit_lsn(s))
        answer(s, &w);
    else
        *vec_push(&s->waiters) = w;
}

void commit_advance(struct store *s)
{
    int64_t lsn = commit_lsn(s);
    size_t kept = 0;
    if (!store_leads(s))
        return;
    /* Answering may read the next request of the connection, which may add a waiter: take the list away meanwhile. */
    __typeof__(s->waiters) due = s->waiters;
    s->waiters.at = NULL;
    s->waiters.len = s->waiters.cap = 0;
    for (size_t i = 0; i < due.len; i++) {
        if (due.at[i].lsn <= lsn)
            answer(s, &due.at[i]);
        else
            due.at[kept++] = due.at[i];
    }
    for (size_t i = 0; i < kept; i++)
        *vec_push(&s->waiters) = due.at[i];
    vec_deinit(&due);
}

static void refuse(struct store *s, const struct waiter *w, enum written how)
{
    if (w->kind == WAIT_REVOCATION)
        revoked_refuse_order(w->x);
    else
        orders_refuse_unwritten(s, w->x, how);
}

void commit_refuse(struct store *s, int64_t keep)
{
    enum written how = s->written; /* an answer may bring the next request, which may write */
    size_t kept = 0;
    __typeof__(s->waiters) all = s->waiters;
    s->waiters.at = NULL;
    s->waiters.len = s->waiters.cap = 0;
    for (size_t i = 0; i < all.len; i++) {
        if (all.at[i].lsn > keep)
            refuse(s, &all.at[i], how);
        else
            all.at[kept++] = all.at[i];
    }
    for (size_t i = 0; i < kept; i++)
        *vec_push(&s->waiters) = all.at[i];
    vec_deinit(&all);
}

/* Answer those with a deadline before `before` as unknown. */
static void give_up(struct store *s, int64_t before)
{
    size_t kept = 0;
    __typeof__(s->waiters) all = s->waiters;
    s->waiters.at = NULL;
    s->waiters.len = s->waiters.cap = 0;
    for (size_t i = 0; i < all.len; i++) {
        if (all.at[i].deadline <= before)
            answer_error(all.at[i].x, 504, "", "not acknowledged by the peers that count");
        else
            all.at[kept++] = all.at[i];
    }
    for (size_t i = 0; i < kept; i++)
        *vec_push(&s->waiters) = all.at[i];
    vec_deinit(&all);
}

void commit_sweep(struct store *s, int64_t now)
{
    if (s->waiters.len > 0 && s->waiters.at[0].deadline <= now)
        give_up(s, now);
}

void commit_abandon(struct store *s)
{
    give_up(s, INT64_MAX);
}
