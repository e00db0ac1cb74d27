/* SPDX-License-Identifier: MIT */
/*
 * Opening takes a lock on the directory (two processes on one log would be a split brain of our own making), replays
 * the log into the index and reads the highest epoch seen. The store then follows until the witness says otherwise.
 *
 * What a process before left in the log may have been written and not forced; where the disk is promised it is forced
 * before anybody is told of it.
 *
 * Taking over writes the new epoch to disk before the first write is accepted in it. Stepping down answers what waits,
 * closes the links and leaves the log alone: what of it is not shared is for the next leader's HELLO to decide.
 */
#include "gateway-under-test/store.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#define TICK_MS 50

bool store_flaw(const struct store *s, enum flaw f)
{
    return config_flaw(s->node->config, f);
}

static void replay(void *ctx, const struct record *r)
{
    struct store *s = ctx;
    index_add(&s->index, r);
}

static int lock_directory(struct store *s, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/lock", s->node->data_dir);
    s->lock_fd = open(path.at, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->lock_fd < 0)
        return err_os(e, ERR_MACHINE, errno, path.at, "cannot open the lock");
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return err_os(e, ERR_MACHINE, errno, path.at, "another process uses this directory");
    return 0;
}

static int read_epoch(struct store *s, struct err *e)
{
    scoped_text struct text path = {0}, content = {0};
    text_addf(&path, "%s/epoch", s->node->data_dir);
    if (index_last(&s->index) > 0)
        s->epoch = index_at(&s->index, index_last(&s->index))->epoch;
    struct err missing = {0};
    if (text_read_file(&content, path.at, 64, &missing) < 0)
        return missing.os == ENOENT ? 0 : err_set(e, missing.kind, missing.at, "%s", missing.msg);
    int64_t seen = 0;
    struct http_span digits = {text_str(&content), content.len};
    if (!span_int(digits, &seen))
        return err_set(e, ERR_READING, path.at, "not an epoch");
    if (seen > s->epoch)
        s->epoch = seen;
    return 0;
}

int store_set_epoch(struct store *s, int64_t epoch)
{
    scoped_text struct text path = {0}, content = {0};
    struct err e = {0};
    if (epoch <= s->epoch)
        return 0;
    text_addf(&path, "%s/epoch", s->node->data_dir);
    text_addf(&content, "%lld", (long long)epoch);
    if (file_replace(path.at, content.at, content.len, &e) < 0) {
        node_log(s->node, "%s: %s", e.at, e.msg);
        return -1;
    }
    s->epoch = epoch;
    return 0;
}

static void on_tick(struct loop_timer *t, int64_t now)
{
    struct store *s = owner_of(t, struct store, tick);
    loop_timer_set(s->node->loop, t, now + TICK_MS * NS_PER_MS);
    commit_sweep(s, now);
    follower_tick(s, now);
    if (s->leading)
        leader_tick(s, now);
    if (s->leading)
        handover_progress(s, now);
}

int store_open(struct store *s, struct node *n, struct err *e)
{
    int64_t cut = 0;
    s->node = n;
    s->cfg = n->config->store;
    s->lock_fd = s->log.fd = -1;
    index_init(&s->index);
    if (n->data_dir == NULL)
        return err_set(e, ERR_USAGE, "command line", "a store needs --data DIR");
    if (lock_directory(s, e) < 0 || store_log_open(&s->log, n->data_dir, replay, s, &cut, e) < 0 ||
        (s->cfg->force && store_log_force(&s->log, (int64_t)s->log.ends.len, e) < 0) || read_epoch(s, e) < 0 ||
        follower_open(s, e) < 0) {
        store_log_close(&s->log);
        index_deinit(&s->index);
        fd_close(&s->lock_fd);
        return -1;
    }
    if (cut > 0)
        node_log(n, "cut %lld bytes of a torn tail", (long long)cut);
    node_log(n, "log has %lld records, epoch %lld", (long long)index_last(&s->index), (long long)s->epoch);
    lost_open(s);
    leader_open(s);
    lease_open(s);
    store_gathered_open(s);
    s->tick.due = on_tick;
    loop_timer_set(n->loop, &s->tick, loop_now(n->loop));
    return 0;
}

void store_close(struct store *s)
{
    loop_timer_stop(&s->tick);
    if (s->leading)
        store_step_down(s, "closing");
    store_gathered_close(s);
    follower_close(s);
    for (size_t i = 0; i < s->link_count; i++) {
        conn_deinit(&s->links[i].conn);
        call_deinit(&s->links[i].tell);
    }
    call_deinit(&s->handover.call);
    lease_close(s); /* after the other calls to the witness: they leave their connections with it */
    store_log_close(&s->log);
    index_deinit(&s->index);
    lost_close(s);
    vec_deinit(&s->waiters);
    fd_close(&s->lock_fd);
}

void store_take_over(struct store *s, int64_t epoch, json_t *in_sync)
{
    if (store_set_epoch(s, epoch) < 0) {
        lease_abstain(s); /* it runs out, and another one gets it */
        return;
    }
    follower_drop_links(s);
    s->leading = true;
    s->written = WRITTEN;
    s->led_since = loop_now(s->node->loop);
    s->node->counters[COUNTER_takeovers]++;
    node_log(s->node, "leading since epoch %lld, last lsn %lld", (long long)epoch, (long long)index_last(&s->index));
    leader_start(s, in_sync);
}

void store_step_down(struct store *s, const char *why)
{
    if (!s->leading)
        return;
    s->leading = false;
    s->lease.by_order = false;
    (void)store_put_down(s);
    node_log(s->node, "following (epoch %lld, lsn %lld): %s", (long long)s->epoch, (long long)index_last(&s->index),
             why);
    leader_stop(s);
    commit_abandon(s);
    handover_end(s);
}

bool store_leads(const struct store *s)
{
    return s->leading && lease_holds(s);
}
