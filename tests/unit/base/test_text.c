/* SPDX-License-Identifier: MIT */
#include "harness/base/text.h"

#include "harness/base/scoped.h"
#include "tests/unit/runner.h"

#include <string.h>

static void grows(void)
{
    scoped_text struct text t = {0};
    CU_ASSERT_STRING_EQUAL(text_str(&t), "");
    text_add(&t, "one ");
    text_addf(&t, "%s %d", "two", 3);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "one two 3");
    text_add_bytes(&t, "\0x", 2);
    CU_ASSERT_EQUAL(t.len, 11);
    text_clear(&t);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "");
    for (int i = 0; i < 5000; i++) {
        text_addf(&t, "%04d", i);
    }
    CU_ASSERT_EQUAL(t.len, 20000);
    CU_ASSERT_EQUAL(strncmp(text_str(&t) + 19996, "4999", 5), 0);
}

/* Every length of what is printed meets every room that may be left. */
static void prints_whatever_room_is_left(void)
{
    static const char digits[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
    for (int before = 0; before < 70; before++) {
        for (int len = 0; len < 70; len++) {
            scoped_text struct text t = {0};
            char wanted[160];
            text_add_bytes(&t, digits, (size_t)before);
            text_addf(&t, "%.*s", len, digits);
            (void)snprintf(wanted, sizeof(wanted), "%.*s%.*s", before, digits, len, digits);
            CU_ASSERT_EQUAL(t.len, (size_t)(before + len));
            CU_ASSERT_STRING_EQUAL(text_str(&t), wanted);
        }
    }
}

static void numbers_are_as_printf_has_them(void)
{
    static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, 1234567890, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < array_len(numbers); i++) {
        scoped_text struct text t = {0}, wanted = {0};
        text_add_int(&t, numbers[i]);
        text_addf(&wanted, "%lld", (long long)numbers[i]);
        CU_ASSERT_STRING_EQUAL(text_str(&t), text_str(&wanted));
    }
}

static void room_keeps_the_text_where_it_is(void)
{
    scoped_text struct text t = {0};
    text_add(&t, "a");
    text_room(&t, 1000);
    const char *at = t.at;
    for (int i = 0; i < 1000; i++) {
        text_add(&t, "b");
    }
    CU_ASSERT_PTR_EQUAL(t.at, at);
    CU_ASSERT_EQUAL(strlen(t.at), 1001);
}

static void can_be_stolen(void)
{
    struct text t = {0};
    scoped_free char *empty = text_steal(&t);
    CU_ASSERT_STRING_EQUAL(empty, "");
    text_add(&t, "x");
    scoped_free char *x = text_steal(&t);
    CU_ASSERT_STRING_EQUAL(x, "x");
    CU_ASSERT(t.at == NULL && t.len == 0);
    text_deinit(&t);
}

static void compares(void)
{
    CU_ASSERT(text_eq(NULL, NULL) && text_eq("a", "a") && text_eq("", ""));
    CU_ASSERT(!text_eq("a", NULL) && !text_eq(NULL, "") && !text_eq("a", "b"));
    CU_ASSERT(text_starts("region-a", "region") && text_starts("x", ""));
    CU_ASSERT(!text_starts("reg", "region"));
}

static void names(void)
{
    static const char *const good[] = {"a", "7", "eu-west", "a-b-c", "k0", "a123456789012345678901234567890123456789"};
    static const char *const bad[] = {"",
                                      "-",
                                      "-a",
                                      "a-",
                                      "a--b",
                                      "A",
                                      "ä",
                                      "a_b",
                                      "a b",
                                      "a/b",
                                      "a.b",
                                      "a\n",
                                      "a1234567890123456789012345678901234567890"};
    for (size_t i = 0; i < array_len(good); i++) {
        CU_ASSERT(text_is_name(good[i]));
    }
    for (size_t i = 0; i < array_len(bad); i++) {
        CU_ASSERT_FALSE(text_is_name(bad[i]));
    }
}

static void nearest_word(void)
{
    static const char *const verbs[] = {"kill", "freeze", "partition", "degrade", "between", "drift", "for", "from"};
    size_t n = array_len(verbs);
    CU_ASSERT_STRING_EQUAL(text_nearest("betwen", verbs, n), "between");
    CU_ASSERT_STRING_EQUAL(text_nearest("partiton", verbs, n), "partition");
    CU_ASSERT_STRING_EQUAL(text_nearest("dirft", verbs, n), "drift");
    CU_ASSERT_STRING_EQUAL(text_nearest("klil", verbs, n), "kill");
    CU_ASSERT_STRING_EQUAL(text_nearest("form", verbs, n), "for"); /* as near as from: the first one wins */
    CU_ASSERT_STRING_EQUAL(text_nearest("fo", verbs, n), "for");
    CU_ASSERT_STRING_EQUAL(text_nearest("freeze", verbs, n), "freeze");
    CU_ASSERT_PTR_NULL(text_nearest("restore", verbs, n));
    CU_ASSERT_PTR_NULL(text_nearest("zzz", verbs, n));
    CU_ASSERT_PTR_NULL(text_nearest("", verbs, n));
    CU_ASSERT_PTR_NULL(text_nearest("kill", verbs, 0));
}

static void nearest_of_endless_words(void)
{
    char endless[100000];
    memset(endless, 'k', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    const char *const words[] = {endless, NULL, "kill"};
    CU_ASSERT_PTR_NULL(text_nearest(endless, words, array_len(words)));
    CU_ASSERT_STRING_EQUAL(text_nearest("kil", words, array_len(words)), "kill");
}

struct utf8_case {
    const char *bytes;
    size_t len, want;
    uint32_t codepoint;
};

static void utf8_sequences(void)
{
    static const struct utf8_case cases[] = {
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0},
        {"\xc2\x80", 2, 2, 0x80},
        {"\xdf\xbf", 2, 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 3, 0x800},
        {"\xed\x9f\xbf", 3, 3, 0xd7ff},
        {"\xee\x80\x80", 3, 3, 0xe000},
        {"\xef\xbf\xbf", 3, 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\xc3\xa9zzz", 5, 2, 0xe9},
        /* what must be refused */
        {"", 0, 0, 0},
        {"\x80", 1, 0, 0},             /* a tail without a head */
        {"\xc0\x80", 2, 0, 0},         /* overlong NUL */
        {"\xc1\xbf", 2, 0, 0},         /* overlong */
        {"\xe0\x9f\xbf", 3, 0, 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 4, 0, 0}, /* overlong */
        {"\xed\xa0\x80", 3, 0, 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 4, 0, 0}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", 4, 0, 0},
        {"\xff", 1, 0, 0},
        {"\xc3", 1, 0, 0}, /* cut off */
        {"\xe2\x82", 2, 0, 0},
        {"\xf0\x90\x80", 3, 0, 0},
        {"\xc3z", 2, 0, 0},
        {"\xe2\x82z", 3, 0, 0},
        {"\xf0\x90\x80z", 4, 0, 0},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        uint32_t codepoint = 0;
        size_t got = utf8_decode(cases[i].bytes, cases[i].len, &codepoint);
        CU_ASSERT_EQUAL(got, cases[i].want);
        CU_ASSERT(got == 0 || codepoint == cases[i].codepoint);
    }
}

static size_t encode(uint32_t c, unsigned char out[4])
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6) {
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    }
    out[0] = (unsigned char)((0xf00u >> n & 0xffu) | c);
    return n;
}

static void utf8_every_character_comes_back(void)
{
    size_t wrong = 0;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        unsigned char bytes[4];
        uint32_t back = 0;
        size_t n = encode(c, bytes);
        size_t want = c >= 0xd800 && c <= 0xdfff ? 0 : n;
        size_t got = utf8_decode((const char *)bytes, n, &back);
        wrong += got != want || (got && back != c);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

void suite_text(void)
{
    runner_suite(NULL, NULL);
    runner_test(grows);
    runner_test(prints_whatever_room_is_left);
    runner_test(numbers_are_as_printf_has_them);
    runner_test(room_keeps_the_text_where_it_is);
    runner_test(can_be_stolen);
    runner_test(compares);
    runner_test(names);
    runner_test(nearest_word);
    runner_test(nearest_of_endless_words);
    runner_test(utf8_sequences);
    runner_test(utf8_every_character_comes_back);
}
