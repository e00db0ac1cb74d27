/* SPDX-License-Identifier: MIT */
/*
 * Joining the ledger: a row per intent, sorted by id, on which each result and each finding is hung by binary search.
 *
 * What cannot be (a result without intent, two intents, a gap in a client's numbers) breaks the ledger: gate G3. A
 * write that is recorded twice with different results is taken as unknown, which claims least.
 */
#include "harness/measure/join.h"

#include <stdlib.h>

static bool sane(int64_t ns)
{
    return ns >= 0 && ns < NS_LIMIT;
}

static int by_id(const void *a, const void *b)
{
    const struct write *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_ack(const void *a, const void *b)
{
    const struct write *x = *(struct write *const *)a, *y = *(struct write *const *)b;
    if (x->ack_ns != y->ack_ns)
        return x->ack_ns < y->ack_ns ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

struct write *ledger_find(const struct ledger_view *l, uint64_t id)
{
    struct write wanted = {.id = id};
    return l->write_count ? bsearch(&wanted, l->writes, l->write_count, sizeof(*l->writes), by_id) : NULL;
}

static void broken(const struct study *s, struct ledger_view *l, const char *what, const struct ledger_record *r)
{
    if (!l->broken)
        l->broken = arena_printf(s->arena, "%s for write c%u-%llu", what, (unsigned)r->client,
                                 (unsigned long long)r->seq);
}

static void take_intents(const struct study *s, struct ledger_view *l)
{
    const struct evidence *ev = s->ev;
    size_t intents = 0, kept = 0;
    for (size_t i = 0; i < ev->ledger_count; i++)
        intents += ev->ledger[i].kind == LEDGER_INTENT;
    l->writes = arena_array(s->arena, struct write, intents + 1);
    for (size_t i = 0; i < ev->ledger_count; i++) {
        const struct ledger_record *r = &ev->ledger[i];
        if (r->kind != LEDGER_INTENT)
            continue;
        if (!sane(r->at_ns) || r->seq > UINT32_MAX) {
            broken(s, l, "impossible intent", r);
            continue;
        }
        l->writes[l->write_count++] =
            (struct write){.id = ledger_id(r), .outcome = WRITE_UNKNOWN, .key = r->key, .client = r->client,
                           .region = NO_SITE, .value = r->value, .inv_ns = r->at_ns, .ack_ns = NS_NONE};
    }
    qsort(l->writes, l->write_count, sizeof(*l->writes), by_id);
    for (size_t i = 0; i < l->write_count; i++) {
        struct ledger_record r = {.client = l->writes[i].client, .seq = l->writes[i].id & UINT32_MAX};
        if (kept && l->writes[kept - 1].id == l->writes[i].id) {
            broken(s, l, "two intents", &r);
            continue;
        }
        if (kept && l->writes[kept - 1].client == r.client && l->writes[kept - 1].id + 1 != l->writes[i].id)
            broken(s, l, "a gap before the intent", &r);
        l->writes[kept++] = l->writes[i];
    }
    l->write_count = kept;
}

static void take_result(const struct study *s, struct ledger_view *l, bool *seen, const struct ledger_record *r)
{
    struct write *w = r->seq > UINT32_MAX ? NULL : ledger_find(l, ledger_id(r));
    if (!w || !sane(r->at_ns) || r->at_ns < w->inv_ns || r->outcome < WRITE_OK || r->outcome > WRITE_UNKNOWN) {
        broken(s, l, w ? "impossible result" : "a result without intent", r);
        return;
    }
    size_t row = (size_t)(w - l->writes);
    if (seen[row]) {
        broken(s, l, "two results", r);
        w->outcome = WRITE_UNKNOWN;
        w->ack_ns = NS_NONE;
        return;
    }
    seen[row] = true;
    w->outcome = r->outcome;
    w->region = r->region;
    w->version = r->version;
    w->epoch = r->epoch;
    w->lsn = r->lsn;
    if (w->outcome == WRITE_OK)
        w->ack_ns = r->at_ns;
}

static void take_results(const struct study *s, struct ledger_view *l)
{
    bool *seen = arena_array(s->arena, bool, l->write_count + 1);
    for (size_t i = 0; i < s->ev->ledger_count; i++)
        if (s->ev->ledger[i].kind == LEDGER_RESULT)
            take_result(s, l, seen, &s->ev->ledger[i]);
    l->acked = arena_array(s->arena, struct write *, l->write_count + 1);
    for (size_t i = 0; i < l->write_count; i++)
        if (l->writes[i].outcome == WRITE_OK)
            l->acked[l->acked_count++] = &l->writes[i];
    qsort(l->acked, l->acked_count, sizeof(*l->acked), by_ack);
}

void ledger_join(const struct study *s, struct ledger_view *l)
{
    *l = (struct ledger_view){0};
    take_intents(s, l);
    take_results(s, l);
    final_reads_choose(s, l);
    final_reads_take(s, l);
}
