/* SPDX-License-Identifier: MIT */
/*
 * Method: each source is read once and its names are looked up in the two option tables of the call. A name that no
 * command knows is an error with its place; one that only other commands know is passed over, for the file serves all.
 *
 * A file that is absent is no error unless it was named by --config.
 */
#include "harness/cli/settings.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/yaml_tree.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/drtest/config.yaml"
#define SETTINGS_MAX_BYTES (64u * 1024u)

/* --help and --version are acts, --config says where to look: none of them is a setting. */
bool settings_settable(const struct option_row *row)
{
    return !text_eq(row->name, "help") && !text_eq(row->name, "version") && !text_eq(row->name, "config");
}

const char *settings_variable(struct text *t, const char *option)
{
    text_clear(t);
    text_add(t, "DRTEST_");
    for (const char *c = option; *c; c++) {
        char up = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        text_add_bytes(t, &up, 1);
    }
    return text_str(t);
}

static int from_environment(struct call *c, struct err *e)
{
    scoped_text struct text name = {0};
    for (size_t s = 0; s < array_len(c->sets); s++) {
        for (size_t i = 0; i < c->sets[s].count; i++) {
            const struct option_row *row = &c->sets[s].rows[i];
            const char *value = settings_settable(row) ? getenv(settings_variable(&name, row->name)) : NULL;
            if (value && *value && options_give(&c->sets[s], i, value, ORIGIN_ENVIRONMENT, text_str(&name), e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static bool known_elsewhere(const char *name)
{
    for (size_t k = 0; commands[k]; k++) {
        for (size_t i = 0; i < commands[k]->option_count; i++) {
            if (text_eq(commands[k]->options[i].name, name)) {
                return true;
            }
        }
    }
    return false;
}

/* Nearest name of any option of any command, for a help line. */
static const char *nearest_setting(const char *name)
{
    const char *names[256];
    size_t n = 0;
    for (size_t k = 0; commands[k]; k++) {
        for (size_t i = 0; i < commands[k]->option_count && n < array_len(names); i++) {
            names[n++] = commands[k]->options[i].name;
        }
    }
    return text_nearest(name, names, n);
}

static void complain(struct diag_list *diags, struct yaml_tree *tree, const struct yaml_node *n, enum diag_code code,
                     const char *message, const char *help)
{
    struct place p = n ? n->place : (struct place){.source = &tree->source};
    struct diag *d = diag_error(diags, code, p, "%s", message);
    if (help) {
        diag_help(d, "%s", help);
    }
}

static void give_one(struct call *c, struct yaml_tree *tree, const struct yaml_node *value, struct option_set *set,
                     size_t row, enum option_origin origin, struct diag_list *diags)
{
    struct err e = {0};
    if (value->kind != NODE_SCALAR) {
        complain(diags, tree, value, DIAG_WRONG_KIND, "a plain value is wanted here", NULL);
    } else if (options_give(set, row, arena_strdup(&c->arena, value->text), origin, tree->source.name, &e) < 0) {
        complain(diags, tree, value, DIAG_BAD_VALUE, e.msg, e.help[0] ? e.help : NULL);
    }
}

static void give(struct call *c, struct yaml_tree *tree, const struct yaml_node *value, enum option_origin origin,
                 struct diag_list *diags)
{
    const char *name = value->key->text;
    for (size_t s = 0; s < array_len(c->sets); s++) {
        int row = options_find(&c->sets[s], name);
        if (row < 0 || !settings_settable(&c->sets[s].rows[row])) {
            continue;
        }
        if (value->kind == NODE_LIST && c->sets[s].rows[row].kind == OPTION_LIST) {
            for (const struct yaml_node *item = value->first; item; item = item->next) {
                give_one(c, tree, item, &c->sets[s], (size_t)row, origin, diags);
            }
        } else {
            give_one(c, tree, value, &c->sets[s], (size_t)row, origin, diags);
        }
        return;
    }
    if (!known_elsewhere(name)) {
        scoped_text struct text message = {0}, help = {0};
        const char *near = nearest_setting(name);
        text_addf(&message, "unknown setting `%s`", name);
        if (near) {
            text_addf(&help, "use `%s`", near);
        } else {
            text_add(&help, "`drtest explain settings` lists them");
        }
        complain(diags, tree, value->key, DIAG_UNKNOWN_KEY, text_str(&message), text_str(&help));
    }
}

static void give_all(struct call *c, struct yaml_tree *tree, enum option_origin origin, struct diag_list *diags)
{
    const struct yaml_node *magic = node_get(tree->root, "drtest");
    if (!magic || magic->kind != NODE_SCALAR || !text_eq(magic->text, "1")) {
        complain(diags, tree, tree->root, DIAG_FORMAT, "this is not a settings file", "begin it with `drtest: 1`");
        return;
    }
    for (const struct yaml_node *n = tree->root->first; n; n = n->next) {
        if (n->key && !text_eq(n->key->text, "drtest") && !text_eq(n->key->text, "settings")) {
            complain(diags, tree, n->key, DIAG_UNKNOWN_KEY, "a settings file has the keys `drtest` and `settings` only",
                     NULL);
        }
    }
    const struct yaml_node *settings = node_get(tree->root, "settings");
    if (settings && settings->kind == NODE_SCALAR && settings->plain && !*settings->text) {
        return; /* all of them are commented out */
    }
    if (settings && settings->kind != NODE_MAP) {
        complain(diags, tree, settings, DIAG_WRONG_KIND, "`settings` is a map of long option names", NULL);
        return;
    }
    for (const struct yaml_node *n = settings ? settings->first : NULL; n; n = n->next) {
        give(c, tree, n, origin, diags);
    }
}

/* Returns the exit code. */
static int from_file(struct call *c, const char *path, enum option_origin origin)
{
    struct diag_list diags = {0};
    struct yaml_tree tree = {0};
    yaml_tree_read(&tree, path, SETTINGS_MAX_BYTES, &diags);
    if (tree.root && tree.root->kind != NODE_MAP) {
        complain(&diags, &tree, tree.root, DIAG_WRONG_KIND, "a settings file is a map", "begin it with `drtest: 1`");
    } else if (tree.root) {
        give_all(c, &tree, origin, &diags);
    }
    int code = diags.errors > 0 ? 3 : 0;
    if (diags.count > 0) {
        scoped_text struct text out = {0};
        diag_print(&diags, &out, c->err.colour);
        fputs(text_str(&out), stderr);
    }
    yaml_tree_deinit(&tree);
    diag_list_deinit(&diags);
    return code;
}

static int from_file_if_there(struct call *c, const char *path, enum option_origin origin)
{
    return access(path, F_OK) == 0 ? from_file(c, path, origin) : 0;
}

static const char *user_file(struct text *t)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg == '/') {
        text_addf(t, "%s/drtest/config.yaml", xdg);
    } else if (home && *home == '/') {
        text_addf(t, "%s/.config/drtest/config.yaml", home);
    }
    return text_str(t);
}

void settings_source(struct text *out, const struct option_row *row, enum option_origin origin, const char *config)
{
    scoped_text struct text name = {0};
    const char *named = getenv("DRTEST_CONFIG");
    switch (origin) {
    case ORIGIN_FLAG:
        text_addf(out, "flag --%s", row->name);
        break;
    case ORIGIN_ENVIRONMENT:
        text_addf(out, "environment %s", settings_variable(&name, row->name));
        break;
    case ORIGIN_PROJECT:
        text_addf(out, "file %s", config && *config ? config : named && *named ? named : SETTINGS_PROJECT_FILE);
        break;
    case ORIGIN_USER:
        text_addf(out, "file %s", user_file(&name));
        break;
    case ORIGIN_SYSTEM:
        text_add(out, "file " SYSTEM_FILE);
        break;
    case ORIGIN_BUILTIN:
        text_add(out, "built in");
        break;
    }
}

int settings_apply(struct call *c)
{
    struct err e = {0};
    if (from_environment(c, &e) < 0) {
        return say_error(&c->err, &e);
    }
    scoped_text struct text user = {0};
    const char *named = c->globals.config ? c->globals.config : getenv("DRTEST_CONFIG");
    int code = named && *named ? from_file(c, named, ORIGIN_PROJECT)
                               : from_file_if_there(c, SETTINGS_PROJECT_FILE, ORIGIN_PROJECT);
    if (code == 0 && *user_file(&user)) {
        code = from_file_if_there(c, text_str(&user), ORIGIN_USER);
    }
    return code ? code : from_file_if_there(c, SYSTEM_FILE, ORIGIN_SYSTEM);
}
