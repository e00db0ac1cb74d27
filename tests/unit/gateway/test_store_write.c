/* SPDX-License-Identifier: MIT */
/*
 * Entries of one turn go to disk together, and what the disk does not take is nowhere afterwards.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/store.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[80];
static struct config config = {.node = "us-east/origin-1", .region = "us-east"};
static struct config_store cfg;
static struct node node;
static struct store store;

static void count_one(void *ctx, const struct record *r)
{
    (void)r;
    ++*(int64_t *)ctx;
}

static int set_up(void)
{
    strcpy(dir, "/tmp/drtest-write-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/orders.log", dir);
    return 0;
}

static int tear_down(void)
{
    (void)unlink(path);
    return rmdir(dir);
}

/* A store that leads, alone. */
static void begin(bool force)
{
    int64_t count = 0, cut;
    (void)unlink(path);
    cfg = (struct config_store){.force = force};
    node = (struct node){.config = &config, .loop = loop_new(NULL)};
    store = (struct store){.node = &node, .cfg = &cfg, .epoch = 1, .leading = true};
    CU_ASSERT_EQUAL(store_log_open(&store.log, dir, count_one, &count, &cut, NULL), 0);
    index_init(&store.index);
    store_gathered_open(&store);
}

static void end(void)
{
    store_gathered_close(&store);
    store_log_close(&store.log);
    index_deinit(&store.index);
    vec_deinit(&store.waiters);
    loop_free(node.loop);
}

static const struct record *append(const char *op)
{
    struct record r = {.lsn = index_last(&store.index) + 1, .epoch = 1, .time_ns = 1};
    (void)snprintf(r.op, sizeof(r.op), "%s", op);
    (void)snprintf(r.idem, sizeof(r.idem), "run/%s", op);
    strcpy(r.key, "k1");
    strcpy(r.value, "00000000000000aa");
    return store_append(&store, &r);
}

static void next_turn(void)
{
    CU_ASSERT_EQUAL(loop_run(node.loop, clock_mono_ns() + 1, NULL, NULL), 1);
}

static int64_t on_disk(void)
{
    struct store_log l;
    int64_t count = 0, cut = 0;
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, &cut, NULL), 0);
    CU_ASSERT_EQUAL(cut, 0);
    store_log_close(&l);
    return count;
}

/* The store's file is another one until it gets the descriptor back. */
static int swap_file(const char *other, int flags)
{
    int own = store.log.fd;
    store.log.fd = open(other, flags | O_CLOEXEC);
    CU_ASSERT(store.log.fd >= 0);
    return own;
}

static void give_back(int own)
{
    (void)close(store.log.fd);
    store.log.fd = own;
}

static void a_turn_is_one_write(void)
{
    for (int force = 0; force <= 1; force++) {
        begin(force);
        for (int i = 0; i < 3; i++)
            CU_ASSERT_PTR_NOT_NULL(append("c0-1"));
        CU_ASSERT_EQUAL(index_last(&store.index), 3);
        CU_ASSERT_EQUAL(store_written(&store), 0);
        CU_ASSERT_EQUAL(commit_lsn(&store), 0); /* nothing may be acknowledged yet */
        CU_ASSERT_EQUAL(on_disk(), 0);
        next_turn();
        CU_ASSERT_EQUAL(commit_lsn(&store), 3);
        CU_ASSERT_EQUAL(on_disk(), 3);
        CU_ASSERT_EQUAL(node.counters[COUNTER_log_writes], 1);
        next_turn();
        CU_ASSERT_EQUAL(node.counters[COUNTER_log_writes], 1);
        end();
    }
}

static void who_steps_down_writes_first(void)
{
    begin(false);
    (void)append("c0-1");
    store_step_down(&store, "a test");
    CU_ASSERT_EQUAL(store_written(&store), 1);
    CU_ASSERT_EQUAL(on_disk(), 1);
    end();
}

static void a_batch_that_is_not_taken_is_nowhere(void)
{
    begin(false);
    (void)append("c0-1");
    next_turn();
    int own = swap_file("/dev/null", O_RDONLY);
    (void)append("c0-2");
    (void)append("c0-3");
    next_turn();
    CU_ASSERT_EQUAL(index_last(&store.index), 1);
    CU_ASSERT_EQUAL(commit_lsn(&store), 1);
    CU_ASSERT_EQUAL(store.written, UNWRITTEN);
    CU_ASSERT_PTR_NULL(index_by_idem(&store.index, "run/c0-2"));
    CU_ASSERT_PTR_NULL(append("c0-4")); /* tried at once, and not in the index */
    CU_ASSERT_EQUAL(index_last(&store.index), 1);
    give_back(own);
    CU_ASSERT_PTR_NOT_NULL(append("c0-5"));
    CU_ASSERT_EQUAL(store.written, WRITTEN);
    CU_ASSERT_PTR_NOT_NULL(append("c0-6")); /* gathered again */
    CU_ASSERT_EQUAL(store_written(&store), 2);
    next_turn();
    CU_ASSERT_EQUAL(store_written(&store), 3);
    CU_ASSERT_EQUAL(on_disk(), 3);
    end();
}

/* What takes bytes and cannot force them, as /dev/null. */
static void what_is_not_forced_does_not_count(void)
{
    begin(true);
    (void)append("c0-1");
    next_turn();
    int own = swap_file("/dev/null", O_RDWR);
    (void)append("c0-2");
    next_turn();
    CU_ASSERT_EQUAL(store.written, UNSURE);
    CU_ASSERT_EQUAL(commit_lsn(&store), 1);
    CU_ASSERT_EQUAL((int64_t)store.log.ends.len, 1);
    CU_ASSERT_PTR_NULL(append("c0-3"));
    CU_ASSERT_EQUAL((int64_t)store.log.ends.len, 1);
    cfg.force = false;
    CU_ASSERT_PTR_NOT_NULL(append("c0-4")); /* the same file is good enough for who does not ask */
    give_back(own);
    end();
}

void suite_store_write(void)
{
    runner_suite(set_up, tear_down);
    runner_test(a_turn_is_one_write);
    runner_test(who_steps_down_writes_first);
    runner_test(a_batch_that_is_not_taken_is_nowhere);
    runner_test(what_is_not_forced_does_not_count);
}
