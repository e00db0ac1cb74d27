/* SPDX-License-Identifier: MIT */
/*
 * Method: the same tree and tables as for scenarios. `defaults` and `with` stay trees: they are merged into the tree of
 * each scenario before that is bound, so that a wrong value in a suite is reported where the suite says it.
 */
#include "harness/spec/suite.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/load_tree.h"
#include "harness/spec/suite_spec.h"
#include <stdlib.h>
#include <string.h>

#define DAY (86400 * NS_PER_S)
#define IN(type, member) .offset = offsetof(struct type, member)

struct suite_source {
    struct yaml_tree tree;
    const struct yaml_node *defaults;
    const struct yaml_node **with; /* by entry; NULL where there is none */
    struct place *places;          /* by entry: where its path was written */
};

struct suite_written {
    int64_t format, overdue_after_ns;
    const char *name, *title, *schedule;
    const struct yaml_node *defaults, *scenarios;
    bool stop_on_failure;
};

struct entry_written {
    const char *file;
    int64_t repeat;
    const struct yaml_node *with;
};

static const char *const failure_words[] = {"continue", "stop", NULL};

/* clang-format off */
static const struct field suite_fields[] = {
    {.key = "drtest", .kind = FIELD_COUNT, IN(suite_written, format), .required = true, .example = "1", .min = 1,
     .max = 1, .doc = "format version, 1"},
    {.key = "suite", .kind = FIELD_NAME, IN(suite_written, name), .required = true, .example = "quarterly",
     .doc = "name of the suite"},
    {.key = "title", .kind = FIELD_TEXT, IN(suite_written, title), .doc = "for people; the name if absent"},
    {.key = "schedule", .kind = FIELD_TEXT, IN(suite_written, schedule), .example = "quarterly",
     .doc = "daily, weekly, monthly, quarterly, yearly or five cron fields, UTC"},
    {.key = "overdue_after", .kind = FIELD_DURATION, IN(suite_written, overdue_after_ns), .min = NS_PER_S,
     .example = "100d", .doc = "the last met run must not be older; by schedule 2d, 8d, 35d, 100d or 400d"},
    {.key = "defaults", .kind = FIELD_NODE, IN(suite_written, defaults),
     .doc = "targets, workload, steady_state, recovery where the scenario says nothing"},
    {.key = "scenarios", .kind = FIELD_NODE, IN(suite_written, scenarios), .required = true,
     .example = "[region-outage.yaml]", .doc = "paths relative to the suite, or {file, repeat, with}"},
    {.key = "on_failure", .kind = FIELD_BOOL, IN(suite_written, stop_on_failure), .words = failure_words,
     .preset = "continue", .doc = "whether to go on after a run that is not met"},
};
const struct field_set suite_set = {"a suite", "suite", "Scenarios to run together.", suite_fields,
                                    array_len(suite_fields), sizeof(struct suite_written)};

static const struct field entry_fields[] = {
    {.key = "file", .kind = FIELD_TEXT, IN(entry_written, file), .required = true, .example = "partition.yaml",
     .doc = "path of the scenario, relative to the suite"},
    {.key = "repeat", .kind = FIELD_COUNT, IN(entry_written, repeat), .preset = "1", .min = 1, .max = 1000,
     .doc = "how often"},
    {.key = "with", .kind = FIELD_NODE, IN(entry_written, with),
     .doc = "targets, workload, steady_state, recovery in place of what the scenario says"},
};
const struct field_set suite_entry_set = {"an entry of `scenarios`", "suite.scenarios", "One scenario of a suite.",
                                           entry_fields, array_len(entry_fields), 0};

/* clang-format on */

static const struct {
    const char *word;
    enum suite_schedule schedule;
    int64_t overdue_days;
} schedules[] = {
    {"daily", SCHEDULE_DAILY, 2},           {"weekly", SCHEDULE_WEEKLY, 8},   {"monthly", SCHEDULE_MONTHLY, 35},
    {"quarterly", SCHEDULE_QUARTERLY, 100}, {"yearly", SCHEDULE_YEARLY, 400},
};

void suite_free(struct suite *s)
{
    if (s) {
        yaml_tree_deinit(&s->source->tree);
        free(s->source);
        free(s);
    }
}

const struct source *suite_text(const struct suite *s)
{
    return &s->source->tree.source;
}

/* `defaults` and `with` hold these maps and nothing else. */
static void check_overlay(struct binder *b, const struct yaml_node *n)
{
    static const char *const keys[] = {"targets", "workload", "steady_state", "recovery"};
    if (!n || n->broken) {
        return;
    }
    const char *name = n->key->text;
    if (n->kind != NODE_MAP) {
        struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, node_place(n), "`%s` is %s", name, node_kind_name(n));
        diag_help(d, "write `%s: {targets: {rto: 5s}}`", name);
        return;
    }
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        size_t i = 0;
        while (i < array_len(keys) && !text_eq(keys[i], c->key->text)) {
            i++;
        }
        if (i == array_len(keys)) {
            struct diag *d =
                diag_error(b->diags, DIAG_UNKNOWN_KEY, c->key->place, "unknown key `%s` in `%s`", c->key->text, name);
            const char *near = text_nearest(c->key->text, keys, array_len(keys));
            diag_help(d, near ? "use `%s`" : "use `targets`, `workload`, `steady_state` or `recovery`", near);
        } else if (c->kind != NODE_MAP && !c->broken) {
            struct diag *d =
                diag_error(b->diags, DIAG_WRONG_KIND, node_place(c), "`%s` is %s", c->key->text, node_kind_name(c));
            diag_help(d, "write `%s: {...}`", c->key->text);
        }
    }
}

/* Five fields of digits and * / , - as cron(8) has them. */
static bool is_cron(const char *s)
{
    int fields = 0;
    while (*s) {
        size_t len = strspn(s, "0123456789*/,-");
        fields += len > 0;
        s += len;
        if (*s && *s != ' ') {
            return false;
        }
        s += strspn(s, " ");
    }
    return fields == 5;
}

static void set_schedule(struct binder *b, struct suite *s, const struct suite_written *w)
{
    const char *words[array_len(schedules)];
    s->overdue_after_ns = w->overdue_after_ns;
    for (size_t i = 0; i < array_len(schedules); i++) {
        words[i] = schedules[i].word;
        if (w->schedule && text_eq(w->schedule, words[i])) {
            s->schedule = schedules[i].schedule;
            s->overdue_after_ns = s->overdue_after_ns ? s->overdue_after_ns : schedules[i].overdue_days * DAY;
            return;
        }
    }
    if (w->schedule && is_cron(w->schedule)) {
        s->schedule = SCHEDULE_CRON;
        s->cron = w->schedule;
    } else if (w->schedule) {
        const struct yaml_node *n = node_get(s->source->tree.root, "schedule");
        struct diag *d = field_unknown(b, DIAG_BAD_VALUE, n->place, "schedule", n->text, words, array_len(words));
        diag_note(d, "five cron fields do as well, in UTC");
    }
}

/* Paths in a suite start where the suite lies. */
static const char *beside(struct arena *a, const char *suite, const char *file)
{
    const char *slash = strrchr(suite, '/');
    if (!slash || file[0] == '/') {
        return arena_strdup(a, file);
    }
    return arena_printf(a, "%.*s/%s", (int)(slash - suite), suite, file);
}

static void bind_entry(struct binder *b, struct suite *s, const struct yaml_node *n)
{
    struct entry_written w = {.repeat = 1};
    if (n->kind == NODE_MAP) {
        w.repeat = 0;
        field_bind(b, &suite_entry_set, n, &w);
        check_overlay(b, w.with);
    } else if (n->kind == NODE_SCALAR && n->text[0]) {
        w.file = n->text;
    } else if (!n->broken) {
        struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, n->place, "an entry of `scenarios` is a path or a map");
        diag_help(d, "write `- region-outage.yaml` or `- {file: region-outage.yaml, repeat: 3}`");
    }
    if (w.file) {
        s->source->with[s->count] = w.with;
        s->source->places[s->count] = n->kind == NODE_MAP ? node_get(n, "file")->place : n->place;
        s->entries[s->count++] = (struct suite_entry){beside(b->arena, s->file, w.file), w.repeat};
    }
}

static void bind_suite(struct binder *b, struct suite *s)
{
    const struct yaml_node *root = s->source->tree.root;
    struct suite_written w = {0};
    field_bind(b, &suite_set, root, &w);
    check_overlay(b, w.defaults);
    s->name = w.name;
    s->title = w.title ? w.title : w.name;
    s->stop_on_failure = w.stop_on_failure;
    s->source->defaults = w.defaults;
    set_schedule(b, s, &w);
    if (!w.scenarios || w.scenarios->broken) {
        return;
    }
    if (w.scenarios->kind != NODE_LIST || w.scenarios->count == 0) {
        struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, node_place(w.scenarios), "`scenarios` is %s",
                                    w.scenarios->kind == NODE_LIST ? "empty" : node_kind_name(w.scenarios));
        diag_help(d, "write a list of paths");
        return;
    }
    s->entries = arena_array(b->arena, struct suite_entry, w.scenarios->count);
    s->source->with = arena_array(b->arena, const struct yaml_node *, w.scenarios->count);
    s->source->places = arena_array(b->arena, struct place, w.scenarios->count);
    for (const struct yaml_node *n = w.scenarios->first; n; n = n->next) {
        bind_entry(b, s, n);
    }
}

/* A scenario where a suite is wanted is one mistake, not a dozen unknown keys. */
static bool root_is_suite(struct yaml_tree *t, struct diag_list *diags)
{
    const struct yaml_node *root = t->root;
    if (!root) {
        return false;
    }
    const struct yaml_node *name = root->kind == NODE_MAP ? node_get(root, "name") : NULL;
    if (root->kind == NODE_MAP && (!name || node_get(root, "suite"))) {
        return true;
    }
    struct diag *d = diag_error(diags, DIAG_FORMAT, name ? name->key->place : root->place, "this is %s, not a suite",
                                name ? "a scenario" : node_kind_name(root));
    diag_help(d, name ? "name a suite that has it under `scenarios`" : "begin with `drtest: 1` and `suite: ...`");
    return false;
}

int suite_load(const char *path, struct suite **out, struct diag_list *diags, struct err *e)
{
    struct suite *s = xcalloc(1, sizeof(*s));
    s->source = xcalloc(1, sizeof(*s->source));
    struct yaml_tree *t = &s->source->tree;
    yaml_tree_read(t, path, 0, diags);
    s->file = arena_strdup(&t->arena, path);
    if (root_is_suite(t, diags)) {
        struct binder b = {.arena = &t->arena, .diags = diags};
        bind_suite(&b, s);
    }
    diag_sort(diags);
    if (load_verdict(diags, path, e) != 0) {
        suite_free(s);
        return -1;
    }
    *out = s;
    return 0;
}

int suite_plan(const struct suite *s, size_t entry, const struct action_type *const *types, size_t n,
               const struct spec_options *options, struct plan **out, struct diag_list *diags, struct err *e)
{
    struct load l = {
        .path = s->entries[entry].file,
        .types = types,
        .type_count = n,
        .below = s->source->defaults,
        .above = s->source->with[entry],
    };
    if (options) {
        l.options = *options;
    }
    if (load_plan(&l, out, diags, e) < 0) {
        if (diags->count > 0) {
            diag_note_at(diags->at[0], s->source->places[entry], "as an entry of this suite");
        }
        return -1;
    }
    return 0;
}
