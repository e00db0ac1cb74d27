/* SPDX-License-Identifier: MIT */
/*
 * The input is two JSON documents, split at its first line break. Undo leads back from a patch, a diff leads from one
 * to the other, and equal documents have equal canonical forms.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/json_pointer.h"
#include "harness/base/scoped.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static json_t *document(const char *text)
{
    struct err e = {0};
    json_t *doc = text ? json_read(text, strlen(text), "document", &e) : NULL;
    fuzz_must(!text || (doc != NULL) == (e.kind == ERR_NONE));
    return doc;
}

static void patch_and_back(const json_t *doc, const json_t *patch)
{
    json_t *undo = NULL;
    struct err e = {0};
    scoped_json json_t *patched = json_patch(doc, patch, &undo, &e);
    fuzz_must((patched != NULL) == (e.kind == ERR_NONE));
    if (patched) {
        scoped_json json_t *back = json_patch(patched, undo, NULL, NULL);
        fuzz_must(back && json_same(back, doc));
    }
    json_decref(undo);
}

static void there(const json_t *from, const json_t *to)
{
    scoped_json json_t *way = json_diff(from, to);
    scoped_json json_t *arrived = json_patch(from, way, NULL, NULL);
    fuzz_must(arrived && json_same(arrived, to));
    scoped_json json_t *merged = json_merge(from, to);
    fuzz_must(merged != NULL);
}

static void canonical(const json_t *doc)
{
    scoped_free char *text = json_canonical(doc);
    scoped_json json_t *back = document(text);
    scoped_free char *again = json_canonical(back);
    fuzz_must(back && strcmp(text, again) == 0 && json_same(back, doc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped_free char *first = NULL, *second = NULL;
    (void)fuzz_line(&data, &size, &first);
    (void)fuzz_line(&data, &size, &second);
    scoped_json json_t *a = document(first);
    scoped_json json_t *b = document(second);
    if (second)
        (void)json_at(a, second);
    if (a)
        canonical(a);
    if (a && b) {
        patch_and_back(a, b);
        there(a, b);
    }
    return 0;
}
