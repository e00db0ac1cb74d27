/* SPDX-License-Identifier: MIT */
/*
 * Method: a table becomes an object schema, a field one of its properties, the rules between keys `oneOf`, `anyOf` and
 * `dependencies`. Editors' plugins understand draft-07 at best; there `$ref` hides its siblings, hence `allOf` around
 * it.
 *
 * A step is told apart by its verb: one if/then per verb, each with all the keys that such a step may have. A few
 * values are no plain tables (FIELD_NODE); they are told by their table and key.
 */
#include "harness/spec/schema.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/field.h"
#include "harness/spec/scenario.h"
#include "harness/spec/suite_spec.h"
#include "harness/spec/topology_spec.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER "[0-9]+(\\.[0-9]+)?"

static const char *const patterns[] = {
    [FIELD_DURATION] = "^(" NUMBER "(us|ms|s|m|h|d))+$",
    [FIELD_RATIO] = "^" NUMBER "%$",
    [FIELD_RATE] = "^" NUMBER "/[sm]$",
    [FIELD_PACE] = "^(x[0-9]+|" NUMBER "/[sm])$",
    [FIELD_BANDWIDTH] = "^" NUMBER "(bit|kbit|mbit|gbit)$",
    [FIELD_BYTES] = "^" NUMBER "(B|kB|MB|GB)$",
    [FIELD_STEP] = "^[+-]?(" NUMBER "(us|ms|s|m|h|d))+$",
    [FIELD_FACTOR] = "^[0-9]+(\\.[0-9]{1,6})?$",
    [FIELD_NAME] = "^[a-z0-9]+(-[a-z0-9]+)*$",
};

static json_t *set_schema(const struct field_set *set);

static json_t *pattern_schema(const char *pattern)
{
    return json_pack("{s:s,s:s}", "type", "string", "pattern", pattern);
}

static json_t *ref_schema(const char *definition)
{
    return json_pack("{s:s+}", "$ref", "#/definitions/", definition);
}

static json_t *words_schema(const char *const *words)
{
    json_t *all = json_array();
    for (; *words; words++) {
        if (**words) {
            json_array_append_new(all, json_string(*words));
        }
    }
    return json_pack("{s:o}", "enum", all);
}

static json_t *count_schema(const struct field *f)
{
    json_t *s = json_pack("{s:s,s:I}", "type", "integer", "minimum", (json_int_t)f->min);
    if (f->max > 0) {
        json_object_set_new(s, "maximum", json_integer(f->max));
    }
    return s;
}

/* How many entries a list or a map of names may have. */
static json_t *bounded(json_t *s, const struct field *f, const char *least, const char *most)
{
    if (f->min > 0) {
        json_object_set_new(s, least, json_integer(f->min));
    }
    if (f->max > 0) {
        json_object_set_new(s, most, json_integer(f->max));
    }
    return s;
}

static json_t *list_schema(const struct field *f, json_t *items)
{
    return bounded(json_pack("{s:s,s:o}", "type", "array", "items", items), f, "minItems", "maxItems");
}

static json_t *dict_schema(const struct field *f)
{
    json_t *s = json_pack("{s:s,s:o,s:{s:[o,{s:s}]}}", "type", "object", "propertyNames",
                          pattern_schema(patterns[FIELD_NAME]), "additionalProperties", "anyOf", set_schema(f->of),
                          "type", "null");
    return bounded(s, f, "minProperties", "maxProperties");
}

/* What no table of its own describes. */
static json_t *node_schema(const struct field *f)
{
    static const struct {
        const char *key, *definition;
    } known[] = {{"topology", "topology"},   {"timeline", "timeline"}, {"scenarios", "entries"},
                 {"defaults", "overlay"},    {"with", "overlay"},      {"split", "split"},
                 {"only", "only"},           {"fault", "fault"}};
    for (size_t i = 0; i < array_len(known); i++) {
        if (text_eq(f->key, known[i].key)) {
            return ref_schema(known[i].definition);
        }
    }
    return json_object();
}

/* Names are text to us even when they are made of digits only, which YAML takes for a number. */
static json_t *name_or_number_schema(void)
{
    return json_pack("{s:[s,s],s:s}", "type", "string", "integer", "pattern", patterns[FIELD_NAME]);
}

static json_t *kind_schema(const struct field *f)
{
    switch (f->kind) {
    case FIELD_DURATION:
    case FIELD_RATIO:
    case FIELD_RATE:
    case FIELD_PACE:
    case FIELD_BANDWIDTH:
    case FIELD_BYTES:
    case FIELD_STEP:
        return pattern_schema(patterns[f->kind]);
    case FIELD_COUNT:
        return count_schema(f);
    case FIELD_FACTOR:
        return json_pack("{s:[o,s],s:s}", "type", json_string("number"), "string", "pattern", patterns[FIELD_FACTOR]);
    case FIELD_NAME:
    case FIELD_REGION:
        return pattern_schema(patterns[FIELD_NAME]);
    case FIELD_TEXT:
        return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
    case FIELD_BOOL:
        return f->words ? words_schema(f->words) : json_pack("{s:s}", "type", "boolean");
    case FIELD_ENUM:
        return words_schema(f->words);
    case FIELD_TEXTS:
        return list_schema(f, f->words ? words_schema(f->words) : name_or_number_schema());
    case FIELD_MAP:
        return set_schema(f->of);
    case FIELD_DICT:
        return dict_schema(f);
    case FIELD_LIST:
        return list_schema(f, set_schema(f->of));
    case FIELD_NODE:
        return node_schema(f);
    case FIELD_JSON:
        break;
    }
    return json_object();
}

static json_t *field_schema(const struct field *f)
{
    json_t *s = kind_schema(f);
    if (json_object_get(s, "$ref")) {
        s = json_pack("{s:[o]}", "allOf", s);
    }
    json_object_set_new(s, "description", json_string(f->doc ? f->doc : ""));
    bool number = f->kind == FIELD_COUNT, plain = f->kind < FIELD_TEXTS;
    if (f->preset && plain) {
        json_object_set_new(s, "default", number ? json_integer(strtoll(f->preset, NULL, 10)) : json_string(f->preset));
    }
    if (f->example && plain) {
        json_t *example = number ? json_integer(strtoll(f->example, NULL, 10)) : json_string(f->example);
        json_object_set_new(s, "examples", json_pack("[o]", example));
    }
    return s;
}

/* The rules of one table that bind its keys to each other, added to the object schema. */
static void add_rules(json_t *s, const struct field *fields, size_t count)
{
    json_t *choices = json_array();
    enum field_choice choice = FIELD_FREE;
    for (size_t i = 0; i < count; i++) {
        const struct field *f = &fields[i];
        json_object_set_new(json_object_get(s, "properties"), f->key, field_schema(f));
        if (f->required) {
            json_array_append_new(json_object_get(s, "required"), json_string(f->key));
        }
        if (f->with) {
            json_object_set_new(json_object_get(s, "dependencies"), f->key, json_pack("[s]", f->with));
        }
        if (f->choice != FIELD_FREE) {
            choice = f->choice;
            json_array_append_new(choices, json_pack("{s:[s]}", "required", f->key));
        }
    }
    if (choice == FIELD_FREE) {
        json_decref(choices);
    } else {
        json_t *rule = json_pack("{s:o}", choice == FIELD_ONE ? "oneOf" : "anyOf", choices);
        json_array_append_new(json_object_get(s, "allOf"), rule);
    }
}

static json_t *object_schema(void)
{
    return json_pack("{s:s,s:b,s:[],s:{},s:{},s:[]}", "type", "object", "additionalProperties", 0, "required",
                     "properties", "dependencies", "allOf");
}

/* Empty lists and maps say nothing; draft-07 does not even allow an empty allOf. */
static json_t *without_empty(json_t *s)
{
    static const char *const keys[] = {"required", "dependencies", "allOf"};
    for (size_t i = 0; i < array_len(keys); i++) {
        const json_t *v = json_object_get(s, keys[i]);
        if (json_array_size(v) == 0 && json_object_size(v) == 0) {
            json_object_del(s, keys[i]);
        }
    }
    return s;
}

static json_t *set_schema(const struct field_set *set)
{
    json_t *s = object_schema();
    add_rules(s, set->fields, set->count);
    if (set->summary) {
        json_object_set_new(s, "description", json_string(set->summary));
    }
    return without_empty(s);
}

static json_t *step_schema(const struct action_type *type, bool within)
{
    struct scenario_step scratch = {0};
    struct step_table t;
    if (within) {
        step_table_within(&t, type, &scratch);
    } else {
        step_table(&t, type, &scratch);
    }
    json_t *s = object_schema();
    add_rules(s, t.parts[0].fields, t.parts[0].count);
    add_rules(s, t.parts[1].fields, t.parts[1].count);
    json_object_set_new(s, "description", json_string(type->summary));
    return without_empty(s);
}

/* A step of any verb; within another step, of any that flaps. */
static json_t *any_step_schema(const struct action_type *const *types, size_t n, bool within)
{
    json_t *verbs = json_array(), *steps = json_array();
    for (size_t i = 0; i < n; i++) {
        if (within && !step_flaps(types[i])) {
            continue;
        }
        json_array_append_new(verbs, json_string(types[i]->verb));
        json_array_append_new(steps, json_pack("{s:{s:[s],s:{s:{s:s}}},s:o}", "if", "required", "do", "properties",
                                               "do", "const", types[i]->verb, "then", step_schema(types[i], within)));
    }
    json_t *required = within ? json_pack("[s]", "do") : json_pack("[s,s]", "at", "do");
    return json_pack("{s:s,s:o,s:{s:{s:o}},s:o}", "type", "object", "required", required, "properties", "do", "enum",
                     verbs, "allOf", steps);
}

static json_t *timeline_schema(const struct action_type *const *types, size_t n)
{
    return json_pack("{s:s,s:i,s:o}", "type", "array", "minItems", 1, "items", any_step_schema(types, n, false));
}

/* Sides of names. */
static json_t *split_schema(void)
{
    return json_pack("{s:s,s:i,s:{s:s,s:i,s:o}}", "type", "array", "minItems", 2, "items", "type", "array", "minItems",
                     1, "items", pattern_schema(patterns[FIELD_NAME]));
}

/* The name of a plane, or its port. */
static json_t *only_schema(void)
{
    json_t *words = json_array();
    for (const struct action_plane *p = action_planes; p->word; p++) {
        json_array_append_new(words, json_string(p->word));
    }
    return json_pack("{s:[{s:o},o]}", "anyOf", "enum", words, set_schema(&only_set));
}

/* The maps that a suite may overlay, each key of them free to be left to the scenario. */
static json_t *overlay_schema(void)
{
    static const char *const keys[] = {"targets", "workload", "steady_state", "recovery"};
    json_t *s = object_schema();
    for (size_t i = 0; i < array_len(keys); i++) {
        json_object_set_new(json_object_get(s, "properties"), keys[i], json_pack("{s:s}", "type", "object"));
    }
    return without_empty(s);
}

json_t *spec_schema(const struct action_type *const *types, size_t n)
{
    json_t *definitions = json_object();
    json_object_set_new(definitions, "scenario", set_schema(&scenario_set));
    json_object_set_new(definitions, "suite", set_schema(&suite_set));
    json_object_set_new(definitions, "timeline", timeline_schema(types, n));
    json_object_set_new(definitions, "fault", any_step_schema(types, n, true));
    json_object_set_new(definitions, "topology",
                        json_pack("{s:[{s:s},o]}", "anyOf", "type", "string", set_schema(&topology_set)));
    json_object_set_new(definitions, "entries",
                        json_pack("{s:s,s:i,s:{s:[{s:s},o]}}", "type", "array", "minItems", 1, "items", "anyOf", "type",
                                  "string", set_schema(&suite_entry_set)));
    json_object_set_new(definitions, "overlay", overlay_schema());
    json_object_set_new(definitions, "split", split_schema());
    json_object_set_new(definitions, "only", only_schema());
    return json_pack("{s:s,s:s,s:{s:[s]},s:o,s:o,s:o}", "$schema", "http://json-schema.org/draft-07/schema#", "title",
                     "drtest scenario or suite", "if", "required", "suite", "then", ref_schema("suite"), "else",
                     ref_schema("scenario"), "definitions", definitions);
}
