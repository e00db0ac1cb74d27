/* SPDX-License-Identifier: MIT */
/*
 * drtest ci KIND [SUITE]: a file that makes a scheduler drill the suite when its `schedule:` says.
 *
 * The files are templates in ci/templates, carried along in the program; here their blanks are filled. All kinds do the
 * same: ask the machine what it can (doctor), drill, keep the run folders of a failed drill, too, publish JUnit, and
 * let the exit code decide. The history is a file of its own that must outlive the job, because `drtest due` reads
 * nothing else.
 *
 * Jobs of a checkout name the suite as the command line did; units and crontabs have no such place, so theirs is looked
 * for in /etc/drtest unless its path is absolute.
 *
 * What is filled in stands unquoted in shell, YAML and unit files, so a path that any of them could misread is refused.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/calendar.h"
#include "harness/cli/command.h"
#include "harness/spec/suite.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_SUITE "scenarios/quarterly.yaml"
#define INSTALLED_IN "/etc/drtest/"

extern const char github_yml[], gitlab_yml[], Jenkinsfile[], drtest_service[], drtest_timer[], crontab[];

struct ci_flags {
    const char *part;
};

static const char *const part_words[] = {"service", "timer", NULL};

static const struct option_row options[] = {
    {.name = "part",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct ci_flags, part),
     .value = "PART",
     .choices = part_words,
     .help = "of systemd's two units only one: service or timer"},
};

/* A template is for one scheduler; systemd has two. */
static const struct {
    const char *kind, *part, *text;
} templates[] = {
    {"github", NULL, github_yml},          {"gitlab", NULL, gitlab_yml},        {"jenkins", NULL, Jenkinsfile},
    {"systemd", "service", drtest_service}, {"systemd", "timer", drtest_timer}, {"cron", NULL, crontab},
};

struct blank {
    const char *name, *value;
};

static void fill(struct text *out, const char *template, const struct blank *blanks, size_t n)
{
    while (*template) {
        size_t i = 0;
        while (i < n && !text_starts(template, blanks[i].name)) {
            i++;
        }
        text_add_bytes(out, i < n ? blanks[i].value : template, i < n ? strlen(blanks[i].value) : 1);
        template += i < n ? strlen(blanks[i].name) : 1;
    }
}

static int print_templates(const struct suite *s, const char *kind, const char *part, struct err *e)
{
    scoped_text struct text jenkins = {0}, systemd = {0}, installed = {0}, out = {0};
    calendar_jenkins(&jenkins, s);
    if (text_eq(kind, "systemd") && calendar_systemd(&systemd, s, e) < 0) {
        return -1;
    }
    text_addf(&installed, "%s%s", s->file[0] == '/' ? "" : INSTALLED_IN, s->file);
    const struct blank blanks[] = {
        {"@SUITE@", s->file},
        {"@INSTALLED@", text_str(&installed)},
        {"@NAME@", s->name},
        {"@CRON@", calendar_cron(s)},
        {"@JENKINS@", text_str(&jenkins)},
        {"@SYSTEMD@", text_str(&systemd)},
        {"@HISTORY@", "drtest-history.jsonl"},
        {"@RESULTS@", "drtest-results"},
    };
    for (size_t i = 0; i < array_len(templates); i++) {
        if (text_eq(templates[i].kind, kind) && (!part || !templates[i].part || text_eq(templates[i].part, part))) {
            text_add(&out, out.len ? "\n" : "");
            fill(&out, templates[i].text, blanks, array_len(blanks));
        }
    }
    fputs(text_str(&out), stdout);
    return 0;
}

static int check_kind(const char *kind, const char *part, struct err *e)
{
    bool known = false;
    for (size_t i = 0; i < array_len(templates); i++) {
        known = known || text_eq(templates[i].kind, kind);
    }
    if (known && part && !text_eq(kind, "systemd")) {
        err_set(e, ERR_USAGE, "--part", "only systemd has a service and a timer");
        return err_help(e, "leave out --part");
    }
    if (known) {
        return 0;
    }
    err_set(e, ERR_USAGE, "command line", "no scheduler is called `%.60s`", kind);
    return err_help(e, "write one of github, gitlab, jenkins, systemd, cron");
}

static int check_suite(const struct suite *s, struct err *e)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
    if (strspn(s->file, plain) != strlen(s->file) || s->file[0] == '-') {
        err_set(e, ERR_USAGE, s->file, "this path cannot stand unquoted in a scheduler's file");
        return err_help(e, "name the suite by a path of letters, digits and ._/-");
    }
    if (s->schedule == SCHEDULE_NONE) {
        err_set(e, ERR_MEANING, s->file, "the suite %s has no schedule", s->name);
        return err_help(e, "add `schedule: quarterly`");
    }
    return 0;
}

/* Returns the exit code, with errors told. */
static int print_for(struct call *c, const char *kind, const char *path, const char *part)
{
    struct err e = {0};
    struct suite *s = NULL;
    struct diag_list diags = {0};
    bool read = suite_load(path, &s, &diags, &e) == 0;
    int code = 0;
    if (!read && diags.errors > 0) {
        scoped_text struct text t = {0};
        diag_print(&diags, &t, c->err.colour);
        fputs(text_str(&t), stderr);
        code = err_exit_code(&e);
    } else if (!read || check_suite(s, &e) < 0 || print_templates(s, kind, part, &e) < 0) {
        code = say_error(&c->err, &e);
    }
    diag_list_deinit(&diags);
    suite_free(s);
    return code;
}

static int run(struct call *c)
{
    const struct ci_flags *f = c->flags;
    const char *kind = c->operands.at[0], *path = c->operands.len > 1 ? c->operands.at[1] : DEFAULT_SUITE;
    struct err e = {0};
    return check_kind(kind, f->part, &e) < 0 ? say_error(&c->err, &e) : print_for(c, kind, path, f->part);
}

const struct command command_ci = {.name = "ci",
                                   .operands = "KIND [SUITE]",
                                   .summary = "a file that schedules a suite: github, gitlab, jenkins, systemd, cron",
                                   .text = "Printed on standard output; SUITE is " DEFAULT_SUITE " unless named.",
                                   .exits = "0 2 3",
                                   .options = options,
                                   .option_count = array_len(options),
                                   .flags_size = sizeof(struct ci_flags),
                                   .operands_min = 1,
                                   .operands_max = 2,
                                   .run = run};
