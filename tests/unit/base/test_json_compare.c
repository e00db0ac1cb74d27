/* SPDX-License-Identifier: MIT */
/*
 * Field by field: standings, named lists, paths, counts, and that equal documents are equal whatever their order.
 */
#include "harness/base/json_compare.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

/* "standing path desired actual" a line. */
static void expect(const char *desired, const char *actual, const char *rows, size_t same)
{
    scoped_json json_t *a = json_loads(desired, JSON_DECODE_ANY, NULL), *b = json_loads(actual, JSON_DECODE_ANY, NULL);
    struct json_comparison c = {0};
    scoped_text struct text out = {0};
    json_compare(&c, a, b);
    for (size_t i = 0; i < c.rows.len; i++) {
        const struct json_row *r = &c.rows.at[i];
        scoped_free char *x = r->desired ? json_dumps(r->desired, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        scoped_free char *y = r->actual ? json_dumps(r->actual, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        text_addf(&out, "%s %s %s %s\n", json_standing_words[r->standing], r->path, x ? x : "-", y ? y : "-");
    }
    CU_ASSERT_STRING_EQUAL(text_str(&out), rows);
    CU_ASSERT_EQUAL(c.same, same);
    json_comparison_deinit(&c);
}

static void what_stands_how(void)
{
    expect("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"b\":{\"d\":3,\"c\":2},\"a\":1}", "", 3);
    expect("{\"a\":1,\"b\":2}", "{\"a\":5,\"c\":2}", "changed a 1 5\nmissing b 2 -\nunexpected c - 2\n", 0);
    expect("{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{}}", "missing a/b {\"c\":1} -\n", 0);
    expect("{\"a\":{\"b\":1}}", "{\"a\":7}", "changed a {\"b\":1} 7\n", 0);
    expect("5", "6", "changed  5 6\n", 0);
    expect("{\"a/b~\":1}", "{}", "missing a~1b~0 1 -\n", 0);
    expect("{}", "{}", "", 0);
}

static void lists_of_named_things_have_no_order(void)
{
    expect("{\"r\":[{\"name\":\"x\",\"v\":1},{\"name\":\"y\",\"v\":2}]}",
           "{\"r\":[{\"name\":\"y\",\"v\":2},{\"name\":\"x\",\"v\":3}]}", "changed r/x/v 1 3\n", 3);
    expect("[{\"name\":\"x\"}]", "[{\"name\":\"y\"}]",
           "missing x {\"name\":\"x\"} -\nunexpected y - {\"name\":\"y\"}\n", 0);
}

static void other_lists_are_values(void)
{
    expect("{\"r\":[1,2]}", "{\"r\":[2,1]}", "changed r [1,2] [2,1]\n", 0);
    expect("[{\"name\":\"x\"},{\"name\":\"x\"}]", "[{\"name\":\"x\"}]",
           "changed  [{\"name\":\"x\"},{\"name\":\"x\"}] {\"x\":{\"name\":\"x\"}}\n", 0);
    expect("[]", "[]", "", 1);
}

void suite_json_compare(void)
{
    runner_suite(NULL, NULL);
    runner_test(what_stands_how);
    runner_test(lists_of_named_things_have_no_order);
    runner_test(other_lists_are_values);
}
