/* SPDX-License-Identifier: MIT */
/*
 * The maps hold LSNs and compare through the records, so they own no text. A cut is rare (once per lost leadership) and
 * rebuilds everything from the records that stay: slow, but it cannot differ from a replay. The order of the op ids is
 * needed for the digest only, so it is made up for when that is asked for, and a write pays nothing for it.
 */
#include "gateway-under-test/store_index.h"

#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(const char *s)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return h ^ (h >> 29);
}

static const char *text_of(const struct store_index *x, const struct lsn_map *m, int64_t lsn)
{
    return (const char *)&x->records.at[lsn - 1] + m->field;
}

/* The slot that holds this text, or the empty one where it belongs. */
static int64_t *find_slot(const struct store_index *x, const struct lsn_map *m, const char *s)
{
    size_t at = (size_t)hash_text(s) & (m->cap - 1);
    while (m->slots[at] != 0 && strcmp(text_of(x, m, m->slots[at]), s) != 0)
        at = (at + 1) & (m->cap - 1);
    return &m->slots[at];
}

static void map_grow(const struct store_index *x, struct lsn_map *m)
{
    int64_t *old = m->slots;
    size_t old_cap = m->cap;
    m->cap = old_cap ? old_cap * 2 : 64;
    m->slots = xcalloc(m->cap, sizeof(*m->slots));
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i] != 0)
            *find_slot(x, m, text_of(x, m, old[i])) = old[i];
    }
    free(old);
}

/* Let lsn stand for its text; false: replace = false and another one does already. */
static void map_put(const struct store_index *x, struct lsn_map *m, int64_t lsn, bool replace)
{
    if ((m->len + 1) * 2 > m->cap)
        map_grow(x, m);
    int64_t *slot = find_slot(x, m, text_of(x, m, lsn));
    if (*slot == 0)
        m->len++;
    if (*slot == 0 || replace)
        *slot = lsn;
}

static const struct record *map_get(const struct store_index *x, const struct lsn_map *m, const char *s)
{
    if (m->cap == 0)
        return NULL;
    int64_t lsn = *find_slot(x, m, s);
    return lsn ? &x->records.at[lsn - 1] : NULL;
}

static void map_clear(struct lsn_map *m)
{
    free(m->slots);
    m->slots = NULL;
    m->cap = m->len = 0;
}

void index_init(struct store_index *x)
{
    *x = (struct store_index){.by_key.field = offsetof(struct record, key),
                              .by_idem.field = offsetof(struct record, idem)};
}

void index_deinit(struct store_index *x)
{
    map_clear(&x->by_key);
    map_clear(&x->by_idem);
    vec_deinit(&x->records);
    vec_deinit(&x->sorted);
    vec_deinit(&x->boundaries);
    vec_deinit(&x->revocations);
}

struct record *index_add(struct store_index *x, const struct record *r)
{
    const struct record *before = r->revocation ? NULL : map_get(x, &x->by_key, r->key);
    int64_t version = before ? before->version + 1 : 1;
    struct record *own = vec_push(&x->records);
    *own = *r;
    own->version = version;
    if (x->boundaries.len == 0 || x->boundaries.at[x->boundaries.len - 1].epoch != r->epoch)
        *vec_push(&x->boundaries) = (struct boundary){r->epoch, r->lsn};
    if (r->revocation) {
        *vec_push(&x->revocations) = r->lsn;
        return own;
    }
    map_put(x, &x->by_key, r->lsn, true);
    map_put(x, &x->by_idem, r->lsn, false);
    return own;
}

void index_cut(struct store_index *x, int64_t keep)
{
    struct store_index fresh;
    if (keep >= index_last(x))
        return;
    index_init(&fresh);
    for (int64_t lsn = 1; lsn <= keep; lsn++)
        index_add(&fresh, &x->records.at[lsn - 1]);
    index_deinit(x);
    *x = fresh;
}

int64_t index_last(const struct store_index *x)
{
    return (int64_t)x->records.len;
}

int64_t index_orders(const struct store_index *x)
{
    return (int64_t)(x->records.len - x->revocations.len);
}

const struct record *index_at(const struct store_index *x, int64_t lsn)
{
    return lsn >= 1 && lsn <= index_last(x) ? &x->records.at[lsn - 1] : NULL;
}

const struct record *index_by_key(const struct store_index *x, const char *key)
{
    return map_get(x, &x->by_key, key);
}

const struct record *index_by_idem(const struct store_index *x, const char *idem)
{
    return map_get(x, &x->by_idem, idem);
}

const struct record *index_revocation(const struct store_index *x, const char *subject)
{
    for (size_t i = 0; i < x->revocations.len; i++) {
        const struct record *r = &x->records.at[x->revocations.at[i] - 1];
        if (strcmp(r->key, subject) == 0)
            return r;
    }
    return NULL;
}

int64_t index_last_revocation(const struct store_index *x)
{
    return x->revocations.len > 0 ? x->revocations.at[x->revocations.len - 1] : 0;
}

static int by_op(const void *a, const void *b, void *records)
{
    const struct record *all = records;
    return strcmp(all[*(const int64_t *)a - 1].op, all[*(const int64_t *)b - 1].op);
}

/* Sort what has come since the last time, then merge it in from behind, into the room that it needs itself. */
static void sort_newcomers(struct store_index *x)
{
    size_t old = x->sorted.len, count = 0;
    scoped_free int64_t *fresh = xcalloc(x->records.len - x->looked_at + 1, sizeof(*fresh));
    for (; x->looked_at < x->records.len; x->looked_at++) {
        if (!x->records.at[x->looked_at].revocation) {
            fresh[count++] = (int64_t)x->looked_at + 1;
            (void)vec_push(&x->sorted);
        }
    }
    size_t at = old + count;
    qsort_r(fresh, count, sizeof(*fresh), by_op, x->records.at);
    while (count > 0) {
        bool older_is_last = old > 0 && by_op(&x->sorted.at[old - 1], &fresh[count - 1], x->records.at) > 0;
        x->sorted.at[--at] = older_is_last ? x->sorted.at[--old] : fresh[--count];
    }
}

void index_digest(struct store_index *x, char out[SHA256_HEX])
{
    scoped_text struct text all = {0};
    sort_newcomers(x);
    for (size_t i = 0; i < x->sorted.len; i++) {
        text_add(&all, x->records.at[x->sorted.at[i] - 1].op);
        text_add_bytes(&all, "\n", 1);
    }
    sha256_hex(text_str(&all), all.len, out);
}

/* The boundary in which lsn lies; the list is in ascending order and covers 1 to last. */
static const struct boundary *boundary_of(const struct boundary *b, size_t count, int64_t lsn)
{
    while (count > 0 && b[count - 1].first_lsn > lsn)
        count--;
    return count > 0 ? &b[count - 1] : NULL;
}

int64_t index_common(const struct boundary *a, size_t a_count, int64_t a_last, const struct boundary *b, size_t b_count,
                     int64_t b_last)
{
    int64_t lsn = a_last < b_last ? a_last : b_last;
    while (lsn > 0) {
        const struct boundary *of_a = boundary_of(a, a_count, lsn), *of_b = boundary_of(b, b_count, lsn);
        if (of_a == NULL || of_b == NULL)
            return 0;
        if (of_a->epoch == of_b->epoch)
            return lsn;
        lsn = (of_a->epoch > of_b->epoch ? of_a : of_b)->first_lsn - 1;
    }
    return 0;
}
