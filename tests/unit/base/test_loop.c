/* SPDX-License-Identifier: MIT */
/* Timers, on a virtual loop unless real time matters. */
#include "harness/base/loop.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>

struct alarm {
    struct loop_timer timer; /* first: the callback casts back */
    char name;
    bool *stop;           /* set to true when it fires */
    struct alarm *cancel; /* stopped when it fires */
    int again;            /* sets itself that many times more */
    int64_t step;         /* that much after now */
};

static struct loop *loop;
static char fired[64];
static int64_t fired_at[64];
static size_t fired_len;

static void ring(struct loop_timer *t, int64_t now)
{
    struct alarm *a = (struct alarm *)t;
    if (fired_len + 1 < sizeof(fired)) {
        fired_at[fired_len] = now;
        fired[fired_len++] = a->name;
        fired[fired_len] = '\0';
    }
    if (a->stop) {
        *a->stop = true;
    }
    if (a->cancel) {
        loop_timer_stop(&a->cancel->timer);
    }
    if (a->again-- > 0) {
        loop_timer_set(loop, t, now + a->step);
    }
}

static struct alarm alarm_of(char name)
{
    return (struct alarm){.timer = {.due = ring}, .name = name};
}

static void start(struct loop *l)
{
    loop = l;
    fired_len = 0;
    fired[0] = '\0';
}

static void end(void)
{
    loop_free(loop);
    loop = NULL;
}

static void fires_in_order_of_time_then_of_setting(void)
{
    start(loop_new_virtual(1000));
    struct alarm a = alarm_of('a'), b = alarm_of('b'), c = alarm_of('c'), d = alarm_of('d');
    loop_timer_set(loop, &c.timer, 3000);
    loop_timer_set(loop, &b.timer, 2000);
    loop_timer_set(loop, &a.timer, 2000);
    loop_timer_set(loop, &d.timer, 500); /* past: fires next, at the present */
    CU_ASSERT_EQUAL(loop_run(loop, 10000, NULL, NULL), 1);
    CU_ASSERT_STRING_EQUAL(fired, "dbac");
    CU_ASSERT_EQUAL(fired_at[0], 1000);
    CU_ASSERT_EQUAL(fired_at[1], 2000);
    CU_ASSERT_EQUAL(fired_at[3], 3000);
    CU_ASSERT_EQUAL(loop_now(loop), 10000);
    CU_ASSERT(loop_is_virtual(loop));
    end();
}

static void moving_a_timer_puts_it_behind_its_equals(void)
{
    start(loop_new_virtual(0));
    struct alarm a = alarm_of('a'), b = alarm_of('b');
    loop_timer_set(loop, &a.timer, 10);
    loop_timer_set(loop, &b.timer, 10);
    loop_timer_set(loop, &a.timer, 10);
    loop_run(loop, 10, NULL, NULL);
    CU_ASSERT_STRING_EQUAL(fired, "ba");
    end();
}

static void deadline_is_inclusive_and_leaves_the_rest(void)
{
    start(loop_new_virtual(0));
    struct alarm a = alarm_of('a'), b = alarm_of('b');
    loop_timer_set(loop, &a.timer, 100);
    loop_timer_set(loop, &b.timer, 101);
    CU_ASSERT_EQUAL(loop_run(loop, 100, NULL, NULL), 1);
    CU_ASSERT_STRING_EQUAL(fired, "a");
    CU_ASSERT_EQUAL(loop_now(loop), 100);
    CU_ASSERT_EQUAL(loop_run(loop, 50, NULL, NULL), 1); /* the past: no way back */
    CU_ASSERT_EQUAL(loop_now(loop), 100);
    CU_ASSERT_EQUAL(loop_run(loop, INT64_MAX, NULL, NULL), 1); /* nothing left and nowhere to jump */
    CU_ASSERT_STRING_EQUAL(fired, "ab");
    CU_ASSERT_EQUAL(loop_now(loop), 101);
    end();
}

static void stop_ends_it_between_two_callbacks(void)
{
    start(loop_new_virtual(0));
    bool stop = false;
    struct alarm a = alarm_of('a'), b = alarm_of('b');
    a.stop = &stop;
    loop_timer_set(loop, &a.timer, 5);
    loop_timer_set(loop, &b.timer, 5);
    CU_ASSERT_EQUAL(loop_run(loop, 100, &stop, NULL), 0);
    CU_ASSERT_STRING_EQUAL(fired, "a");
    CU_ASSERT_EQUAL(loop_now(loop), 5);
    CU_ASSERT_EQUAL(loop_run(loop, 100, &stop, NULL), 0); /* still stopped */
    CU_ASSERT_STRING_EQUAL(fired, "a");
    stop = false;
    CU_ASSERT_EQUAL(loop_run(loop, 100, &stop, NULL), 1);
    CU_ASSERT_STRING_EQUAL(fired, "ab");
    end();
}

static void callbacks_change_timers(void)
{
    start(loop_new_virtual(0));
    struct alarm a = alarm_of('a'), b = alarm_of('b'), c = alarm_of('c');
    a.cancel = &b;
    c.again = 3;
    c.step = 10;
    c.cancel = &c; /* stopping the one that is firing is harmless */
    loop_timer_set(loop, &a.timer, 5);
    loop_timer_set(loop, &b.timer, 5);
    loop_timer_set(loop, &c.timer, 5);
    loop_run(loop, 100, NULL, NULL);
    CU_ASSERT_STRING_EQUAL(fired, "acccc");
    CU_ASSERT_EQUAL(fired_at[4], 35);
    CU_ASSERT_PTR_NULL(b.timer.loop);
    loop_timer_stop(&b.timer); /* idle already */
    end();
}

static void a_timer_set_to_now_waits_for_the_next_turn(void)
{
    start(loop_new_virtual(0));
    struct alarm a = alarm_of('a'), b = alarm_of('b');
    a.again = 2;
    a.step = 0;
    loop_timer_set(loop, &a.timer, 5);
    loop_timer_set(loop, &b.timer, 5);
    loop_run(loop, 100, NULL, NULL);
    CU_ASSERT_STRING_EQUAL(fired, "abaa");
    CU_ASSERT_EQUAL(fired_at[3], 5);
    end();
}

static void freeing_the_loop_makes_timers_idle(void)
{
    start(loop_new_virtual(0));
    struct alarm a = alarm_of('a');
    loop_timer_set(loop, &a.timer, 5);
    end();
    CU_ASSERT_PTR_NULL(a.timer.loop);
    loop_timer_stop(&a.timer);
    loop_free(NULL);
}

static void virtual_clock_only_moves_in_run(void)
{
    start(loop_new_virtual(77));
    CU_ASSERT_EQUAL(loop_tick(loop), 77);
    int64_t ten_days = 10 * 86400 * NS_PER_S;
    int64_t before = clock_mono_ns();
    CU_ASSERT_EQUAL(loop_run(loop, ten_days, NULL, NULL), 1);
    CU_ASSERT(clock_mono_ns() - before < NS_PER_S);
    CU_ASSERT_EQUAL(loop_tick(loop), ten_days);
    struct loop_io io = {0};
    struct err e = {0};
    CU_ASSERT_EQUAL(loop_io_set(loop, &io, 0, 1, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_DEFECT);
    end();
}

/* Many timers set, moved and stopped at random, against a sorted list. */

enum { MANY = 300 };

struct numbered {
    struct loop_timer timer;
    int64_t at;
    unsigned set_as; /* how many sets came before; 0: stopped */
};

static unsigned last_set_as;
static int64_t last_at;
static unsigned count, disorder;

static void check_order(struct loop_timer *t, int64_t now)
{
    struct numbered *n = (struct numbered *)t;
    disorder += n->set_as == 0 || n->at != now || n->at < last_at || (n->at == last_at && n->set_as < last_set_as);
    last_at = n->at;
    last_set_as = n->set_as;
    n->set_as = 0;
    count++;
}

static void random_sets_moves_and_stops(void)
{
    static struct numbered many[MANY];
    struct rng r;
    rng_init(&r, 3, "test/loop");
    for (int round = 0; round < 50; round++) {
        memset(many, 0, sizeof(many));
        start(loop_new_virtual(0));
        last_at = -1;
        count = disorder = 0;
        for (unsigned i = 1; i <= 2000; i++) {
            struct numbered *n = &many[rng_below(&r, MANY)];
            if (rng_below(&r, 4) == 0) {
                loop_timer_stop(&n->timer);
                n->set_as = 0;
            } else {
                n->timer.due = check_order;
                n->at = (int64_t)rng_below(&r, 100); /* many equals */
                n->set_as = i;
                loop_timer_set(loop, &n->timer, n->at);
            }
        }
        unsigned expected = 0;
        for (size_t i = 0; i < MANY; i++) {
            expected += many[i].set_as != 0;
        }
        loop_run(loop, 1000, NULL, NULL);
        CU_ASSERT_EQUAL(count, expected);
        CU_ASSERT_EQUAL(disorder, 0);
        end();
    }
}

static void real_timers_are_never_early(void)
{
    struct err e = {0};
    start(loop_new(&e));
    bool stop = false;
    struct alarm a = alarm_of('a'), b = alarm_of('b');
    b.stop = &stop;
    int64_t now = loop_tick(loop);
    loop_timer_set(loop, &b.timer, now + 4 * NS_PER_MS);
    loop_timer_set(loop, &a.timer, now + 2 * NS_PER_MS);
    CU_ASSERT_EQUAL(loop_run(loop, now + 10 * NS_PER_S, &stop, &e), 0);
    CU_ASSERT_STRING_EQUAL(fired, "ab");
    CU_ASSERT(fired_at[0] >= now + 2 * NS_PER_MS && fired_at[1] >= now + 4 * NS_PER_MS);
    CU_ASSERT(fired_at[1] < now + 5 * NS_PER_S);
    CU_ASSERT_FALSE(loop_is_virtual(loop));
    end();
}

static void real_deadline(void)
{
    struct err e = {0};
    start(loop_new(&e));
    int64_t deadline = clock_mono_ns() + 3 * NS_PER_MS;
    CU_ASSERT_EQUAL(loop_run(loop, deadline, NULL, &e), 1);
    CU_ASSERT(clock_mono_ns() >= deadline);
    CU_ASSERT_EQUAL(loop_run(loop, 0, NULL, &e), 1); /* the past: one turn without waiting */
    end();
}

static void waiting_for_nothing_is_a_defect(void)
{
    struct err e = {0};
    start(loop_new(&e));
    CU_ASSERT_EQUAL(loop_run(loop, INT64_MAX, NULL, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_DEFECT);
    end();
}

void suite_loop(void)
{
    runner_suite(NULL, NULL);
    runner_test(fires_in_order_of_time_then_of_setting);
    runner_test(moving_a_timer_puts_it_behind_its_equals);
    runner_test(deadline_is_inclusive_and_leaves_the_rest);
    runner_test(stop_ends_it_between_two_callbacks);
    runner_test(callbacks_change_timers);
    runner_test(a_timer_set_to_now_waits_for_the_next_turn);
    runner_test(freeing_the_loop_makes_timers_idle);
    runner_test(virtual_clock_only_moves_in_run);
    runner_test(random_sets_moves_and_stops);
    runner_test(real_timers_are_never_early);
    runner_test(real_deadline);
    runner_test(waiting_for_nothing_is_a_defect);
}
