/* SPDX-License-Identifier: MIT */
/*
 * Diagnostics as people and machines see them: carets under tabs and wide characters, long lines, hostile characters.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/diag.h"
#include "tests/unit/runner.h"
#include <stdio.h>
#include <string.h>

static struct diag_list diags;

static int set_up(void)
{
    diags = (struct diag_list){0};
    return 0;
}

static int tear_down(void)
{
    diag_list_deinit(&diags);
    return 0;
}

static struct place place(const struct source *s, int line, int column, int length)
{
    return (struct place){.source = s, .line = line, .column = column, .length = length};
}

static struct source source_of(const char *text)
{
    return (struct source){.name = "a.yaml", .text = text, .len = strlen(text)};
}

/* Print what has been collected and start anew. */
static void expect(const char *want)
{
    scoped_text struct text out = {0};
    diag_print(&diags, &out, false);
    CU_ASSERT_STRING_EQUAL(text_str(&out), want);
    if (strcmp(text_str(&out), want) != 0) {
        printf("\n--- got\n%s--- want\n%s", text_str(&out), want);
    }
    diag_list_deinit(&diags);
}

static void prints_the_form_of_the_manual(void)
{
    struct source s = source_of("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n    betwen: [us-east, eu-west]\n");
    s.name = "scenarios/partition.yaml";
    struct diag *d =
        diag_error(&diags, DIAG_UNKNOWN_KEY, place(&s, 13, 5, 6), "unknown key `%s` in a `partition` step", "betwen");
    diag_label(d, "not a key of `partition`");
    diag_help(d, "use `between`");
    diag_note(d, "`drtest explain timeline.partition` lists the keys");
    expect("error[DR0103]: unknown key `betwen` in a `partition` step\n"
           "  --> scenarios/partition.yaml:13:5\n"
           "   |\n"
           "13 |     betwen: [us-east, eu-west]\n"
           "   |     ^^^^^^ not a key of `partition`\n"
           "   = help: use `between`\n"
           "   = note: `drtest explain timeline.partition` lists the keys\n");
}

static void shows_a_second_place(void)
{
    struct source s = source_of("rto: 1s\nrpo: 1s\nrto: 2s\n");
    struct diag *d = diag_error(&diags, DIAG_DUPLICATE_KEY, place(&s, 3, 1, 3), "duplicate key `rto`");
    diag_note_at(d, place(&s, 1, 1, 3), "first given here");
    expect("error[DR0104]: duplicate key `rto`\n --> a.yaml:3:1\n  |\n3 | rto: 2s\n  | ^^^\n"
           " ::: a.yaml:1:1\n  |\n1 | rto: 1s\n  | --- first given here\n");
}

static void counts_columns_not_bytes(void)
{
    struct source s = source_of("\tk: \xe6\x97\xa5\xe6\x9c\xac x\n");
    diag_error(&diags, DIAG_BAD_VALUE, place(&s, 1, 8, 1), "here");
    expect("error[DR0107]: here\n --> a.yaml:1:8\n  |\n1 |     k: \xe6\x97\xa5\xe6\x9c\xac x\n  |             ^\n");
    diag_error(&diags, DIAG_BAD_VALUE, place(&s, 1, 5, 2), "wide");
    expect("error[DR0107]: wide\n --> a.yaml:1:5\n  |\n1 |     k: \xe6\x97\xa5\xe6\x9c\xac x\n  |        ^^^^\n");
}

static void points_behind_the_end(void)
{
    struct source s = source_of("a: 1\n");
    diag_error(&diags, DIAG_SYNTAX, place(&s, 2, 1, 1), "end");
    expect("error[DR0102]: end\n --> a.yaml:2:1\n  |\n2 |\n  | ^\n");
    diag_error(&diags, DIAG_SYNTAX, place(&s, 1, 3, PLACE_TO_LINE_END), "rest");
    expect("error[DR0102]: rest\n --> a.yaml:1:3\n  |\n1 | a: 1\n  |   ^^\n");
    diag_error(&diags, DIAG_FILE, (struct place){.source = &s}, "whole");
    expect("error[DR0101]: whole\n --> a.yaml\n");
}

static void cuts_long_lines(void)
{
    char line[4001];
    memset(line, 'x', 4000);
    line[4000] = '\0';
    line[3000] = 'Y';
    struct source s = source_of(line);
    diag_error(&diags, DIAG_SYNTAX, place(&s, 1, 3001, 1), "here");
    scoped_text struct text out = {0};
    diag_print(&diags, &out, false);
    CU_ASSERT(out.len < 600);
    const char *shown = strstr(text_str(&out), "1 | "), *mark = shown ? strstr(shown, "\n  | ") : NULL;
    CU_ASSERT_PTR_NOT_NULL(mark);
    if (mark) {
        const char *letter = strchr(shown, 'Y'), *caret = strchr(mark, '^');
        CU_ASSERT(letter && caret && letter - shown == caret - (mark + 1));
    }
    diag_list_deinit(&diags);
}

static void sends_no_escapes_to_terminals(void)
{
    struct source s = source_of("a: \x1b[31m\xc2\x9b\xe2\x80\xae\xff\n");
    s.name = "\x1b]0;owned\a.yaml";
    diag_error(&diags, DIAG_ENCODING, place(&s, 1, 4, 1), "bad \x1b[2J byte");
    scoped_text struct text out = {0};
    diag_print(&diags, &out, false);
    for (size_t i = 0; i < out.len; i++) {
        CU_ASSERT((unsigned char)out.at[i] >= 0x20 || out.at[i] == '\n');
    }
    CU_ASSERT_PTR_NULL(strstr(text_str(&out), "\xe2\x80\xae"));
    scoped_json json_t *json = diag_json(&diags);
    scoped_free char *dumped = json_dumps(json, JSON_COMPACT);
    CU_ASSERT_PTR_NOT_NULL(dumped);
    diag_list_deinit(&diags);
}

static void keeps_twenty_and_counts_the_rest(void)
{
    struct source s = source_of("a\n");
    for (int i = 0; i < 50; i++) {
        struct diag *d = diag_error(&diags, DIAG_BAD_VALUE, place(&s, 1, 1, 1), "number %d", i);
        diag_help(d, "help");
        diag_note_at(d, place(&s, 1, 1, 1), "note");
    }
    CU_ASSERT_EQUAL(diags.count, 20);
    CU_ASSERT_EQUAL(diags.errors, 50);
    scoped_text struct text out = {0};
    diag_print(&diags, &out, false);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "and 30 more, not shown\n"));
    CU_ASSERT_PTR_NULL(strstr(text_str(&out), "number 20"));
    diag_list_deinit(&diags);
}

static void sorts_by_place(void)
{
    struct source s = source_of("a\nb\n"), other = {.name = "b.yaml", .text = "x\n", .len = 2};
    diag_error(&diags, DIAG_BAD_VALUE, place(&s, 2, 1, 1), "third");
    diag_error(&diags, DIAG_BAD_VALUE, place(&other, 1, 1, 1), "fourth");
    diag_error(&diags, DIAG_BAD_VALUE, place(&s, 1, 3, 1), "second");
    diag_error(&diags, DIAG_BAD_VALUE, place(&s, 1, 1, 1), "first");
    diag_sort(&diags);
    CU_ASSERT_STRING_EQUAL(diags.at[0]->message, "first");
    CU_ASSERT_STRING_EQUAL(diags.at[1]->message, "second");
    CU_ASSERT_STRING_EQUAL(diags.at[2]->message, "third");
    CU_ASSERT_STRING_EQUAL(diags.at[3]->message, "fourth");
    diag_list_deinit(&diags);
}

static void speaks_to_machines(void)
{
    struct source s = source_of("a: 1\n");
    s.name = "dir,1:x.yaml";
    struct diag *d = diag_warning(&diags, DIAG_LUCK, place(&s, 1, 4, 1), "100%% luck\nreally");
    diag_help(d, "do: this");
    diag_note_at(d, place(&s, 1, 1, 1), "there");
    scoped_text struct text out = {0};
    diag_print_github(&diags, &out);
    CU_ASSERT_STRING_EQUAL(text_str(&out),
                           "::warning file=dir%2C1%3Ax.yaml,line=1,col=4,title=DR0215::100%25 luck%0Areally; "
                           "do: this\n");
    scoped_json json_t *json = diag_json(&diags);
    const json_t *o = json_array_get(json, 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "severity")), "warning");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "code")), "DR0215");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "column")), 4);
    CU_ASSERT(json_is_null(json_object_get(o, "label")));
    CU_ASSERT_EQUAL(json_array_size(json_object_get(o, "notes")), 1);
    diag_list_deinit(&diags);
}

void suite_diag(void)
{
    runner_suite(set_up, tear_down);
    runner_test(prints_the_form_of_the_manual);
    runner_test(shows_a_second_place);
    runner_test(counts_columns_not_bytes);
    runner_test(points_behind_the_end);
    runner_test(cuts_long_lines);
    runner_test(sends_no_escapes_to_terminals);
    runner_test(keeps_twenty_and_counts_the_rest);
    runner_test(sorts_by_place);
    runner_test(speaks_to_machines);
}
