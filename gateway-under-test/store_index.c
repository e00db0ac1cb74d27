/* SPDX-License-Identifier: MIT */
/*
 * The maps hold LSNs and compare through the records, so they own no text. A cut is rare (once per lost leadership) and
 * rebuilds everything from the records that stay: slow, but it cannot differ from a replay.
 */
#include "gateway-under-test/store_index.h"

#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

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

static void insert_sorted(struct store_index *x, const struct record *r)
{
    size_t low = 0, high = x->sorted.len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(x->records.at[x->sorted.at[mid] - 1].op, r->op) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    (void)vec_push(&x->sorted);
    memmove(&x->sorted.at[low + 1], &x->sorted.at[low], (x->sorted.len - 1 - low) * sizeof(x->sorted.at[0]));
    x->sorted.at[low] = r->lsn;
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
    insert_sorted(x, own);
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
    return (int64_t)x->sorted.len;
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
        const struct record *r = index_at(x, x->revocations.at[i]);
        if (strcmp(r->key, subject) == 0)
            return r;
    }
    return NULL;
}

int64_t index_last_revocation(const struct store_index *x)
{
    return x->revocations.len > 0 ? x->revocations.at[x->revocations.len - 1] : 0;
}

void index_digest(const struct store_index *x, char out[SHA256_HEX])
{
    scoped_text struct text all = {0};
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
