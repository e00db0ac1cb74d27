/* SPDX-License-Identifier: MIT */
/*
 * A table of keys as JSON Schema, draft-07, the newest that editors and validators all understand.
 *
 * What was there in the first release of a format version is required, what was added later may be missing in older
 * files, and unknown keys are allowed: readers ignore them. A few kinds of text show in the name of their key.
 */
#include "harness/base/json_doc.h"

static json_t *shape_schema(const struct json_shape *shape);

static json_t *type_schema(const char *type, bool or_null)
{
    return or_null ? json_pack("{s:[s,s]}", "type", type, "null") : json_pack("{s:s}", "type", type);
}

static json_t *words_schema(const struct json_word *words, bool or_null)
{
    json_t *all = json_array();
    for (; words->word; words++) {
        json_array_append_new(all, json_string(words->word));
    }
    if (or_null) {
        json_array_append_new(all, json_null());
    }
    return json_pack("{s:o}", "enum", all);
}

static json_t *text_schema(const struct json_field *f)
{
    json_t *s = type_schema("string", json_field_nullable(f));
    if (json_name_ends(f, "sha256")) {
        json_object_set_new(s, "pattern", json_string("^([0-9a-f]{64})?$"));
    } else if (json_name_ends(f, "_at")) {
        json_object_set_new(s, "format", json_string("date-time"));
    }
    return s;
}

static json_t *int_schema(const struct json_field *f)
{
    json_t *s = type_schema("integer", json_field_nullable(f));
    if (json_name_ends(f, "_count") || json_name_ends(f, "_bytes")) {
        json_object_set_new(s, "minimum", json_integer(0));
    }
    return s;
}

static json_t *free_schema(const struct json_field *f)
{
    if (f->of) {
        return json_pack("{s:s,s:o}", "type", "object", "additionalProperties", shape_schema(f->of));
    }
    json_t *s = f->schema ? json_loads(f->schema, 0, NULL) : NULL;
    return s ? s : json_object();
}

static json_t *object_schema(const struct json_field *f)
{
    json_t *s = shape_schema(f->of);
    if (json_field_nullable(f)) {
        json_object_set_new(s, "type", json_pack("[s,s]", "object", "null"));
    }
    return s;
}

static json_t *list_schema(json_t *items)
{
    return json_pack("{s:s,s:o}", "type", "array", "items", items);
}

static json_t *kind_schema(const struct json_field *f)
{
    switch (f->kind) {
    case JB_TEXT:
        return f->means ? words_schema(f->means, json_field_nullable(f)) : text_schema(f);
    case JB_ENUM:
        return f->means ? words_schema(f->means, false) : type_schema("string", false);
    case JB_NUMBER:
        return type_schema("number", json_field_nullable(f));
    case JB_INT:
        return int_schema(f);
    case JB_BOOL:
        return type_schema("boolean", false);
    case JB_OBJECT:
        return object_schema(f);
    case JB_LIST:
        return list_schema(shape_schema(f->of));
    case JB_TEXTS:
        return list_schema(f->means ? words_schema(f->means, false) : type_schema("string", false));
    case JB_JSON:
        return free_schema(f);
    }
    return json_object();
}

static json_t *shape_schema(const struct json_shape *shape)
{
    json_t *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        json_t *s = kind_schema(f);
        if (f->doc) {
            json_object_set_new(s, "description", json_string(f->doc));
        }
        json_object_set_new(properties, f->name, s);
        if (!f->added) {
            json_array_append_new(required, json_string(f->name));
        }
    }
    return json_pack("{s:s,s:o,s:o}", "type", "object", "required", required, "properties", properties);
}

json_t *json_doc_schema(const struct json_doc *d)
{
    json_t *s = json_pack("{s:s,s:s,s:s}", "$schema", "http://json-schema.org/draft-07/schema#", "title", d->file,
                          "description", d->summary);
    json_t *shape = shape_schema(d->shape);
    json_t *version = json_object_get(json_object_get(shape, "properties"), "schema_version");
    if (version) {
        json_object_set_new(version, "const", json_integer(d->version));
    }
    json_object_update(s, shape);
    json_decref(shape);
    return s;
}
