/* SPDX-License-Identifier: MIT */
/*
 * The knobs. A PUT replaces its slot whole and begins its draw anew, a DELETE of what is not there is fine, so both may
 * be repeated. Whatever is unknown, out of range or contradicts itself is refused with the place and a reason, and
 * nothing changes. A GET tells the slots as they were set, how many requests each has drawn for and how many it hit.
 */
#include "gateway-under-test/misbehave.h"

#include "gateway-under-test/config.h"
#include "gateway-under-test/node.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define MINUTE_US INT64_C(60000000)
#define SEED_MAX ((INT64_C(1) << 53) - 1)

static const char *const health_words[] = {"honest", "good", "bad", NULL};

static int contradiction(const struct config_place *p, const struct misbehaviour *b)
{
    bool answers_badly =
        b->status != 0 || b->first_byte_us != 0 || b->body_us != 0 || b->reset_after >= 0 || b->short_body;
    if (!answers_badly && !b->hang && b->health == HEALTH_HONEST)
        return place_fail(p, "status", "or another knob must be set");
    if (b->hang && answers_badly)
        return place_fail(p, "hang", "leaves no answer for the other knobs");
    if (b->reset_after >= 0 && b->short_body)
        return place_fail(p, "short_body", "and reset_after cannot both end the body");
    if (b->retry_after_s != 0 && b->status != 429 && b->status != 503)
        return place_fail(p, "retry_after_s", "goes with status 429 or 503");
    return 0;
}

static int read_knobs(const json_t *doc, struct misbehaviour *b, struct err *e)
{
    static const char *const keys[] = {"status",     "share_ppm",     "seed",   "first_byte_us", "body_us", "hang",
                                       "short_body", "retry_after_s", "health", "reset_after",   NULL};
    const struct config_place p = {.object = doc, .file = "misbehave", .e = e};
    int health = 0;
    if (place_keys(&p, keys) < 0 || want_small(&p, "status", 400, 599, 0, &b->status) < 0 ||
        want_int(&p, "share_ppm", 1, PPM, PPM, &b->share_ppm) < 0 ||
        want_int(&p, "seed", 0, SEED_MAX, 0, &b->seed) < 0 ||
        want_int(&p, "first_byte_us", 1, MINUTE_US, 0, &b->first_byte_us) < 0 ||
        want_int(&p, "body_us", 1, MINUTE_US, 0, &b->body_us) < 0 ||
        want_int(&p, "reset_after", 0, (int64_t)HTTP_BODY_MAX, -1, &b->reset_after) < 0 ||
        want_int(&p, "retry_after_s", 1, 3600, 0, &b->retry_after_s) < 0 ||
        want_bool(&p, "hang", false, &b->hang) < 0 || want_bool(&p, "short_body", false, &b->short_body) < 0 ||
        want_word(&p, "health", health_words, "honest", &health) < 0)
        return -1;
    b->health = (enum health_lie)health;
    return contradiction(&p, b);
}

static struct misbehaviour *slot_of(struct misbehave *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->at[i].name, name) == 0)
            return &m->at[i];
    }
    return NULL;
}

static json_t *slot_json(const struct misbehaviour *b)
{
    json_t *o = json_pack("{s:I, s:I, s:s, s:b, s:b, s:I, s:I}", "share_ppm", (json_int_t)b->share_ppm, "seed",
                          (json_int_t)b->seed, "health", health_words[b->health], "hang", b->hang, "short_body",
                          b->short_body, "requests", (json_int_t)b->requests, "hits", (json_int_t)b->hits);
    if (b->status != 0)
        json_object_set_new(o, "status", json_integer(b->status));
    if (b->first_byte_us != 0)
        json_object_set_new(o, "first_byte_us", json_integer(b->first_byte_us));
    if (b->body_us != 0)
        json_object_set_new(o, "body_us", json_integer(b->body_us));
    if (b->reset_after >= 0)
        json_object_set_new(o, "reset_after", json_integer(b->reset_after));
    if (b->retry_after_s != 0)
        json_object_set_new(o, "retry_after_s", json_integer(b->retry_after_s));
    return o;
}

static void answer_all(struct misbehave *m, struct exchange *x)
{
    json_t *slots = json_object();
    for (size_t i = 0; i < m->count; i++)
        json_object_set_new(slots, m->at[i].name, slot_json(&m->at[i]));
    answer_json(x, 200, json_pack("{s:o}", "slots", slots));
}

static void set(struct misbehave *m, struct exchange *x, const char *name)
{
    struct http_span body = exchange_body(x);
    struct err e = {0};
    struct misbehaviour wish = {0}, *slot = slot_of(m, name);
    scoped_json json_t *doc = json_read(body.at, body.len, "misbehave", &e);
    if (doc != NULL && !json_is_object(doc))
        err_set(&e, ERR_MEANING, "misbehave", "the knobs must be an object");
    if (e.kind != ERR_NONE || read_knobs(doc, &wish, &e) < 0) {
        answer_json(x, 400, json_pack("{s:s, s:s, s:s}", "error", e.msg, "at", e.at, "help", e.help));
        return;
    }
    if (slot == NULL && m->count == MISBEHAVE_MAX) {
        answer_error(x, 409, "", "every slot is taken");
        return;
    }
    (void)snprintf(wish.name, sizeof(wish.name), "%s", name);
    rng_init(&wish.dice, (uint64_t)wish.seed, "misbehave");
    slot = slot != NULL ? slot : &m->at[m->count++];
    *slot = wish;
    misbehave_release(m);
    node_log(m->node, "misbehaves: %s", name);
    answer_json(x, 200, slot_json(slot));
}

static void clear(struct misbehave *m, struct exchange *x, const char *name)
{
    struct misbehaviour *slot = slot_of(m, name);
    if (slot != NULL) {
        size_t at = (size_t)(slot - m->at);
        memmove(slot, slot + 1, (m->count - at - 1) * sizeof(*slot));
        m->count--;
        misbehave_release(m);
        node_log(m->node, "behaves again: %s", name);
    }
    answer_json(x, 200, json_object());
}

/* The NAME of /misbehave/NAME: small letters, digits and dashes. */
static bool name_of(struct http_span path, char name[MISBEHAVE_NAME])
{
    static const char prefix[] = "/misbehave/";
    size_t skip = sizeof(prefix) - 1, len = path.len > skip ? path.len - skip : 0;
    if (!span_starts(path, prefix) || len == 0 || len >= MISBEHAVE_NAME)
        return false;
    memcpy(name, path.at + skip, len);
    name[len] = '\0';
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

bool misbehave_admin(struct misbehave *m, struct exchange *x)
{
    struct http_span path = exchange_path(x), method = exchange_method(x);
    char name[MISBEHAVE_NAME];
    if (span_is(path, "/misbehave") && span_is(method, "GET")) {
        answer_all(m, x);
        return true;
    }
    if (!name_of(path, name))
        return false;
    if (span_is(method, "PUT"))
        set(m, x, name);
    else if (span_is(method, "DELETE"))
        clear(m, x, name);
    else
        answer_error(x, 405, "Allow: PUT, DELETE\r\n", "method not allowed");
    return true;
}
