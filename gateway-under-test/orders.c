/* SPDX-License-Identifier: MIT */
/*
 * The orders API of a store: writes. A write is checked, told from its repeats by its idempotency key, appended, and
 * answered when commit.c says so; the lease is looked at once more at that moment, since the acknowledgement is what
 * must not be given by a leader whose time is over. A store that does not lead refuses with "not forwarded", which is
 * the truth: nothing has been written.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/store.h"
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <string.h>

#define DROP_EVERY 7
#define NONCE_MAX 64

void orders_send(struct store *s, struct exchange *x, int status, const char *fields, const struct text *body)
{
    const struct config *c = s->node->config;
    char nonce[NONCE_MAX];
    struct http_span asked = exchange_field(x, "x-dr-nonce");
    scoped_text struct text all = {0};
    text_addf(&all, "X-DR-Check: %08x\r\nX-DR-Region: %s\r\nX-DR-Node: %s\r\nX-DR-Epoch: %lld\r\n",
              crc32c(0, text_str(body), body->len), c->region, c->node, (long long)s->epoch);
    if (record_text(nonce, sizeof(nonce), asked.at, asked.len))
        text_addf(&all, "X-DR-Nonce: %s\r\n", nonce);
    text_add(&all, fields);
    exchange_answer(x, status, "application/json", all.at, text_str(body), body->len);
}

static void send_error(struct store *s, struct exchange *x, int status, const char *what)
{
    scoped_text struct text body = {0};
    text_addf(&body, "{\"error\":\"%s\"}", what);
    orders_send(s, x, status, "", &body);
}

void orders_refuse(struct store *s, struct exchange *x)
{
    scoped_text struct text fields = {0}, body = {0};
    const struct lease *l = &s->lease;
    text_add(&fields, "X-DR-Not-Forwarded: 1\r\n");
    if (l->holder[0] != '\0' && strcmp(l->holder, s->node->config->region) != 0)
        text_addf(&fields, "X-DR-Leader: %s\r\nX-DR-Leader-Epoch: %lld\r\n", l->holder, (long long)l->holder_epoch);
    text_add(&body, "{\"error\":\"this store does not lead\"}");
    s->node->counters[COUNTER_refused_follower]++;
    orders_send(s, x, 503, text_str(&fields), &body);
}

/* The disk did not take it: nothing has been written, so it may be asked again elsewhere; unless nobody can say so. */
void orders_refuse_unwritten(struct store *s, struct exchange *x, enum written how)
{
    scoped_text struct text body = {0};
    text_add(&body, "{\"error\":\"the store cannot write\"}");
    if (how == UNSURE)
        orders_send(s, x, 504, "", &body);
    else
        orders_send(s, x, 503, "X-DR-Not-Forwarded: 1\r\n", &body);
}

static void send_write(struct store *s, struct exchange *x, const char *op, const char *key, int64_t version,
                       int64_t lsn, bool replayed)
{
    scoped_text struct text fields = {0}, body = {0};
    text_addf(&body, "{\"op\":\"%s\",\"key\":\"%s\",\"version\":%lld,\"lsn\":%lld}", op, key, (long long)version,
              (long long)lsn);
    text_addf(&fields, "X-DR-LSN: %lld\r\n%s", (long long)lsn, replayed ? "X-DR-Replayed: 1\r\n" : "");
    orders_send(s, x, 200, text_str(&fields), &body);
}

void orders_answer_write(struct store *s, struct exchange *x, const struct record *r, bool replayed)
{
    if (!store_leads(s)) {
        send_error(s, x, 504, "the lease ran out before the write was acknowledged");
        return;
    }
    s->node->counters[replayed ? COUNTER_replays : COUNTER_writes]++;
    send_write(s, x, r->op, r->key, r->version, r->lsn, replayed);
}

static bool take_text(const json_t *doc, const char *name, char *to, size_t size)
{
    const json_t *v = json_object_get(doc, name);
    return json_is_string(v) && record_text(to, size, json_string_value(v), json_string_length(v));
}

/* The wish of a client as a record without LSN; false: it is malformed. */
static bool read_write(struct exchange *x, struct record *r)
{
    struct http_span body = exchange_body(x), idem = exchange_field(x, "idempotency-key");
    scoped_json json_t *doc = json_read(body.at, body.len, "request", NULL);
    *r = (struct record){0};
    return json_is_object(doc) && take_text(doc, "op", r->op, sizeof(r->op)) &&
           take_text(doc, "key", r->key, sizeof(r->key)) && take_text(doc, "value", r->value, sizeof(r->value)) &&
           record_text(r->idem, sizeof(r->idem), idem.at, idem.len);
}

/* A repeat of a write that is in the log. */
static void repeat(struct store *s, struct exchange *x, const struct record *wish, const struct record *stored)
{
    bool same = strcmp(wish->op, stored->op) == 0 && strcmp(wish->key, stored->key) == 0 &&
                strcmp(wish->value, stored->value) == 0;
    if (same)
        commit_wait(s, x, stored->lsn, WAIT_REPLAY);
    else
        send_error(s, x, 409, "this idempotency key was used for another write");
}

static void write_order(struct store *s, struct exchange *x)
{
    struct record wish;
    if (!read_write(x, &wish)) {
        send_error(s, x, 400, "a write needs Idempotency-Key and a body with op, key and value");
        return;
    }
    const struct record *stored = store_flaw(s, FLAW_duplicate_on_retry) ? NULL : index_by_idem(&s->index, wish.idem);
    if (stored != NULL) {
        repeat(s, x, &wish, stored);
        return;
    }
    wish.lsn = index_last(&s->index) + 1;
    wish.epoch = s->epoch;
    wish.time_ns = wall_ns(&s->node->wall);
    if (store_flaw(s, FLAW_drop_every_nth_write) && ++s->dropped_count % DROP_EVERY == 0) {
        const struct record *newest = index_by_key(&s->index, wish.key);
        send_write(s, x, wish.op, wish.key, newest ? newest->version + 1 : 1, wish.lsn, false);
        return;
    }
    const struct record *r = store_append(s, &wish);
    if (r == NULL)
        orders_refuse_unwritten(s, x, s->written);
    else
        commit_wait(s, x, r->lsn, WAIT_WRITE);
}

void orders_answer_read(struct store *s, struct exchange *x, const char *key, const struct record *r)
{
    scoped_text struct text body = {0};
    s->node->counters[COUNTER_reads]++;
    if (r == NULL)
        text_addf(&body, "{\"key\":\"%s\",\"version\":0,\"op\":null,\"value\":null}", key);
    else
        text_addf(&body, "{\"key\":\"%s\",\"version\":%lld,\"op\":\"%s\",\"value\":\"%s\"}", r->key,
                  (long long)r->version, r->op, r->value);
    orders_send(s, x, 200, "", &body);
}

static void read_order(struct store *s, struct exchange *x)
{
    struct http_span wanted = span_query(exchange_target(x), "key");
    char key[RECORD_KEY];
    if (wanted.at == NULL) {
        scoped_text struct text body = {0};
        text_addf(&body, "{\"orders\":%lld}", (long long)index_orders(&s->index));
        orders_send(s, x, 200, "", &body);
        return;
    }
    if (!record_text(key, sizeof(key), wanted.at, wanted.len)) {
        send_error(s, x, 400, "malformed key");
        return;
    }
    const struct record *r = index_by_key(&s->index, key);
    if (r == NULL || !s->leading)
        orders_answer_read(s, x, key, r);
    else
        commit_wait(s, x, r->lsn, WAIT_READ);
}

static int64_t query_int(struct exchange *x, const char *name, int64_t otherwise)
{
    int64_t v = 0;
    struct http_span given = span_query(exchange_target(x), name);
    if (given.at == NULL)
        return otherwise;
    return span_int(given, &v) ? v : -1;
}

bool orders_take_page(struct store *s, struct exchange *x, int64_t *from, int64_t *limit)
{
    *from = query_int(x, "from", 1);
    *limit = query_int(x, "limit", 1000);
    if (*from < 0 || *limit < 1 || *limit > 1000) {
        send_error(s, x, 400, "from must be a number, limit one from 1 to 1000");
        return false;
    }
    *from = *from < 1 ? 1 : *from;
    return true;
}

void orders_add_op(struct text *out, const struct record *r, int64_t version)
{
    text_addf(out, "%s[\"%s\",%lld,%lld,\"%s\",%lld,\"%s\"]", out->len > 0 ? "," : "", r->op, (long long)r->lsn,
              (long long)r->epoch, r->key, (long long)version, r->value);
}

void orders_answer_ops(struct store *s, struct exchange *x)
{
    (void)store_put_down(s); /* nobody is shown what may be taken back */
    int64_t from, limit, total = index_last(&s->index);
    if (!orders_take_page(s, x, &from, &limit))
        return;
    int64_t end = from > total ? from : (total - from < limit ? total + 1 : from + limit);
    bool last = end > total;
    int64_t count = 0;
    scoped_text struct text body = {0}, ops = {0};
    for (int64_t lsn = from; lsn < end; lsn++) {
        const struct record *r = index_at(&s->index, lsn);
        if (r->revocation)
            continue;
        orders_add_op(&ops, r, r->version);
        count++;
    }
    text_addf(&body, "{\"from\":%lld,\"next\":%lld,\"count\":%lld,\"total\":%lld,\"ops\":[%s", (long long)from,
              last ? 0LL : (long long)end, (long long)count, (long long)index_orders(&s->index), text_str(&ops));
    char digest[SHA256_HEX];
    if (last)
        index_digest(&s->index, digest);
    text_addf(&body, "],\"digest\":%s%s%s}", last ? "\"" : "", last ? digest : "null", last ? "\"" : "");
    orders_send(s, x, 200, "", &body);
}

void orders_handle(struct store *s, struct exchange *x)
{
    struct http_span path = exchange_path(x), method = exchange_method(x);
    bool get = span_is(method, "GET") || span_is(method, "HEAD"), post = span_is(method, "POST");
    if (span_is(path, "/v1/ops") && get) {
        orders_answer_ops(s, x);
        return;
    }
    if (!span_is(path, "/v1/orders") || (!get && !post)) {
        bool known = span_is(path, "/v1/orders") || span_is(path, "/v1/ops");
        send_error(s, x, known ? 405 : 404, known ? "method not allowed" : "no such resource");
        return;
    }
    if (handover_hold(s, x))
        return;
    bool leads = store_leads(s) && s->handover.state == HANDOVER_NONE;
    if (leads && post)
        write_order(s, x);
    else if (leads || (get && store_flaw(s, FLAW_stale_follower_read)))
        read_order(s, x);
    else
        orders_refuse(s, x);
}
