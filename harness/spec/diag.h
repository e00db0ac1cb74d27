/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a file, all of it at once: places, messages, remedies, and their three printed forms.
 *
 * Filled by the spec room, printed by the commands. A list keeps copies of everything it needs (file names and source
 * lines too), so that it outlives what it speaks of. At most DIAG_MAX are kept; the rest is counted. A zeroed list is
 * empty and ready.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/spec/source.h"
#include <jansson.h>
#include <stdbool.h>

#define DIAG_MAX 20

/* name, number, what `drtest explain DRnnnn` says */
#define DIAG_CODES(X)                                                                                                 \
    X(FILE, 101, "The file cannot be opened or read.")                                                                \
    X(SYNTAX, 102, "The file is not well-formed YAML.")                                                               \
    X(UNKNOWN_KEY, 103, "A key is not one of those that its map may have.")                                           \
    X(DUPLICATE_KEY, 104, "A key stands twice in one map; YAML readers would silently drop one of the two.")          \
    X(MISSING_KEY, 105, "A required key is missing.")                                                                 \
    X(WRONG_KIND, 106, "A map, a list or a plain value stands where one of the other two belongs.")                   \
    X(BAD_VALUE, 107, "A value is not written as its key demands; durations, rates and ratios carry their unit.")     \
    X(TAB, 108, "A tab stands in the indentation; YAML counts spaces only.")                                          \
    X(ENCODING, 109, "The file is not UTF-8, or holds control characters.")                                           \
    X(EMPTY, 110, "The file holds nothing but blanks and comments.")                                                  \
    X(BINARY, 111, "The file holds NUL bytes: it is not a text.")                                                     \
    X(FEATURE, 112, "Anchors, aliases, merge keys, tags and further documents are not part of the format.")           \
    X(LIMIT, 113, "The file is larger or more deeply nested than any scenario needs to be.")                          \
    X(RANGE, 114, "A value lies outside the range of its key.")                                                       \
    X(FORMAT, 115, "The file is not a scenario or suite of a format version that this drtest reads.")                 \
    X(CHOICE, 116, "Of several keys that exclude or need each other too many or too few are given.")                  \
    X(OVERRIDE, 117, "An override (--set KEY=VALUE) names no place of the scenario.")                                 \
    X(NO_SUCH, 201, "A name refers to no region, gateway, origin, vantage or link of the topology.")                  \
    X(TOPOLOGY, 202, "The topology contradicts itself.")                                                              \
    X(NO_STREAM, 203, "A target needs a stream of requests that the workload does not have.")                         \
    X(TOO_FINE, 204, "A target is finer than the probe rate can resolve.")                                            \
    X(BASELINE, 205, "The steady state cannot be reached in the time given.")                                         \
    X(NOTHING_OPEN, 206, "A restore step has nothing to restore.")                                                    \
    X(TWO_ENDS, 207, "A fault has `for:` and is also ended by a restore step.")                                       \
    X(OVERLAP, 208, "Two faults open at the same time set the same thing.")                                           \
    X(HIDDEN, 209, "A fault could never be proven: another one hides it.")                                            \
    X(DEAD, 210, "A fault is aimed at a node that is dead by then.")                                                  \
    X(TOO_SHORT, 211, "A fault is shorter than its own proof takes.")                                                 \
    X(NO_SERVICE, 212, "Every region is out of service while a target expects service.")                              \
    X(CLIENT, 213, "Clients are never targets.")                                                                      \
    X(NO_JUDGEMENT, 214, "A fault is too short for its target to be judged with confidence.")                         \
    X(LUCK, 215, "Meeting a target would prove little: too few writes are exposed to the fault.")                     \
    X(NO_ROUTE, 216, "A client has no route to any region.")                                                          \
    X(UNCHECKED, 217, "A check needs something that the scenario does not have.")                                     \
    X(FLOOR, 218, "A target lies below what the configuration alone takes.")

enum diag_code {
#define X(name, number, text) DIAG_##name = (number),
    DIAG_CODES(X)
#undef X
};
const char *diag_code_text(int code); /* NULL for an unknown number */

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diag_place {
    const char *file;
    int line, column, length; /* line 0: the file as a whole */
    const char *text;         /* the source line */
};

struct diag_note {
    const char *message;
    struct diag_place at; /* file NULL: a remark without a place */
    struct diag_note *next;
};

struct diag {
    enum diag_severity severity;
    int code;
    struct diag_place at;
    const char *message, *label, *help; /* label stands beside the carets; label and help may be NULL */
    struct diag_note *notes;
    struct arena *arena;
};

struct diag_list {
    struct arena arena;
    struct diag *at[DIAG_MAX];
    size_t count, errors, warnings; /* errors and warnings count the dropped ones, too */
    struct diag spare;              /* takes the details of those that are not kept */
};

void diag_list_deinit(struct diag_list *l);

/* Never NULL; the other calls add detail to it. */
struct diag *diag_error(struct diag_list *l, enum diag_code code, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
struct diag *diag_warning(struct diag_list *l, enum diag_code code, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_label(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_help(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_note(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_note_at(struct diag *d, struct place at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void diag_sort(struct diag_list *l); /* by place; files stay in the order of their first mention */

struct text;
void diag_print(const struct diag_list *l, struct text *out, bool color);  /* with source lines and carets */
void diag_print_github(const struct diag_list *l, struct text *out);       /* one ::error or ::warning per line */
json_t *diag_json(const struct diag_list *l);                              /* array; new reference */
