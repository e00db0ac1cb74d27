/* SPDX-License-Identifier: MIT */
/*
 * A store makes each of its mistakes seldom: another value, another key, another version, a write twice, one of
 * nobody's. A reading of it is sometimes not whole, or in another order.
 */
#include "tests/unit/measure/ledger_history.h"

#include <math.h>

static double between(struct rng *r, double from, double to)
{
    double x = from + (double)rng_below(r, (uint64_t)((to - from) * 10) + 1) / 10.0;
    return round(x * 10) / 10; /* so that equal instants are equal numbers */
}

uint64_t history_value(int i)
{
    return (uint64_t)i * 7919 + 5;
}

struct item history_item(int i)
{
    return (struct item){.client = (uint16_t)(i % WRITERS), .seq = (uint64_t)(i / WRITERS), .key = (uint16_t)(i % KEYS),
                         .value = history_value(i), .version = (uint32_t)(i / KEYS + 1)};
}

static void add_item(struct reading *to, struct item x)
{
    if (to->n < MOST)
        to->at[to->n++] = x;
}

/* What one source holds at its end. */
static void dream_store(struct reading *store, const bool has[WRITES], struct rng *r)
{
    for (int i = 0; i < WRITES; i++) {
        struct item x = history_item(i);
        if (!has[i])
            continue;
        if (rng_below(r, 400) == 0)
            x.value ^= 1;
        if (rng_below(r, 400) == 0)
            x.key = (uint16_t)((x.key + 1) % KEYS);
        if (rng_below(r, 200) == 0)
            x.version = (uint32_t)rng_below(r, 9);
        add_item(store, x);
        if (rng_below(r, 400) == 0)
            add_item(store, x);
    }
    if (rng_below(r, 12) == 0)
        add_item(store, (struct item){.alien = true, .value = rng_below(r, 3) + 1});
    if (rng_below(r, 12) == 0)
        add_item(store,
                 (struct item){.client = (uint16_t)rng_below(r, 4), .seq = 4000 + rng_below(r, 2), .version = 1});
}

static void add_reading(struct history *h, const struct reading *store, struct rng *r)
{
    struct reading *to = &h->readings[h->reading_count++];
    *to = *store;
    to->complete = true;
    uint64_t dice = rng_below(r, 12);
    if (dice == 0 && to->n > 0)
        to->n -= (int)rng_below(r, (uint64_t)to->n); /* something is missing */
    to->announced = dice == 1 ? to->n + 1 : to->n;
    to->complete = dice != 2;
    for (int i = 0; dice == 3 && i < to->n / 2; i++) { /* another order is no other content */
        struct item x = to->at[i];
        to->at[i] = to->at[to->n - 1 - i];
        to->at[to->n - 1 - i] = x;
    }
}

static void dream_stores(struct history *h, const bool lost[WRITES], struct rng *r)
{
    int odd = rng_below(r, 3) ? -1 : (int)rng_below(r, SOURCES);
    for (int source = 0; source < SOURCES; source++) {
        struct reading store = {.source = source};
        bool has[WRITES];
        for (int i = 0; i < WRITES; i++) {
            has[i] = h->outcome[i] == WRITE_FAIL ? rng_below(r, 60) == 0
                                                 : !lost[i] && (rng_below(r, 300) || h->outcome[i] == WRITE_OK);
            has[i] = has[i] || (lost[i] && source == odd && rng_below(r, 2)); /* stranded there */
        }
        dream_store(&store, has, r);
        for (int i = 0; i < 2 + (int)rng_below(r, 3); i++)
            add_reading(h, &store, r);
    }
}

void history_dream(struct history *h, struct rng *r)
{
    bool lost[WRITES];
    *h = (struct history){.reading_count = 0};
    for (int f = 0; f < FAULTS; f++) {
        h->ib[f] = f ? between(r, 15800, 16500) : between(r, 14800, 15500);
        h->ie[f] = between(r, h->ib[f], h->ib[f] + 20);
        h->hb[f] = rng_below(r, 2) ? between(r, h->ie[f] + 100, h->ie[f] + 2000) : NO_HEAL;
        h->severing[f] = rng_below(r, 4) > 0;
    }
    double lag = between(r, 0, 600), fenced = between(r, 14500, 16500), dual = rng_below(r, 2) ? 0 : between(r, 0, 400);
    bool scattered = rng_below(r, 3) == 0;
    for (int i = 0; i < WRITES; i++) {
        h->inv[i] = between(r, 14000 + 50.0 * i, 14005 + 50.0 * i);
        h->ack[i] = between(r, h->inv[i] + 1, h->inv[i] + (rng_below(r, 10) ? 10 : 300));
        uint64_t dice = rng_below(r, 20);
        h->outcome[i] = dice < 15 ? WRITE_OK : dice < 17 ? WRITE_FAIL : WRITE_UNKNOWN;
        h->silent[i] = h->outcome[i] == WRITE_UNKNOWN && rng_below(r, 2);
        h->epoch[i] = h->ack[i] < fenced || (h->ack[i] < fenced + dual && rng_below(r, 2)) ? 1 : 2;
        lost[i] = scattered ? rng_below(r, 12) == 0
                            : h->ack[i] > h->ib[0] - lag && h->ack[i] < h->ib[0] + lag / 4 && lag > 60;
    }
    dream_stores(h, lost, r);
}
