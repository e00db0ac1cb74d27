/* SPDX-License-Identifier: MIT */
/*
 * Every every_ms a store is asked: one of the own region first, another one when it gives no good answer or an old one.
 * Its answer is a whole list with its age, so there is nothing to be put together and nothing to be missed; counted
 * from the instant at which the question left, the knowledge is at least that fresh. Of two answers the fresher one is
 * kept, also when it names fewer: a revocation that a fail-over lost is lost for all.
 *
 * The list outlives the process in the data directory, its age does not: after a start a gateway refuses whom it
 * refused before, and does not take its knowledge for fresh.
 */
#include "gateway-under-test/revocation.h"

#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/record.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

#define CONNECT_MS 200
#define TOTAL_MS 400
#define FILE_NAME "revocations.json"
#define FILE_MAX ((size_t)1 << 20)

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool take_subjects(struct revocation_list *out, const json_t *names)
{
    out->subjects = xcalloc(json_array_size(names) + 1, sizeof(*out->subjects));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const json_t *name = json_array_get(names, i);
        if (!json_is_string(name) || !record_text(out->subjects[i], REVOCATION_SUBJECT, json_string_value(name),
                                                  json_string_length(name)))
            return false;
        out->count++;
    }
    qsort(out->subjects, out->count, sizeof(*out->subjects), by_name);
    return true;
}

static bool read_list(struct revocation_list *out, const json_t *doc)
{
    const json_t *age = json_object_get(doc, "age_ms"), *lsn = json_object_get(doc, "lsn");
    const json_t *names = json_object_get(doc, "revoked");
    out->age_ms = json_is_integer(age) ? json_integer_value(age) : -1;
    out->lsn = json_integer_value(lsn);
    return (json_is_null(age) || out->age_ms >= 0) && json_is_integer(lsn) && out->lsn >= 0 && json_is_array(names) &&
           json_array_size(names) <= REVOCATIONS_MAX && take_subjects(out, names);
}

bool revocation_list_read(struct revocation_list *out, const char *body, size_t len)
{
    *out = (struct revocation_list){0};
    scoped_json json_t *doc = json_read(body, len, "revocations", NULL);
    if (read_list(out, doc))
        return true;
    revocation_list_free(out);
    return false;
}

void revocation_list_free(struct revocation_list *l)
{
    free(l->subjects);
    *l = (struct revocation_list){0};
}

bool revocation_listed(const struct revocation_list *l, const char *subject)
{
    return l->count > 0 && bsearch(subject, l->subjects, l->count, sizeof(*l->subjects), by_name) != NULL;
}

static const struct config_identity *wish(const struct revocations *r)
{
    return &r->gateway->table->config->identity;
}

static bool same_subjects(const struct revocation_list *a, const struct revocation_list *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->subjects, b->subjects, a->count * sizeof(*a->subjects)) == 0);
}

/* Takes l. */
static void put_in_force(struct revocations *r, struct revocation_list *l, int64_t known_at, struct http_span said)
{
    struct node *n = r->gateway->node;
    bool changed = !same_subjects(&r->list, l);
    revocation_list_free(&r->list);
    r->list = *l;
    r->known_at = known_at;
    if (!changed)
        return;
    node_log(n, "%zu subjects are revoked", r->list.count);
    scoped_text struct text path = {0};
    struct err e = {0};
    if (n->data_dir == NULL)
        return;
    text_addf(&path, "%s/" FILE_NAME, n->data_dir);
    if (file_replace(path.at, said.at, said.len, &e) < 0)
        node_log(n, "%s: %s", e.at, e.msg);
}

/* Of no use, or older than what may be: the next one is asked by and by. */
static bool heed(struct revocations *r, struct http_span said)
{
    struct revocation_list heard;
    if (!revocation_list_read(&heard, said.at, said.len))
        return false;
    int64_t known_at = r->asked_at - heard.age_ms * NS_PER_MS;
    bool fresh = heard.age_ms >= 0 && heard.age_ms < wish(r)->stale_after_ms;
    if (heard.age_ms >= 0 && known_at >= r->known_at)
        put_in_force(r, &heard, known_at, said);
    else
        revocation_list_free(&heard);
    return fresh;
}

static void on_answer(struct call *c, enum call_end end)
{
    struct revocations *r = owner_of(c, struct revocations, call);
    struct table *asked = steal(&r->asked);
    if (end != CALL_ANSWERED || c->res.status != 200 || wish(r)->revocation_pool < 0 || !heed(r, call_body(c)))
        r->turn++;
    call_deinit(c); /* its connection goes to the member while there is one */
    table_unref(asked);
}

/* Those of the own region first; of the usable ones the turn-th. */
static struct member *whom(const struct revocations *r, struct pool *p)
{
    const char *own = r->gateway->node->config->region;
    int64_t now = loop_now(r->gateway->node->loop);
    size_t usable = 0;
    for (size_t i = 0; i < p->count; i++)
        usable += member_usable(&p->members[i], now);
    size_t left = usable > 0 ? r->turn % usable : 0;
    for (int foreign = 0; foreign < 2; foreign++) {
        for (size_t i = 0; i < p->count; i++) {
            struct member *m = &p->members[i];
            if ((strcmp(m->cfg->region, own) != 0) == (foreign == 1) && member_usable(m, now) && left-- == 0)
                return m;
        }
    }
    return NULL;
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct revocations *r = owner_of(t, struct revocations, timer);
    struct table *table = r->gateway->table;
    const struct config_identity *id = wish(r);
    int64_t every_ms = id->revocation_pool < 0 ? NS_PER_S / NS_PER_MS : id->every_ms;
    loop_timer_set(r->gateway->node->loop, t, now + every_ms * NS_PER_MS);
    struct member *m = id->revocation_pool < 0 ? NULL : whom(r, &table->pools[id->revocation_pool]);
    if (m == NULL || r->call.under_way)
        return;
    table_ref(table);
    r->asked = table;
    r->asked_at = now;
    text_clear(&r->call.request);
    text_addf(&r->call.request, "GET /gateway/revocations HTTP/1.1\r\nHost: %s\r\n\r\n", m->cfg->address);
    call_start(&r->call, &m->up, (struct call_times){CONNECT_MS, TOTAL_MS}, true, on_answer);
}

static void read_kept(struct revocations *r)
{
    const struct node *n = r->gateway->node;
    scoped_text struct text path = {0}, kept = {0};
    if (n->data_dir == NULL)
        return;
    text_addf(&path, "%s/" FILE_NAME, n->data_dir);
    if (text_read_file(&kept, path.at, FILE_MAX, NULL) == 0)
        (void)revocation_list_read(&r->list, text_str(&kept), kept.len);
}

void revocations_open(struct revocations *r, struct gateway *g)
{
    r->gateway = g;
    r->timer.due = on_due;
    read_kept(r);
    loop_timer_set(g->node->loop, &r->timer, loop_now(g->node->loop));
}

void revocations_close(struct revocations *r)
{
    loop_timer_stop(&r->timer);
    call_deinit(&r->call);
    table_unref(steal(&r->asked));
    revocation_list_free(&r->list);
}

bool revocations_stale(const struct revocations *r, int64_t now)
{
    const struct config_identity *id = wish(r);
    return id->revocation_pool >= 0 && (r->known_at == 0 || now - r->known_at > id->stale_after_ms * NS_PER_MS);
}

json_t *revocations_status(const struct revocations *r, int64_t now)
{
    if (wish(r)->revocation_pool < 0)
        return json_null();
    json_t *age = r->known_at == 0 ? json_null() : json_integer((now - r->known_at) / NS_PER_MS);
    return json_pack("{s:I, s:I, s:o, s:b}", "count", (json_int_t)r->list.count, "lsn", (json_int_t)r->list.lsn,
                     "age_ms", age, "stale", revocations_stale(r, now));
}
