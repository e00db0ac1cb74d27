/* SPDX-License-Identifier: MIT */
/*
 * The sets of the ledger and the RPO a second, naive way: every definition a loop over all writes and all that was
 * found, on random histories with two clients, losses of any shape, writes without a result, two faults, two epochs,
 * and stores that hold writes twice, wrongly, at another's place, or that nobody sent; read over and over, not always
 * whole.
 */
#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/measure/ledger_history.h"
#include "tests/unit/runner.h"

#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
enum { HISTORIES = 1500 };
#else
enum { HISTORIES = 10000 };
#endif
static struct bench b;

/* ---- the rules ---- */

static bool same_item(const struct item *x, const struct item *y)
{
    return x->alien == y->alien && x->client == y->client && x->key == y->key && x->seq == y->seq &&
           x->value == y->value && x->version == y->version;
}

/* How often a reading found just this. */
static int times_found(const struct reading *x, const struct item *item)
{
    int n = 0;
    for (int i = 0; i < x->n; i++)
        n += same_item(&x->at[i], item);
    return n;
}

static bool same_content(const struct reading *x, const struct reading *y)
{
    bool same = x->n == y->n;
    for (int i = 0; i < x->n && same; i++)
        same = times_found(x, &x->at[i]) == times_found(y, &x->at[i]);
    return same;
}

/* The reading that speaks for a source: the last whole one, if the whole one before it says the same. */
static const struct reading *speaks(const struct history *h, int source)
{
    const struct reading *last = NULL, *before = NULL;
    for (int k = 0; k < h->reading_count; k++) {
        const struct reading *x = &h->readings[k];
        if (x->source != source || !x->complete || x->announced != x->n)
            continue;
        before = last;
        last = x;
    }
    return last && before && same_content(last, before) ? last : NULL;
}

static bool is_write(const struct item *x, int i)
{
    return !x->alien && x->client == i % WRITERS && x->seq == (uint64_t)(i / WRITERS);
}

static bool is_right(const struct item *x, int i)
{
    return x->value == history_value(i) && x->key == i % KEYS;
}

static int times_in(const struct reading *x, int i, bool right)
{
    int n = 0;
    for (int k = 0; k < x->n; k++)
        n += is_write(&x->at[k], i) && (!right || is_right(&x->at[k], i));
    return n;
}

struct sets {
    bool everywhere[WRITES], anywhere[WRITES], twice[WRITES], corrupt[WRITES];
    const struct reading *speaker[SOURCES];
    bool any; /* some reading speaks */
};
static struct sets sets;

static void find_sets(const struct history *h)
{
    sets = (struct sets){.any = false};
    for (int source = 0; source < SOURCES; source++) {
        sets.speaker[source] = speaks(h, source);
        sets.any = sets.any || sets.speaker[source];
    }
    for (int i = 0; i < WRITES; i++) {
        sets.everywhere[i] = sets.any;
        for (int source = 0; source < SOURCES; source++) {
            const struct reading *x = sets.speaker[source];
            if (!x)
                continue;
            sets.everywhere[i] = sets.everywhere[i] && times_in(x, i, true) > 0;
            sets.twice[i] = sets.twice[i] || times_in(x, i, false) > 1;
        }
        for (int k = 0; k < h->reading_count; k++) {
            sets.anywhere[i] = sets.anywhere[i] || times_in(&h->readings[k], i, false) > 0;
            sets.corrupt[i] = sets.corrupt[i] ||
                              times_in(&h->readings[k], i, false) > times_in(&h->readings[k], i, true);
        }
    }
}

static int write_of(const struct item *x)
{
    for (int i = 0; i < WRITES; i++)
        if (is_write(x, i))
            return i;
    return -1;
}

/* Distinct things stored that nobody sent. */
static int count_foreign(const struct history *h)
{
    struct item seen[READINGS * MOST / 8];
    int n = 0;
    for (int k = 0; k < h->reading_count; k++) {
        for (int i = 0; i < h->readings[k].n; i++) {
            const struct item *x = &h->readings[k].at[i];
            bool known = write_of(x) >= 0;
            for (int j = 0; j < n && !known; j++)
                known = x->alien ? seen[j].alien && seen[j].value == x->value
                                 : !seen[j].alien && seen[j].client == x->client && seen[j].seq == x->seq;
            if (!known)
                seen[n++] = *x;
        }
    }
    return n;
}

/* Places, key and version, where speaking readings found different writes. */
static int count_conflicting(void)
{
    int count = 0;
    for (uint16_t key = 0; key < KEYS; key++) {
        for (uint32_t version = 1; version < 12; version++) {
            int holder = -1;
            bool differ = false;
            for (int source = 0; source < SOURCES; source++) {
                const struct reading *x = sets.speaker[source];
                for (int i = 0; x && i < x->n; i++) {
                    int w = x->at[i].key == key && x->at[i].version == version ? write_of(&x->at[i]) : -1;
                    differ = differ || (w >= 0 && holder >= 0 && w != holder);
                    holder = w >= 0 && holder < 0 ? w : holder;
                }
            }
            count += differ;
        }
    }
    return count;
}

static bool severs(const struct history *h, int f)
{
    bool any = false;
    for (int i = 0; i < FAULTS; i++)
        any = any || h->severing[i];
    return any ? h->severing[f] : f == 0;
}

/* The fault a lost write was lost before; -1: lost after. */
static int lost_before_of(const struct history *h, int i)
{
    for (int f = 0; f < FAULTS; f++) {
        bool in_force = severs(h, f) && (h->hb[f] < 0 || h->ack[i] <= h->hb[f]);
        if (in_force && (h->inv[i] > h->ie[f] || h->ack[i] > h->ie[f] + 2 + 1e-9))
            return -1;
    }
    for (int f = 0; f < FAULTS; f++)
        if (severs(h, f) && h->inv[i] <= h->ie[f])
            return f;
    return -1;
}

struct answer {
    int before, after, gone, stranded, landed, vanished, contradicted, holes, duplicated, corrupt, foreign, conflicting,
        most, stale_acks;
    double lo, hi, dual; /* hi infinite: open */
};

static void solve_fault(const struct history *h, int f, struct answer *a, double *lo, double *hi)
{
    int oldest = -1, newest = -1, survivor = -1;
    double began = INFINITY;
    for (int i = 0; i < WRITES; i++) {
        if (h->outcome[i] != WRITE_OK)
            continue;
        if (sets.everywhere[i]) {
            if (h->ack[i] <= h->ie[f] && (newest < 0 || h->ack[i] > h->ack[newest]))
                newest = i;
            continue;
        }
        if (lost_before_of(h, i) != f)
            continue;
        began = h->inv[i] < began ? h->inv[i] : began;
        if (oldest < 0 || h->ack[i] < h->ack[oldest])
            oldest = i;
    }
    *lo = *hi = 0;
    a->holes = 0;
    for (int i = 0; i < WRITES; i++)
        if (h->outcome[i] == WRITE_OK && !sets.everywhere[i] && lost_before_of(h, i) == f && newest >= 0 &&
            h->ack[i] < h->ack[newest])
            a->holes++;
    if (oldest < 0)
        return;
    for (int i = 0; i < WRITES; i++)
        if (h->outcome[i] == WRITE_OK && sets.everywhere[i] && h->ack[i] < h->ack[oldest] &&
            (survivor < 0 || h->ack[i] > h->ack[survivor] ||
             (h->ack[i] == h->ack[survivor] && h->inv[i] < h->inv[survivor])))
            survivor = i;
    *lo = h->ib[f] - h->ack[oldest] > 0 ? h->ib[f] - h->ack[oldest] : 0;
    if (survivor < 0)
        *hi = INFINITY;
    else
        *hi = h->ie[f] - (h->inv[survivor] < began ? h->inv[survivor] : began);
}

/* Two epochs: acknowledgements of the old one after the first of the new, and how long that went on. */
static void solve_epochs(const struct history *h, struct answer *a)
{
    int first = -1;
    for (int i = 0; i < WRITES; i++)
        if (h->outcome[i] == WRITE_OK && h->epoch[i] == 2 && (first < 0 || h->ack[i] < h->ack[first]))
            first = i;
    for (int i = 0; i < WRITES && first >= 0; i++) {
        if (h->outcome[i] != WRITE_OK || h->epoch[i] != 1 || h->ack[i] < h->ack[first])
            continue;
        a->stale_acks++;
        a->dual = fmax(a->dual, h->ack[i] - h->ack[first]);
    }
}

static struct answer solve(const struct history *h)
{
    struct answer a = {.lo = -1, .hi = -1};
    int holes = 0;
    find_sets(h);
    for (int i = 0; i < WRITES; i++) {
        bool lost = sets.any && h->outcome[i] == WRITE_OK && !sets.everywhere[i];
        a.before += lost && lost_before_of(h, i) >= 0;
        a.after += lost && lost_before_of(h, i) < 0;
        a.gone += lost && !sets.anywhere[i];
        a.stranded += lost && sets.anywhere[i];
        a.landed += h->outcome[i] == WRITE_UNKNOWN && sets.everywhere[i];
        a.vanished += sets.any && h->outcome[i] == WRITE_UNKNOWN && !sets.everywhere[i];
        a.contradicted += h->outcome[i] == WRITE_FAIL && sets.anywhere[i];
        a.duplicated += sets.twice[i];
        a.corrupt += sets.corrupt[i];
    }
    a.most = a.before + a.after + a.vanished;
    a.foreign = count_foreign(h);
    a.conflicting = count_conflicting();
    solve_epochs(h, &a);
    for (int f = 0; f < FAULTS && sets.any; f++) {
        double lo, hi;
        if (!severs(h, f))
            continue;
        solve_fault(h, f, &a, &lo, &hi);
        holes = hi > a.hi ? a.holes : holes;
        a.lo = lo > a.lo ? lo : a.lo;
        a.hi = hi > a.hi ? hi : a.hi;
    }
    a.holes = holes;
    return a;
}

/* ---- the product ---- */

static void record_write(const struct history *h, int i)
{
    struct item x = history_item(i);
    *vec_push(&b.ledger) = (struct ledger_record){.kind = LEDGER_INTENT, .client = x.client, .seq = x.seq, .key = x.key,
                                                  .value = x.value, .at_ns = MS(h->inv[i])};
    if (!h->silent[i])
        *vec_push(&b.ledger) = (struct ledger_record){.kind = LEDGER_RESULT, .client = x.client, .seq = x.seq,
                                                      .outcome = (uint8_t)h->outcome[i], .epoch = h->epoch[i],
                                                      .version = x.version, .region = EAST, .at_ns = MS(h->ack[i])};
}

static void record_reading(const struct reading *x, uint32_t number)
{
    static const uint16_t regions[] = {UINT16_MAX, EAST, WEST};
    struct ledger_record r = {.kind = LEDGER_READ_BEGIN, .read = number, .region = regions[x->source / 2],
                              .pass = x->source % 2 ? PASS_COLD : PASS_LIVE};
    *vec_push(&b.ledger) = r;
    for (int i = 0; i < x->n; i++) {
        const struct item *found = &x->at[i];
        r.kind = found->alien ? LEDGER_FOREIGN : LEDGER_FOUND;
        r.client = found->client;
        r.seq = found->seq;
        r.key = found->key;
        r.value = found->value;
        r.version = found->version;
        *vec_push(&b.ledger) = r;
    }
    *vec_push(&b.ledger) = (struct ledger_record){.kind = LEDGER_READ_END, .read = number, .outcome = x->complete,
                                                  .count = (uint64_t)x->announced, .region = r.region, .pass = r.pass};
}

static bool near(double is_s, double wanted_ms)
{
    return isinf(wanted_ms) ? isnan(is_s) : fabs(is_s * 1e3 - wanted_ms) < 1e-3;
}

/* Every row of the list of lost writes, one by one. */
static bool same_list(const struct history *h, const struct result_ledger *l)
{
    bool same = true;
    for (size_t k = 0; k < l->lost.len; k++) {
        const struct result_lost *x = &l->lost.at[k];
        struct item as = {.client = (uint16_t)(x->id >> 32), .seq = (uint64_t)x->id & UINT32_MAX};
        int i = write_of(&as);
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i % KEYS);
        same = same && i >= 0 && h->outcome[i] == WRITE_OK && !sets.everywhere[i] && near(x->acked_at_s, h->ack[i]) &&
               text_eq(x->when, lost_before_of(h, i) >= 0 ? "before" : "after") && text_eq(x->key, key) &&
               text_eq(x->class, sets.anywhere[i] ? "stranded" : "gone");
    }
    return same;
}

static bool agrees(const struct history *h, const struct answer *a, const struct result *r)
{
    const struct result_ledger *l = &r->ledger;
    const struct result_measures *m = &r->measures;
    bool counts = l->lost_before_count == a->before && l->lost_after_count == a->after && l->gone_count == a->gone &&
                  l->stranded_count == a->stranded && l->landed_count == a->landed &&
                  l->vanished_count == a->vanished && l->contradicted_count == a->contradicted &&
                  l->duplicated_count == a->duplicated && l->corrupt_count == a->corrupt &&
                  l->foreign_count == a->foreign && l->conflicting_count == a->conflicting &&
                  (int64_t)l->lost.len == a->before + a->after && m->stale_epoch_ack_count == a->stale_acks &&
                  near(m->dual_primary_s, a->dual);
    if (!sets.any)
        return counts && isnan(m->rpo_upper_s) && l->lost_most_count == JSON_NONE;
    return counts && l->lost_most_count == a->most && m->hole_count == a->holes && near(m->rpo_lower_s, a->lo) &&
           near(m->rpo_upper_s, a->hi) && same_list(h, l);
}

static void one_history(uint64_t seed)
{
    static struct history h;
    struct rng r;
    char name[32];
    (void)snprintf(name, sizeof(name), "ledger-%llu", (unsigned long long)seed);
    rng_init(&r, seed, name);
    history_dream(&h, &r);
    bench_init(&b);
    bench_stream(&b, STREAM_WRITE, 20, 1000);
    for (int f = 0; f < FAULTS; f++) {
        bench_fault(&b, h.severing[f] ? "partition" : "degrade", h.ib[f], h.ie[f], h.hb[f], h.hb[f] + 1, 1000);
        b.steps[f].action.target = TARGET_LINK;
    }
    for (int i = 0; i < WRITES; i++)
        record_write(&h, i);
    for (int k = 0; k < h.reading_count; k++)
        record_reading(&h.readings[k], (uint32_t)k + 1);
    const struct result *result = bench_run(&b);
    struct answer a = solve(&h);
    bool same = agrees(&h, &a, result);
    const struct result_ledger *l = &result->ledger;
    if (!same)
        printf("history %llu: naive %d before, %d after, %d holes, %d twice, %d corrupt, %d foreign, %d conflicting, "
               "[%.1f, %.1f]; measured %d, %d, %d, %d, %d, %d, %d, [%.1f, %.1f]\n",
               (unsigned long long)seed, a.before, a.after, a.holes, a.duplicated, a.corrupt, a.foreign, a.conflicting,
               a.lo, a.hi, (int)l->lost_before_count, (int)l->lost_after_count, (int)result->measures.hole_count,
               (int)l->duplicated_count, (int)l->corrupt_count, (int)l->foreign_count, (int)l->conflicting_count,
               result->measures.rpo_lower_s * 1e3, result->measures.rpo_upper_s * 1e3);
    CU_ASSERT(same);
    bench_deinit(&b);
}

static void two_ways_to_the_sets_agree(void)
{
    for (uint64_t seed = 0; seed < HISTORIES; seed++)
        one_history(seed);
}

void suite_rpo_property(void)
{
    runner_suite(NULL, NULL);
    runner_test(two_ways_to_the_sets_agree);
}
