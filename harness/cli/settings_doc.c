/* SPDX-License-Identifier: MIT */
/*
 * Settings are the long names of options, so their tables say what settings mean. Commands that share an option share
 * the setting: each name is told once, with every command that has it, and a meaning for each that says it in its way.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/settings.h"

#include <string.h>

struct option_table {
    const char *command; /* NULL: of all */
    const struct option_row *rows;
    size_t count;
};

/* Table i, the shared one last; false behind it. */
static bool table_at(size_t i, struct option_table *t)
{
    size_t n = 0;
    while (commands[n]) {
        n++;
    }
    if (i < n) {
        *t = (struct option_table){commands[i]->name, commands[i]->options, commands[i]->option_count};
    } else if (i == n) {
        *t = (struct option_table){NULL, global_options, global_option_count};
    }
    return i <= n;
}

static const struct option_row *row_named(const struct option_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (text_eq(t->rows[i].name, name) && settings_settable(&t->rows[i])) {
            return &t->rows[i];
        }
    }
    return NULL;
}

/* The first table that has the setting. */
static size_t first_with(const char *name)
{
    struct option_table t;
    size_t i = 0;
    while (table_at(i, &t) && !row_named(&t, name)) {
        i++;
    }
    return i;
}

static void add_commands(struct text *out, size_t from, const char *name, const char *help)
{
    struct option_table t;
    const char *comma = "";
    for (size_t i = from; table_at(i, &t); i++) {
        const struct option_row *row = row_named(&t, name);
        if (row && text_eq(row->help, help)) {
            text_addf(out, "%s%s", comma, t.command ? t.command : "all commands");
            comma = ", ";
        }
    }
}

static void add_row(struct text *out, size_t table, const struct option_row *row)
{
    scoped_text struct text variable = {0};
    text_addf(out, "settings.%s: %s\n  --%s", row->name, row->help, row->name);
    if (row->value) {
        text_addf(out, " %s", row->value);
    }
    text_add(out, " of ");
    add_commands(out, table, row->name, row->help);
    text_addf(out, "; %s in the environment", settings_variable(&variable, row->name));
    if (row->fallback) {
        text_addf(out, "; default %s", row->fallback);
    }
    text_add(out, "\n");
}

/* Whether an earlier table says the same of this name. */
static bool told_before(size_t table, const struct option_row *row)
{
    struct option_table t;
    for (size_t i = 0; i < table && table_at(i, &t); i++) {
        const struct option_row *before = row_named(&t, row->name);
        if (before && text_eq(before->help, row->help)) {
            return true;
        }
    }
    return false;
}

static void add_setting(struct text *out, const char *name)
{
    struct option_table t;
    for (size_t i = 0; table_at(i, &t); i++) {
        const struct option_row *row = row_named(&t, name);
        if (row && !told_before(i, row)) {
            add_row(out, i, row);
        }
    }
}

static void each_name(void (*see)(void *arg, const char *name), void *arg)
{
    struct option_table t;
    for (size_t i = 0; table_at(i, &t); i++) {
        for (size_t k = 0; k < t.count; k++) {
            if (settings_settable(&t.rows[k]) && first_with(t.rows[k].name) == i) {
                see(arg, t.rows[k].name);
            }
        }
    }
}

static void add_named(void *arg, const char *name)
{
    add_setting(arg, name);
}

bool settings_explain(struct text *out, const char *topic)
{
    static const char prefix[] = "settings.";
    struct option_table t;
    if (text_eq(topic, "settings")) {
        text_add(out,
                 "settings: long names of options in drtest.yaml, below `settings:`; a flag beats the environment, "
                 "which beats the file\n\n");
        each_name(add_named, out);
        return true;
    }
    const char *name = text_starts(topic, prefix) ? topic + strlen(prefix) : "";
    if (!table_at(first_with(name), &t)) {
        return false;
    }
    add_setting(out, name);
    return true;
}

struct seeing {
    void (*see)(void *arg, const char *topic);
    void *arg;
};

static void see_name(void *arg, const char *name)
{
    const struct seeing *s = arg;
    scoped_text struct text topic = {0};
    text_addf(&topic, "settings.%s", name);
    s->see(s->arg, text_str(&topic));
}

void settings_topics(void (*see)(void *arg, const char *topic), void *arg)
{
    struct seeing s = {see, arg};
    see(arg, "settings");
    each_name(see_name, &s);
}
