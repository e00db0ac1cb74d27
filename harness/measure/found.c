/* SPDX-License-Identifier: MIT */
/*
 * What the final reads found (measurement section 9).
 *
 * Presence anywhere looks at every reading, presence everywhere only at those that speak. For these a write has two bits
 * per reading, seen and right; there are 64 of each at a time, and a pass over the ledger for each 64 speaking readings,
 * which is one pass for any world of up to 31 regions.
 *
 * Different writes in one place (key and version) conflict. A write is nearly always found in one place only, which is
 * kept in its row; others go to a list. Both end up in a hash table by place.
 */
#include "harness/measure/join.h"

#include "harness/base/scoped.h"
#include "harness/base/vec.h"

#include <stdlib.h>

enum { AT_ONCE = 64 };

struct bits {
    uint64_t seen, right;
};

struct place {
    uint64_t key_version; /* 0: an empty slot */
    const struct write *write;
    bool differ;
};

struct findings {
    const struct study *study;
    struct ledger_view *ledger;
    struct bits *bits; /* by write */
    size_t first;      /* of the speaking reads that the bits are about */
    uint32_t number;   /* the reading looked up last, and where it is in reads */
    size_t read;
    vec_of(uint64_t) strangers;
    vec_of(struct place) elsewhere;
};

static size_t final_read_of(struct findings *f, uint32_t number)
{
    if (number == f->number)
        return f->read;
    f->number = number;
    f->read = NO_INDEX;
    for (size_t i = 0; number && i < f->ledger->read_count && f->read == NO_INDEX; i++)
        if (f->ledger->reads[i].number == number)
            f->read = i;
    return f->read;
}

static uint64_t place_of(uint16_t key, uint32_t version)
{
    return (uint64_t)key << 32 | version;
}

static void note_place(struct findings *f, struct write *w, const struct ledger_record *r)
{
    if (r->version == 0 || (w->found_version == r->version && w->found_key == r->key))
        return;
    if (w->found_version) {
        *vec_push(&f->elsewhere) = (struct place){place_of(r->key, r->version), w, false};
        return;
    }
    w->found_version = r->version;
    w->found_key = r->key;
}

/* What a finding says to itself alone; told in the first pass. */
static struct write *take_finding(struct findings *f, const struct ledger_record *r, bool first_pass)
{
    bool ours = r->kind == LEDGER_FOUND && r->seq <= UINT32_MAX;
    struct write *w = ours ? ledger_find(f->ledger, ledger_id(r)) : NULL;
    if (!first_pass)
        return w;
    if (!w) {
        *vec_push(&f->strangers) = r->kind == LEDGER_FOREIGN ? r->value : ~ledger_id(r);
        return NULL;
    }
    w->anywhere = true;
    w->corrupt = w->corrupt || r->value != w->value || r->key != w->key;
    return w;
}

static void take_bits(struct findings *f, struct write *w, const struct ledger_record *r)
{
    size_t read = final_read_of(f, r->read);
    if (read == NO_INDEX || read < f->first || read >= f->first + AT_ONCE)
        return;
    struct bits *b = &f->bits[w - f->ledger->writes];
    uint64_t bit = UINT64_C(1) << (read - f->first);
    w->twice = w->twice || (b->seen & bit);
    b->seen |= bit;
    if (r->value == w->value && r->key == w->key)
        b->right |= bit;
    note_place(f, w, r);
}

/* A pass over the ledger for the speaking reads from f->first on. */
static void pass(struct findings *f)
{
    struct ledger_view *l = f->ledger;
    scoped_ledger_scan struct ledger_scan *scan = ledger_scan_open(f->study->ev);
    for (const struct ledger_record *r; (r = ledger_scan_next(scan));) {
        if (r->kind != LEDGER_FOUND && r->kind != LEDGER_FOREIGN)
            continue;
        struct write *w = take_finding(f, r, f->first == 0);
        if (w)
            take_bits(f, w, r);
    }
    for (size_t i = 0; i < l->write_count; i++) {
        l->writes[i].in_reads = (uint16_t)(l->writes[i].in_reads + __builtin_popcountll(f->bits[i].right));
        f->bits[i] = (struct bits){0};
    }
}

/* ---- strangers ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t distinct(uint64_t *at, size_t n)
{
    size_t count = 0;
    if (n)
        qsort(at, n, sizeof(*at), by_number);
    for (size_t i = 0; i < n; i++)
        count += i == 0 || at[i] != at[i - 1];
    return count;
}

/* ---- conflicts ---- */

static uint64_t spread(uint64_t x)
{
    x = (x ^ (x >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ (x >> 29);
}

/* Whether this is the first write in its place that is not alone there. */
static bool put(struct place *table, size_t mask, const struct place *p)
{
    size_t i = spread(p->key_version) & mask;
    while (table[i].key_version && table[i].key_version != p->key_version)
        i = (i + 1) & mask;
    struct place *slot = &table[i];
    if (!slot->key_version) {
        *slot = *p;
        return false;
    }
    bool news = slot->write != p->write && !slot->differ;
    slot->differ = slot->differ || news;
    return news;
}

/* Places at which different writes are stored. */
static size_t conflicts(const struct findings *f)
{
    const struct ledger_view *l = f->ledger;
    size_t wanted = 2 * (l->write_count + f->elsewhere.len) + 2, mask = 1, count = 0;
    while (mask + 1 < wanted)
        mask = mask * 2 + 1;
    scoped_free struct place *table = xcalloc(mask + 1, sizeof(*table));
    for (size_t i = 0; i < l->write_count; i++) {
        const struct write *w = &l->writes[i];
        struct place p = {place_of(w->found_key, w->found_version), w, false};
        if (w->found_version)
            count += put(table, mask, &p);
    }
    for (size_t i = 0; i < f->elsewhere.len; i++)
        count += put(table, mask, &f->elsewhere.at[i]);
    return count;
}

void final_reads_take(const struct study *s, struct ledger_view *l)
{
    struct findings f = {.study = s, .ledger = l, .read = NO_INDEX};
    f.bits = xcalloc(l->write_count + 1, sizeof(*f.bits));
    do
        pass(&f);
    while ((f.first += AT_ONCE) < l->read_count);
    free(f.bits);

    size_t speaking = 0;
    for (size_t i = 0; i < l->read_count; i++)
        speaking += l->reads[i].number != 0;
    for (size_t i = 0; i < l->write_count; i++)
        l->writes[i].everywhere = speaking && l->writes[i].in_reads == speaking;
    l->foreign_count = distinct(f.strangers.at, f.strangers.len);
    vec_deinit(&f.strangers);
    l->conflicting_count = conflicts(&f);
    vec_deinit(&f.elsewhere);
}
