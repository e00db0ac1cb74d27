/* SPDX-License-Identifier: MIT */
/*
 * A bucket fills at the rate that the gateways name, up to one second's worth; what is asked for is granted as far as
 * it goes, in whole requests.
 */
#include "gateway-under-test/limit_book.h"

#include "harness/base/units.h"

#include <stdbool.h>
#include <string.h>

static struct limit_bucket *bucket_of(struct limit_book *b, const char *name, int64_t now)
{
    for (size_t i = 0; i < b->buckets.len; i++) {
        if (strcmp(b->buckets.at[i].name, name) == 0)
            return &b->buckets.at[i];
    }
    if (b->buckets.len == LIMIT_SUBJECTS_MAX)
        return NULL;
    struct limit_bucket *fresh = vec_push(&b->buckets);
    memcpy(fresh->name, name, strlen(name) + 1);
    fresh->filled_at = now;
    return fresh;
}

static bool within(const json_t *value, json_int_t low, json_int_t high)
{
    return json_is_integer(value) && json_integer_value(value) >= low && json_integer_value(value) <= high;
}

static json_int_t draw(struct limit_bucket *k, double per_s, json_int_t want, int64_t now)
{
    k->tokens += (double)(now - k->filled_at) / (double)NS_PER_S * per_s;
    k->filled_at = now;
    if (k->tokens > per_s)
        k->tokens = per_s;
    json_int_t granted = (double)want < k->tokens ? want : (json_int_t)k->tokens;
    k->tokens -= (double)granted;
    return granted;
}

json_t *limit_book_grant(struct limit_book *b, const json_t *wishes, int64_t now_ns)
{
    const json_t *list = json_object_get(wishes, "limits");
    json_t *granted = json_object();
    bool fine = json_is_array(list) && json_array_size(list) <= LIMIT_SUBJECTS_MAX;
    for (size_t i = 0; fine && i < json_array_size(list); i++) {
        const json_t *wish = json_array_get(list, i), *name = json_object_get(wish, "name");
        const json_t *per_s = json_object_get(wish, "per_s"), *want = json_object_get(wish, "want");
        fine = json_is_string(name) && json_string_length(name) > 0 && json_string_length(name) < LIMIT_NAME &&
               strlen(json_string_value(name)) == json_string_length(name) && within(per_s, 1, LIMIT_PER_S_MAX) &&
               within(want, 0, LIMIT_PER_S_MAX);
        struct limit_bucket *k = fine ? bucket_of(b, json_string_value(name), now_ns) : NULL;
        fine = k != NULL;
        if (fine)
            json_object_set_new(
                granted, k->name,
                json_integer(draw(k, (double)json_integer_value(per_s), json_integer_value(want), now_ns)));
    }
    if (fine)
        return json_pack("{s:o}", "granted", granted);
    json_decref(granted);
    return NULL;
}

void limit_book_deinit(struct limit_book *b)
{
    vec_deinit(&b->buckets);
}
