/* SPDX-License-Identifier: MIT */
/*
 * Options as rows: one table feeds the parser, --help, the environment and the settings files.
 *
 * A row says where its value goes (an offset into a struct of the command) and of what kind it is. A value remembers
 * who gave it; a giver of higher rank replaces what a lower one said, the same giver again replaces it too, except that
 * lists grow. Texts are borrowed from argv, the environment or an arena of the caller.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum option_origin { ORIGIN_BUILTIN, ORIGIN_SYSTEM, ORIGIN_USER, ORIGIN_PROJECT, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

enum option_kind {
    OPTION_SWITCH,   /* bool, no value on the command line */
    OPTION_TEXT,     /* const char *, NULL unless given */
    OPTION_COUNT,    /* int64_t, -1 unless given */
    OPTION_DURATION, /* int64_t ns, -1 unless given */
    OPTION_LIST,     /* struct option_list; may be given again */
};

struct option_list {
    const char **at;
    size_t len, cap;
};

struct option_row {
    const char *name; /* the long one, without dashes */
    char letter;      /* the short one, 0 none */
    enum option_kind kind;
    size_t offset;
    const char *value;          /* what --help calls the value */
    const char *const *choices; /* NULL-terminated, NULL: anything */
    const char *fallback;       /* the built-in value, NULL none */
    const char *help;
};

/* Rows that are the same with several commands, whose structs have a member of that name. */
#define OPTION_OUTPUT(flags, what_for)                                                                           \
    {.name = "output", .letter = 'o', .kind = OPTION_TEXT, .offset = offsetof(flags, output), .value = "DIR",    \
     .fallback = "runs", .help = (what_for)}
#define OPTION_HISTORY(flags)                                                                                    \
    {.name = "history", .kind = OPTION_TEXT, .offset = offsetof(flags, history), .value = "FILE",                \
     .help = "the history elsewhere than in the output folder"}

/* A table, the struct it fills, and who gave each value. */
struct option_set {
    const struct option_row *rows;
    size_t count;
    void *values;
    enum option_origin *origins; /* count of them */
};

/* Set every value to its fallback. The values are zeroed memory. */
void options_init(struct option_set *set);
void options_deinit(struct option_set *set);

/* Give one option a value as text; at names the giver for messages. A switch takes true and false. */
int options_give(struct option_set *set, size_t row, const char *text, enum option_origin origin, const char *at,
                 struct err *e);

/* The words of a command line (NULL-terminated) after the program name. Options may stand anywhere before `--`;
 * operands are collected in order. stop_at_operand leaves everything from the first operand on alone. */
int options_parse(struct option_set *sets, size_t set_count, char *const *words, bool stop_at_operand,
                  struct option_list *operands, struct err *e);

/* Position of a long name in the set, or -1. */
int options_find(const struct option_set *set, const char *name);

void option_list_add(struct option_list *l, const char *text);
void option_list_deinit(struct option_list *l);
