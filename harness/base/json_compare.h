/* SPDX-License-Identifier: MIT */
/*
 * Two JSON documents field by field, as people compare configurations: what changed, what is missing, what nobody asked
 * for.
 *
 * A list of things that are all named (objects with a text `name`, each another) is a map of them: their order is no
 * difference, and their names stand in paths. Other lists are values. Owns keyed copies of both documents; rows borrow
 * from them.
 */
#pragma once
#include "harness/base/vec.h"
#include <jansson.h>

enum json_standing { JSON_CHANGED, JSON_MISSING, JSON_UNEXPECTED, JSON_STANDINGS };
extern const char *const json_standing_words[]; /* NULL at the end */

struct json_row {
    enum json_standing standing;
    char *path;                    /* keys joined by slashes, escaped as in RFC 6901, without the first one */
    const json_t *desired, *actual; /* NULL: it has none */
};

struct json_comparison {
    json_t *desired, *actual; /* keyed */
    vec_of(struct json_row) rows; /* by path */
    size_t count[JSON_STANDINGS], same; /* same: equal values that are no objects */
};

void json_compare(struct json_comparison *c, const json_t *desired, const json_t *actual); /* c zeroed */
void json_comparison_deinit(struct json_comparison *c);
