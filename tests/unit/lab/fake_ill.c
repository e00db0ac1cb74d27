/* SPDX-License-Identifier: MIT */
#include "tests/unit/lab/fake_ill.h"

#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

int fake_ill_order(struct fake_lab *f, struct fake_node *n, const char *method, const char *name, json_t *knobs)
{
    if (strcmp(method, "DELETE") == 0 && !f->deaf) {
        json_object_del(n->ills, name);
    } else if (strcmp(method, "PUT") == 0 && !f->deaf) {
        json_object_set(n->ills, name, knobs);
        rng_init(&n->dice, (uint64_t)json_integer_value(json_object_get(knobs, "seed")), "fake");
    }
    return 200;
}

int fake_ill_answer(struct fake_node *n, const char *http_target, int64_t timeout_ns, struct lab_course *c,
                    int64_t *after_ns)
{
    int status = 200, bytes = 0;
    const char *key;
    json_t *slot;
    bool health = sscanf(http_target, "/bytes/%d", &bytes) != 1;
    json_object_foreach(n->ills, key, slot)
    {
        const char *lie = json_string_value(json_object_get(slot, "health"));
        if (health && lie && strcmp(lie, "honest") != 0) {
            return strcmp(lie, "good") == 0 ? 200 : 503;
        }
        if ((int64_t)rng_below(&n->dice, 1000000) >= json_integer_value(json_object_get(slot, "share_ppm"))) {
            continue;
        }
        if (json_is_true(json_object_get(slot, "hang"))) {
            c->end = END_TIMEOUT;
            *after_ns = timeout_ns;
            return 0;
        }
        json_t *asked = json_object_get(slot, "status"), *reset = json_object_get(slot, "reset_after");
        status = asked ? (int)json_integer_value(asked) : status;
        json_t *retry = json_object_get(slot, "retry_after_s");
        c->retry_after_s = retry ? json_integer_value(retry) : c->retry_after_s;
        *after_ns += json_integer_value(json_object_get(slot, "first_byte_us")) * NS_PER_US;
        c->end = reset ? END_RESET : json_is_true(json_object_get(slot, "short_body")) ? END_SHORT : c->end;
        bytes = reset ? (int)json_integer_value(reset) : bytes;
    }
    c->body_len = (size_t)bytes;
    return status;
}
