/* SPDX-License-Identifier: MIT */
/*
 * drtest diff A B: what one configuration has that the other has not. A is what was desired, B what is.
 *
 * One comparison feeds all forms. The patches are RFC 6902 over the documents as they are: `patch` makes A of B's kind,
 * `undo_patch` leads back, which is also how such a drift is healed. The unified form is diff(1)'s, over sorted and
 * indented JSON.
 *
 * Exit codes: 0 the same, 1 different, 2 and above: no comparison. Some tools have 1 and 2 the other way round.
 */
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/json_compare.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/command.h"
#include "harness/cli/diff_side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct diff_flags {
    const char *format, *output;
};

static const char *const formats[] = {"human", "json", "patch", "unified", NULL};
static const struct option_row options[] = {
    {.name = "format",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct diff_flags, format),
     .value = "FORM",
     .choices = formats,
     .help = "human, json, patch (RFC 6902, from A to B) or unified"},
    OPTION_OUTPUT(struct diff_flags, "folder where runs are looked for"),
};

struct pair {
    struct diff_side a, b;
    struct json_comparison found;
};

static void print_value(const char *label, const json_t *value)
{
    scoped_free char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    printf("              %-8s %s\n", label, text ? text : "none");
}

static void print_human(const struct pair *p)
{
    const struct json_comparison *c = &p->found;
    for (size_t i = 0; i < c->rows.len; i++) {
        const struct json_row *row = &c->rows.at[i];
        printf("%s   %-10s %s\n", p->b.name, json_standing_words[row->standing],
               *row->path ? row->path : "(the whole)");
        if (row->standing == JSON_CHANGED) {
            print_value("desired", row->desired);
            print_value("actual", row->actual);
        }
    }
    printf("changed %zu, missing %zu, unexpected %zu, in sync %zu\n", c->count[JSON_CHANGED], c->count[JSON_MISSING],
           c->count[JSON_UNEXPECTED], c->same);
}

static json_t *rows_json(const struct json_comparison *c)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < c->rows.len; i++) {
        const struct json_row *row = &c->rows.at[i];
        json_t *o = json_pack("{s:s,s:s}", "status", json_standing_words[row->standing], "path", row->path);
        if (row->desired) {
            json_object_set(o, "desired", (json_t *)row->desired);
        }
        if (row->actual) {
            json_object_set(o, "actual", (json_t *)row->actual);
        }
        json_array_append_new(rows, o);
    }
    return rows;
}

static void print_json(const struct pair *p)
{
    const struct json_comparison *c = &p->found;
    scoped_json json_t *doc = json_pack(
        "{s:s,s:s,s:s,s:o,s:I,s:I,s:I,s:I,s:o,s:o}", "desired", p->a.name, "actual", p->b.name, "status",
        c->rows.len ? "drifted" : "in_sync", "differences", rows_json(c), "changed", (json_int_t)c->count[JSON_CHANGED],
        "missing", (json_int_t)c->count[JSON_MISSING], "unexpected", (json_int_t)c->count[JSON_UNEXPECTED], "in_sync",
        (json_int_t)c->same, "patch", json_diff(p->a.doc, p->b.doc), "undo_patch", json_diff(p->b.doc, p->a.doc));
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    puts(text ? text : "{}");
}

static void print_patch(const struct pair *p)
{
    scoped_json json_t *patch = json_diff(p->a.doc, p->b.doc);
    scoped_free char *text = json_dumps(patch, JSON_INDENT(1));
    puts(text ? text : "[]");
}

/* A document as a file that diff(1) can read; path is a template for mkstemp. */
static int spill(const json_t *doc, char *path, struct err *e)
{
    scoped_free char *text = json_dumps(doc, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    scoped_fd int fd = mkstemp(path);
    if (fd < 0 || dprintf(fd, "%s\n", text) < 0) {
        return err_os(e, ERR_OUTPUT, errno, path, "cannot write a file for diff(1)");
    }
    return 0;
}

static int print_unified(const struct pair *p, struct err *e)
{
    const char *tmp = getenv("TMPDIR"), *folder = tmp && *tmp ? tmp : "/tmp";
    char a[256], b[256];
    struct child diff = {0};
    snprintf(a, sizeof(a), "%.200s/drtest-diff-XXXXXX", folder);
    snprintf(b, sizeof(b), "%.200s/drtest-diff-XXXXXX", folder);
    const char *const argv[] = {"/usr/bin/diff", "-u", "--label", p->a.name, "--label", p->b.name, a, b, NULL};
    fflush(stdout);
    int rc = spill(p->a.doc, a, e);
    if (rc == 0) {
        rc = spill(p->b.doc, b, e) < 0 || child_exec(&diff, argv, NULL, -1, NULL, NULL, e) < 0 ||
                     child_wait(&diff, 10 * NS_PER_S, e) != 0
                 ? -1
                 : 0;
        unlink(b);
    }
    unlink(a);
    if (diff.pid) {
        child_stop(&diff, 0, NULL);
    }
    return rc;
}

static int print(const struct pair *p, const char *format, struct err *e)
{
    if (text_eq(format, "unified")) {
        return print_unified(p, e);
    }
    if (text_eq(format, "json")) {
        print_json(p);
    } else if (text_eq(format, "patch")) {
        print_patch(p);
    } else {
        print_human(p);
    }
    return 0;
}

static int run(struct call *c)
{
    const struct diff_flags *f = c->flags;
    const char *format = f->format ? f->format : c->globals.json ? "json" : "human";
    struct err e = {0};
    struct pair p = {0};
    int code = diff_side_read(&p.a, c->operands.at[0], f->output, &e) < 0 ||
                       diff_side_read(&p.b, c->operands.at[1], f->output, &e) < 0
                   ? -1
                   : 0;
    if (code == 0) {
        json_compare(&p.found, p.a.doc, p.b.doc);
        code = print(&p, format, &e) < 0 ? -1 : p.found.rows.len > 0;
    }
    json_comparison_deinit(&p.found);
    json_decref(p.a.doc);
    json_decref(p.b.doc);
    return code < 0 ? say_error(&c->err, &e) : code;
}

const struct command command_diff = {
    .name = "diff",
    .operands = "A B",
    .summary = "configuration drift: what B is otherwise than A",
    .text = "A side is a file, the URL of a gateway's admin port, RUN:GATEWAY (what the gateway ran when the run saw "
            "drift) or RUN:GATEWAY:desired. Exit code 0: the same, 1: different, 2 and above: an error. Beware: some "
            "tools have 1 and 2 the other way round.",
    .exits = "0 1 2 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct diff_flags),
    .operands_min = 2,
    .operands_max = 2,
    .run = run};
