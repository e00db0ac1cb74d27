/* SPDX-License-Identifier: MIT */
/*
 * Every store is asked at its admin port (GET /v1/lost), from inside its own namespace, so that a store whose links are
 * still cut answers, too. Stores are asked side by side. As with the final reads a list counts once two whole ones in a
 * row are the same; until then it is asked for again after a pause. What they say goes into the ledger as it is said,
 * as readings of the pass PASS_ASIDE, whose judge is measure/set_aside.c.
 *
 * A store that answers 404 or 405 has no such list and is asked no more. The answers are hostile: a page is believed as
 * a whole or not at all, must lead on, and nobody is listened to beyond LIST_MAX ops or for longer than PATIENCE_NS; no
 * question outlasts that, so that none is under way when this returns.
 */
#include "harness/run/set_aside.h"

#include "harness/base/arena.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/ops_record.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 500, LIST_MAX = 250000, FIRST_READ = 1000000 };
#define PATIENCE_NS (5 * NS_PER_S)
#define ANSWER_NS (2 * NS_PER_S)
#define PAUSE_NS (50 * NS_PER_MS)

struct asides {
    struct drill *drill;
    struct ledger_writer *ledger;
    struct list *lists;
    size_t count, open; /* open: not yet through */
    int64_t deadline_ns;
    uint32_t next_read;
    struct err failure; /* of the ledger: the end of it */
};

struct list {
    struct asides *all;
    uint16_t node;
    struct loop_timer pause;
    uint32_t read; /* number of the reading under way */
    uint64_t from;
    struct read_content content;
    bool has_previous;
    char previous[65]; /* fingerprint of the last whole reading */
};

static void ask_page(struct list *l);

/* What every record of a reading says about it. */
static struct ledger_record signed_record(const struct list *l, enum ledger_kind kind)
{
    const struct drill *d = l->all->drill;
    return (struct ledger_record){.kind = (uint8_t)kind, .read = l->read, .pass = PASS_ASIDE,
                                  .region = d->plan->topology->nodes[l->node].site, .at_ns = record_now(&d->rec)};
}

static bool time_is_up(const struct asides *all)
{
    return all->drill->stop || all->failure.kind != ERR_NONE || loop_now(all->drill->loop) >= all->deadline_ns;
}

static void end_reading(struct list *l, bool whole, bool over, int status)
{
    struct asides *all = l->all;
    struct ledger_record r = signed_record(l, LEDGER_READ_END);
    char fingerprint[65];
    r.outcome = whole ? 1 : 0;
    r.count = l->content.count;
    r.status = status > 0 && status <= UINT16_MAX ? (uint16_t)status : 0;
    ledger_add(all->ledger, &r, &all->failure);
    read_content_fingerprint(&l->content, fingerprint);
    bool same = whole && l->has_previous && strcmp(fingerprint, l->previous) == 0;
    if (same || over || time_is_up(all)) {
        all->open--;
        return;
    }
    l->has_previous = whole;
    memcpy(l->previous, fingerprint, sizeof(l->previous));
    loop_timer_set(all->drill->loop, &l->pause, loop_now(all->drill->loop) + PAUSE_NS);
}

static void take_page(struct list *l, const struct ops_page *page, int status)
{
    struct ledger_record like = signed_record(l, LEDGER_PAGE);
    const char *name = l->all->drill->plan->topology->nodes[l->node].name;
    bool whole = false;
    int failed = ops_record(l->all->ledger, &like, page, &l->content, name, &whole, &l->all->failure);
    bool too_long = l->content.count > LIST_MAX;
    if (failed != 0 || !whole || too_long) {
        end_reading(l, false, too_long, status);
    } else if (page->next != 0) {
        l->from = page->next;
        ask_page(l);
    } else {
        end_reading(l, ops_record_is_whole(&l->content, page), false, status);
    }
}

static void on_answer(void *arg, const struct lab_answer *a)
{
    struct list *l = arg;
    __attribute__((cleanup(ops_page_deinit))) struct ops_page page = {0};
    bool sound = a->status == 200 && ops_page_take(&page, json_incref(a->body), l->from, "store", NULL) == 0;
    if (sound)
        take_page(l, &page, a->status);
    else
        end_reading(l, false, a->status == 404 || a->status == 405, a->status);
}

static void ask_page(struct list *l)
{
    struct drill *d = l->all->drill;
    int64_t left = l->all->deadline_ns - loop_now(d->loop);
    char target[64];
    snprintf(target, sizeof(target), "/v1/lost?from=%" PRIu64 "&limit=%d", l->from, PAGE);
    if (time_is_up(l->all) || d->ops->admin(d->lab, l->node, "GET", target, NULL, left < ANSWER_NS ? left : ANSWER_NS,
                                            on_answer, l, NULL) < 0)
        end_reading(l, false, false, 0);
}

static void begin_reading(struct loop_timer *pause, int64_t now)
{
    struct list *l = (struct list *)(void *)((char *)pause - offsetof(struct list, pause));
    (void)now;
    if (time_is_up(l->all)) {
        l->all->open--;
        return;
    }
    l->read = l->all->next_read++;
    l->from = 1;
    read_content_clear(&l->content);
    struct ledger_record r = signed_record(l, LEDGER_READ_BEGIN);
    ledger_add(l->all->ledger, &r, &l->all->failure);
    ask_page(l);
}

static void ask_all(struct asides *all)
{
    struct drill *d = all->drill;
    const struct topology *t = d->plan->topology;
    all->lists = xcalloc(t->node_count + 1, sizeof(*all->lists));
    for (uint16_t node = 0; node < t->node_count; node++)
        if (t->nodes[node].role == NODE_ORIGIN && t->nodes[node].number == 1)
            all->lists[all->count++] = (struct list){.all = all, .node = node, .pause.due = begin_reading};
    all->open = all->count;
    for (size_t i = 0; i < all->count; i++)
        loop_timer_set(d->loop, &all->lists[i].pause, loop_now(d->loop));
    while (all->open > 0 && loop_run(d->loop, loop_now(d->loop) + 20 * NS_PER_MS, NULL, &all->failure) >= 0)
        continue;
}

static void asides_free(struct asides *all)
{
    for (size_t i = 0; i < all->count; i++)
        read_content_deinit(&all->lists[i].content);
    free(all->lists);
    free(all);
}

int set_aside_read(struct drill *d, struct err *e)
{
    struct asides *all = xcalloc(1, sizeof(*all));
    *all = (struct asides){.drill = d, .deadline_ns = loop_now(d->loop) + PATIENCE_NS, .next_read = FIRST_READ};
    if (ledger_open(&all->ledger, d->options->run_path, LEDGER_CHAIN_READ + PASS_ASIDE, e) < 0) {
        asides_free(all);
        return -1;
    }
    ask_all(all);
    if (all->failure.kind == ERR_NONE)
        ledger_sync(all->ledger, &all->failure);
    int status = all->failure.kind == ERR_NONE ? 0 : err_set(e, all->failure.kind, all->failure.at, "%s",
                                                             all->failure.msg);
    if (all->open > 0) /* the loop is broken: what is still under way would come back here */
        return status;
    ledger_close(all->ledger);
    asides_free(all);
    return status;
}
