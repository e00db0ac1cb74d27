/* SPDX-License-Identifier: MIT */
/*
 * One table per map of the file format: the table is the parser, the checker, the text of `explain`, the source of
 * defaults in plan.yaml, and what a JSON Schema would be made of.
 *
 *     static const char *const no_yes[] = {"no", "yes", NULL};
 *     static const struct field fields[] = {
 *         {.key = "how", .kind = FIELD_ENUM, .offset = offsetof(struct action, how), .words = hows, .doc = "..."},
 *         {.key = "stop", .kind = FIELD_BOOL, .offset = offsetof(struct action, stop), .words = no_yes, ...},
 *     };
 *
 * What a key binds to, by kind: DURATION (ns), STEP (ns, with a sign), RATIO, FACTOR (ppm), RATE (1e-6 per second),
 * PACE (a rate, or minus the ppm of a multiple: x5), BANDWIDTH (bit/s), BYTES, COUNT: int64_t.
 * NAME, TEXT: const char * in the binder's arena. BOOL: bool; words, if any, are {word for false, word for true}.
 * ENUM: an enum (int-sized), the index of its word; an empty word cannot be chosen and stands for "not given".
 * REGION: uint16_t, the site. TEXTS: struct field_texts; words, if any, are the only ones allowed. JSON: json_t *, a
 * new reference owned by the struct. MAP: an embedded struct bound by `of`. DICT and LIST: struct field_items, whose
 * items are structs of of->size that begin with a struct field_item. NODE: const struct yaml_node *, NULL if absent.
 *
 * Tables are static and const. Everything is zero beforehand; an absent key without default leaves it so.
 */
#pragma once
#include "harness/spec/topology.h"
#include "harness/spec/yaml_tree.h"

enum field_kind {
    FIELD_DURATION, FIELD_RATIO, FIELD_RATE, FIELD_PACE, FIELD_BANDWIDTH, FIELD_BYTES, FIELD_COUNT, FIELD_STEP,
    FIELD_FACTOR, FIELD_NAME, FIELD_TEXT, FIELD_BOOL, FIELD_ENUM, FIELD_REGION, FIELD_TEXTS, FIELD_JSON,
    FIELD_MAP, FIELD_DICT, FIELD_LIST, FIELD_NODE,
};

/* How keys of one table depend on each other. */
enum field_choice {
    FIELD_FREE,
    FIELD_SOME, /* at least one of the keys with this mark */
    FIELD_ONE,  /* exactly one of the keys with this mark */
};

struct field_set;
struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    const char *doc;            /* one sentence or less, no full stop */
    bool required;
    const char *preset;         /* default, written as in a file; NULL: none */
    const char *example;        /* shown in help when there is no preset */
    int64_t min, max;           /* numbers, in the stored unit; TEXTS, DICT, LIST: how many. max 0: no limit */
    const char *const *words;   /* NULL-terminated */
    const struct field_set *of; /* MAP, DICT, LIST */
    size_t given;               /* offset of a bool that says whether the key was there; 0: none */
    enum field_choice choice;
    const char *with;           /* this key makes sense only beside that one */
};

struct field_set {
    const char *name;  /* as people call the map: "a `partition` step", "`topology.failover`" */
    const char *topic; /* for `drtest explain` */
    const char *summary;
    const struct field *fields;
    size_t count, size; /* size: of an item (DICT, LIST) */
};

/* Where entry i of such a list was written. */
struct place field_text_place(const struct yaml_node *list, size_t i);

struct field_items {
    void *at;
    size_t len;
};

struct field_item {
    const char *name; /* DICT */
    const struct yaml_node *node;
};

struct binder {
    struct arena *arena;
    struct diag_list *diags;
    const struct topology *topology; /* NULL: names of regions cannot be looked up, REGION stays TOPO_NONE */
};

/* Fill to (zeroed) from map; NULL or a broken node gives the presets. What is wrong is reported, the rest is bound. */
void field_bind(struct binder *b, const struct field_set *set, const struct yaml_node *map, void *to);

/* The same for a map whose keys go to several structs. */
struct field_part {
    const struct field *fields;
    size_t count;
    void *to;
};
void field_bind_parts(struct binder *b, const struct field_set *set, const struct field_part *parts, size_t n,
                      const struct yaml_node *map);

/* One scalar (field_value.c). Returns false after reporting. */
bool field_scalar(struct binder *b, const struct field *f, const struct yaml_node *n, void *to);
/* "one of a, b, c" */
void field_words(struct text *out, const char *const *words);

/* "unknown NAME `x`" with the nearest of the candidates as help. */
struct diag *field_unknown(struct binder *b, enum diag_code code, struct place at, const char *what, const char *word,
                           const char *const *candidates, size_t n);

/* The map as it counts: every key of the table that is given or has a default, in the order of the table
 * (field_write.c). Appends YAML in block form, indented by indent spaces. */
void field_write(struct text *out, const struct field_set *set, const struct yaml_node *map, int indent);
/* One map as {key: value, ...}; presets of the parts' fields are added. */
void field_write_flow(struct text *out, const struct field_part *parts, size_t n, const struct yaml_node *map);
void field_write_node(struct text *out, const struct yaml_node *n); /* flow form */

/* What `drtest explain` prints about the keys of a map, or about one (explain.c). */
void field_explain(struct text *out, const struct field_set *set);
void field_explain_key(struct text *out, const char *path, const struct field *f);
