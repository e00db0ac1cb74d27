/* SPDX-License-Identifier: MIT */
/*
 * The witness: a third site that grants the lease and holds no data. POST /lease, /sync and /transfer on the service
 * port, JSON both ways; the answers to all three tell the state of the lease. What changes is on disk (written, synced,
 * renamed) before it is answered; a renewal changes nothing that must survive. Time is CLOCK_BOOTTIME, read at each
 * question, so that a frozen witness does not believe that no time has passed.
 */
#include "gateway-under-test/witness_book.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <string.h>

struct witness {
    struct node *node;
    struct book book;
    char path[512];
};

static int load(struct witness *w, struct err *e)
{
    scoped_text struct text t = {0};
    struct err missing = {0};
    if (text_read_file(&t, w->path, 64 * 1024, &missing) < 0)
        return missing.os == ENOENT ? 0 : err_set(e, missing.kind, missing.at, "%s", missing.msg);
    scoped_json json_t *doc = json_read(text_str(&t), t.len, w->path, e);
    return doc == NULL ? -1 : book_load(&w->book, doc, e);
}

static int write_book(struct witness *w, struct err *e)
{
    scoped_json json_t *doc = book_save(&w->book);
    scoped_free char *bytes = json_canonical(doc);
    return file_replace(w->path, bytes, strlen(bytes), e);
}

static int save(struct witness *w)
{
    struct err e = {0};
    if (write_book(w, &e) == 0)
        return 0;
    node_log(w->node, "%s: %s", e.at, e.msg);
    return -1;
}

static int witness_open(struct node *n, struct err *e)
{
    const struct config *c = n->config;
    if (n->data_dir == NULL)
        return err_set(e, ERR_USAGE, "command line", "the witness needs --data DIR");
    struct witness *w = xcalloc(1, sizeof(*w));
    w->node = n;
    (void)snprintf(w->path, sizeof(w->path), "%s/witness.json", n->data_dir);
    book_init(&w->book, c->lease_ms * NS_PER_MS);
    for (size_t i = 0; i < c->region_count; i++)
        book_add_region(&w->book, c->regions[i]);
    w->book.prefer = book_find(&w->book, c->prefer);
    if (load(w, e) < 0 || write_book(w, e) < 0) {
        free(w);
        return -1;
    }
    book_start(&w->book, clock_boot_ns(), c->grace_ms * NS_PER_MS);
    n->self = w;
    return 0;
}

static void witness_close(struct node *n)
{
    free(n->self);
}

static json_t *in_sync_list(const struct book *b)
{
    json_t *list = json_array();
    for (int i = 0; i < b->region_count; i++) {
        if (b->regions[i].in_sync)
            json_array_append_new(list, json_string(b->regions[i].name));
    }
    return list;
}

static void answer(struct witness *w, struct exchange *x, int status, bool granted)
{
    const struct book *b = &w->book;
    json_t *holder = b->holder >= 0 ? json_string(b->regions[b->holder].name) : json_null();
    answer_json(x, status,
                json_pack("{s:b, s:I, s:I, s:o, s:b, s:o}", "granted", granted, "epoch", (json_int_t)b->epoch,
                          "left_ms", (json_int_t)book_left_ms(b, clock_boot_ns()), "holder", holder, "stay",
                          b->stay >= 0 && b->stay == b->holder, "in_sync", in_sync_list(b)));
}

static int region_in(const struct witness *w, const json_t *doc, const char *key)
{
    return book_find(&w->book, json_string_value(json_object_get(doc, key)));
}

static int64_t number_in(const json_t *doc, const char *key)
{
    int64_t v = json_integer_value(json_object_get(doc, key));
    return v > 0 ? v : 0;
}

static void on_lease(struct witness *w, struct exchange *x, const json_t *doc)
{
    struct book before = w->book;
    struct book_question q = {.region = region_in(w, doc, "region"),
                              .epoch = number_in(doc, "epoch"),
                              .log_epoch = number_in(doc, "log_epoch"),
                              .lsn = number_in(doc, "lsn"),
                              .want = json_is_true(json_object_get(doc, "want")),
                              .lead = json_is_true(json_object_get(doc, "lead")),
                              .sync = json_is_true(json_object_get(doc, "sync")),
                              .force = json_is_true(json_object_get(doc, "force"))};
    if (q.region < 0 || q.epoch > EPOCH_MAX) {
        answer_error(x, 400, "", "unknown region, or an impossible epoch");
        return;
    }
    bool changed, granted = book_ask(&w->book, &q, clock_boot_ns(), &changed);
    if (changed && save(w) < 0) {
        w->book = before;
        answer_error(x, 503, "", "the book cannot be saved");
        return;
    }
    if (granted && before.holder != w->book.holder)
        node_log(w->node, "%s holds the lease, epoch %lld", w->book.regions[q.region].name, (long long)w->book.epoch);
    w->node->counters[granted ? COUNTER_lease_grants : COUNTER_lease_refusals]++;
    answer(w, x, 200, granted);
}

static void on_change(struct witness *w, struct exchange *x, const json_t *doc, bool is_transfer)
{
    struct book before = w->book;
    int from = region_in(w, doc, "region"), to = region_in(w, doc, is_transfer ? "to" : "peer");
    int64_t epoch = number_in(doc, "epoch");
    bool changed = true, done;
    if (is_transfer)
        done = book_transfer(&w->book, from, epoch, to, json_is_true(json_object_get(doc, "ordered")),
                             json_is_true(json_object_get(doc, "sync")), clock_boot_ns());
    else
        done = book_sync(&w->book, from, epoch, to, json_is_true(json_object_get(doc, "in_sync")), &changed);
    if (done && changed && save(w) < 0) {
        w->book = before;
        answer_error(x, 503, "", "the book cannot be saved");
        return;
    }
    if (done && is_transfer)
        node_log(w->node, "%s passes the lease to %s, epoch %lld", w->book.regions[from].name, w->book.regions[to].name,
                 (long long)w->book.epoch);
    answer(w, x, done ? 200 : 409, false);
}

static void witness_handle(struct node *n, struct exchange *x)
{
    struct http_span path = exchange_path(x), body = exchange_body(x);
    bool lease = span_is(path, "/lease"), transfer = span_is(path, "/transfer"), sync = span_is(path, "/sync");
    if (!span_is(exchange_method(x), "POST") || (!lease && !transfer && !sync)) {
        answer_error(x, 404, "", "no such call");
        return;
    }
    scoped_json json_t *doc = json_read(body.at, body.len, "request", NULL);
    if (!json_is_object(doc))
        answer_error(x, 400, "", "the body must be a JSON object");
    else if (lease)
        on_lease(n->self, x, doc);
    else
        on_change(n->self, x, doc, transfer);
}

static void witness_status(struct node *n, json_t *into)
{
    const struct witness *w = n->self;
    const struct book *b = &w->book;
    json_object_set_new(into, "holder", b->holder >= 0 ? json_string(b->regions[b->holder].name) : json_null());
    json_object_set_new(into, "epoch", json_integer(b->epoch));
    json_object_set_new(into, "lease_left_ms", json_integer(book_left_ms(b, clock_boot_ns())));
    json_object_set_new(into, "in_sync", in_sync_list(b));
}

static bool witness_ready(struct node *n)
{
    return n->self != NULL;
}

static int witness_reload(struct node *n, struct config *next, struct err *e)
{
    if (!json_equal(json_object_get(n->config->doc, "regions"), json_object_get(next->doc, "regions")) ||
        next->lease_ms != n->config->lease_ms)
        return err_set(e, ERR_MEANING, "configuration", "regions and lease_ms cannot change in a running process");
    return 0;
}

const struct role_ops witness_ops = {
    .open = witness_open,
    .close = witness_close,
    .handle = witness_handle,
    .status = witness_status,
    .ready = witness_ready,
    .reload = witness_reload,
};
