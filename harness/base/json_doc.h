/* SPDX-License-Identifier: MIT */
/*
 * What the table of a JSON file (json.h) tells people and other programs: for `drtest explain`, man pages and editors.
 *
 * A topic is the way to a key, with dots and without indexes (objectives.evidence.seq). Before it stands the name of
 * the file (history.jsonl.verdict), which may be left out for a file whose topics are bare.
 */
#pragma once
#include "harness/base/json.h"

struct text;
struct json_doc {
    const char *file; /* "result.json" */
    const char *summary;
    const struct json_shape *shape;
    int version; /* of the format: what `schema_version` says */
    bool bare;
};

/* What stands there, in words: "milliseconds or null". */
void json_field_kind(struct text *out, const struct json_field *f);
bool json_field_nullable(const struct json_field *f);
bool json_name_ends(const struct json_field *f, const char *end);

/* What the topic means; a map with its keys. False if there is no such topic. */
bool json_doc_explain(struct text *out, const struct json_doc *d, const char *topic);

/* What a word means that stands for a value, in whatever keys have it; a table that several keys share speaks once.
 * False if none does. */
bool json_doc_word(struct text *out, const struct json_doc *const *docs, size_t n, const char *word);

/* As JSON Schema (json_schema.c). New reference. */
json_t *json_doc_schema(const struct json_doc *d);

/* As sections of a man page, beginning with .SH (json_manual.c). */
void json_doc_manual(struct text *out, const struct json_doc *d);

/* Call see for every topic, and for every word with a meaning. */
void json_doc_topics(const struct json_doc *d, void (*see)(void *arg, const char *topic), void *arg);
void json_doc_words(const struct json_doc *d, void (*see)(void *arg, const char *word), void *arg);
