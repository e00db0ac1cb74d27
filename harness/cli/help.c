/* SPDX-License-Identifier: MIT */
/*
 * --help, printed from the same tables that the parser reads, so that it cannot be wrong about them.
 */
#include "harness/cli/command.h"

#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 30
#define HELP_WIDTH 100

/* Words of text from the current column on, wrapped at HELP_WIDTH and indented by indent. */
static void wrap(const char *text, int column, int indent)
{
    int at = column;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (at > indent && at + 1 + len > HELP_WIDTH) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", len, text);
        at += len;
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_row(const struct option_row *row)
{
    scoped_text struct text left = {0}, right = {0};
    if (row->letter) {
        text_addf(&left, "  -%c, --%s", row->letter, row->name);
    } else {
        text_addf(&left, "      --%s", row->name);
    }
    if (row->value) {
        text_addf(&left, " %s", row->value);
    }
    text_add(&right, row->help);
    if (row->fallback) {
        text_addf(&right, " (%s)", row->fallback);
    }
    int len = (int)strlen(text_str(&left));
    fputs(text_str(&left), stdout);
    if (len + 2 > HELP_COLUMN) {
        printf("\n%*s", HELP_COLUMN, "");
    } else {
        printf("%*s", HELP_COLUMN - len, "");
    }
    wrap(text_str(&right), HELP_COLUMN, HELP_COLUMN);
}

static void print_rows(const char *title, const struct option_row *rows, size_t n)
{
    if (n == 0) {
        return;
    }
    printf("\n%s:\n", title);
    for (size_t i = 0; i < n; i++) {
        print_row(&rows[i]);
    }
}

static void help_overview(void)
{
    puts("drtest breaks a gateway's world on purpose and measures RTO and RPO from its traffic.\n\n"
         "usage: drtest [OPTION...] COMMAND [OPERAND...]\n\ncommands:");
    for (size_t i = 0; commands[i]; i++) {
        printf("  %-10s %-14s %s\n", commands[i]->name, commands[i]->operands, commands[i]->summary);
    }
    print_rows("options of every command", global_options, global_option_count);
    puts("\nexit codes: 0 met, 1 an objective was missed, 2 bad command line, 3 invalid file (nothing was started),\n"
         "  4 inconclusive, 5 machine unfit or everything skipped, 6 no scenario matched, 130 and 143 interrupted\n\n"
         "start with: drtest doctor, then drtest run scenarios/region-outage.yaml");
}

void help_print(const struct command *c)
{
    if (!c) {
        help_overview();
        return;
    }
    printf("drtest %s: %s\n\nusage: drtest %s%s%s%s\n", c->name, c->summary, c->name,
           c->option_count > 0 || !c->raw ? " [OPTION...]" : "", *c->operands ? " " : "", c->operands);
    if (c->text) {
        putchar('\n');
        wrap(c->text, 0, 0);
    }
    print_rows("options", c->options, c->option_count);
    if (!c->raw) {
        print_rows("options of every command", global_options, global_option_count);
    }
    printf("\nexit codes: %s (`drtest --help` explains them)\n", c->exits);
}
