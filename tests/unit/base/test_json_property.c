/* SPDX-License-Identifier: MIT */
/* Laws that hold for every document and every patch, tried on many small random ones. */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/json_pointer.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

enum { CASES = 10000 };

/* Few keys, so that documents share them; some need escapes. */
static const char *const keys[] = {"a", "b", "c", "a/b", "m~n", "", "0", "-", "\xc3\xa9"};

static json_t *random_leaf(struct rng *r)
{
    static const double reals[] = {0.1, 1.0, -0.0, 1e300, 2.5e-10};
    switch (rng_below(r, 6)) {
    case 0:
        return json_integer((json_int_t)rng_below(r, 3));
    case 1:
        return json_real(reals[rng_below(r, array_len(reals))]);
    case 2:
        return json_boolean(rng_below(r, 2));
    case 3:
        return json_null();
    default:
        return json_string(keys[rng_below(r, array_len(keys))]);
    }
}

static json_t *random_doc(struct rng *r, int depth)
{
    uint64_t kind = depth > 0 ? rng_below(r, 5) : 4;
    size_t n = rng_below(r, 5);
    if (kind == 4) {
        return random_leaf(r);
    }
    json_t *out = kind < 2 ? json_array() : json_object();
    for (size_t i = 0; i < n; i++) {
        if (kind < 2) {
            json_array_append_new(out, random_doc(r, depth - 1));
        } else {
            json_object_set_new(out, keys[rng_below(r, array_len(keys))], random_doc(r, depth - 1));
        }
    }
    return out;
}

/* Change a few places of a copy, so that most of it stays in common. */
static json_t *random_variant(struct rng *r, const json_t *doc)
{
    if (rng_below(r, 8) == 0) {
        return random_doc(r, 2);
    }
    json_t *out = json_is_object(doc) ? json_object() : json_is_array(doc) ? json_array() : NULL;
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)doc, key, value)
    {
        if (rng_below(r, 8) != 0) {
            json_object_set_new(out, key, random_variant(r, value));
        }
    }
    json_array_foreach(doc, i, value)
    {
        if (rng_below(r, 8) != 0) {
            json_array_append_new(out, random_variant(r, value));
        }
        if (rng_below(r, 8) == 0) {
            json_array_append_new(out, random_leaf(r));
        }
    }
    return out ? out : json_deep_copy(doc);
}

static void report(const char *law, const json_t *doc, const json_t *patch)
{
    scoped_free char *d = json_canonical(doc), *p = json_canonical(patch);
    printf("\n    %s: %s\n        %s\n", law, d, p);
}

/* patch(from, diff(from, to)) = to, and the undo of it leads back to from. */
static void diff_leads_there_and_undo_back(void)
{
    struct rng r;
    rng_init(&r, 11, "test/diff");
    int wrong = 0, changed = 0;
    for (int i = 0; i < CASES && wrong < 3; i++) {
        scoped_json json_t *from = random_doc(&r, 3);
        scoped_json json_t *to = random_variant(&r, from);
        scoped_json json_t *patch = json_diff(from, to);
        json_t *undo_out;
        scoped_json json_t *there = json_patch(from, patch, &undo_out, NULL);
        scoped_json json_t *undo = undo_out;
        scoped_json json_t *back = json_patch(there, undo, NULL, NULL);
        changed += json_array_size(patch) > 0;
        if (!json_equal(there, to) || !json_equal(back, from) ||
            (json_array_size(patch) == 0) != json_equal(from, to)) {
            wrong++;
            report("diff", from, patch);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(changed > CASES / 4);
}

/* A key of this object, now and then one that it may not have. */
static const char *random_key(struct rng *r, const json_t *object)
{
    size_t n = rng_below(r, json_object_size(object) + 1);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (n-- == 0) {
            return key;
        }
    }
    return keys[rng_below(r, array_len(keys))];
}

static void random_pointer(struct rng *r, const json_t *doc, struct text *out)
{
    text_clear(out);
    text_add(out, "");
    while (json_array_size(doc) + json_object_size(doc) > 0 && rng_below(r, 6) != 0) {
        char index[8];
        snprintf(index, sizeof(index), "%d", (int)rng_below(r, json_array_size(doc) + 1));
        const char *token = json_is_object(doc) ? random_key(r, doc) : rng_below(r, 6) == 0 ? "-" : index;
        pointer_add(out, token);
        doc = pointer_child(doc, token);
    }
}

static json_t *random_step(struct rng *r, const json_t *doc)
{
    static const char *const ops[] = {"add", "add", "remove", "replace", "move", "copy", "test"};
    scoped_text struct text path = {0}, from = {0};
    random_pointer(r, doc, &path);
    random_pointer(r, doc, &from);
    const char *op = ops[rng_below(r, array_len(ops))];
    json_t *found = op[0] == 't' && rng_below(r, 8) ? json_deep_copy(json_at(doc, text_str(&path))) : NULL;
    return json_pack("{ss ss ss so}", "op", op, "path", text_str(&path), "from", text_str(&from), "value",
                     found ? found : random_doc(r, 1));
}

/* Some steps, each made for the document as its forerunners leave it; those that do not fit end the patch. */
static json_t *random_patch(struct rng *r, const json_t *doc)
{
    json_t *patch = json_array();
    scoped_json json_t *now = json_deep_copy(doc);
    for (size_t n = 1 + rng_below(r, 4); n > 0 && now; n--) {
        scoped_json json_t *step = random_step(r, now);
        scoped_json json_t *alone = json_pack("[O]", step);
        json_t *next = json_patch(now, alone, NULL, NULL);
        json_array_append(patch, step);
        json_decref(now);
        now = next;
    }
    return patch;
}

/* patch then undo = nothing happened; a patch that fails did nothing, whatever it did before it failed. */
static void random_patches_can_be_undone(void)
{
    struct rng r;
    rng_init(&r, 12, "test/patch");
    int wrong = 0, applied = 0, failed = 0;
    for (int i = 0; i < CASES && wrong < 3; i++) {
        scoped_json json_t *doc = random_doc(&r, 3);
        scoped_json json_t *kept = json_deep_copy(doc);
        scoped_json json_t *patch = random_patch(&r, doc);
        json_t *undo_out;
        struct err e = {0};
        scoped_json json_t *there = json_patch(doc, patch, &undo_out, &e);
        scoped_json json_t *undo = undo_out;
        scoped_json json_t *back = there ? json_patch(there, undo, NULL, NULL) : NULL;
        bool right = json_equal(doc, kept) &&
                     (there ? json_equal(back, doc) : undo == NULL && e.kind == ERR_MEANING && e.msg[0] && e.at[0]);
        applied += there != NULL;
        failed += there == NULL;
        if (!right) {
            wrong++;
            report("patch", doc, patch);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(applied > CASES / 10 && failed > CASES / 10);
}

static json_t *shuffled(struct rng *r, const json_t *doc)
{
    json_t *out = json_is_array(doc) ? json_array() : json_is_object(doc) ? json_object() : json_deep_copy(doc);
    const char *key;
    json_t *value;
    size_t i;
    json_array_foreach(doc, i, value)
    {
        json_array_append_new(out, shuffled(r, value));
    }
    /* two passes, each taking a random part: another order of insertion */
    json_object_foreach((json_t *)(uintptr_t)doc, key, value)
    {
        if (rng_below(r, 2)) {
            json_object_set_new(out, key, shuffled(r, value));
        }
    }
    json_object_foreach((json_t *)(uintptr_t)doc, key, value)
    {
        if (!json_object_get(out, key)) {
            json_object_set_new(out, key, shuffled(r, value));
        }
    }
    return out;
}

/* Equal documents, equal bytes; different documents, different bytes; and the bytes read as the document. */
static void canonical_form_is_a_form(void)
{
    struct rng r;
    rng_init(&r, 13, "test/canonical");
    int wrong = 0;
    for (int i = 0; i < CASES && wrong < 3; i++) {
        scoped_json json_t *doc = random_doc(&r, 3);
        scoped_json json_t *mixed = shuffled(&r, doc);
        scoped_json json_t *other = random_variant(&r, doc);
        scoped_free char *a = json_canonical(doc), *b = json_canonical(mixed), *c = json_canonical(other);
        scoped_json json_t *again = json_read(a, strlen(a), "test", NULL);
        bool right = strcmp(a, b) == 0 && json_equal(again, doc) && (strcmp(a, c) == 0) == (bool)json_equal(doc, other);
        if (!right) {
            wrong++;
            report("canonical", doc, other);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Any double survives the canonical form. */
static void reals_survive(void)
{
    struct rng r;
    rng_init(&r, 14, "test/reals");
    int wrong = 0;
    for (int i = 0; i < CASES; i++) {
        uint64_t bits = rng_next(&r);
        double x;
        memcpy(&x, &bits, sizeof(x));
        scoped_json json_t *doc = json_real(x); /* NULL for NaN and infinities */
        scoped_free char *text = json_canonical(doc);
        scoped_json json_t *again = doc ? json_read(text, strlen(text), "test", NULL) : NULL;
        wrong += doc && (!json_is_real(again) || json_real_value(again) != x);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

void suite_json_property(void)
{
    runner_suite(NULL, NULL);
    runner_test(diff_leads_there_and_undo_back);
    runner_test(random_patches_can_be_undone);
    runner_test(canonical_form_is_a_form);
    runner_test(reals_survive);
}
