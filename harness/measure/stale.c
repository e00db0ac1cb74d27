/* SPDX-License-Identifier: MIT */
/*
 * Stale reads: invoked after a write was acknowledged, and answered with an older version of its key.
 *
 * Per key the acknowledged writes stand in the order of their acknowledgement with a running maximum of versions. A
 * read looks up how many were acknowledged before it left; if the maximum of those exceeds what it saw, it is stale,
 * and the first place where the running maximum passes what it saw is the oldest write it missed. Lost writes are left
 * out: that nobody can read them any more is told by the RPO, and must not be told twice.
 */
#include "harness/measure/rpo.h"

#include "harness/base/scoped.h"

struct mark {
    uint16_t key;
    uint32_t highest; /* version, of this and all earlier writes of the key */
    int64_t ack_ns;
};

/* The acknowledged writes come in the order of their acknowledgement; counting them per key keeps that order. */
static struct mark *marks_of(const struct study *s, const struct ledger_view *l, bool known, size_t *count)
{
    struct mark *at = arena_array(s->arena, struct mark, l->acked_count + 1);
    size_t keys = 0;
    for (size_t i = 0; i < l->acked_count; i++)
        keys = l->acked[i]->key >= keys ? (size_t)l->acked[i]->key + 1 : keys;
    scoped_free size_t *next = xcalloc(keys + 1, sizeof(*next));
    for (size_t i = 0; i < l->acked_count; i++)
        if (l->acked[i]->version && (!known || l->acked[i]->everywhere))
            next[(size_t)l->acked[i]->key + 1]++;
    for (size_t key = 0; key < keys; key++)
        next[key + 1] += next[key];
    *count = next[keys];
    for (size_t i = 0; i < l->acked_count; i++) {
        const struct write *w = l->acked[i];
        if (w->version && (!known || w->everywhere))
            at[next[w->key]++] = (struct mark){w->key, w->version, w->ack_ns};
    }
    for (size_t i = 1; i < *count; i++)
        if (at[i].key == at[i - 1].key && at[i].highest < at[i - 1].highest)
            at[i].highest = at[i - 1].highest;
    return at;
}

/* First mark of the key (or of a later one) acknowledged at or after the instant, or with a version above `version`. */
static size_t seek(const struct mark *at, size_t n, uint16_t key, int64_t ack_ns, uint32_t version)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        bool before =
            at[mid].key < key || (at[mid].key == key && at[mid].ack_ns < ack_ns && at[mid].highest <= version);
        if (before)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void stale_measure(const struct study *s, const struct ledger_view *l, struct stale *out)
{
    size_t n, speaking = 0;
    for (size_t i = 0; i < l->read_count; i++)
        speaking += l->reads[i].number != 0;
    struct mark *at = marks_of(s, l, speaking > 0, &n);
    *out = (struct stale){.worst_ns = NS_NONE};
    for (size_t i = 0; i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        for (size_t j = 0; v->plan->kind != STREAM_WRITE && j < v->len; j++) {
            const struct sample *x = v->at[j];
            if (x->key == UINT16_MAX || (x->outcome != OUTCOME_GOOD && x->outcome != OUTCOME_LATE))
                continue;
            size_t first = seek(at, n, x->key, INT64_MIN, UINT32_MAX);
            size_t known = seek(at, n, x->key, x->sent_ns, UINT32_MAX);
            if (known == first)
                continue;
            out->could++;
            size_t missed = seek(at, known, x->key, x->sent_ns, x->version);
            if (missed == known)
                continue;
            out->count++;
            out->worst_ns = ns_max(out->worst_ns, x->sent_ns - at[missed].ack_ns);
        }
    }
}
