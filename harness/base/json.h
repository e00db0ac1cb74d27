/* SPDX-License-Identifier: MIT */
/*
 * JSON by jansson, and what it leaves open: canonical form and fingerprint, JSON Patch (RFC 6902) with its inverse,
 * JSON Merge Patch (RFC 7386), and a table that binds a C struct to a JSON object in both directions.
 *
 * Canonical: object keys sorted, compact, integers and shortest round-trip reals; equal documents, equal bytes.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

#define SHA256_HEX 65 /* 64 digits and a NUL */
void sha256_hex(const void *bytes, size_t len, char out[SHA256_HEX]);
int sha256_file(const char *path, char out[SHA256_HEX], struct err *e);

json_t *json_read(const char *text, size_t len, const char *at, struct err *e); /* new reference; at names the source */
char *json_canonical(const json_t *doc);                                        /* heap */
void json_fingerprint(const json_t *doc, char out[SHA256_HEX]);                 /* SHA-256 of the canonical form */

/* Apply patch (an array) to a copy of doc. *undo (may be NULL) becomes the patch that leads back. All or nothing. */
json_t *json_patch(const json_t *doc, const json_t *patch, json_t **undo, struct err *e);
json_t *json_merge(const json_t *doc, const json_t *merge);        /* RFC 7386; new reference */
json_t *json_diff(const json_t *from, const json_t *to);           /* an RFC 6902 patch leading from `from` to `to` */
json_t *json_finite(double v);                                     /* a number, or null for NAN and infinities */
const json_t *json_at(const json_t *doc, const char *pointer);     /* RFC 6901; borrowed, NULL if absent */

/*
 * Binding. A struct json_shape lists the fields of a C struct; json_of_struct and json_to_struct walk it. Text is
 * `const char *` in an arena; JB_NUMBER is double and JB_INT int64_t, for which NAN and JSON_NONE stand for null;
 * JB_TEXT's null is NULL; JB_LIST is a vec_of(struct) and JB_TEXTS a vec_of(const char *), both with arena memory after
 * json_to_struct and any memory before; JB_JSON is a json_t * (owned by the struct's owner).
 */
#define JSON_NONE INT64_MIN
enum json_kind { JB_TEXT, JB_NUMBER, JB_INT, JB_BOOL, JB_OBJECT, JB_LIST, JB_TEXTS, JB_JSON, JB_ENUM };
struct json_shape;
struct json_word { /* lists of them end with {NULL, NULL} */
    const char *word, *doc;
};
struct json_field {
    const char *name;
    enum json_kind kind;
    size_t offset;
    const struct json_shape *of;     /* JB_OBJECT, JB_LIST: the inner shape */
    const char *const *words;        /* JB_ENUM: int-sized enum, NULL-terminated words */
    size_t present_offset;           /* JB_OBJECT: offset of a bool; false writes null. 0: always present */
    bool added;                      /* came later within the version: where it is missing, null or an empty list */
    /* For people and other programs (json_doc.h); neither writing nor reading asks. */
    const char *doc;                 /* one sentence or less, no full stop */
    const struct json_word *means;   /* TEXT, TEXTS, ENUM: all words there are */
    bool never_null;                 /* TEXT, NUMBER, INT */
    const char *schema;              /* JB_JSON: its JSON Schema; or `of`, the shape of every value of a map of names */
};
struct json_shape {
    const struct json_field *fields;
    size_t count, size; /* size of the struct */
};
json_t *json_of_struct(const struct json_shape *shape, const void *from);
int json_to_struct(const struct json_shape *shape, const json_t *doc, void *to, struct arena *a, const char *at,
                   struct err *e); /* unknown keys are ignored, missing ones are an error (but see added) */
