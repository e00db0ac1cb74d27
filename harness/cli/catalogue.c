/* SPDX-License-Identifier: MIT */
/*
 * Method: files are read one after the other and become rows of two tables, scenarios first. What a cell must not hold
 * (bars, line breaks) is escaped on the way.
 */
#include "harness/cli/catalogue.h"

#include "harness/base/scoped.h"
#include "harness/cli/targets.h"
#include "harness/spec/load.h"
#include "harness/spec/suite.h"
#include "injectors/injector.h"

#include <string.h>

static const char *const schedules[] = {"",          "daily",  "weekly", "monthly",
                                        "quarterly", "yearly", NULL};

/* A cell ends at a bar, a row at a line break. */
static void add_cell(struct text *out, const char *s)
{
    for (; *s; s++) {
        text_addf(out, *s == '|' ? "\\%c" : "%c", *s == '\n' ? ' ' : *s);
    }
}

static void add_link(struct text *out, const char *folder, const char *file)
{
    size_t len = strlen(folder);
    const char *name = strncmp(file, folder, len) == 0 && file[len] == '/' ? file + len + 1 : file;
    text_addf(out, "| [`%s`](%s) | ", name, name);
}

/* What follows the prefix in the tags that have it; names of flaws have lower strokes. */
static void add_tagged(struct text *out, const struct plan *p, const char *prefix, const char *quote)
{
    const char *comma = "";
    for (size_t i = 0; i < p->tag_count; i++) {
        if (!text_starts(p->tags[i], prefix)) {
            continue;
        }
        text_addf(out, "%s%s", comma, quote);
        for (const char *s = p->tags[i] + strlen(prefix); *s; s++) {
            text_addf(out, "%c", *quote && *s == '-' ? '_' : *s);
        }
        text_add(out, quote);
        comma = ", ";
    }
}

static bool add_scenario(struct text *out, const char *folder, const char *file)
{
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    struct plan *p = NULL;
    struct diag_list diags = {0};
    bool valid = spec_load(file, types, verbs, NULL, &p, &diags, NULL) == 0;
    if (valid) {
        add_link(out, folder, file);
        add_tagged(out, p, "strategy-", "");
        text_add(out, " | ");
        add_cell(out, p->title);
        text_add(out, " | ");
        target_list_text(out, p);
        text_add(out, " | ");
        add_tagged(out, p, "catches-", "`");
        text_add(out, " |\n");
    }
    plan_free(p);
    diag_list_deinit(&diags);
    return valid;
}

static void add_suite(struct text *out, const char *folder, const char *file)
{
    struct suite *s = NULL;
    struct diag_list diags = {0};
    int64_t runs = 0;
    if (suite_load(file, &s, &diags, NULL) == 0) {
        for (size_t i = 0; i < s->count; i++) {
            runs += s->entries[i].repeat;
        }
        add_link(out, folder, file);
        add_cell(out, s->title);
        text_addf(out, " | %lld | %s |\n", (long long)runs,
                  s->schedule == SCHEDULE_CRON ? s->cron : schedules[s->schedule]);
        suite_free(s);
    }
    diag_list_deinit(&diags);
}

size_t catalogue_print(struct text *out, const char *folder, const struct option_list *files)
{
    size_t shown = 0;
    text_add(out, "| drill | strategy | what it shows | what is promised | finds the flaw |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < files->len; i++) {
        shown += !spec_is_suite(files->at[i]) && add_scenario(out, folder, files->at[i]);
    }
    text_add(out, "\n| suite | what | runs | schedule |\n|---|---|---|---|\n");
    for (size_t i = 0; i < files->len; i++) {
        if (spec_is_suite(files->at[i])) {
            add_suite(out, folder, files->at[i]);
        }
    }
    return shown;
}
