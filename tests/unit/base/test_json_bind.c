/* SPDX-License-Identifier: MIT */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum colour { RED, GREEN, BLUE };
static const char *const colours[] = {"red", "green", "blue", NULL};

struct point {
    int64_t x;
    const char *label;
};

struct thing {
    const char *name;
    double share;
    int64_t count;
    bool on;
    enum colour colour;
    struct point origin, target;
    bool has_target;
    vec_of(struct point) points;
    vec_of(const char *) tags;
    json_t *extra;
};

#define FIELD(type, member, how) .name = #member, .kind = (how), .offset = offsetof(struct type, member)

static const struct json_field point_fields[] = {
    {FIELD(point, x, JB_INT)},
    {FIELD(point, label, JB_TEXT)},
};
static const struct json_shape point_shape = {point_fields, array_len(point_fields), sizeof(struct point)};

static const struct json_field thing_fields[] = {
    {FIELD(thing, name, JB_TEXT)},
    {FIELD(thing, share, JB_NUMBER)},
    {FIELD(thing, count, JB_INT)},
    {FIELD(thing, on, JB_BOOL)},
    {FIELD(thing, colour, JB_ENUM), .words = colours},
    {FIELD(thing, origin, JB_OBJECT), .of = &point_shape},
    {FIELD(thing, target, JB_OBJECT), .of = &point_shape, .present_offset = offsetof(struct thing, has_target)},
    {FIELD(thing, points, JB_LIST), .of = &point_shape},
    {FIELD(thing, tags, JB_TEXTS)},
    {FIELD(thing, extra, JB_JSON)},
};
static const struct json_shape thing_shape = {thing_fields, array_len(thing_fields), sizeof(struct thing)};

static const char full[] = "{\"colour\":\"blue\",\"count\":-3,\"extra\":{\"any\":[1]},\"name\":\"n\",\"on\":true,"
                           "\"origin\":{\"label\":\"o\",\"x\":1},\"points\":[{\"label\":\"p\",\"x\":5},"
                           "{\"label\":null,\"x\":6}],\"share\":0.25,\"tags\":[\"t\",\"u\"],"
                           "\"target\":{\"label\":\"t\",\"x\":2}}";

static const char empty[] = "{\"colour\":\"red\",\"count\":null,\"extra\":null,\"name\":null,\"on\":false,"
                            "\"origin\":{\"label\":null,\"x\":0},\"points\":[],\"share\":null,\"tags\":[],"
                            "\"target\":null}";

static struct arena memory;

static int tear_down(void)
{
    arena_deinit(&memory);
    return 0;
}

static int read_thing(const char *text, struct thing *to, struct err *e)
{
    scoped_json json_t *doc = json_read(text, strlen(text), "test", NULL);
    CU_ASSERT_PTR_NOT_NULL(doc);
    return json_to_struct(&thing_shape, doc, to, &memory, "result.json", e);
}

static bool writes(const struct thing *t, const char *want)
{
    scoped_json json_t *doc = json_of_struct(&thing_shape, t);
    scoped_free char *text = json_canonical(doc);
    if (strcmp(text, want) != 0) {
        printf("\n    %s\n", text);
    }
    return strcmp(text, want) == 0;
}

static void both_directions(void)
{
    struct thing t;
    struct err e = {0};
    CU_ASSERT_EQUAL(read_thing(full, &t, &e), 0);
    CU_ASSERT_STRING_EQUAL(t.name, "n");
    CU_ASSERT_EQUAL(t.share, 0.25);
    CU_ASSERT_EQUAL(t.count, -3);
    CU_ASSERT(t.on && t.colour == BLUE && t.has_target);
    CU_ASSERT_EQUAL(t.origin.x, 1);
    CU_ASSERT_STRING_EQUAL(t.target.label, "t");
    CU_ASSERT_EQUAL(t.points.len, 2);
    CU_ASSERT_EQUAL(t.points.at[1].x, 6);
    CU_ASSERT_PTR_NULL(t.points.at[1].label);
    CU_ASSERT_STRING_EQUAL(t.tags.at[1], "u");
    CU_ASSERT_PTR_NOT_NULL(json_at(t.extra, "/any/0"));
    CU_ASSERT(writes(&t, full));
    json_decref(t.extra);
}

static void nulls_in_both_directions(void)
{
    struct thing t;
    struct err e = {0};
    CU_ASSERT_EQUAL(read_thing(empty, &t, &e), 0);
    CU_ASSERT(isnan(t.share) && t.count == JSON_NONE && !t.name && !t.has_target && !t.extra);
    CU_ASSERT(t.points.at == NULL && t.tags.len == 0);
    CU_ASSERT(writes(&t, empty));
}

static void from_heap_vectors(void)
{
    struct thing t = {.name = "x", .share = INFINITY, .count = INT64_MAX, .colour = GREEN};
    *vec_push(&t.points) = (struct point){7, "seven"};
    *vec_push(&t.tags) = "one";
    *vec_push(&t.tags) = "two";
    CU_ASSERT(writes(&t,
                     "{\"colour\":\"green\",\"count\":9223372036854775807,\"extra\":null,\"name\":\"x\",\"on\":false,"
                     "\"origin\":{\"label\":null,\"x\":0},\"points\":[{\"label\":\"seven\",\"x\":7}],"
                     "\"share\":null,\"tags\":[\"one\",\"two\"],\"target\":null}"));
    vec_deinit(&t.points);
    vec_deinit(&t.tags);
}

static void what_json_cannot_say(void)
{
    struct thing t = {.name = "a\xff"
                              "b\xc3",
                      .colour = (enum colour)77,
                      .count = JSON_NONE};
    scoped_json json_t *doc = json_of_struct(&thing_shape, &t);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(doc, "name")), "a\xef\xbf\xbd"
                                                                            "b\xef\xbf\xbd");
    CU_ASSERT(json_is_null(json_object_get(doc, "colour")));
}

/* Replace one value of the full document and expect a refusal that names the way to it. */
static bool refused(const char *pointer, const char *value, const char *way)
{
    scoped_json json_t *doc = json_read(full, strlen(full), "test", NULL);
    scoped_json json_t *op = value ? json_pack("[{ss ss so}]", "op", "replace", "path", pointer, "value",
                                               json_read(value, strlen(value), "test", NULL))
                                   : json_pack("[{ss ss}]", "op", "remove", "path", pointer);
    scoped_json json_t *changed = json_patch(doc, op, NULL, NULL);
    struct thing t;
    struct err e = {0};
    int rc = json_to_struct(&thing_shape, changed, &t, &memory, "result.json", &e);
    json_decref(t.extra);
    bool right = rc == -1 && e.kind == ERR_READING && strcmp(e.at, "result.json") == 0 && strstr(e.msg, way);
    if (!right) {
        printf("\n    %s: %d %s\n", pointer, rc, e.msg);
    }
    return right;
}

static void refusals_name_the_way(void)
{
    CU_ASSERT(refused("/name", NULL, "`name` is missing"));
    CU_ASSERT(refused("/name", "7", "`name` is not a text"));
    CU_ASSERT(refused("/share", "\"7\"", "`share` is not a number"));
    CU_ASSERT(refused("/count", "1.5", "`count` is not a whole number"));
    CU_ASSERT(refused("/on", "null", "`on` is not true or false"));
    CU_ASSERT(refused("/colour", "\"pink\"", "`colour` is not one of red, green, blue"));
    CU_ASSERT(refused("/colour", "null", "`colour` is not one of"));
    CU_ASSERT(refused("/colour", "1", "`colour` is not one of"));
    CU_ASSERT(refused("/origin", "null", "`origin` is not an object"));
    CU_ASSERT(refused("/origin/x", NULL, "`origin.x` is missing"));
    CU_ASSERT(refused("/target", "[]", "`target` is not an object"));
    CU_ASSERT(refused("/points", "null", "`points` is not a list"));
    CU_ASSERT(refused("/points/1/x", "true", "`points[1].x` is not a whole number"));
    CU_ASSERT(refused("/points/0", "null", "`points[0]` is not an object"));
    CU_ASSERT(refused("/tags/1", "{}", "`tags[1]` is not a text"));
    CU_ASSERT(refused("/extra", NULL, "`extra` is missing"));
    CU_ASSERT(refused("", "[]", "the document"));
}

static void unknown_keys_are_ignored_and_integers_are_numbers(void)
{
    scoped_json json_t *doc = json_read(full, strlen(full), "test", NULL);
    json_object_set_new(doc, "later", json_true());
    json_object_set_new(doc, "share", json_integer(1));
    struct thing t;
    CU_ASSERT_EQUAL(json_to_struct(&thing_shape, doc, &t, &memory, "x", NULL), 0);
    CU_ASSERT_EQUAL(t.share, 1.0);
    json_decref(t.extra);
}

static void fields_that_came_later_may_be_absent(void)
{
    struct later {
        double old, newer;
        struct {
            const char **at;
            size_t len, cap;
        } list;
        bool flag;
    } got = {.flag = true};
    const struct json_field fields[] = {{.name = "old", .kind = JB_NUMBER, .offset = 0},
                                        {.name = "newer", .kind = JB_NUMBER, .offset = sizeof(double), .added = true},
                                        {.name = "list", .kind = JB_TEXTS, .offset = 2 * sizeof(double),
                                         .added = true},
                                        {.name = "flag", .kind = JB_BOOL, .offset = offsetof(struct later, flag),
                                         .added = true}};
    const struct json_shape shape = {fields, array_len(fields), sizeof(got)};
    scoped_json json_t *doc = json_pack("{s:f}", "old", 1.5);
    CU_ASSERT_EQUAL(json_to_struct(&shape, doc, &got, &memory, "x", NULL), 0);
    CU_ASSERT_EQUAL(got.old, 1.5);
    CU_ASSERT(isnan(got.newer));
    CU_ASSERT_EQUAL(got.list.len, 0);
    CU_ASSERT_FALSE(got.flag);
    json_object_set_new(doc, "newer", json_string("7"));
    CU_ASSERT_EQUAL(json_to_struct(&shape, doc, &got, &memory, "x", NULL), -1); /* but not wrong */
    json_object_del(doc, "newer");
    json_object_del(doc, "old");
    CU_ASSERT_EQUAL(json_to_struct(&shape, doc, &got, &memory, "x", NULL), -1);
}

void suite_json_bind(void)
{
    runner_suite(NULL, tear_down);
    runner_test(both_directions);
    runner_test(nulls_in_both_directions);
    runner_test(from_heap_vectors);
    runner_test(what_json_cannot_say);
    runner_test(refusals_name_the_way);
    runner_test(unknown_keys_are_ignored_and_integers_are_numbers);
    runner_test(fields_that_came_later_may_be_absent);
}
