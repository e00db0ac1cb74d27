/* SPDX-License-Identifier: MIT */
/*
 * A thousand random schedules for the lease, on virtual time: the witness's own book, two stores that follow the rules
 * of lease.c by hand, and everything that can go wrong between and with them. Questions and answers come late, out of
 * order or not at all; stores and witness are frozen and killed; the stores' clocks run up to 4 % fast or slow.
 * Whatever happens, once an epoch has acknowledged, no lower one ever does.
 *
 * The same schedules without the rule (the flaw no_fencing) must break this, or they would prove nothing.
 */
#include "gateway-under-test/store.h"
#include "gateway-under-test/witness_book.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>

#define SCHEDULES 1000
#define STEP_NS NS_PER_MS
#define STEPS 12000 /* of a schedule: twelve seconds, thirty leases */
#define LEASE_MS 400
#define RENEW_MS 100
#define GRACE_MS 600
#define MESSAGES 64

enum { STORES = 2 };

struct message {
    bool used, answer, granted;
    int store, incarnation, serial;
    int64_t at, epoch;
    struct book_question question;
};

struct model_store {
    bool leading;
    int incarnation, serial;    /* counts its starts, and its questions */
    int64_t epoch;              /* on disk */
    int64_t lost_until;         /* dead or frozen until then */
    int64_t ask_at, sent, since; /* in its own clock */
    double rate;
};

struct world {
    struct rng rng;
    bool fenced;
    int64_t now, witness_away_until, highest, acknowledged, takeovers;
    bool broken;
    struct book book;
    struct model_store stores[STORES];
    struct message messages[MESSAGES];
};

static int64_t own_clock(const struct world *w, const struct model_store *s)
{
    return (int64_t)((double)w->now * s->rate);
}

static bool one_in(struct world *w, uint64_t n)
{
    return rng_below(&w->rng, n) == 0;
}

static int64_t up_to_ms(struct world *w, uint64_t most)
{
    return (int64_t)rng_below(&w->rng, most) * NS_PER_MS;
}

/* Mostly soon, sometimes much later than anybody waits, sometimes never. */
static void post(struct world *w, struct message m)
{
    if (one_in(w, 12))
        return;
    m.used = true;
    m.at = w->now + (one_in(w, 10) ? up_to_ms(w, 3 * LEASE_MS) : up_to_ms(w, 20));
    for (int i = 0; i < MESSAGES; i++) {
        if (!w->messages[i].used) {
            w->messages[i] = m;
            return;
        }
    }
}

static void ask_witness(struct world *w, int i)
{
    struct model_store *s = &w->stores[i];
    int64_t now = own_clock(w, s);
    s->ask_at = now + RENEW_MS * NS_PER_MS;
    s->sent = now;
    s->serial++; /* the question before is given up */
    struct book_question q = {.region = i, .epoch = s->epoch, .want = true, .lead = s->leading};
    post(w, (struct message){.store = i, .incarnation = s->incarnation, .serial = s->serial, .question = q});
}

static void hear_answer(struct world *w, const struct message *m)
{
    struct model_store *s = &w->stores[m->store];
    int64_t usable = lease_usable_ns(LEASE_MS);
    if (m->incarnation != s->incarnation || m->serial != s->serial)
        return;
    if (!m->granted) {
        s->leading = false;
        return;
    }
    if (own_clock(w, s) - s->sent >= usable)
        return;
    s->since = s->sent;
    if (s->leading && m->epoch == s->epoch)
        return;
    s->leading = true;
    s->epoch = m->epoch;
    w->takeovers++;
}

static void hear_question(struct world *w, const struct message *m)
{
    bool changed, granted = book_ask(&w->book, &m->question, w->now, &changed);
    struct message answer = *m;
    answer.answer = true;
    answer.granted = granted;
    answer.epoch = w->book.epoch;
    post(w, answer);
}

static void deliver(struct world *w)
{
    for (int i = 0; i < MESSAGES; i++) {
        struct message m = w->messages[i];
        bool away = w->now < (m.answer ? w->stores[m.store].lost_until : w->witness_away_until);
        if (!m.used || m.at > w->now || away)
            continue;
        w->messages[i].used = false;
        if (m.answer)
            hear_answer(w, &m);
        else
            hear_question(w, &m);
    }
}

static void store_step(struct world *w, int i)
{
    struct model_store *s = &w->stores[i];
    int64_t now = own_clock(w, s);
    if (w->now < s->lost_until)
        return;
    if (now >= s->ask_at)
        ask_witness(w, i);
    if (!s->leading || (w->fenced && now - s->since >= lease_usable_ns(LEASE_MS)))
        return;
    w->acknowledged++; /* some write */
    w->broken = w->broken || s->epoch < w->highest;
    w->highest = s->epoch > w->highest ? s->epoch : w->highest;
}

static void restart_witness(struct world *w)
{
    scoped_json json_t *disk = book_save(&w->book);
    struct book fresh;
    book_init(&fresh, LEASE_MS * NS_PER_MS);
    book_add_region(&fresh, "us-east");
    book_add_region(&fresh, "eu-west");
    CU_ASSERT_EQUAL(book_load(&fresh, disk, NULL), 0);
    book_start(&fresh, w->now, GRACE_MS * NS_PER_MS);
    w->book = fresh;
}

static void go_wrong(struct world *w)
{
    struct model_store *s = &w->stores[rng_below(&w->rng, STORES)];
    switch (rng_below(&w->rng, 5)) {
    case 0: /* the store is killed, and starts again */
        s->incarnation++;
        s->leading = false;
        s->ask_at = 0;
        s->lost_until = w->now + up_to_ms(w, 800);
        break;
    case 1:
    case 2: /* or frozen */
        s->lost_until = w->now + up_to_ms(w, 1500);
        break;
    case 3:
        w->witness_away_until = w->now + up_to_ms(w, 1000);
        break;
    default:
        restart_witness(w);
        break;
    }
}

static void run_schedule(struct world *w, uint64_t seed, bool fenced)
{
    *w = (struct world){.fenced = fenced};
    rng_init(&w->rng, seed, "tests/lease");
    book_init(&w->book, LEASE_MS * NS_PER_MS);
    book_add_region(&w->book, "us-east");
    book_add_region(&w->book, "eu-west");
    book_start(&w->book, 0, GRACE_MS * NS_PER_MS);
    for (int i = 0; i < STORES; i++)
        w->stores[i].rate = 0.96 + 0.08 * (double)rng_below(&w->rng, 1001) / 1000;
    for (int step = 0; step < STEPS && !w->broken; step++) {
        w->now += STEP_NS;
        if (one_in(w, 300))
            go_wrong(w);
        deliver(w);
        for (int i = 0; i < STORES; i++)
            store_step(w, i);
    }
}

static void no_epoch_acknowledges_after_its_end(void)
{
    int64_t acknowledged = 0, takeovers = 0;
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++) {
        static struct world w;
        run_schedule(&w, seed, true);
        CU_ASSERT_FALSE(w.broken);
        acknowledged += w.acknowledged;
        takeovers += w.takeovers;
    }
    CU_ASSERT_TRUE(acknowledged > (int64_t)SCHEDULES * STEPS / 4); /* the lease is held a good part of the time */
    CU_ASSERT_TRUE(takeovers > 4 * SCHEDULES);
}

static void without_the_rule_some_do(void)
{
    int broken = 0;
    for (uint64_t seed = 1; seed <= SCHEDULES / 10; seed++) {
        static struct world w;
        run_schedule(&w, seed, false);
        broken += w.broken;
    }
    CU_ASSERT_TRUE(broken > SCHEDULES / 40);
}

void suite_lease(void)
{
    runner_suite(NULL, NULL);
    runner_test(no_epoch_acknowledges_after_its_end);
    runner_test(without_the_rule_some_do);
}
