/* SPDX-License-Identifier: MIT */
/*
 * The tree: places, the limits, everything of YAML that is refused, and bytes that are no YAML at all.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/yaml_tree.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include <stdlib.h>
#include <string.h>

static struct yaml_tree tree;
static struct diag_list diags;

static int tear_down(void)
{
    yaml_tree_deinit(&tree);
    diag_list_deinit(&diags);
    return 0;
}

static struct yaml_node *parse_bytes(const char *text, size_t len)
{
    tear_down();
    yaml_tree_parse(&tree, "t", text, len, &diags);
    return tree.root;
}

static struct yaml_node *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

/* The one complaint has this code and place. */
static bool complains(int code, int line, int column)
{
    return diags.errors == 1 && diags.at[0]->code == code && diags.at[0]->at.line == line &&
           diags.at[0]->at.column == column;
}

static void remembers_places(void)
{
    const struct yaml_node *n = parse("a: {b: [x, \"yy\"]}\n\xc3\xa4\xc3\xb6: zz\n");
    const struct yaml_node *item = node_item(node_get(node_get(n, "a"), "b"), 1);
    REQUIRE(item != NULL);
    CU_ASSERT_STRING_EQUAL(item->text, "yy");
    CU_ASSERT_FALSE(item->plain);
    CU_ASSERT(item->place.line == 1 && item->place.column == 12 && item->place.length == 4);
    const struct yaml_node *zz = node_get(n, "\xc3\xa4\xc3\xb6");
    REQUIRE(zz != NULL);
    CU_ASSERT(zz->place.line == 2 && zz->place.column == 5);
    CU_ASSERT(zz->key->place.column == 1 && zz->key->place.length == 2);
    CU_ASSERT_EQUAL(diags.errors, 0);
}

static void reads_all_line_ends(void)
{
    static const char *const texts[] = {"a: 1\nb: 2\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r",
                                        "\xef\xbb\xbf\x61: 1\nb: 2"};
    for (size_t i = 0; i < array_len(texts); i++) {
        const struct yaml_node *b = node_get(parse(texts[i]), "b");
        CU_ASSERT(b && b->place.line == 2 && b->place.column == 4);
    }
}

static void keeps_words_as_text(void)
{
    const struct yaml_node *n = parse("no: on\nx: 1:30\ny: ~\n");
    CU_ASSERT_STRING_EQUAL(node_get(n, "no")->text, "on");
    CU_ASSERT_STRING_EQUAL(node_get(n, "x")->text, "1:30");
    CU_ASSERT_STRING_EQUAL(node_get(n, "y")->text, "~");
}

static void refuses_features(void)
{
    static const struct {
        const char *text;
        int line, column;
    } cases[] = {
        {"a: &x 1\n", 1, 4},   {"a: *x\n", 1, 4},           {"<<: {b: 1}\n", 1, 1},
        {"a: !own 1\n", 1, 4}, {"a: !!python/x 1\n", 1, 4}, {"a: 1\n---\nb: 2\n", 2, 1},
        {"a: ! 1\n", 1, 4},    {"a: &m {b: 1}\n", 1, 4},    {"%TAG !a! tag:x,2000:\n---\na: 1\n", 1, 1},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        parse(cases[i].text);
        CU_ASSERT(complains(DIAG_FEATURE, cases[i].line, cases[i].column));
    }
    CU_ASSERT_PTR_NOT_NULL(parse("a: !!str 1\n"));
    CU_ASSERT_EQUAL(diags.errors, 0);
}

static void never_follows_aliases(void)
{
    parse("a: &a [*a, *a]\nb: &b [*a, *a]\nc: [*b, *b, *b]\n");
    CU_ASSERT(diags.errors >= 7);
}

static void finds_duplicates_and_goes_on(void)
{
    parse("a: 1\nb: 2\na: {c: 1}\nb: 3\n");
    CU_ASSERT_EQUAL(diags.errors, 2);
    CU_ASSERT_EQUAL(diags.at[0]->code, DIAG_DUPLICATE_KEY);
    CU_ASSERT_EQUAL(diags.at[0]->at.line, 3);
    CU_ASSERT_EQUAL(diags.at[0]->notes->at.line, 1);
    CU_ASSERT_PTR_NOT_NULL(tree.root);
    parse("{a: 1, \"a\": 2}\n");
    CU_ASSERT_EQUAL(diags.errors, 1);
}

static void refuses_what_is_no_key(void)
{
    parse("? {a: 1}\n: 2\n");
    CU_ASSERT(complains(DIAG_WRONG_KIND, 1, 3));
    CU_ASSERT_PTR_NULL(tree.root);
}

static void tells_tabs(void)
{
    parse("a:\n\tb: 1\n");
    CU_ASSERT(complains(DIAG_TAB, 2, 1));
    parse("a:\n  \tb: 1\n");
    CU_ASSERT(complains(DIAG_TAB, 2, 3));
    CU_ASSERT_PTR_NOT_NULL(parse("a: 1\t# a tab that hurts nobody\n"));
    CU_ASSERT_EQUAL(diags.errors, 0);
    parse("a: @b\n"); /* the same message of libyaml, no tab */
    CU_ASSERT(complains(DIAG_SYNTAX, 1, 4));
}

static void tells_bytes(void)
{
    parse("name: x\ntitle: caf\xe9\n");
    CU_ASSERT(complains(DIAG_ENCODING, 2, 11));
    parse("a: \xed\xa0\x80\n"); /* a surrogate */
    CU_ASSERT(complains(DIAG_ENCODING, 1, 4));
    parse("a: \x01\n");
    CU_ASSERT(complains(DIAG_ENCODING, 1, 4));
    parse("a: \"\\e[31m\"\n");
    CU_ASSERT(complains(DIAG_ENCODING, 1, 4));
    parse("a: \"x\\0y\"\n");
    CU_ASSERT(complains(DIAG_ENCODING, 1, 4));
    parse_bytes("\x7f"
                "ELF\0\1",
                6);
    CU_ASSERT(complains(DIAG_BINARY, 1, 5));
    parse_bytes("\xff\xfe"
                "a\0",
                4);
    CU_ASSERT(complains(DIAG_BINARY, 1, 4));
}

static void tells_emptiness(void)
{
    static const char *const texts[] = {"", "\n\n", "# nothing\n", "---\n...\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < array_len(texts); i++) {
        parse(texts[i]);
        CU_ASSERT(diags.errors == 1 || (tree.root && tree.root->kind == NODE_SCALAR)); /* --- is an empty scalar */
    }
    parse("");
    CU_ASSERT(complains(DIAG_EMPTY, 1, 1));
}

static void repeat(struct text *t, const char *s, size_t n)
{
    text_clear(t);
    for (size_t i = 0; i < n; i++) {
        text_add(t, s);
    }
}

static void stops_at_limits_quickly(void)
{
    static const struct {
        const char *piece;
        size_t times;
        int code;
    } cases[] = {
        {"[", 200000, DIAG_LIMIT},
        {"{a: ", 100000, DIAG_LIMIT},
        {"- ", 300000, DIAG_LIMIT},
        {"[\n", 100000, DIAG_LIMIT},
        {"- a\n", 12000, DIAG_LIMIT},
        {"x", 70000, DIAG_LIMIT},
        {"k: 1\n", 11000, DIAG_LIMIT},
        {"a", 2 * 1024 * 1024, DIAG_LIMIT},
        {"? ", 200000, 0},
        {"\"", 300001, 0},
        {"- |\n", 8000, 0},
        {"&a ", 100000, 0},
        {"#\n", 400000, DIAG_EMPTY},
        {"\xe2\x80\xa8", 300000, 0},
        {"- 'x\n\n y'\n", 9000, 0},
        {"%TAG ! tag:x,2000:\n", 50000, DIAG_LIMIT},
        {"!<tag:yaml.org,2002:str> ", 30000, 0},
    };
    scoped_text struct text t = {0};
    for (size_t i = 0; i < array_len(cases); i++) {
        repeat(&t, cases[i].piece, cases[i].times);
        int64_t begin = cpu_ns();
        parse_bytes(t.at, t.len);
        int64_t took = cpu_ns() - begin;
        CU_ASSERT(took < 1000 * NS_PER_MS); /* tens of ms; sanitizers and busy machines take longer */
        CU_ASSERT(cases[i].code == 0 || (diags.errors > 0 && diags.at[diags.count - 1]->code == cases[i].code) ||
                  diags.at[0]->code == DIAG_DUPLICATE_KEY);
    }
}

static void distinct_keys_are_cheap(void)
{
    scoped_text struct text t = {0};
    for (int i = 0; i < 4990; i++) {
        text_addf(&t, "k%d: 1\n", i);
    }
    int64_t begin = cpu_ns();
    CU_ASSERT_PTR_NOT_NULL(parse_bytes(t.at, t.len));
    CU_ASSERT(cpu_ns() - begin < 1000 * NS_PER_MS);
    CU_ASSERT_EQUAL(diags.errors, 0);
}

static void makes_json_of_scalars(void)
{
    scoped_json json_t *j =
        node_json(parse("[true, false, null, 5, -1.5e3, 007, \"5\", yes, 1:30, {a: b}, 99999999999999999999]"));
    scoped_free char *s = json_dumps(j, JSON_COMPACT);
    CU_ASSERT_STRING_EQUAL(s, "[true,false,null,5,-1500.0,\"007\",\"5\",\"yes\",\"1:30\",{\"a\":\"b\"},"
                              "\"99999999999999999999\"]");
}

void suite_yaml_tree(void)
{
    runner_suite(NULL, tear_down);
    runner_test(remembers_places);
    runner_test(reads_all_line_ends);
    runner_test(keeps_words_as_text);
    runner_test(refuses_features);
    runner_test(never_follows_aliases);
    runner_test(finds_duplicates_and_goes_on);
    runner_test(refuses_what_is_no_key);
    runner_test(tells_tabs);
    runner_test(tells_bytes);
    runner_test(tells_emptiness);
    runner_test(stops_at_limits_quickly);
    runner_test(distinct_keys_are_cheap);
    runner_test(makes_json_of_scalars);
}
