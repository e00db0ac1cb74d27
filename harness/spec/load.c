/* SPDX-License-Identifier: MIT */
/*
 * Method: one order for everything: parse, merge the suite's values, expand names into maps, apply overrides, fill in
 * dependent defaults, bind, compile, write the resolved scenario. A stage runs only if those before it found no error,
 * except that binding goes on after duplicate keys and the like: those are known, and the user gets the rest as well.
 */
#include "harness/spec/load.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/load_tree.h"
#include "harness/spec/override.h"
#include "harness/spec/plan_compile.h"
#include "harness/spec/profile.h"
#include "harness/spec/suite.h"
#include <string.h>

int load_verdict(const struct diag_list *diags, const char *path, struct err *e)
{
    if (diags->errors == 0) {
        return 0;
    }
    int code = diags->at[0]->code;
    err_set(e, code < 200 ? ERR_READING : ERR_MEANING, path, "%zu error%s", diags->errors,
            diags->errors == 1 ? "" : "s");
    if (e && e->code == 0) {
        e->code = code;
    }
    return -1;
}

/* Write targets that a suite gives to all its scenarios do not apply to one that writes nothing. */
static void drop_write_targets(struct yaml_tree *t)
{
    static const char *const keys[] = {"rpo",         "lost_writes", "lost_after", "conflicting_writes",
                                       "stale_reads", "converged",  "duplicated_writes"};
    struct yaml_node *targets = node_get(t->root, "targets");
    const struct yaml_node *workload = node_get(t->root, "workload");
    if (!targets || !workload || node_get(workload, "writes")) {
        return;
    }
    for (size_t i = 0; i < array_len(keys); i++) {
        const struct yaml_node *n = node_get(targets, keys[i]);
        if (n && (n->fallback || targets->fallback)) {
            node_remove(targets, keys[i]);
        }
    }
}

/* The project's settings where a scenario is wanted are one mistake, not one for each key. */
static bool root_is_scenario(struct yaml_tree *t, struct diag_list *diags)
{
    const struct yaml_node *root = t->root;
    if (!root) {
        return false;
    }
    const struct yaml_node *settings = root->kind == NODE_MAP ? node_get(root, "settings") : NULL;
    if (root->kind == NODE_MAP && (!settings || node_get(root, "name"))) {
        return true;
    }
    struct diag *d = diag_error(diags, DIAG_FORMAT, settings ? settings->key->place : root->place,
                                "this is %s, not a scenario", settings ? "a settings file" : node_kind_name(root));
    diag_help(d, settings ? "name a scenario; `drtest plan --show-config` of one shows what the settings come to"
                          : "begin with `drtest: 1` and `name: ...`");
    return false;
}

/* Everything that changes the tree before it is bound; what was changed is returned for the record. */
static json_t *prepare(struct yaml_tree *t, const struct load *l, struct diag_list *diags)
{
    json_t *record = json_object();
    if (l->below) {
        override_merge(&t->arena, t->root, l->below, false);
        override_record(record, "", l->below);
    }
    if (l->above) {
        override_merge(&t->arena, t->root, l->above, true);
        override_record(record, "", l->above);
    }
    scenario_expand(t, diags);
    if (l->options.profile) {
        profile_apply(t, l->options.profile, record, diags);
    }
    for (size_t i = 0; i < l->options.set_count; i++) {
        override_apply(t, l->options.sets[i], diags);
        override_record_assignment(record, l->options.sets[i]);
    }
    scenario_expand(t, diags);
    scenario_resolve(t);
    drop_write_targets(t);
    return record;
}

/* Of what is tested: the text and what was overridden, but for the seed. Runs that differ in nothing but their phase
 * are repeats of one another, however the seed was ordered. */
static void fingerprint(struct plan *p, const struct source *s)
{
    scoped_json json_t *tested = json_copy(p->overrides);
    json_object_del(tested, "workload.seed");
    if (json_object_size(tested) == 0) {
        sha256_hex(s->text, s->len, p->sha256);
        return;
    }
    scoped_free char *overrides = json_canonical(tested);
    scoped_text struct text all = {0};
    text_add_bytes(&all, s->text, s->len);
    text_add_bytes(&all, overrides, strlen(overrides));
    sha256_hex(all.at, all.len, p->sha256);
}

/* The scenario as run: what was random or derived is written into the tree first. */
static void write_resolved(struct plan *p, struct yaml_tree *t, const struct scenario *s)
{
    char within[UNIT_MAX];
    struct yaml_node *workload = node_get(t->root, "workload"), *steady = node_get(t->root, "steady_state");
    node_remove(t->root, "profiles"); /* one was chosen */
    struct place at = t->root->place;
    node_put(&t->arena, workload, "seed", at,
             node_new(&t->arena, NODE_SCALAR, arena_printf(&t->arena, "%llu", (unsigned long long)p->seed), at));
    if (!steady) {
        steady = node_new(&t->arena, NODE_MAP, NULL, at);
        node_put(&t->arena, t->root, "steady_state", at, steady);
    }
    node_put(&t->arena, steady, "within", at,
             node_new(&t->arena, NODE_SCALAR, unit_print_duration(p->baseline_within_ns, within), at));
    scoped_text struct text out = {0};
    scenario_write(&out, s);
    p->yaml = arena_strdup(&p->arena, text_str(&out));
}

static void compile(struct plan *p, struct yaml_tree *t, const struct load *l, struct diag_list *diags)
{
    struct scenario s = {0};
    struct binder b = {.arena = &p->arena, .diags = diags};
    scenario_bind(&b, t->root, l->types, l->type_count, &s);
    if (diags->errors == 0) {
        p->file = arena_strdup(&p->arena, l->path);
        p->text = arena_strndup(&p->arena, t->source.text, t->source.len);
        const struct yaml_node *topology = s.topology_node;
        p->topology = s.topology;
        s.topology->name =
            arena_strdup(&p->arena, topology->place.source == &t->source ? "inline" : topology->place.source->name);
        fingerprint(p, &t->source);
        plan_compile(p, &s, l->options.seed, diags);
    }
    if (diags->errors == 0) {
        write_resolved(p, t, &s);
    }
    scenario_deinit(&s);
}

static void read_tree(struct yaml_tree *t, const struct load *l, struct diag_list *diags)
{
    if (l->text) {
        yaml_tree_parse(t, l->path, l->text, l->len, diags);
    } else {
        yaml_tree_read(t, l->path, l->max_bytes, diags);
    }
}

/* What a scenario says of a profile that nobody asked for is checked all the same, as soon as the rest is right. Only
 * errors are told: a warning of the profile's targets matters to those who use it. */
static void check_profile(const struct load *l, const char *name, struct diag_list *diags)
{
    struct load with = *l;
    struct plan *p = NULL;
    struct diag_list of_profile = {0};
    with.options.profile = name;
    int rc = load_plan(&with, &p, &of_profile, NULL);
    plan_free(p);
    diag_list_deinit(&of_profile);
    if (rc == 0) {
        return;
    }
    load_plan(&with, &p, diags, NULL);
    for (size_t i = 0; i < diags->count; i++) {
        if (diags->at[i]->severity == DIAG_ERROR) {
            diag_note(diags->at[i], "with `--profile %s`", name);
        }
    }
}

int load_plan(const struct load *l, struct plan **out, struct diag_list *diags, struct err *e)
{
    struct yaml_tree tree = {0};
    struct plan *p = xcalloc(1, sizeof(*p));
    const char *profile = NULL; /* has values of its own here */
    read_tree(&tree, l, diags);
    if (root_is_scenario(&tree, diags)) {
        for (size_t i = 0; !l->options.profile && profile_words[i]; i++) {
            profile = profile_written(&tree, profile_words[i]) ? profile_words[i] : profile;
        }
        p->overrides = prepare(&tree, l, diags);
        compile(p, &tree, l, diags);
    }
    yaml_tree_deinit(&tree);
    if (profile && diags->errors == 0) {
        check_profile(l, profile, diags);
    }
    diag_sort(diags);
    if (load_verdict(diags, l->path, e) != 0) {
        plan_free(p);
        return -1;
    }
    *out = p;
    return 0;
}

int spec_load(const char *path, const struct action_type *const *types, size_t n, const struct spec_options *options,
              struct plan **out, struct diag_list *diags, struct err *e)
{
    struct load l = {.path = path, .types = types, .type_count = n};
    if (options) {
        l.options = *options;
    }
    return load_plan(&l, out, diags, e);
}

bool spec_is_suite(const char *path)
{
    struct yaml_tree tree = {0};
    struct diag_list diags = {0};
    yaml_tree_read(&tree, path, 0, &diags);
    bool suite = node_get(tree.root, "suite") != NULL;
    yaml_tree_deinit(&tree);
    diag_list_deinit(&diags);
    return suite;
}
