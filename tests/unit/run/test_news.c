/* SPDX-License-Identifier: MIT */
/* What a watched node has to say, in words: only news, named as people name them, and always of bounded length. */
#include "harness/run/news.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <string.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *words(const char *before, const char *after)
{
    static char out[NEWS_WORDS];
    scoped_json json_t *b = json_loads(before, 0, NULL), *a = json_loads(after, 0, NULL);
    scoped_json json_t *old = b ? news_of(b) : NULL, *now = news_of(a);
    news_words(old, now, out);
    return out;
}

static void a_change_is_named(void)
{
    CU_ASSERT_STRING_EQUAL(words("", "{\"epoch\":1}"), "first answer");
    CU_ASSERT_STRING_EQUAL(words("{\"epoch\":1,\"leader\":false}", "{\"epoch\":2,\"leader\":true}"),
                           "epoch: 1 -> 2, leader: no -> yes");
    CU_ASSERT_STRING_EQUAL(words("{\"upstreams\":[{\"name\":\"us/origin-1\",\"health\":\"up\"},{\"name\":\"b\"}]}",
                                 "{\"upstreams\":[{\"name\":\"b\"},{\"name\":\"us/origin-1\",\"health\":\"down\"}]}"),
                           "upstreams us/origin-1 health: up -> down");
    CU_ASSERT_STRING_EQUAL(words("{\"peers\":[{\"region\":\"eu\",\"connected\":true,\"acked\":3}]}",
                                 "{\"peers\":[{\"region\":\"eu\",\"connected\":false,\"acked\":9}]}"),
                           "peers eu connected: yes -> no");
    CU_ASSERT_STRING_EQUAL(words("{\"config\":\"" HASH "\"}", "{\"config\":null}"), "config: 0123456789ab -> none");
    CU_ASSERT_STRING_EQUAL(words("{\"holder\":\"a\"}", "{}"), "holder: a -> none");
}

static void what_always_moves_is_no_news(void)
{
    CU_ASSERT_STRING_EQUAL(words("{\"lsn\":1,\"epoch\":1}", "{\"lsn\":2,\"epoch\":1}"), "");
}

static void hostile_statuses_stay_in_bounds(void)
{
    scoped_text struct text after = {0};
    text_addf(&after, "{\"mode\":\"%02000d\",\"holder\":\"%02000d\",", 0, 0);
    text_add(&after, "\"answer\":[[[1]]],\"upstreams\":{\"~1/~\":1},\"peers\":[7,{\"region\":5}]}");
    CU_ASSERT(strlen(words("{\"upstreams\":{}}", text_str(&after))) == NEWS_WORDS - 1);
    CU_ASSERT_STRING_EQUAL(words("[]", "7"), "");
    CU_ASSERT_STRING_EQUAL(words("{\"upstreams\":{\"a/b~c\":1}}", "{\"upstreams\":{\"a/b~c\":[2]}}"),
                           "upstreams a/b~c: 1 -> [2]");
}

void suite_news(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_change_is_named);
    runner_test(what_always_moves_is_no_news);
    runner_test(hostile_statuses_stay_in_bounds);
}
