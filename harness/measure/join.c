/* SPDX-License-Identifier: MIT */
/*
 * Joining the ledger: a row per intent, on which each result and each finding is hung. The numbers of a client count up
 * by one, so a write is found by subtraction.
 *
 * What cannot be (a result without intent, an intent twice or out of order, a gap in a client's numbers) breaks the
 * ledger: gate G3. A write that is recorded twice with different results is taken as unknown, which claims least.
 *
 * The ledger may be larger than memory is meant to be: it is gone through once, in the order in which things happened
 * (what is found was written before), and no entry outlives its turn.
 */
#include "harness/measure/join.h"

#include "harness/measure/set_aside.h"

#include <stdlib.h>
#include <string.h>

static bool sane(int64_t ns)
{
    return ns >= 0 && ns < NS_LIMIT;
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
    uint64_t client = id >> 32;
    uint32_t number = client < l->client_room ? l->client_of[client] : 0;
    if (number == 0)
        return NULL;
    const struct client_writes *c = &l->clients[number - 1];
    uint64_t first = l->writes[c->at[0]].id, guess = id - first;
    if (id < first)
        return NULL;
    if (guess < c->len && l->writes[c->at[guess]].id == id)
        return &l->writes[c->at[guess]];
    for (size_t low = 0, high = c->len; low < high;) { /* a ledger with gaps */
        size_t mid = low + (high - low) / 2;
        struct write *w = &l->writes[c->at[mid]];
        if (w->id == id)
            return w;
        if (w->id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void broken(const struct study *s, struct ledger_view *l, const char *what, const struct ledger_record *r)
{
    if (!l->broken)
        l->broken = arena_printf(s->arena, "%s for write c%u-%llu", what, (unsigned)r->client,
                                 (unsigned long long)r->seq);
}

static struct client_writes *client_of(const struct study *s, struct ledger_view *l, uint16_t client)
{
    if (client >= l->client_room) { /* at most 17 times: client numbers have 16 bits */
        size_t room = 64;
        while (room <= client)
            room *= 2;
        uint32_t *wider = arena_array(s->arena, uint32_t, room);
        if (l->client_room)
            memcpy(wider, l->client_of, l->client_room * sizeof(*wider));
        l->client_of = wider;
        l->client_room = room;
    }
    uint32_t *number = &l->client_of[client];
    if (*number == 0) {
        l->clients = arena_grow(s->arena, l->clients, l->client_count, &l->client_cap, sizeof(*l->clients));
        l->clients[l->client_count++] = (struct client_writes){.client = client};
        *number = (uint32_t)l->client_count;
    }
    return &l->clients[*number - 1];
}

static void take_intent(const struct study *s, struct ledger_view *l, size_t room, const struct ledger_record *r)
{
    if (!sane(r->at_ns) || r->seq > UINT32_MAX || l->write_count == room) {
        broken(s, l, "impossible intent", r);
        return;
    }
    struct client_writes *c = client_of(s, l, r->client);
    uint64_t id = ledger_id(r), last = c->len ? l->writes[c->at[c->len - 1]].id : 0;
    if (c->len && id <= last) {
        broken(s, l, id == last ? "two intents" : "an intent out of order", r);
        return;
    }
    if (c->len && id != last + 1)
        broken(s, l, "a gap before the intent", r);
    *arena_push(s->arena, c) = (uint32_t)l->write_count;
    l->writes[l->write_count++] =
        (struct write){.id = id, .outcome = WRITE_UNKNOWN, .key = r->key, .client = r->client, .region = NO_SITE,
                       .value = r->value, .inv_ns = r->at_ns, .ack_ns = NS_NONE};
}

static void take_result(const struct study *s, struct ledger_view *l, const struct ledger_record *r)
{
    struct write *w = r->seq > UINT32_MAX ? NULL : ledger_find(l, ledger_id(r));
    if (!w || !sane(r->at_ns) || r->at_ns < w->inv_ns || r->outcome < WRITE_OK || r->outcome > WRITE_UNKNOWN) {
        broken(s, l, w ? "impossible result" : "a result without intent", r);
        return;
    }
    if (w->resolved) {
        broken(s, l, "two results", r);
        w->outcome = WRITE_UNKNOWN;
        w->ack_ns = NS_NONE;
        return;
    }
    w->resolved = true;
    w->outcome = r->outcome;
    w->region = r->region;
    w->version = r->version;
    w->epoch = r->epoch;
    w->lsn = r->lsn;
    if (w->outcome == WRITE_OK)
        w->ack_ns = r->at_ns;
}

/* What a store set aside is not in its log: it is no part of what the final reads found. */
static void take_reading(const struct ledger_record *r, struct readings *all, struct findings *found,
                         struct asides *asides)
{
    size_t reading = readings_note(all, r);
    if (r->kind != LEDGER_FOUND && r->kind != LEDGER_FOREIGN)
        return;
    if (r->pass == PASS_ASIDE)
        asides_take(asides, r);
    else
        findings_take(found, r, reading);
}

static void take_all(const struct study *s, struct ledger_view *l, size_t room, struct readings *all,
                     struct findings *found, struct asides *asides)
{
    scoped_ledger_scan struct ledger_scan *scan = ledger_scan_open(s->ev);
    l->writes = arena_array(s->arena, struct write, room + 1);
    for (const struct ledger_record *r; (r = ledger_scan_next(scan));) {
        if (r->kind == LEDGER_INTENT)
            take_intent(s, l, room, r);
        else if (r->kind == LEDGER_RESULT)
            take_result(s, l, r);
        else
            take_reading(r, all, found, asides);
    }
}

static void list_acked(const struct study *s, struct ledger_view *l)
{
    l->acked = arena_array(s->arena, struct write *, l->write_count + 1);
    bool sorted = true;
    for (size_t i = 0; i < l->write_count; i++) {
        if (l->writes[i].outcome != WRITE_OK)
            continue;
        l->acked[l->acked_count++] = &l->writes[i];
        sorted =
            sorted && (l->acked_count < 2 || by_ack(&l->acked[l->acked_count - 2], &l->acked[l->acked_count - 1]) < 0);
    }
    if (!sorted)
        qsort(l->acked, l->acked_count, sizeof(*l->acked), by_ack);
}

void ledger_join(const struct study *s, struct ledger_view *l)
{
    *l = (struct ledger_view){0};
    size_t room = s->ev->ledger_kinds[LEDGER_INTENT];
    struct readings *all = readings_new(s);
    struct findings *found = findings_new(s, l, room);
    struct asides *asides = asides_new(s, l);
    take_all(s, l, room, all, found, asides);
    list_acked(s, l);
    final_reads_choose(s, l, all);
    findings_settle(found, all);
    asides_settle(asides, all);
}
