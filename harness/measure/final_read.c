/* SPDX-License-Identifier: MIT */
/*
 * Which final reads speak (measurement section 9).
 *
 * Readings are numbered by the reader. Which of them count is decided from their begin and end records and an
 * order-free sum over what they found: for each source and pass the last two whole readings must have equal count and
 * sum, and the last one speaks. Required are, before and after the cold restart, the gateway and every region with a
 * store that no unhealed kill keeps down; one that is missing makes the set incomplete (gate G8), and what the others
 * found still counts, so that a loss that is certain stays certain.
 */
#include "harness/measure/join.h"

struct reading {
    uint32_t number, next; /* next of its bucket, plus 1 */
    uint16_t region;
    uint8_t pass;
    bool whole;
    uint64_t announced, found, sum;
};

/* More than any run makes in the time it has; what a hostile ledger has beyond them does not count. */
enum { READINGS = 16384, BUCKETS = 1024 };

struct readings {
    struct arena *arena;
    struct reading *at;
    size_t len, cap, newest; /* newest: the one looked up last */
    uint32_t buckets[BUCKETS];
};

struct readings *readings_new(const struct study *s)
{
    struct readings *all = arena_new(s->arena, struct readings);
    all->arena = s->arena;
    return all;
}

static struct reading *reading_find(struct readings *all, uint32_t number)
{
    if (all->len && all->at[all->newest].number == number)
        return &all->at[all->newest];
    for (uint32_t i = all->buckets[number % BUCKETS]; i; i = all->at[i - 1].next) {
        if (all->at[i - 1].number != number)
            continue;
        all->newest = i - 1;
        return &all->at[i - 1];
    }
    return NULL;
}

static void reading_begin(struct readings *all, const struct ledger_record *r)
{
    if (r->read == 0 || all->len == READINGS || reading_find(all, r->read))
        return;
    uint32_t *bucket = &all->buckets[r->read % BUCKETS];
    *arena_push(all->arena, all) =
        (struct reading){.number = r->read, .region = r->region, .pass = r->pass, .next = *bucket};
    *bucket = (uint32_t)all->len;
}

/* Mixes a finding into an order-free sum: equal sets, equal sums. */
static uint64_t mixed(const struct ledger_record *r)
{
    uint64_t x = ledger_id(r) * UINT64_C(0x9e3779b97f4a7c15) ^ r->value;
    x = (x ^ (x >> 31)) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= ((uint64_t)r->version << 20) ^ r->key;
    return (x ^ (x >> 29)) * UINT64_C(0x94d049bb133111eb);
}

size_t readings_count(const struct readings *all)
{
    return all->len;
}

size_t readings_index(struct readings *all, uint32_t number)
{
    const struct reading *of = reading_find(all, number);
    return of ? (size_t)(of - all->at) : NO_INDEX;
}

size_t readings_note(struct readings *all, const struct ledger_record *r)
{
    if (r->kind == LEDGER_READ_BEGIN)
        reading_begin(all, r);
    struct reading *of = reading_find(all, r->read);
    if (!of)
        return NO_INDEX;
    if (r->kind == LEDGER_READ_END) {
        of->whole = r->outcome == 1;
        of->announced = r->count;
    } else if (r->kind == LEDGER_FOUND || r->kind == LEDGER_FOREIGN) {
        of->found++;
        of->sum += mixed(r);
    }
    return (size_t)(of - all->at);
}

/* The reading that speaks for a source: the last whole one, if the whole one before it agrees. */
static uint32_t spokesman(const struct reading *at, size_t n, uint16_t region, uint8_t pass)
{
    const struct reading *last = NULL;
    for (size_t i = n; i > 0; i--) {
        const struct reading *r = &at[i - 1];
        if (r->region != region || r->pass != pass || !r->whole || r->announced != r->found)
            continue;
        if (!last)
            last = r;
        else
            return r->sum == last->sum && r->found == last->found ? last->number : 0;
    }
    return 0;
}

bool readings_speak(const struct readings *all, uint16_t region, uint8_t pass)
{
    return spokesman(all->at, all->len, region, pass) != 0;
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

void final_reads_choose(const struct study *s, struct ledger_view *l, struct readings *all)
{
    const struct topology *topo = s->plan->topology;
    size_t n = all->len, sites = topo ? topo->site_count : 0;
    const struct reading *at = all->at;
    l->reads = arena_array(s->arena, struct final_read, 2 * sites + 3);
    require(s, l, at, n, NO_SITE, false);
    for (size_t site = 0; site < sites && site < NO_SITE; site++)
        if (topo->sites[site].kind == SITE_REGION && topo->sites[site].origins)
            require(s, l, at, n, (uint16_t)site, region_is_down(s, (uint16_t)site));
    l->complete = !l->missing;
}
