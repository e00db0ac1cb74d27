/* SPDX-License-Identifier: MIT */
/*
 * The witness's decisions on a made-up clock: nobody is granted a lease that another one may still believe in, epochs
 * only rise, and in sync mode only who has everything may lead.
 */
#include "gateway-under-test/witness_book.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>

#define LEASE (750 * NS_PER_MS)
#define GRACE (1500 * NS_PER_MS)

enum { US, EU };

static struct book fresh(void)
{
    struct book b;
    book_init(&b, LEASE);
    book_add_region(&b, "us-east");
    book_add_region(&b, "eu-west");
    b.prefer = US;
    book_start(&b, 0, GRACE);
    return b;
}

static bool ask(struct book *b, int region, int64_t epoch, bool lead, bool sync, int64_t lsn, int64_t now)
{
    bool changed;
    struct book_question q = {
        .region = region, .epoch = epoch, .log_epoch = 1, .lsn = lsn, .want = true, .lead = lead, .sync = sync};
    return book_ask(b, &q, now, &changed);
}

static void home_alone_is_granted_within_the_grace(void)
{
    struct book b = fresh();
    CU_ASSERT_FALSE(ask(&b, EU, 0, false, true, 0, 1));
    CU_ASSERT_FALSE(ask(&b, EU, 0, false, true, 0, GRACE - 1));
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, GRACE - 1));
    CU_ASSERT_EQUAL(b.epoch, 1);
    b = fresh();
    CU_ASSERT_TRUE(ask(&b, EU, 0, false, true, 0, GRACE));
}

static void a_live_lease_is_renewed_and_not_given_away(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    for (int64_t now = 0; now < 20 * LEASE; now += LEASE / 3) {
        CU_ASSERT_TRUE(ask(&b, US, 1, true, true, 0, now));
        CU_ASSERT_FALSE(ask(&b, EU, 1, false, true, 0, now + LEASE / 3 - 1));
    }
    CU_ASSERT_EQUAL(b.epoch, 1);
}

static void a_lease_that_ran_out_passes_with_a_new_epoch(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_FALSE(ask(&b, EU, 1, false, true, 0, LEASE - 1));
    CU_ASSERT_TRUE(ask(&b, EU, 1, false, true, 0, 2 * LEASE));
    CU_ASSERT_EQUAL(b.epoch, 2);
    CU_ASSERT_FALSE(b.regions[US].in_sync); /* it may hold what was never acknowledged, and will lack what comes */
    CU_ASSERT_FALSE(ask(&b, US, 1, true, true, 0, 2 * LEASE + 1));
    CU_ASSERT_FALSE(ask(&b, US, 2, false, true, 0, 9 * LEASE)); /* out of sync: not even an ownerless lease */
    CU_ASSERT_TRUE(ask(&b, EU, 2, true, true, 0, 9 * LEASE));
}

static bool force(struct book *b, int region, int64_t epoch, bool lead, bool sync, int64_t now)
{
    bool changed;
    struct book_question q = {
        .region = region, .epoch = epoch, .log_epoch = 1, .want = true, .lead = lead, .sync = sync, .force = true};
    CU_ASSERT_TRUE(book_ask(b, &q, now, &changed));
    return changed;
}

static void an_operator_is_granted_a_live_lease(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_TRUE(force(&b, EU, 1, false, true, 1));
    CU_ASSERT_TRUE(b.epoch == 2 && b.holder == EU && b.stay == EU && b.regions[EU].in_sync && !b.regions[US].in_sync);
    CU_ASSERT_FALSE(ask(&b, US, 1, true, true, 0, 2)); /* who led learns of it */
    CU_ASSERT_TRUE(ask(&b, EU, 2, true, true, 0, 2));
    CU_ASSERT_EQUAL(b.epoch, 2);
}

/* It led before the witness could be told: with an epoch ahead of all, which it keeps, or with one that was reached. */
static void an_operator_may_have_been_first(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, false, 0, 0));
    CU_ASSERT_TRUE(force(&b, EU, 1001, true, false, 1));
    CU_ASSERT_TRUE(b.epoch == 1001 && b.holder == EU && b.regions[US].in_sync);
    CU_ASSERT_FALSE(force(&b, EU, 1001, true, false, 2)); /* asked again it is a renewal */
    CU_ASSERT_EQUAL(b.epoch, 1001);
    CU_ASSERT_TRUE(force(&b, US, 1001, true, false, 3));
    CU_ASSERT_EQUAL(b.epoch, 1002);
}

static void async_regions_may_lead_whatever_they_have(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, false, 0, 0));
    CU_ASSERT_TRUE(ask(&b, EU, 1, false, false, 0, 2 * LEASE));
    CU_ASSERT_TRUE(b.regions[US].in_sync);
    CU_ASSERT_TRUE(ask(&b, US, 2, false, false, 0, 4 * LEASE));
    CU_ASSERT_EQUAL(b.epoch, 3);
}

static void a_restarted_holder_gets_a_new_epoch_at_once(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_TRUE(ask(&b, US, 1, false, true, 0, 10));
    CU_ASSERT_EQUAL(b.epoch, 2);
    CU_ASSERT_FALSE(ask(&b, US, 1, true, true, 0, 20)); /* the old process, were there one */
}

static void a_holder_without_its_disk_lets_who_knows_more_lead(void)
{
    for (int sync = 0; sync < 2; sync++) {
        struct book b = fresh();
        CU_ASSERT_TRUE(ask(&b, US, 0, false, sync, 0, 0));
        CU_ASSERT_TRUE(ask(&b, US, 1, true, sync, 90, GRACE));
        CU_ASSERT_FALSE(ask(&b, US, 0, false, sync, 0, GRACE + 1));
        CU_ASSERT_FALSE(ask(&b, EU, 1, false, sync, 90, GRACE + 2));
        CU_ASSERT_FALSE(ask(&b, US, 0, false, sync, 0, GRACE + LEASE + 1)); /* over, and a better one has asked */
        CU_ASSERT_TRUE(ask(&b, EU, 1, false, sync, 90, GRACE + LEASE + 2));
    }
}

static void so_does_anyone_even_long_after_the_lease(void)
{
    for (int who = US; who <= EU; who++) {
        struct book b = fresh();
        CU_ASSERT_TRUE(ask(&b, US, 0, false, false, 0, 0));
        CU_ASSERT_FALSE(ask(&b, who, 0, false, false, 0, 1));
        for (int outage = 1; outage < 3; outage++) {
            int64_t back = outage * 9 * LEASE;
            CU_ASSERT_FALSE(ask(&b, who, 0, false, false, 0, back));
            CU_ASSERT_FALSE(ask(&b, who, 0, false, false, 0, back + LEASE - 1));
        }
        struct book alone = b;
        CU_ASSERT_TRUE(ask(&b, 1 - who, 1, false, false, 90, 19 * LEASE));
        CU_ASSERT_TRUE(ask(&alone, who, 0, false, false, 0, 19 * LEASE)); /* nobody knows more */
    }
}

static void a_grant_that_got_lost_costs_one_lease(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_FALSE(ask(&b, US, 0, false, true, 0, LEASE / 3));
    CU_ASSERT_FALSE(ask(&b, US, 0, false, true, 0, LEASE));
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, LEASE + LEASE / 3));
    CU_ASSERT_EQUAL(b.epoch, 2);
}

static void a_transfer_names_the_next_and_ends_the_old(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_FALSE(book_transfer(&b, EU, 1, US, false, true, 1));
    CU_ASSERT_FALSE(book_transfer(&b, US, 0, EU, false, true, 1));
    CU_ASSERT_TRUE(book_transfer(&b, US, 1, EU, true, true, 1));
    CU_ASSERT_FALSE(ask(&b, US, 1, true, true, 0, 2));
    CU_ASSERT_FALSE(ask(&b, US, 1, false, true, 0, 2));
    CU_ASSERT_TRUE(ask(&b, EU, 1, false, true, 0, 3));
    CU_ASSERT_EQUAL(b.epoch, 2);
    CU_ASSERT_EQUAL(b.stay, EU);
    CU_ASSERT_FALSE(book_transfer(&b, US, 2, US, false, true, 4));
}

static void a_transfer_to_the_dead_runs_out(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_TRUE(book_transfer(&b, US, 1, EU, false, true, 1));
    CU_ASSERT_FALSE(ask(&b, US, 2, false, true, 0, LEASE));
    CU_ASSERT_TRUE(ask(&b, US, 2, false, true, 0, LEASE + 1));
    CU_ASSERT_EQUAL(b.epoch, 3);
}

static void sync_transfers_go_to_those_in_sync(void)
{
    struct book b = fresh();
    bool changed;
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_TRUE(book_sync(&b, US, 1, EU, false, &changed));
    CU_ASSERT_TRUE(changed);
    CU_ASSERT_FALSE(book_transfer(&b, US, 1, EU, false, true, 1));
    CU_ASSERT_FALSE(ask(&b, EU, 1, false, true, 0, 5 * LEASE));
    CU_ASSERT_FALSE(book_sync(&b, EU, 1, EU, true, &changed));
    CU_ASSERT_FALSE(book_sync(&b, US, 0, EU, true, &changed));
    CU_ASSERT_TRUE(book_sync(&b, US, 1, EU, true, &changed));
    CU_ASSERT_TRUE(ask(&b, EU, 1, false, true, 0, 6 * LEASE));
}

static void the_longer_log_is_preferred(void)
{
    struct book b;
    book_init(&b, LEASE);
    for (int i = 0; i < 3; i++)
        book_add_region(&b, (const char *const[]){"a", "b", "c"}[i]);
    book_start(&b, 0, 0);
    CU_ASSERT_TRUE(ask(&b, 0, 0, false, false, 0, 0));
    CU_ASSERT_FALSE(ask(&b, 2, 1, false, false, 90, LEASE - 10));
    CU_ASSERT_FALSE(ask(&b, 1, 1, false, false, 80, LEASE));
    CU_ASSERT_TRUE(ask(&b, 2, 1, false, false, 90, LEASE + 1));
}

static void a_restarted_witness_forgets_nothing(void)
{
    struct book b = fresh(), again;
    CU_ASSERT_TRUE(ask(&b, US, 0, false, true, 0, 0));
    CU_ASSERT_TRUE(ask(&b, EU, 1, false, true, 0, 2 * LEASE));
    scoped_json json_t *doc = book_save(&b);
    book_init(&again, LEASE);
    book_add_region(&again, "us-east");
    book_add_region(&again, "eu-west");
    again.prefer = US;
    CU_ASSERT_EQUAL(book_load(&again, doc, NULL), 0);
    book_start(&again, 100 * LEASE, GRACE);
    CU_ASSERT_EQUAL(again.epoch, 2);
    CU_ASSERT_EQUAL(again.holder, EU);
    CU_ASSERT_FALSE(again.regions[US].in_sync);
    CU_ASSERT_FALSE(ask(&again, US, 2, false, false, 0, 101 * LEASE - 1));
    CU_ASSERT_TRUE(ask(&again, EU, 2, true, true, 0, 101 * LEASE - 1));
    scoped_json json_t *broken = json_pack("{s:s}", "epoch", "x");
    CU_ASSERT_EQUAL(book_load(&again, broken, NULL), -1);
    CU_ASSERT_EQUAL(book_load(&again, NULL, NULL), -1);
}

static void an_empty_book_does_not_fall_behind_the_stores(void)
{
    struct book b = fresh();
    CU_ASSERT_TRUE(ask(&b, US, 41, false, true, 0, 0));
    CU_ASSERT_EQUAL(b.epoch, 42);
}

/* Random questions: at no time do two regions hold leases that overlap, and the epoch never falls. */
static void no_two_believe_to_lead(void)
{
    struct rng r;
    rng_init(&r, 3, "tests/book");
    struct book b = fresh();
    int64_t now = 0, believed_until[2] = {0}, held[2] = {0};
    for (int i = 0; i < 200000; i++) {
        now += (int64_t)rng_below(&r, (uint64_t)LEASE / 2);
        int who = (int)rng_below(&r, 2), other = 1 - who;
        int64_t epoch = b.epoch;
        bool lead = now < believed_until[who];
        if (lead && rng_below(&r, 20) == 0) {
            if (book_transfer(&b, who, held[who], other, false, false, now))
                believed_until[who] = 0;
        } else if (ask(&b, who, lead ? held[who] : b.epoch, lead, false, 0, now)) {
            CU_ASSERT(now >= believed_until[other]);
            believed_until[who] = now + LEASE;
            held[who] = b.epoch;
        } else if (lead) {
            believed_until[who] = 0;
        }
        CU_ASSERT(b.epoch >= epoch);
    }
    CU_ASSERT(b.epoch > 100);
}

void suite_book(void)
{
    runner_suite(NULL, NULL);
    runner_test(home_alone_is_granted_within_the_grace);
    runner_test(a_live_lease_is_renewed_and_not_given_away);
    runner_test(a_lease_that_ran_out_passes_with_a_new_epoch);
    runner_test(an_operator_is_granted_a_live_lease);
    runner_test(an_operator_may_have_been_first);
    runner_test(async_regions_may_lead_whatever_they_have);
    runner_test(a_restarted_holder_gets_a_new_epoch_at_once);
    runner_test(a_holder_without_its_disk_lets_who_knows_more_lead);
    runner_test(so_does_anyone_even_long_after_the_lease);
    runner_test(a_grant_that_got_lost_costs_one_lease);
    runner_test(a_transfer_names_the_next_and_ends_the_old);
    runner_test(a_transfer_to_the_dead_runs_out);
    runner_test(sync_transfers_go_to_those_in_sync);
    runner_test(the_longer_log_is_preferred);
    runner_test(a_restarted_witness_forgets_nothing);
    runner_test(an_empty_book_does_not_fall_behind_the_stores);
    runner_test(no_two_believe_to_lead);
}
