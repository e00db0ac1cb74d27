/* SPDX-License-Identifier: MIT */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static json_t *read_doc(const char *text)
{
    json_t *doc = json_read(text, strlen(text), "test", NULL);
    if (!doc) {
        printf("\n    not JSON: %s\n", text);
    }
    return doc;
}

/* Apply patch to doc and its undo to the result; want NULL: it must fail. Documents are written canonically. */
static bool patches(const char *before, const char *ops, const char *want)
{
    scoped_json json_t *doc = read_doc(before);
    scoped_json json_t *patch = read_doc(ops);
    json_t *undo_out = NULL;
    struct err e = {0};
    scoped_json json_t *got = json_patch(doc, patch, &undo_out, &e);
    scoped_json json_t *undo = undo_out;
    scoped_free char *untouched = json_canonical(doc);
    if (strcmp(untouched, before) != 0) {
        return false;
    }
    if (!want || !got) {
        return !want && !got && !undo && e.kind == ERR_MEANING && e.msg[0];
    }
    scoped_json json_t *back = json_patch(got, undo, NULL, &e);
    scoped_json json_t *blind = json_patch(doc, patch, NULL, NULL);
    scoped_free char *text = json_canonical(got), *back_text = json_canonical(back);
    bool right = strcmp(text, want) == 0 && strcmp(back_text, before) == 0 && json_equal(got, blind);
    if (!right) {
        printf("\n    %s\n    %s %s\n", text, back_text, e.msg);
    }
    return right;
}

/* RFC 6902 appendix A. */
static void examples_of_the_rfc(void)
{
    CU_ASSERT(patches("{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
                      "{\"baz\":\"qux\",\"foo\":\"bar\"}"));
    CU_ASSERT(patches("{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
                      "{\"foo\":[\"bar\",\"qux\",\"baz\"]}"));
    CU_ASSERT(
        patches("{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]", "{\"foo\":\"bar\"}"));
    CU_ASSERT(patches("{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
                      "{\"foo\":[\"bar\",\"baz\"]}"));
    CU_ASSERT(patches("{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
                      "{\"baz\":\"boo\",\"foo\":\"bar\"}"));
    CU_ASSERT(patches("{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
                      "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
                      "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}"));
    CU_ASSERT(patches("{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
                      "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
                      "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}"));
    CU_ASSERT(patches(
        "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
        "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
        "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}"));
    CU_ASSERT(patches("{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", NULL));
    CU_ASSERT(patches("{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
                      "{\"child\":{\"grandchild\":{}},\"foo\":\"bar\"}"));
    CU_ASSERT(patches("{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
                      "{\"baz\":\"qux\",\"foo\":\"bar\"}"));
    CU_ASSERT(patches("{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", NULL));
    CU_ASSERT(
        patches("{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]", "{\"/\":9,\"~1\":10}"));
    CU_ASSERT(patches("{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL));
    CU_ASSERT(patches("{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
                      "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}"));
}

static void additions(void)
{
    CU_ASSERT(patches("{\"a\":1}", "[]", "{\"a\":1}"));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":2}]", "{\"a\":2}"));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[1]}]", "[1]"));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/\",\"value\":null}]", "{\"\":null,\"a\":1}"));
    CU_ASSERT(patches("{}", "[{\"op\":\"add\",\"path\":\"/a~1b~0c\",\"value\":1}]", "{\"a/b~c\":1}"));
    CU_ASSERT(patches("[1]",
                      "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2},{\"op\":\"add\",\"path\":\"/-\",\"value\":3},"
                      "{\"op\":\"add\",\"path\":\"/0\",\"value\":0}]",
                      "[0,1,2,3]"));
    CU_ASSERT(patches("[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":2}]", NULL));
    CU_ASSERT(patches("[1]", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":2}]", NULL));
    CU_ASSERT(patches("[1]", "[{\"op\":\"add\",\"path\":\"/x\",\"value\":2}]", NULL));
    CU_ASSERT(patches("7", "[{\"op\":\"add\",\"path\":\"/x\",\"value\":2}]", NULL));
}

static void removals_and_replacements(void)
{
    CU_ASSERT(patches("[1,2]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", NULL));
    CU_ASSERT(patches("[1,2]", "[{\"op\":\"remove\",\"path\":\"/2\"}]", NULL));
    CU_ASSERT(patches("[1,2]", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL));
    CU_ASSERT(patches("[1,2]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":null}]", "[1,null]"));
    CU_ASSERT(patches("[1,2]", "[{\"op\":\"replace\",\"path\":\"/2\",\"value\":3}]", NULL));
    CU_ASSERT(patches("[1,2]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":3}]", NULL));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":3}]", NULL));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"b\":2}}]", "{\"b\":2}"));
}

static void moves_and_copies(void)
{
    CU_ASSERT(patches("{\"a\":1,\"b\":2}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"}]", "{\"b\":1}"));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}"));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/x\",\"path\":\"/x\"}]", NULL));
    CU_ASSERT(patches("{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", NULL));
    CU_ASSERT(
        patches("{\"a\":1,\"ab\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/ab/c\"}]", "{\"ab\":{\"c\":1}}"));
    CU_ASSERT(patches("{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"\"}]", "1"));
    CU_ASSERT(patches("{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/a\"}]", NULL));
    CU_ASSERT(patches("[1,2,3]", "[{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/-\"}]", "[2,3,1]"));
    CU_ASSERT(patches("[1,2,3]", "[{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/3\"}]", NULL)); /* two are left then */
    CU_ASSERT(patches("{\"a\":[1]}",
                      "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},"
                      "{\"op\":\"add\",\"path\":\"/b/-\",\"value\":2}]",
                      "{\"a\":[1],\"b\":[1,2]}"));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a\"}]", "{\"a\":{\"a\":1}}"));
    CU_ASSERT(patches("{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/x\",\"path\":\"/a\"}]", NULL));
    /* a value that is changed after its move: the way back must know what it was */
    CU_ASSERT(patches("{\"a\":[1,2]}",
                      "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"},"
                      "{\"op\":\"remove\",\"path\":\"/b/0\"},{\"op\":\"replace\",\"path\":\"/b/0\",\"value\":9}]",
                      "{\"b\":[9]}"));
}

static void malformed_patches(void)
{
    static const char *const ops[] = {
        "{}",
        "7",
        "[7]",
        "[{}]",
        "[[]]",
        "[{\"op\":\"add\"}]",
        "[{\"op\":\"add\",\"path\":\"/a\"}]",
        "[{\"op\":\"remove\"}]",
        "[{\"op\":7,\"path\":\"/a\"}]",
        "[{\"op\":\"ADD\",\"path\":\"/b\",\"value\":1}]",
        "[{\"op\":\"merge\",\"path\":\"/a\",\"value\":1}]",
        "[{\"op\":\"add\",\"path\":\"b\",\"value\":1}]",
        "[{\"op\":\"add\",\"path\":\"/~2\",\"value\":1}]",
        "[{\"op\":\"add\",\"path\":7,\"value\":1}]",
        "[{\"op\":\"move\",\"path\":\"/a\"}]",
        "[{\"op\":\"copy\",\"path\":\"/b\",\"from\":\"a\"}]",
        "[{\"op\":\"test\",\"path\":\"/a\"}]",
        "[{\"op\":\"test\",\"path\":\"/b\",\"value\":null}]",
    };
    for (size_t i = 0; i < array_len(ops); i++) {
        CU_ASSERT(patches("{\"a\":1}", ops[i], NULL));
    }
    scoped_json json_t *doc = read_doc("{}");
    CU_ASSERT_PTR_NULL(json_patch(doc, NULL, NULL, NULL));
}

static void failure_is_all_or_nothing_and_named(void)
{
    scoped_json json_t *doc = read_doc("{\"a\":[1]}");
    scoped_json json_t *patch =
        read_doc("[{\"op\":\"add\",\"path\":\"/a/-\",\"value\":2},{\"op\":\"remove\",\"path\":\"/nope\"}]");
    struct err e = {0};
    json_t *undo = doc; /* anything but NULL */
    CU_ASSERT_PTR_NULL(json_patch(doc, patch, &undo, &e));
    CU_ASSERT_PTR_NULL(undo);
    CU_ASSERT_EQUAL(json_array_size(json_at(doc, "/a")), 1);
    CU_ASSERT_STRING_EQUAL(e.at, "operation 1 of the patch");
    CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "/nope"));
}

/* Neither the patch nor the document may change through the result. */
static void result_shares_nothing(void)
{
    scoped_json json_t *doc = read_doc("{\"a\":{\"b\":[1]}}");
    scoped_json json_t *patch = read_doc("[{\"op\":\"add\",\"path\":\"/c\",\"value\":{\"d\":[1]}}]");
    scoped_json json_t *got = json_patch(doc, patch, NULL, NULL);
    json_array_clear(json_object_get(json_object_get(got, "a"), "b"));
    json_array_clear(json_object_get(json_object_get(got, "c"), "d"));
    CU_ASSERT_PTR_NOT_NULL(json_at(doc, "/a/b/0"));
    CU_ASSERT_PTR_NOT_NULL(json_at(patch, "/0/value/d/0"));
}

static void copies_cannot_explode(void)
{
    scoped_json json_t *doc = read_doc("{\"a\":[]}");
    scoped_json json_t *wide = json_array(), *deep = json_array();
    for (int i = 0; i < 64; i++) {
        json_array_append_new(wide, json_pack("{ssssss}", "op", "copy", "from", "", "path", "/a/-"));
    }
    scoped_text struct text path = {0};
    for (int i = 0; i < 1200; i++) { /* each step nests the document one level deeper inside of itself */
        text_add(&path, "/a");
        json_array_append_new(deep, json_pack("{ssss}", "op", "add", "path", text_str(&path)));
        json_object_set_new(json_array_get(deep, (size_t)i), "value", read_doc("{\"a\":[]}"));
    }
    for (int i = 0; i < 4; i++) {
        json_array_append_new(deep, json_pack("{ssssss}", "op", "copy", "from", "", "path", text_str(&path)));
    }
    struct err too_wide = {0}, too_deep = {0};
    CU_ASSERT_PTR_NULL(json_patch(doc, wide, NULL, &too_wide));
    CU_ASSERT_PTR_NOT_NULL(strstr(too_wide.msg, "copies too much"));
    CU_ASSERT_PTR_NULL(json_patch(doc, deep, NULL, &too_deep));
    CU_ASSERT_PTR_NOT_NULL(strstr(too_deep.msg, "too deeply"));
}

static void check_diff(const char *from, const char *to, const char *want)
{
    scoped_json json_t *a = read_doc(from);
    scoped_json json_t *b = read_doc(to);
    scoped_json json_t *patch = json_diff(a, b);
    scoped_free char *text = json_canonical(patch);
    CU_ASSERT_STRING_EQUAL(text, want);
    CU_ASSERT(patches(from, text, to));
}

static void differences(void)
{
    check_diff("{\"a\":1}", "{\"a\":1}", "[]");
    check_diff("{\"a\":1}", "{\"a\":2}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2}]");
    check_diff("{\"a\":1}", "{\"a\":1.0}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1.0}]");
    check_diff("{\"a\":1}", "{\"b\":1}",
               "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"add\",\"path\":\"/b\",\"value\":1}]");
    check_diff("[1,2,3,4]", "[1,3,4]", "[{\"op\":\"remove\",\"path\":\"/1\"}]");
    check_diff("[1,3]", "[1,2,3]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2}]");
    check_diff("[]", "{}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{}}]");
    check_diff("{\"pools\":{\"a/b\":{\"policy\":\"round_robin\"}}}",
               "{\"pools\":{\"a/b\":{\"policy\":\"least_conn\"}}}",
               "[{\"op\":\"replace\",\"path\":\"/pools/a~1b/policy\",\"value\":\"least_conn\"}]");
}

void suite_json_patch(void)
{
    runner_suite(NULL, NULL);
    runner_test(examples_of_the_rfc);
    runner_test(additions);
    runner_test(removals_and_replacements);
    runner_test(moves_and_copies);
    runner_test(malformed_patches);
    runner_test(failure_is_all_or_nothing_and_named);
    runner_test(result_shares_nothing);
    runner_test(copies_cannot_explode);
    runner_test(differences);
}
