/* SPDX-License-Identifier: MIT */
/*
 * Method: events of libyaml, one after the other, with our own stack of open maps and lists. libyaml's document loader
 * is never used: it is quadratic on deep nesting and resolves aliases into graphs. The event parser is safe because we
 * stop at a depth of 32, and because the bytes have been checked before it sees them: errors of the encoding come from
 * libyaml without a line.
 *
 * Failure paths: a text that is not UTF-8, has NUL bytes, is too long or empty gives one diagnostic and no root. What
 * libyaml refuses stops the parse there (after such an error nothing can be believed) and gives no root. Features that
 * we refuse (aliases, tags, duplicate keys) are reported and the parse goes on, the node concerned being marked broken.
 */
#include "harness/spec/yaml_tree.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include <errno.h>
#include <string.h>
#include <yaml.h>

enum { DIRECTIVES_MAX = 32, SHOWN_BEYOND = 400 };

struct build {
    struct yaml_tree *tree;
    struct diag_list *diags;
    struct yaml_node *open[YAML_TREE_DEPTH];
    struct yaml_node *key; /* of the member to come, in the innermost map */
    size_t depth, nodes;
    bool stop;
};

void yaml_tree_deinit(struct yaml_tree *t)
{
    arena_deinit(&t->arena);
    memset(t, 0, sizeof(*t));
}

static struct place mark_place(const struct build *b, yaml_mark_t from, yaml_mark_t to)
{
    struct place p = {
        .source = &b->tree->source, .line = (int)from.line + 1, .column = (int)from.column + 1, .length = 1};
    if (to.line == from.line && to.column > from.column) {
        p.length = (int)(to.column - from.column);
    } else if (to.line > from.line) {
        p.length = PLACE_TO_LINE_END;
    }
    return p;
}

static uint32_t hash_text(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++) {
        h = (h ^ (unsigned char)*s) * 16777619u;
    }
    return h;
}

static struct yaml_node *find_key(const struct yaml_node *map, const char *key)
{
    uint32_t h = hash_text(key);
    for (struct yaml_node *n = map->first; n; n = n->next) {
        if (n->key->hash == h && strcmp(n->key->text, key) == 0) {
            return n;
        }
    }
    return NULL;
}

static void refuse_feature(struct build *b, struct place at, const char *what, const char *help)
{
    diag_help(diag_error(b->diags, DIAG_FEATURE, at, "%s", what), "%s", help);
}

/* Hang a node under the innermost open map or list. */
static void attach(struct build *b, struct yaml_node *n)
{
    if (b->depth == 0) {
        b->tree->root = n;
        return;
    }
    struct yaml_node *parent = b->open[b->depth - 1];
    if (parent->kind == NODE_MAP) {
        n->key = b->key;
        b->key = NULL;
        struct yaml_node *before = find_key(parent, n->key->text);
        if (before) {
            struct diag *d =
                diag_error(b->diags, DIAG_DUPLICATE_KEY, n->key->place, "duplicate key `%s`", n->key->text);
            diag_label(d, "given again");
            diag_note_at(d, before->key->place, "first given here");
            diag_help(d, "keep one of the two");
            return;
        }
    }
    node_append(parent, n);
}

static struct yaml_node *add_node(struct build *b, enum node_kind kind, const char *text, struct place at)
{
    if (++b->nodes > YAML_TREE_NODES) {
        struct diag *d = diag_error(b->diags, DIAG_LIMIT, at, "more than %d values in one file", YAML_TREE_NODES);
        diag_help(d, "split the file");
        b->stop = true;
        return NULL;
    }
    return node_new(&b->tree->arena, kind, text, at);
}

/* A map is open and its next scalar is a key. */
static bool wants_key(const struct build *b)
{
    return b->depth > 0 && b->open[b->depth - 1]->kind == NODE_MAP && !b->key;
}

static bool is_core_tag(const char *tag)
{
    static const char *const core[] = {"null", "bool", "int", "float", "str", "seq", "map"};
    static const char prefix[] = "tag:yaml.org,2002:";
    for (size_t i = 0; i < array_len(core) && text_starts(tag, prefix); i++) {
        if (strcmp(tag + strlen(prefix), core[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void check_properties(struct build *b, struct place at, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor) {
        refuse_feature(b, at, "anchors are not part of the format", "write the value where it is needed");
    }
    if (tag && !is_core_tag((const char *)tag)) {
        refuse_feature(b, at, "tags are not part of the format", "leave the tag out: the key decides about the type");
    }
}

static bool scalar_fits(struct build *b, const yaml_event_t *e, struct place at)
{
    const unsigned char *s = e->data.scalar.value;
    size_t len = e->data.scalar.length;
    if (len > YAML_TREE_SCALAR) {
        diag_help(diag_error(b->diags, DIAG_LIMIT, at, "a text of %zu bytes", len), "write at most %u bytes",
                  YAML_TREE_SCALAR);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((s[i] < 0x20 && s[i] != '\n' && s[i] != '\t') || s[i] == 0x7F) {
            diag_help(diag_error(b->diags, DIAG_ENCODING, at, "a text with the control character 0x%02x", s[i]),
                      "leave the escape sequence out");
            return false;
        }
    }
    return true;
}

static void on_scalar(struct build *b, const yaml_event_t *e)
{
    struct place at = mark_place(b, e->start_mark, e->end_mark);
    check_properties(b, at, e->data.scalar.anchor, e->data.scalar.tag);
    bool fits = scalar_fits(b, e, at);
    struct yaml_node *n = add_node(b, NODE_SCALAR, fits ? (const char *)e->data.scalar.value : "", at);
    if (!n) {
        return;
    }
    n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->broken = !fits;
    if (!wants_key(b)) {
        attach(b, n);
        return;
    }
    n->hash = hash_text(n->text);
    b->key = n;
    if (n->plain && strcmp(n->text, "<<") == 0) {
        n->broken = true;
        refuse_feature(b, at, "merge keys are not part of the format", "write the members out");
    }
}

static void on_alias(struct build *b, const yaml_event_t *e)
{
    struct place at = mark_place(b, e->start_mark, e->end_mark);
    refuse_feature(b, at, "aliases are not part of the format", "write the value out");
    struct yaml_node *n = add_node(b, NODE_SCALAR, "", at);
    if (!n) {
        return;
    }
    n->broken = true;
    if (wants_key(b)) {
        n->hash = hash_text(n->text);
        b->key = n;
    } else {
        attach(b, n);
    }
}

static void on_open(struct build *b, const yaml_event_t *e, enum node_kind kind)
{
    struct place at = mark_place(b, e->start_mark, e->start_mark);
    if (kind == NODE_MAP) {
        check_properties(b, at, e->data.mapping_start.anchor, e->data.mapping_start.tag);
    } else {
        check_properties(b, at, e->data.sequence_start.anchor, e->data.sequence_start.tag);
    }
    if (wants_key(b)) {
        diag_help(diag_error(b->diags, DIAG_WRONG_KIND, at, "a map or list stands where a key belongs"),
                  "write a plain word before the colon");
        b->stop = true;
        return;
    }
    if (b->depth == YAML_TREE_DEPTH) {
        diag_help(diag_error(b->diags, DIAG_LIMIT, at, "nested more than %d levels deep", YAML_TREE_DEPTH),
                  "no scenario needs more than six levels");
        b->stop = true;
        return;
    }
    struct yaml_node *n = add_node(b, kind, NULL, at);
    if (n) {
        attach(b, n);
        b->key = NULL;
        b->open[b->depth++] = n;
    }
}

/* libyaml has stopped at a tab that stands before the first character of its line. */
static bool is_tab_indent(const struct source *s, struct place *at)
{
    const char *line;
    size_t len = source_line(s, at->line, &line), i = 0;
    while (i < len && (line[i] == ' ' || line[i] == '\t')) {
        i++;
    }
    const char *tab = memchr(line, '\t', i);
    if (!tab || (size_t)at->column > i + 1) {
        return false;
    }
    at->column = (int)(tab - line) + 1;
    return true;
}

static const char *syntax_help(const char *problem)
{
    static const char *const helps[][2] = {
        {"mapping values are not allowed", "put quotes around a text that holds `: `"},
        {"could not find expected ':'", "write `key: value`, and quotes around texts of several lines"},
        {"did not find expected ',' or", "close the bracket, and separate the members by commas"},
        {"did not find expected key", "indent all keys of a map equally"},
        {"did not find expected '-' indicator", "indent all items of a list equally"},
        {"found character that cannot start any token", "put quotes around a text that begins with this character"},
        {"found unexpected end of stream", "close the quotes or the bracket"},
        {"found unknown escape character", "use single quotes, or double the backslash"},
    };
    for (size_t i = 0; i < array_len(helps); i++) {
        if (text_starts(problem, helps[i][0])) {
            return helps[i][1];
        }
    }
    return NULL;
}

static void on_syntax_error(struct build *b, const yaml_parser_t *p)
{
    struct place at = mark_place(b, p->problem_mark, p->problem_mark);
    const char *problem = p->problem ? p->problem : "not YAML";
    if (is_tab_indent(&b->tree->source, &at)) {
        struct diag *d = diag_error(b->diags, DIAG_TAB, at, "a tab in the indentation");
        diag_label(d, "this is a tab");
        diag_help(d, "indent with spaces, two per level");
        return;
    }
    struct diag *d = diag_error(b->diags, DIAG_SYNTAX, at, "this is not well-formed YAML: %s", problem);
    const char *help = syntax_help(problem);
    if (help) {
        diag_help(d, "%s", help);
    }
    bool elsewhere = p->context_mark.line != p->problem_mark.line || p->context_mark.column != p->problem_mark.column;
    if (p->context && elsewhere) {
        diag_note_at(d, mark_place(b, p->context_mark, p->context_mark), "%s that begins here", p->context);
    }
}

/* Returns false at the end of the stream, or when it is pointless to go on. */
static bool on_event(struct build *b, const yaml_event_t *e, bool *document)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (*document) {
            refuse_feature(b, mark_place(b, e->start_mark, e->end_mark), "a second document in one file",
                           "put each scenario into a file of its own");
            return false;
        }
        *document = true;
        if (e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end) {
            refuse_feature(b, mark_place(b, e->start_mark, e->start_mark), "directives are not part of the format",
                           "leave the %TAG lines out");
        }
        break;
    case YAML_ALIAS_EVENT:
        on_alias(b, e);
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(b, e);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(b, e, NODE_LIST);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(b, e, NODE_MAP);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        break;
    case YAML_STREAM_END_EVENT:
        return false;
    default:
        break;
    }
    return !b->stop;
}

static void parse_events(struct build *b)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        abort();
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)b->tree->source.text, b->tree->source.len);
    bool document = false, going = true;
    while (going) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            on_syntax_error(b, &parser);
            b->stop = true;
            break;
        }
        going = on_event(b, &event, &document);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (b->stop) {
        b->tree->root = NULL;
    }
}

/* libyaml compares every %TAG with all before it; no file needs even one. Offset of one too many, or the length. */
static size_t directive_too_many(const struct source *s)
{
    size_t lines = 0;
    for (size_t i = 0; i < s->len; i++) {
        bool begins = i == 0 || s->text[i - 1] == '\n' || s->text[i - 1] == '\r';
        if (s->text[i] == '%' && begins && ++lines > DIRECTIVES_MAX) {
            return i;
        }
    }
    return s->len;
}

/* Is it a text at all, and one that libyaml may see? */
static bool bytes_fit(const struct source *s, size_t max_bytes, struct diag_list *diags)
{
    const char *nul = memchr(s->text, '\0', s->len);
    if (nul) {
        struct diag *d = diag_error(diags, DIAG_BINARY, source_place(s, (size_t)(nul - s->text)),
                                    "a binary file: byte %zu is NUL", (size_t)(nul - s->text));
        diag_help(d, "give a scenario written as text");
        return false;
    }
    if (s->len > max_bytes) {
        struct source head = *s; /* the diagnostic need not keep all that follows */
        head.len = s->len - max_bytes > SHOWN_BEYOND ? max_bytes + SHOWN_BEYOND : s->len;
        struct diag *d = diag_error(diags, DIAG_LIMIT, source_place(&head, max_bytes),
                                    "the file has %zu bytes, more than 1 MiB", s->len);
        diag_label(d, "1 MiB ends here");
        diag_help(d, "no scenario is that long: is this the right file?");
        return false;
    }
    size_t bad = source_first_bad(s);
    if (bad == s->len) {
        size_t directive = directive_too_many(s);
        if (directive < s->len) {
            diag_help(diag_error(diags, DIAG_LIMIT, source_place(s, directive), "more than %d lines begin with %%",
                                 DIRECTIVES_MAX),
                      "leave the directives out");
        }
        return directive == s->len;
    }
    uint32_t c;
    struct diag *d;
    if (utf8_decode(s->text + bad, s->len - bad, &c)) {
        d = diag_error(diags, DIAG_ENCODING, source_place(s, bad), "the control character U+%04X", (unsigned)c);
        diag_help(d, "remove it");
    } else {
        d = diag_error(diags, DIAG_ENCODING, source_place(s, bad), "byte 0x%02x is not UTF-8",
                       (unsigned char)s->text[bad]);
        diag_help(d, "save the file as UTF-8");
    }
    return false;
}

void yaml_tree_parse(struct yaml_tree *t, const char *name, const char *text, size_t len, struct diag_list *diags)
{
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    char *copy = arena_alloc(&t->arena, len + 1);
    memcpy(copy, text, len);
    t->source = (struct source){.name = arena_strdup(&t->arena, name), .text = copy, .len = len};
    t->root = NULL;
    if (!bytes_fit(&t->source, t->max_bytes ? t->max_bytes : YAML_TREE_BYTES, diags)) {
        return;
    }
    struct build b = {.tree = t, .diags = diags};
    parse_events(&b);
    if (!t->root && !b.stop) {
        diag_help(diag_error(diags, DIAG_EMPTY, source_place(&t->source, 0), "the file is empty"),
                  "begin with `drtest: 1`, then `name: ...` of a scenario, `suite: ...` or `settings: ...`");
    }
}

struct yaml_node *yaml_tree_graft(struct yaml_tree *t, const char *name, const char *text, size_t len,
                                  struct diag_list *diags)
{
    struct yaml_tree *scion = arena_new(&t->arena, struct yaml_tree);
    scion->arena = t->arena;
    yaml_tree_parse(scion, name, text, len, diags);
    t->arena = scion->arena;
    scion->arena = (struct arena){0};
    return scion->root;
}

void yaml_tree_read(struct yaml_tree *t, const char *path, size_t max_bytes, struct diag_list *diags)
{
    t->max_bytes = max_bytes;
    scoped_text struct text text = {0};
    struct err e = {0};
    if (text_read_file(&text, path, 16 * (size_t)YAML_TREE_BYTES, &e) != 0) {
        struct source s = {.name = path, .text = "", .len = 0};
        diag_error(diags, e.os == EFBIG ? DIAG_LIMIT : DIAG_FILE, (struct place){.source = &s}, "%s", e.msg);
        return;
    }
    yaml_tree_parse(t, path, text_str(&text), text.len, diags);
}
