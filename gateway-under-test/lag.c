/* SPDX-License-Identifier: MIT */
/*
 * Slots and their merge. An order that repeats a slot replaces it; giving up one that is not there is no error, since
 * whoever ends a fault may have to say so twice. Slots live in memory: a process that starts again has none.
 */
#include "gateway-under-test/lag.h"

#include "harness/base/units.h"

#include <string.h>

#define DELAY_MAX_MS 600000

/* A number of the body within [0, max]; absent: 0. */
static bool take(const json_t *body, const char *key, int64_t max, int64_t *out)
{
    const json_t *v = json_object_get(body, key);
    *out = json_integer_value(v);
    return v == NULL || (json_is_integer(v) && *out >= 0 && *out <= max);
}

static bool read_wish(const json_t *body, struct lag_wish *w)
{
    const json_t *stop = json_object_get(body, "stop");
    w->stop = json_is_true(stop);
    return (stop == NULL || json_is_boolean(stop)) && take(body, "delay_ms", DELAY_MAX_MS, &w->delay_ms) &&
           take(body, "corrupt_ppm", PPM, &w->corrupt_ppm) && take(body, "duplicate_ppm", PPM, &w->duplicate_ppm);
}

static int64_t either(int64_t p, int64_t q)
{
    return p + q - p * q / PPM;
}

static void merge(struct lag *l)
{
    l->all = (struct lag_wish){0};
    for (size_t i = 0; i < l->count; i++) {
        const struct lag_wish *w = &l->slots[i].wish;
        l->all.stop = l->all.stop || w->stop;
        l->all.delay_ms += w->delay_ms;
        l->all.corrupt_ppm = either(l->all.corrupt_ppm, w->corrupt_ppm);
        l->all.duplicate_ppm = either(l->all.duplicate_ppm, w->duplicate_ppm);
    }
}

static struct lag_slot *find(struct lag *l, const char *fault)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->slots[i].fault, fault) == 0)
            return &l->slots[i];
    }
    return NULL;
}

static void give_up(struct lag *l, struct lag_slot *slot)
{
    *slot = l->slots[--l->count];
    merge(l);
}

int lag_order(struct lag *l, const json_t *body)
{
    const char *fault = json_string_value(json_object_get(body, "fault"));
    struct lag_wish w;
    if (fault == NULL || *fault == '\0' || strlen(fault) >= LAG_NAME || !read_wish(body, &w))
        return 400;
    struct lag_slot *slot = find(l, fault);
    if (!w.stop && w.delay_ms == 0 && w.corrupt_ppm == 0 && w.duplicate_ppm == 0) {
        if (slot != NULL)
            give_up(l, slot);
        return 200;
    }
    if (slot == NULL && l->count == LAG_SLOTS)
        return 409;
    if (l->count == 0)
        l->frames = l->damaged = l->doubled = 0;
    slot = slot != NULL ? slot : &l->slots[l->count++];
    memcpy(slot->fault, fault, strlen(fault) + 1);
    slot->wish = w;
    merge(l);
    return 200;
}

const char *lag_refusal(int status)
{
    return status == 409 ? "no slot is left" : "fault must name a slot, stop be true or false, and numbers be in range";
}

bool lag_holds(const struct lag *l, int64_t born_ns, int64_t now_ns)
{
    return l->all.stop || born_ns > now_ns - l->all.delay_ms * NS_PER_MS;
}

json_t *lag_status(const struct lag *l)
{
    json_t *slots = json_object();
    for (size_t i = 0; i < l->count; i++) {
        const struct lag_wish *w = &l->slots[i].wish;
        json_object_set_new(slots, l->slots[i].fault,
                            json_pack("{s:b, s:I, s:I, s:I}", "stop", w->stop, "delay_ms", (json_int_t)w->delay_ms,
                                      "corrupt_ppm", (json_int_t)w->corrupt_ppm, "duplicate_ppm",
                                      (json_int_t)w->duplicate_ppm));
    }
    if (l->count == 0) {
        json_decref(slots);
        return json_null();
    }
    return json_pack("{s:o, s:I, s:I, s:I}", "slots", slots, "frames", (json_int_t)l->frames, "damaged",
                     (json_int_t)l->damaged, "doubled", (json_int_t)l->doubled);
}

bool lag_draw(struct lag *l, int64_t ppm, struct rng *rng)
{
    return l->count > 0 && ppm > 0 && (int64_t)rng_below(rng, PPM) < ppm;
}

void lag_damage(char *frame, size_t len, struct rng *rng)
{
    size_t at = 4 + (size_t)rng_below(rng, len - 4); /* its CRC, or what the CRC is of */
    frame[at] = (char)(frame[at] ^ (1 << rng_below(rng, 8)));
}
