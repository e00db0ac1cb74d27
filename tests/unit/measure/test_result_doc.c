/* SPDX-License-Identifier: MIT */
/* Every key of result.json says what it means, and every word that a key with words has does, too. */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/measure/result_shape.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static void complain(const char *key, const char *what)
{
    printf("\n    %s: %s\n", key, what);
    CU_FAIL("a key of result.json is not told well");
}

static void look_at(const struct json_shape *shape, size_t *count)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        size_t len = f->doc ? strlen(f->doc) : 0;
        ++*count;
        if (len < 4)
            complain(f->name, "nothing is said about it");
        else if (f->doc[len - 1] == '.' || f->doc[len - 1] == ' ')
            complain(f->name, "ends in a full stop");
        if (f->kind == JB_ENUM && !f->means)
            complain(f->name, "its words are not told");
        if (f->never_null && f->kind > JB_INT)
            complain(f->name, "never_null is for texts and numbers");
        if (f->of)
            look_at(f->of, count);
    }
}

static void every_key_says_what_it_means(void)
{
    size_t count = 0;
    look_at(&result_shape, &count);
    CU_ASSERT(count > 250);
}

static void every_measure_has_a_sentence_of_its_own(void)
{
#define X(name, doc) doc,
    static const char *const docs[] = {RESULT_MEASURES(X, X, X)};
#undef X
    for (size_t i = 0; i < array_len(docs); i++)
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(docs[i], docs[k]);
}

static void all_verdicts_are_told(void)
{
    for (const char *const *w = verdict_words; *w; w++) {
        scoped_text struct text out = {0};
        const struct json_doc *const docs[] = {&result_doc};
        CU_ASSERT(json_doc_word(&out, docs, 1, *w));
    }
}

/* A value where the table knows the words, or promises that there is one. */
static void look_at_value(const struct json_field *f, const json_t *v)
{
    if (f->never_null && json_is_null(v))
        complain(f->name, "is null although it never is");
    const struct json_word *w = f->means;
    while (json_is_string(v) && w && w->word && !text_eq(w->word, json_string_value(v)))
        w++;
    if (json_is_string(v) && w && !w->word)
        complain(f->name, json_string_value(v));
}

static void look_at_object(const struct json_shape *shape, const json_t *object)
{
    for (size_t i = 0; json_is_object(object) && i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        const json_t *v = json_object_get(object, f->name);
        look_at_value(f, v);
        for (size_t k = 0; k < json_array_size(v); k++) {
            look_at_value(f, json_array_get(v, k));
            if (f->of)
                look_at_object(f->of, json_array_get(v, k));
        }
        if (f->of)
            look_at_object(f->of, v);
    }
}

static void what_is_promised_holds(void)
{
    for (int interrupted = 0; interrupted < 2; interrupted++) {
        struct bench b;
        bench_init(&b);
        uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
        bench_fault(&b, "kill", 15000, 15003, interrupted ? NEVER : 35000, interrupted ? NEVER : 35010, 5000);
        for (int key = 0; key < TARGET_KEYS; key++)
            bench_target(&b, (enum target_key)key, MS(1000));
        for (uint64_t k = 0; k < 1000; k++) {
            double at = 10007 + 20 * (double)k;
            bench_sample(&b, reads, k, at, at, at + 3, at > 15001 && at < 16000 ? OUTCOME_REFUSED : OUTCOME_GOOD);
        }
        bench_run(&b);
        scoped_json json_t *doc = result_to_json(b.result);
        look_at_object(&result_shape, doc);
        CU_ASSERT(json_array_size(json_object_get(doc, "objectives")) == TARGET_KEYS);
        bench_deinit(&b);
    }
}

void suite_result_doc(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_key_says_what_it_means);
    runner_test(every_measure_has_a_sentence_of_its_own);
    runner_test(all_verdicts_are_told);
    runner_test(what_is_promised_holds);
}
