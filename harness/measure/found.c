/* SPDX-License-Identifier: MIT */
/*
 * What the final reads found (measurement section 9).
 *
 * Presence anywhere looks at every reading, presence everywhere only at those that speak, and which do is known only at
 * the end of the ledger. So a write has a few bits for every reading, 64 readings at a time; at the end those of
 * readings that speak are counted. A run has a dozen readings; for each further 64 the ledger is gone through once
 * more.
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
    uint64_t seen, right, twice;
    uint64_t here; /* seen at the place in its row */
};

struct place {
    uint64_t key_version; /* 0: an empty slot */
    const struct write *write;
    size_t reading;
    bool differ;
};

struct findings {
    const struct study *study;
    struct ledger_view *ledger;
    struct bits *bits; /* by write */
    size_t room;
    size_t first; /* of the readings that the bits are about */
    vec_of(uint64_t) strangers;
    vec_of(struct place) elsewhere;
};

struct findings *findings_new(const struct study *s, struct ledger_view *l, size_t room)
{
    struct findings *f = arena_new(s->arena, struct findings);
    *f = (struct findings){.study = s, .ledger = l, .room = room};
    f->bits = xcalloc(room + 1, sizeof(*f->bits));
    return f;
}

static uint64_t place_of(uint16_t key, uint32_t version)
{
    return (uint64_t)key << 32 | version;
}

static void note_place(struct findings *f, struct write *w, const struct ledger_record *r, size_t reading,
                       struct bits *b, uint64_t bit)
{
    if (r->version == 0)
        return;
    if (w->found_version == 0) {
        w->found_version = r->version;
        w->found_key = r->key;
    }
    if (w->found_version == r->version && w->found_key == r->key)
        b->here |= bit;
    else
        *vec_push(&f->elsewhere) = (struct place){place_of(r->key, r->version), w, reading, false};
}

static void take_bits(struct findings *f, struct write *w, const struct ledger_record *r, size_t reading)
{
    if (reading == NO_INDEX || reading < f->first || reading >= f->first + AT_ONCE)
        return;
    struct bits *b = &f->bits[w - f->ledger->writes];
    uint64_t bit = UINT64_C(1) << (reading - f->first);
    b->twice |= b->seen & bit;
    b->seen |= bit;
    if (r->value == w->value && r->key == w->key)
        b->right |= bit;
    note_place(f, w, r, reading, b, bit);
}

void findings_take(struct findings *f, const struct ledger_record *r, size_t reading)
{
    bool ours = r->kind == LEDGER_FOUND && r->seq <= UINT32_MAX;
    struct write *w = ours ? ledger_find(f->ledger, ledger_id(r)) : NULL;
    if (w) {
        w->anywhere = true;
        w->corrupt = w->corrupt || r->value != w->value || r->key != w->key;
        take_bits(f, w, r, reading);
    } else if (f->first == 0) {
        *vec_push(&f->strangers) = r->kind == LEDGER_FOREIGN ? r->value : ~ledger_id(r);
    }
}

/* Of the 64 readings at hand, those that speak. */
static uint64_t speaking(const struct findings *f, struct readings *all)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < f->ledger->read_count; i++) {
        uint32_t number = f->ledger->reads[i].number;
        size_t reading = number ? readings_index(all, number) : NO_INDEX;
        if (reading != NO_INDEX && reading >= f->first && reading < f->first + AT_ONCE)
            mask |= UINT64_C(1) << (reading - f->first);
    }
    return mask;
}

static void settle_bits(struct findings *f, uint64_t mask)
{
    struct ledger_view *l = f->ledger;
    for (size_t i = 0; i < l->write_count; i++) {
        struct write *w = &l->writes[i];
        const struct bits *b = &f->bits[i];
        w->in_reads = (uint16_t)(w->in_reads + __builtin_popcountll(b->right & mask));
        w->twice = w->twice || (b->twice & mask);
        w->placed = w->placed || (b->here & mask);
        f->bits[i] = (struct bits){0};
    }
}

/* Once more through the ledger, for the next 64 readings. */
static void pass(struct findings *f, struct readings *all)
{
    scoped_ledger_scan struct ledger_scan *scan = ledger_scan_open(f->study->ev);
    for (const struct ledger_record *r; (r = ledger_scan_next(scan));)
        if (r->kind == LEDGER_FOUND && r->pass != PASS_ASIDE)
            findings_take(f, r, readings_index(all, r->read));
}

/* ---- strangers ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

size_t ids_distinct(uint64_t *at, size_t n)
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
        struct place p = {place_of(w->found_key, w->found_version), w, 0, false};
        if (w->placed)
            count += put(table, mask, &p);
    }
    for (size_t i = 0; i < f->elsewhere.len; i++)
        count += put(table, mask, &f->elsewhere.at[i]);
    return count;
}

/* Of the places in the list only those that a speaking reading found remain. */
static void settle_places(struct findings *f, uint64_t mask)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->elsewhere.len; i++) {
        const struct place *p = &f->elsewhere.at[i];
        bool at_hand = p->reading >= f->first && p->reading < f->first + AT_ONCE;
        if (!at_hand || (mask >> (p->reading - f->first) & 1))
            f->elsewhere.at[kept++] = *p;
    }
    f->elsewhere.len = kept;
}

void findings_settle(struct findings *f, struct readings *all)
{
    struct ledger_view *l = f->ledger;
    for (;;) {
        uint64_t mask = speaking(f, all);
        settle_bits(f, mask);
        settle_places(f, mask);
        f->first += AT_ONCE;
        if (f->first >= readings_count(all))
            break;
        pass(f, all);
    }
    free(f->bits);

    size_t wanted = 0;
    for (size_t i = 0; i < l->read_count; i++)
        wanted += l->reads[i].number != 0;
    for (size_t i = 0; i < l->write_count; i++)
        l->writes[i].everywhere = wanted && l->writes[i].in_reads == wanted;
    l->foreign_count = ids_distinct(f->strangers.at, f->strangers.len);
    vec_deinit(&f->strangers);
    l->conflicting_count = conflicts(f);
    vec_deinit(&f->elsewhere);
}
