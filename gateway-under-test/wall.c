/* SPDX-License-Identifier: MIT */
/*
 * Slots add up: steps, and what each rate has gained since its order. Time never goes below the beginning of 1970,
 * which is as far as a record can tell it.
 */
#include "gateway-under-test/wall.h"

#include "harness/base/clock.h"
#include "harness/base/units.h"

#include <stdbool.h>
#include <string.h>

#define STEP_MAX_MS INT64_C(315360000000) /* ten years */
#define RATE_MAX_PPM (10 * PPM)

int64_t wall_ns(const struct wall *w)
{
    int64_t t = clock_wall_ns(), now = clock_mono_ns();
    for (size_t i = 0; i < w->count; i++) {
        const struct wall_slot *s = &w->slots[i];
        t +=
            s->step_ms * NS_PER_MS + (int64_t)((double)(now - s->since_ns) * (double)(s->rate_ppm - PPM) / (double)PPM);
    }
    return t > 0 ? t : 0;
}

static bool take(const json_t *body, const char *key, int64_t low, int64_t high, int64_t otherwise, int64_t *out)
{
    const json_t *v = json_object_get(body, key);
    *out = v ? json_integer_value(v) : otherwise;
    return v == NULL || (json_is_integer(v) && *out >= low && *out <= high);
}

static struct wall_slot *find(struct wall *w, const char *fault)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->slots[i].fault, fault) == 0)
            return &w->slots[i];
    }
    return NULL;
}

int wall_order(struct wall *w, const json_t *body)
{
    const char *fault = json_string_value(json_object_get(body, "fault"));
    int64_t step, rate;
    if (fault == NULL || *fault == '\0' || strlen(fault) >= WALL_NAME ||
        !take(body, "step_ms", -STEP_MAX_MS, STEP_MAX_MS, 0, &step) ||
        !take(body, "rate_ppm", PPM / 10, RATE_MAX_PPM, PPM, &rate))
        return 400;
    struct wall_slot *slot = find(w, fault);
    if (step == 0 && rate == PPM) {
        if (slot != NULL)
            *slot = w->slots[--w->count];
        return 200;
    }
    if (slot == NULL && w->count == WALL_SLOTS)
        return 409;
    slot = slot != NULL ? slot : &w->slots[w->count++];
    memcpy(slot->fault, fault, strlen(fault) + 1);
    slot->step_ms = step;
    slot->rate_ppm = rate;
    slot->since_ns = clock_mono_ns();
    return 200;
}

json_t *wall_status(const struct wall *w)
{
    if (w->count == 0)
        return json_null();
    json_t *slots = json_object();
    for (size_t i = 0; i < w->count; i++)
        json_object_set_new(slots, w->slots[i].fault,
                            json_pack("{s:I, s:I}", "step_ms", (json_int_t)w->slots[i].step_ms, "rate_ppm",
                                      (json_int_t)w->slots[i].rate_ppm));
    return slots;
}
