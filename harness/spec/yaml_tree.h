/* SPDX-License-Identifier: MIT */
/*
 * YAML as a tree of nodes that remember where they were written.
 *
 * The strict part of YAML that scenarios need: maps, lists and scalars. Anchors, aliases, merge keys, foreign tags,
 * further documents, duplicate keys and keys that are no scalars are refused. Scalars are text; what type they have is
 * decided by the tables of field.h. A tree owns its nodes and its copy of the text; a zeroed tree is safe to deinit.
 * Nodes may be grafted into another tree that does not outlive their own.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/spec/diag.h"
#include "harness/spec/source.h"
#include <jansson.h>

#define YAML_TREE_BYTES (1024u * 1024u)
#define YAML_TREE_DEPTH 32
#define YAML_TREE_NODES 10000
#define YAML_TREE_SCALAR (64u * 1024u)

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct yaml_node {
    enum node_kind kind;
    struct place place;      /* block maps and lists: of their first character */
    const char *text;        /* scalars; no NUL inside, no control characters but line feed and tab */
    bool plain;              /* scalars: written without quotes */
    bool broken;             /* complained about already: nobody else needs to */
    bool override;           /* comes from an override: a comma separates list items */
    bool fallback;           /* comes from the defaults of a suite */
    struct yaml_node *key;   /* members of a map: the scalar that names them */
    struct yaml_node *first, *last, *next;
    size_t count;
    uint32_t hash;           /* keys: of the text */
};

struct yaml_tree {
    struct arena arena;
    struct source source;
    size_t max_bytes;        /* 0: YAML_TREE_BYTES */
    struct yaml_node *root;  /* NULL when the file could not be read as YAML */
};

void yaml_tree_deinit(struct yaml_tree *t);

/* Read and parse a file (of at most max_bytes; 0: YAML_TREE_BYTES), or parse len bytes called name. Everything wrong
 * goes to diags; root is set unless the text as a whole is unreadable. */
void yaml_tree_read(struct yaml_tree *t, const char *path, size_t max_bytes, struct diag_list *diags);
void yaml_tree_parse(struct yaml_tree *t, const char *name, const char *text, size_t len, struct diag_list *diags);
/* Parse another text into the arena of t and leave t->root alone; returns the new root or NULL. */
struct yaml_node *yaml_tree_graft(struct yaml_tree *t, const char *name, const char *text, size_t len,
                                  struct diag_list *diags);

struct yaml_node *node_get(const struct yaml_node *map, const char *key); /* NULL if absent or not a map */
struct yaml_node *node_item(const struct yaml_node *list, size_t index);
const char *node_kind_name(const struct yaml_node *n); /* "a map", "a list", "a plain value" */
/* Where a message about a node points: to the key that names it if it is more than a scalar, else to itself. */
struct place node_place(const struct yaml_node *n);

/* Building trees (overrides, resolved defaults). The text is copied; the place is where it comes from. */
struct yaml_node *node_new(struct arena *a, enum node_kind kind, const char *text, struct place at);
/* Put value under key, in place of what stands there. */
void node_put(struct arena *a, struct yaml_node *map, const char *key, struct place key_at, struct yaml_node *value);
void node_append(struct yaml_node *parent, struct yaml_node *child);
void node_remove(struct yaml_node *map, const char *key);
void node_replace(struct yaml_node *list, size_t index, struct yaml_node *value);
struct yaml_node *node_clone(struct arena *a, const struct yaml_node *n);

/* Plain scalars true, false, null and numbers as such, everything else as text. New reference. */
json_t *node_json(const struct yaml_node *n);
