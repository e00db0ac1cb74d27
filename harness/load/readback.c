/* SPDX-License-Identifier: MIT */
/*
 * Final reads: each source (a region's store, or the gateway) is read page by page, again and again, until two whole
 * reads in a row show the same. Sources are read side by side, so that one that hangs costs the others nothing.
 *
 * A read is whole when its last page was reached, the ops add up to the announced total, and the digest we compute
 * is the one announced (none is announced by an empty store). What it found is in the ledger as it was found;
 * READ_END says whether it was whole, and the measures use whole reads only. A read that failed begins again after a
 * pause.
 *
 * Time is bounded: no request outlasts the deadline, and after it nothing is begun. Requests that end with the
 * deadline get a moment to land; what has not by then is left to land alone (flight.c).
 */
#include "harness/load/load.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/flight.h"
#include "harness/load/ops_record.h"
#include "harness/load/wallet.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum { PAGE = 1000 };
#define PAGE_TIMEOUT_NS (5 * NS_PER_S)
#define PAUSE_NS (50 * NS_PER_MS)
#define LANDING_NS (100 * NS_PER_MS)

struct readback {
    const struct readback_config *config;
    struct loop *loop;
    struct transport *transport;
    struct ledger_writer *ledger;
    struct flights flights;
    struct source *sources;
    uint32_t next_read;
    size_t open_sources;
    struct rng nonces;
    bool stop;
    struct err failure; /* of the ledger: the end of it */
};

struct source {
    struct readback *home;
    const struct readback_source *from;
    struct loop_timer pause;
    bool reading, has_previous;
    uint32_t read; /* number of the read under way */
    uint64_t from_lsn;
    struct read_content content;
    char previous[65]; /* fingerprint of the last whole read */
};

struct page_request {
    struct flight flight;
    struct source *source;
};

static void begin_read(struct source *s);
static void ask_page(struct source *s);

/* What every record of a read says about it. */
static void sign(const struct source *s, struct ledger_record *r)
{
    const struct readback *b = s->home;
    r->at_ns = loop_now(b->loop) - b->config->zero_ns;
    r->read = s->read;
    r->pass = b->config->pass;
    r->region = s->from->region;
}

static void record(struct source *s, struct ledger_record *r)
{
    sign(s, r);
    if (ledger_add(s->home->ledger, r, &s->home->failure) != 0) {
        s->home->stop = true;
    }
}

/* The end of one read, whole or not; the next one comes after a pause. */
static void end_read(struct source *s, bool whole, uint64_t announced)
{
    struct readback *b = s->home;
    struct ledger_record r = {.kind = LEDGER_READ_END, .outcome = whole ? 1 : 0, .count = announced};
    record(s, &r);
    s->reading = false;
    char fingerprint[65];
    read_content_fingerprint(&s->content, fingerprint);
    if (whole && s->has_previous && strcmp(fingerprint, s->previous) == 0) {
        b->stop = --b->open_sources == 0 || b->stop;
        return;
    }
    s->has_previous = whole;
    memcpy(s->previous, fingerprint, sizeof(s->previous));
    loop_timer_set(b->loop, &s->pause, loop_now(b->loop) + PAUSE_NS);
}

/* 0: taken; the read goes on or has ended. -1: this is no page. */
static int take_page(struct source *s, const struct exchange_answer *a)
{
    __attribute__((cleanup(ops_page_deinit))) struct ops_page page = {0};
    bool sound = a->code == 0 && a->status == 200 && (!a->has_check || a->check_ok) && (!a->has_nonce || a->nonce_ok);
    if (!sound || ops_page_read(&page, a->body, a->body_len, s->from_lsn, s->from->address, NULL) != 0) {
        return -1;
    }
    struct ledger_record like = {0};
    bool whole;
    sign(s, &like);
    if (ops_record(s->home->ledger, &like, &page, &s->content, s->from->address, &whole, &s->home->failure) != 0) {
        s->home->stop = true;
    }
    if (!whole) {
        return -1;
    }
    if (page.next != 0) {
        s->from_lsn = page.next;
        ask_page(s);
    } else {
        end_read(s, ops_record_is_whole(&s->content, &page), page.total);
    }
    return 0;
}

static void on_landed(struct flight *f, const struct exchange_answer *a)
{
    struct page_request *q = (struct page_request *)f; /* flight is its first member */
    struct source *s = q->source;
    free(q);
    if (!s->home->stop && take_page(s, a) != 0) {
        end_read(s, false, s->content.count);
    }
}

static void ask_page(struct source *s)
{
    struct readback *b = s->home;
    int64_t left = b->config->deadline_ns - loop_now(b->loop);
    if (left <= 0) {
        end_read(s, false, s->content.count);
        return;
    }
    scoped_text struct text target = {0};
    text_addf(&target, "/v1/ops?from=%" PRIu64 "&limit=%d", s->from_lsn, PAGE);
    struct exchange_request r = {
        .fresh = true,
        .address = s->from->address,
        .port = s->from->port,
        .endpoint = s->from->endpoint,
        .target = text_str(&target),
        .nonce = rng_next(&b->nonces),
        .timeout_ns = left < PAGE_TIMEOUT_NS ? left : PAGE_TIMEOUT_NS,
    };
    struct page_request *q = xcalloc(1, sizeof(*q));
    q->flight.landed = on_landed;
    q->source = s;
    bool shown = !b->config->wallet ||
                 wallet_show(b->config->wallet, CALLER_CUSTOMER, loop_now(b->loop), &r, NULL) == 0;
    if (!shown || flight_launch(&q->flight, &b->flights, b->transport, &r, NULL) != 0) {
        free(q);
        end_read(s, false, s->content.count);
    }
}

static void begin_read(struct source *s)
{
    struct ledger_record r = {.kind = LEDGER_READ_BEGIN};
    s->read = s->home->next_read++;
    s->from_lsn = 1;
    s->reading = true;
    read_content_clear(&s->content);
    record(s, &r);
    ask_page(s);
}

static void on_pause_over(struct loop_timer *timer, int64_t now)
{
    (void)now;
    struct source *s = (struct source *)(void *)((char *)timer - offsetof(struct source, pause));
    if (!s->home->stop) {
        begin_read(s);
    }
}

static void open_sources(struct readback *b)
{
    const struct readback_config *c = b->config;
    b->sources = xcalloc(c->source_count + 1, sizeof(*b->sources));
    b->open_sources = c->source_count;
    b->stop = c->source_count == 0;
    for (size_t i = 0; i < c->source_count; i++) {
        struct source *s = &b->sources[i];
        s->home = b;
        s->from = &c->sources[i];
        s->pause.due = on_pause_over;
        loop_timer_set(b->loop, &s->pause, loop_now(b->loop));
    }
}

static void let_land(struct readback *b)
{
    int64_t until = loop_now(b->loop) + LANDING_NS;
    b->stop = true;
    while (b->flights.count > 0 && loop_now(b->loop) < until) {
        loop_run(b->loop, loop_now(b->loop) + NS_PER_MS, NULL, NULL);
    }
    flights_abandon(&b->flights);
}

/* Reads still under way are ended on record before the ledger closes. */
static void close_sources(struct readback *b)
{
    for (size_t i = 0; i < b->config->source_count; i++) {
        struct source *s = &b->sources[i];
        if (s->reading) {
            end_read(s, false, s->content.count);
        }
        loop_timer_stop(&s->pause);
        read_content_deinit(&s->content);
    }
    free(b->sources);
}

int readback_run(const struct readback_config *c, struct loop *l, struct transport *t, bool *complete,
                 uint32_t *next_read, struct err *e)
{
    struct readback b = {.config = c, .loop = l, .transport = t, .next_read = c->first_read};
    *complete = false;
    *next_read = c->first_read;
    if (ledger_open(&b.ledger, c->run_path, c->chain, e) != 0) {
        return -1;
    }
    rng_init(&b.nonces, (uint64_t)c->zero_ns ^ c->first_read, "readback");
    open_sources(&b);
    int status = loop_run(l, c->deadline_ns, &b.stop, e) < 0 ? -1 : 0;
    let_land(&b);
    close_sources(&b);
    if (b.failure.kind == ERR_NONE) {
        ledger_sync(b.ledger, &b.failure);
    }
    ledger_close(b.ledger);
    *complete = b.open_sources == 0;
    *next_read = b.next_read;
    if (b.failure.kind != ERR_NONE && status == 0) {
        if (e && e->kind == ERR_NONE) {
            *e = b.failure;
        }
        status = -1;
    }
    return status;
}
