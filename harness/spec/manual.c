/* SPDX-License-Identifier: MIT */
/*
 * Method: the same walk that `explain` does by request, over everything: maps below a map are sections of their own, in
 * the order in which they are named.
 */
#include "harness/spec/manual.h"
#include "harness/base/roff.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/plan.h"
#include "harness/spec/scenario.h"
#include "harness/spec/suite_spec.h"
#include "harness/spec/topology_spec.h"
#include <string.h>

static void add_words(struct text *out, const char *const *words)
{
    const char *comma = "";
    for (size_t i = 0; words[i]; i++) {
        if (*words[i]) {
            text_add(out, comma);
            roff_add(out, words[i]);
            comma = ", ";
        }
    }
}

static void add_key(struct text *out, const struct field *f)
{
    text_add(out, ".TP\n.B ");
    roff_line(out, f->key);
    roff_add(out, f->doc ? f->doc : "");
    text_add(out, ".\n");
    if (f->words) {
        text_add(out, "One of ");
        add_words(out, f->words);
        text_add(out, ".\n");
    }
    if (f->required || f->preset || f->example || f->with) {
        text_add(out, f->required ? "Required.\n" : "");
        if (f->preset) {
            text_add(out, "Default: ");
            roff_add(out, f->preset);
            text_add(out, ".\n");
        } else if (f->example) {
            text_add(out, "Such as ");
            roff_add(out, f->example);
            text_add(out, ".\n");
        }
        if (f->with) {
            text_addf(out, "Only beside\n.BR %s .\n", f->with);
        }
    }
}

static void add_set(struct text *out, const struct field_set *set)
{
    text_add(out, ".SS ");
    roff_line(out, set->topic);
    roff_line(out, set->summary ? set->summary : "");
    for (size_t i = 0; i < set->count; i++) {
        add_key(out, &set->fields[i]);
    }
    for (size_t i = 0; i < set->count; i++) {
        if (set->fields[i].of && set->fields[i].of->topic) {
            add_set(out, set->fields[i].of);
        }
    }
}

static void add_verb(struct text *out, const struct action_type *type)
{
    struct scenario_step scratch = {0};
    struct step_table t;
    step_table(&t, type, &scratch);
    text_add(out, ".SS ");
    roff_line(out, t.topic);
    roff_line(out, type->summary);
    for (size_t part = 0; part < array_len(t.parts); part++) {
        for (size_t i = 0; i < t.parts[part].count; i++) {
            add_key(out, &t.parts[part].fields[i]);
        }
    }
}

static void add_targets(struct text *out)
{
    for (size_t i = 0; i < TARGET_KEYS; i++) {
        text_add(out, ".TP\n.B ");
        roff_line(out, target_types[i].key);
        roff_add(out, target_types[i].summary);
        text_add(out, ".\n");
    }
}

void spec_manual(struct text *out, const struct action_type *const *types, size_t n)
{
    text_add(out, ".SH SCENARIO\n");
    add_set(out, &scenario_set);
    text_add(out, ".SH TOPOLOGY\n");
    add_set(out, &topology_set);
    text_add(out, ".SH TIMELINE\nEach step has\n.B at\nand one verb in\n.BR do .\n");
    for (size_t i = 0; i < n; i++) {
        add_verb(out, types[i]);
    }
    text_add(out, ".SH MEASURES\nWhat targets mean.\n");
    add_targets(out);
    text_add(out, ".SH SUITE\n");
    add_set(out, &suite_set);
    add_set(out, &suite_entry_set);
}
