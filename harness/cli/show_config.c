/* SPDX-License-Identifier: MIT */
/*
 * Method: a call of `run` is made up and goes through the same steps as a real one, defaults, then settings; flags
 * given to `plan` are handed over by name. So what is shown is what the one reader of settings does, not a description
 * of it.
 */
#include "harness/cli/show_config.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/settings.h"

static void *slot(const struct option_set *set, size_t row)
{
    return (char *)set->values + set->rows[row].offset;
}

static json_t *value_json(const struct option_set *set, size_t row)
{
    const struct option_row *r = &set->rows[row];
    switch (r->kind) {
    case OPTION_SWITCH:
        return json_boolean(*(bool *)slot(set, row));
    case OPTION_TEXT: {
        const char *s = *(const char **)slot(set, row);
        return s ? json_string(s) : json_null();
    }
    case OPTION_COUNT: {
        int64_t n = *(int64_t *)slot(set, row);
        return n >= 0 ? json_integer(n) : json_null();
    }
    case OPTION_DURATION: {
        char out[UNIT_MAX];
        int64_t ns = *(int64_t *)slot(set, row);
        return ns >= 0 ? json_string(unit_print_duration(ns, out)) : json_null();
    }
    case OPTION_LIST:
        break;
    }
    json_t *all = json_array();
    const struct option_list *l = slot(set, row);
    for (size_t i = 0; i < l->len; i++) {
        json_array_append_new(all, json_string(l->at[i]));
    }
    return all;
}

static void add_set(json_t *all, const struct option_set *set, const char *config)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct option_row *r = &set->rows[i];
        if (!settings_settable(r)) {
            continue;
        }
        scoped_text struct text source = {0};
        settings_source(&source, r, set->origins[i], config);
        json_array_append_new(all, json_pack("{s:s,s:o,s:s}", "name", r->name, "value", value_json(set, i), "source",
                                             text_str(&source)));
    }
}

/* What was given to `plan` as a flag, for the option of the same name. */
static void hand_over(const struct option_set *from, struct option_set *to, struct arena *a)
{
    for (size_t i = 0; i < from->count; i++) {
        int row = from->origins[i] == ORIGIN_FLAG ? options_find(to, from->rows[i].name) : -1;
        if (row < 0) {
            continue;
        }
        scoped_json json_t *given = value_json(from, i);
        scoped_free char *text = json_dumps(given, JSON_ENCODE_ANY);
        size_t k;
        json_t *item;
        json_array_foreach(given, k, item)
        {
            options_give(to, (size_t)row, arena_strdup(a, json_string_value(item)), ORIGIN_FLAG, "flag", NULL);
        }
        if (!json_is_array(given)) {
            const char *one = json_is_string(given) ? json_string_value(given) : text;
            options_give(to, (size_t)row, arena_strdup(a, one), ORIGIN_FLAG, "flag", NULL);
        }
    }
}

json_t *show_config(struct call *c, int *code)
{
    scoped_free void *flags = xcalloc(1, command_run.flags_size + 1);
    scoped_free enum option_origin *origins = xcalloc(command_run.option_count + 1, sizeof(*origins));
    struct call as_run = {.command = &command_run, .globals = c->globals, .flags = flags, .err = c->err};
    as_run.sets[0] = (struct option_set){command_run.options, command_run.option_count, flags, origins};
    as_run.sets[1] = c->sets[1];
    options_init(&as_run.sets[0]);
    hand_over(&c->sets[0], &as_run.sets[0], &as_run.arena);
    *code = settings_apply(&as_run);
    json_t *all = *code ? NULL : json_array();
    if (all) {
        add_set(all, &as_run.sets[0], c->globals.config);
        add_set(all, &as_run.sets[1], c->globals.config);
    }
    options_deinit(&as_run.sets[0]);
    arena_deinit(&as_run.arena);
    return all;
}

void show_config_print(const json_t *settings)
{
    size_t i;
    json_t *o;
    puts("settings of run");
    json_array_foreach(settings, i, o)
    {
        const json_t *v = json_object_get(o, "value");
        scoped_free char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        const char *shown = json_is_string(v) ? json_string_value(v) : json_is_null(v) ? "(none)" : text;
        printf("  %-18s %-24s %s\n", json_string_value(json_object_get(o, "name")), shown ? shown : "",
               json_string_value(json_object_get(o, "source")));
    }
}
