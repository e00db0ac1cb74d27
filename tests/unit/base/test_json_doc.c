/* SPDX-License-Identifier: MIT */
/*
 * What a table of JSON keys says about itself.
 */
#include "harness/base/json_doc.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"
#include "tests/unit/runner.h"

#include <string.h>

struct page {
    const char *title, *colour, *printed_at;
    double width_ms;
    int64_t line_count;
};

struct book {
    const char *title;
    struct page cover;
    bool has_cover, bound;
    vec_of(struct page) pages;
    json_t *prices;
};

#define F(kind_, member, ...)                                                             \
    {                                                                                     \
        .name = #member, .kind = kind_, .offset = offsetof(T, member), .doc = __VA_ARGS__ \
    }

static const struct json_word colours[] = {{"red", "like blood"}, {"blue", "like the sea"}, {NULL, NULL}};

#define T struct page
static const struct json_field page_fields[] = {
    F(JB_TEXT, title, "what it is about", .never_null = true),
    F(JB_TEXT, colour, "of its paper", .means = colours),
    F(JB_TEXT, printed_at, "when it was made"),
    F(JB_NUMBER, width_ms, "how wide"),
    F(JB_INT, line_count, "how many lines", .never_null = true, .added = true),
};
static const struct json_shape page_shape = {page_fields, array_len(page_fields), sizeof(T)};
#undef T

#define T struct book
static const struct json_field book_fields[] = {
    F(JB_TEXT, title, "on the spine"),
    F(JB_OBJECT, cover, "outside; null if it is torn", .of = &page_shape, .present_offset = offsetof(T, has_cover)),
    F(JB_BOOL, bound, "whether it holds"),
    F(JB_LIST, pages, "inside", .of = &page_shape),
    F(JB_JSON, prices, "by country", .of = &page_shape),
};
static const struct json_shape book_shape = {book_fields, array_len(book_fields), sizeof(T)};
#undef T

static const struct json_doc book_doc = {"book.json", "A book.", &book_shape, 1, .bare = true};
static const struct json_doc shelf_doc = {"shelf.json", "Another one.", &book_shape, 2, .bare = false};

static bool says(const struct json_doc *d, const char *topic, const char *words)
{
    scoped_text struct text out = {0};
    return json_doc_explain(&out, d, topic) && strstr(text_str(&out), words);
}

static void topics_are_explained(void)
{
    CU_ASSERT(says(&book_doc, "title", "title: on the spine\n  text or null, in book.json\n"));
    CU_ASSERT(says(&book_doc, "book.json.title", "on the spine"));
    CU_ASSERT(says(&book_doc, "book.json", "A book.\n\ntitle: on the spine\n"));
    CU_ASSERT(says(&book_doc, "cover", "map or null"));
    CU_ASSERT(says(&book_doc, "cover", "width_ms: how wide\n  milliseconds or null\n"));
    CU_ASSERT(says(&book_doc, "pages", "list of maps, in"));
    CU_ASSERT(says(&book_doc, "pages.line_count", "  count, in"));
    CU_ASSERT(says(&book_doc, "pages.colour", "  word or null, in book.json\n    red: like blood\n"));
    CU_ASSERT(says(&book_doc, "prices.printed_at", "time, RFC 3339 UTC or null"));
    CU_ASSERT(says(&book_doc, "bound", "true or false"));
    CU_ASSERT(says(&shelf_doc, "shelf.json.title", "on the spine"));
    static const char *const unknown[] = {"titel", "title.x", "pages.", "pages..title", ".", "book.jsontitle", "book"};
    for (size_t i = 0; i < array_len(unknown); i++) {
        CU_ASSERT_FALSE(says(&book_doc, unknown[i], ""));
    }
    CU_ASSERT_FALSE(says(&shelf_doc, "title", ""));
    CU_ASSERT_FALSE(says(&shelf_doc, "book.json.title", ""));
}

static void words_speak_once(void)
{
    const struct json_doc *const both[] = {&book_doc, &shelf_doc};
    scoped_text struct text out = {0};
    CU_ASSERT(json_doc_word(&out, both, 2, "blue"));
    CU_ASSERT_STRING_EQUAL(text_str(&out), "blue: like the sea\n  a word of `cover.colour` in book.json\n");
    CU_ASSERT_FALSE(json_doc_word(&out, both, 2, "green"));
}

static void note(void *arg, const char *what)
{
    text_addf(arg, "%s ", what);
}

/* The property of the schema at this JSON pointer, as text. */
static bool schema_has(const char *pointer, const char *wanted)
{
    scoped_json json_t *schema = json_doc_schema(&book_doc);
    const json_t *at = json_at(schema, pointer);
    scoped_free char *text = at ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    return text_eq(text, wanted);
}

static void schemas_say_the_same(void)
{
    CU_ASSERT(schema_has("/title", "\"book.json\""));
    CU_ASSERT(schema_has("/type", "\"object\""));
    CU_ASSERT(schema_has("/required", "[\"title\",\"cover\",\"bound\",\"pages\",\"prices\"]"));
    CU_ASSERT(schema_has("/properties/title", "{\"type\":[\"string\",\"null\"],\"description\":\"on the spine\"}"));
    CU_ASSERT(schema_has("/properties/cover/type", "[\"object\",\"null\"]"));
    CU_ASSERT(schema_has("/properties/cover/required", "[\"title\",\"colour\",\"printed_at\",\"width_ms\"]"));
    CU_ASSERT(schema_has("/properties/pages/items/properties/colour/enum", "[\"red\",\"blue\",null]"));
    CU_ASSERT(schema_has("/properties/pages/items/properties/title/type", "\"string\""));
    CU_ASSERT(schema_has("/properties/pages/items/properties/printed_at/format", "\"date-time\""));
    CU_ASSERT(schema_has("/properties/pages/items/properties/line_count/minimum", "0"));
    CU_ASSERT(schema_has("/properties/pages/items/properties/width_ms/type", "[\"number\",\"null\"]"));
    CU_ASSERT(schema_has("/properties/bound/type", "\"boolean\""));
    CU_ASSERT(schema_has("/properties/prices/additionalProperties/properties/title/type", "\"string\""));
}

static void topics_and_words_are_listed(void)
{
    scoped_text struct text topics = {0}, elsewhere = {0}, words = {0};
    json_doc_topics(&book_doc, note, &topics);
    CU_ASSERT(text_starts(text_str(&topics), "book.json title cover cover.title "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&topics), " pages.line_count prices prices.title "));
    json_doc_topics(&shelf_doc, note, &elsewhere);
    CU_ASSERT(
        text_starts(text_str(&elsewhere), "shelf.json shelf.json.title shelf.json.cover shelf.json.cover.title "));
    json_doc_words(&book_doc, note, &words);
    CU_ASSERT_STRING_EQUAL(text_str(&words), "red blue ");
}

void suite_json_doc(void)
{
    runner_suite(NULL, NULL);
    runner_test(topics_are_explained);
    runner_test(words_speak_once);
    runner_test(schemas_say_the_same);
    runner_test(topics_and_words_are_listed);
}
