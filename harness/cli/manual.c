/* SPDX-License-Identifier: MIT */
/*
 * drtest-manual TEMPLATE VERSION DATE: the man pages, from templates in docs/man whose blanks are filled from the
 * tables of options and of file formats. Run by the build; not installed.
 */
#include "harness/base/err.h"
#include "harness/base/roff.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/history_line.h"
#include "harness/cli/suite_json.h"
#include "harness/measure/result_shape.h"
#include "harness/spec/manual.h"
#include "injectors/injector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE_MAX (256 * 1024)

static void add_commands(struct text *out)
{
    for (size_t i = 0; commands[i]; i++) {
        const struct command *c = commands[i];
        text_addf(out, ".TP\n.BI \"%s", c->name);
        if (*c->operands) {
            text_add(out, "\" \" ");
            roff_add(out, c->operands);
        }
        text_add(out, "\"\n");
        roff_add(out, c->summary);
        text_add(out, c->summary[strlen(c->summary) - 1] == '?' ? "\n" : ".\n");
        if (c->text) {
            roff_line(out, c->text);
        }
    }
}

static void add_option(struct text *out, const struct option_row *row)
{
    text_add(out, ".TP\n.B ");
    if (row->letter) {
        text_addf(out, "\\-%c, ", row->letter);
    }
    text_add(out, "\\-\\-");
    roff_add(out, row->name);
    if (row->value) {
        text_addf(out, " \\fI%s\\fR", row->value);
    }
    text_add(out, "\n");
    roff_add(out, row->help);
    if (row->fallback) {
        text_add(out, " (");
        roff_add(out, row->fallback);
        text_add(out, ")");
    }
    text_add(out, ".\n");
}

static void add_rows(struct text *out, const char *title, const struct option_row *rows, size_t n)
{
    if (n == 0) {
        return;
    }
    text_add(out, ".SS ");
    roff_line(out, title);
    for (size_t i = 0; i < n; i++) {
        add_option(out, &rows[i]);
    }
}

static void add_options(struct text *out)
{
    add_rows(out, "All commands", global_options, global_option_count);
    for (size_t i = 0; commands[i]; i++) {
        add_rows(out, commands[i]->name, commands[i]->options, commands[i]->option_count);
    }
}

static void add_format(struct text *out)
{
    size_t n = 0;
    const struct action_type *const *types = injector_types(&n);
    spec_manual(out, types, n);
}

static void add_result(struct text *out)
{
    json_doc_manual(out, &result_doc);
}

static void add_history(struct text *out)
{
    json_doc_manual(out, &history_doc);
}

static void add_suite(struct text *out)
{
    json_doc_manual(out, &suite_doc);
}

/* Blanks stand alone in a line (the big ones, whose text ends in a line break) or within one. */
static void fill(struct text *out, const char *template, const char *version, const char *date)
{
    static const struct {
        const char *blank;
        void (*add)(struct text *out);
    } big[] = {{"@COMMANDS@\n", add_commands}, {"@OPTIONS@\n", add_options}, {"@FORMAT@\n", add_format},
               {"@RESULT@\n", add_result},     {"@HISTORY@\n", add_history}, {"@SUITE@\n", add_suite}};
    while (*template) {
        size_t i = 0;
        while (i < array_len(big) && !text_starts(template, big[i].blank)) {
            i++;
        }
        if (i < array_len(big)) {
            big[i].add(out);
            template += strlen(big[i].blank);
        } else if (text_starts(template, "@VERSION@")) {
            roff_add(out, version);
            template += strlen("@VERSION@");
        } else if (text_starts(template, "@DATE@")) {
            text_add(out, date);
            template += strlen("@DATE@");
        } else {
            text_add_bytes(out, template++, 1);
        }
    }
}

int main(int argc, char **argv)
{
    scoped_text struct text template = {0}, page = {0};
    struct err e = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: drtest-manual TEMPLATE VERSION DATE\n");
        return 2;
    }
    if (text_read_file(&template, argv[1], TEMPLATE_MAX, &e) < 0) {
        fprintf(stderr, "drtest-manual: %s: %s\n", e.at, e.msg);
        return EXIT_FAILURE;
    }
    fill(&page, text_str(&template), argv[2], argv[3]);
    fputs(text_str(&page), stdout);
    return EXIT_SUCCESS;
}
