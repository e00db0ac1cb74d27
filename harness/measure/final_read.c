/* SPDX-License-Identifier: MIT */
/*
 * What the final reads say (measurement section 9).
 *
 * Readings are numbered by the reader. Which of them count is decided from their begin and end records and an order-free
 * sum over what they found: for each source and pass the last two whole readings must have equal count and sum, and the
 * last one speaks. Required are, before and after the cold restart, the gateway and every region with a store that no
 * unhealed kill keeps down; one that is missing makes the set incomplete (gate G8), and what the others found still
 * counts, so that a loss that is certain stays certain.
 *
 * Presence anywhere looks at every reading, presence everywhere only at those that speak.
 */
#include "harness/measure/join.h"

#include <stdlib.h>

struct reading {
    uint32_t number;
    uint16_t region;
    uint8_t pass;
    bool whole;
    uint64_t announced, found, sum;
};

static struct reading *reading_find(struct reading *at, size_t n, uint32_t number)
{
    for (size_t i = n; i > 0; i--)
        if (at[i - 1].number == number)
            return &at[i - 1];
    return NULL;
}

/* Mixes a finding into an order-free sum: equal sets, equal sums. */
static uint64_t mixed(const struct ledger_record *r)
{
    uint64_t x = ledger_id(r) * UINT64_C(0x9e3779b97f4a7c15) ^ r->value;
    x = (x ^ (x >> 31)) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= ((uint64_t)r->version << 20) ^ r->key;
    return (x ^ (x >> 29)) * UINT64_C(0x94d049bb133111eb);
}

static struct reading *gather(const struct study *s, size_t *count)
{
    const struct evidence *ev = s->ev;
    size_t begins = 0, n = 0;
    for (size_t i = 0; i < ev->ledger_count; i++)
        begins += ev->ledger[i].kind == LEDGER_READ_BEGIN;
    struct reading *at = arena_array(s->arena, struct reading, begins + 1), *of = NULL;
    for (size_t i = 0; i < ev->ledger_count; i++) {
        const struct ledger_record *r = &ev->ledger[i];
        if (r->kind == LEDGER_READ_BEGIN && r->read != 0 && !reading_find(at, n, r->read))
            at[n++] = (struct reading){.number = r->read, .region = r->region, .pass = r->pass};
        if (r->kind != LEDGER_FOUND && r->kind != LEDGER_FOREIGN && r->kind != LEDGER_READ_END)
            continue;
        if (!of || of->number != r->read)
            of = reading_find(at, n, r->read);
        if (!of)
            continue;
        if (r->kind == LEDGER_READ_END) {
            of->whole = r->outcome == 1;
            of->announced = r->count;
        } else {
            of->found++;
            of->sum += mixed(r);
        }
    }
    for (size_t i = 0; i < n; i++)
        at[i].whole = at[i].whole && at[i].announced == at[i].found;
    *count = n;
    return at;
}

/* The reading that speaks for a source: the last whole one, if the whole one before it agrees. */
static uint32_t spokesman(const struct reading *at, size_t n, uint16_t region, uint8_t pass)
{
    const struct reading *last = NULL;
    for (size_t i = n; i > 0; i--) {
        const struct reading *r = &at[i - 1];
        if (r->region != region || r->pass != pass || !r->whole)
            continue;
        if (!last)
            last = r;
        else
            return r->sum == last->sum && r->found == last->found ? last->number : 0;
    }
    return 0;
}

static bool region_is_down(const struct study *s, uint16_t site)
{
    for (size_t i = 0; i < s->applied_count; i++) {
        const struct fault_view *f = &s->faults[i];
        bool down = f->hb == NS_NONE && (fault_is(f, "kill") || fault_is(f, "stop"));
        if (down && f->step->action.target == TARGET_REGION && f->step->action.site == site)
            return true;
    }
    return false;
}

static void require(const struct study *s, struct ledger_view *l, const struct reading *at, size_t n, uint16_t region,
                    bool down)
{
    static const uint8_t passes[] = {PASS_LIVE, PASS_COLD};
    for (size_t i = 0; i < 2; i++) {
        uint32_t number = spokesman(at, n, region, passes[i]);
        if (down && !number)
            continue;
        l->reads[l->read_count++] = (struct final_read){region, passes[i], number};
        if (number || l->missing)
            continue;
        l->missing = arena_printf(s->arena, "no two whole final reads of %s agree %s the cold restart",
                                  region == NO_SITE ? "the gateway" : s->plan->topology->sites[region].name,
                                  passes[i] == PASS_LIVE ? "before" : "after");
    }
}

void final_reads_choose(const struct study *s, struct ledger_view *l)
{
    const struct topology *topo = s->plan->topology;
    size_t n, sites = topo ? topo->site_count : 0;
    struct reading *at = gather(s, &n);
    l->reads = arena_array(s->arena, struct final_read, 2 * sites + 3);
    require(s, l, at, n, NO_SITE, false);
    for (size_t site = 0; site < sites && site < NO_SITE; site++)
        if (topo->sites[site].kind == SITE_REGION && topo->sites[site].origins)
            require(s, l, at, n, (uint16_t)site, region_is_down(s, (uint16_t)site));
    l->complete = !l->missing;
}

/* A finding in a reading that speaks. */
struct found {
    struct write *write;
    size_t read; /* index into reads */
    bool right;
    uint64_t place; /* key and version, 0 without a version */
};

static size_t final_read_of(const struct ledger_view *l, uint32_t number)
{
    for (size_t i = 0; number && i < l->read_count; i++)
        if (l->reads[i].number == number)
            return i;
    return NO_INDEX;
}

static int by_write(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->write->id != y->write->id)
        return x->write->id < y->write->id ? -1 : 1;
    if (x->read != y->read)
        return x->read < y->read ? -1 : 1;
    return (int)y->right - (int)x->right; /* the right one first */
}

static int by_place(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->place != y->place ? (x->place < y->place ? -1 : 1) : 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t distinct(uint64_t *at, size_t n)
{
    size_t count = 0;
    qsort(at, n, sizeof(*at), by_number);
    for (size_t i = 0; i < n; i++)
        count += i == 0 || at[i] != at[i - 1];
    return count;
}

static void mark_writes(struct ledger_view *l, struct found *at, size_t n)
{
    size_t speaking = 0;
    for (size_t i = 0; i < l->read_count; i++)
        speaking += l->reads[i].number != 0;
    qsort(at, n, sizeof(*at), by_write);
    for (size_t i = 0; i < n; i++) {
        bool again = i && at[i].write == at[i - 1].write && at[i].read == at[i - 1].read;
        at[i].write->twice = at[i].write->twice || again;
        at[i].write->in_reads += !again && at[i].right;
    }
    for (size_t i = 0; i < l->write_count; i++)
        l->writes[i].everywhere = speaking && l->writes[i].in_reads == speaking;
}

/* Places (key and version) at which different writes are stored. */
static size_t conflicts(struct found *at, size_t n)
{
    size_t count = 0;
    qsort(at, n, sizeof(*at), by_place);
    for (size_t i = 0, j; i < n; i = j) {
        bool differ = false;
        for (j = i; j < n && at[j].place == at[i].place; j++)
            differ = differ || at[j].write != at[i].write;
        count += differ && at[i].place;
    }
    return count;
}

void final_reads_take(const struct study *s, struct ledger_view *l)
{
    const struct evidence *ev = s->ev;
    size_t findings = 0, foreign = 0, n = 0;
    for (size_t i = 0; i < ev->ledger_count; i++)
        findings += ev->ledger[i].kind == LEDGER_FOUND || ev->ledger[i].kind == LEDGER_FOREIGN;
    uint64_t *strangers = arena_array(s->arena, uint64_t, findings + 1);
    struct found *at = arena_array(s->arena, struct found, findings + 1);

    for (size_t i = 0; i < ev->ledger_count; i++) {
        const struct ledger_record *r = &ev->ledger[i];
        if (r->kind != LEDGER_FOUND && r->kind != LEDGER_FOREIGN)
            continue;
        bool ours = r->kind == LEDGER_FOUND && r->seq <= UINT32_MAX;
        struct write *w = ours ? ledger_find(l, ledger_id(r)) : NULL;
        if (!w) {
            strangers[foreign++] = r->kind == LEDGER_FOREIGN ? r->value : ~ledger_id(r);
            continue;
        }
        bool right = r->value == w->value && r->key == w->key;
        size_t read = final_read_of(l, r->read);
        w->anywhere = true;
        w->corrupt = w->corrupt || !right;
        if (read != NO_INDEX)
            at[n++] = (struct found){w, read, right, r->version ? ((uint64_t)r->key << 32) | r->version : 0};
    }
    mark_writes(l, at, n);
    l->conflicting_count = conflicts(at, n);
    l->foreign_count = distinct(strangers, foreign);
}
