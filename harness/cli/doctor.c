/* SPDX-License-Identifier: MIT */
/*
 * drtest doctor: what this machine can do. Every row is a question that a run would ask, its answer, and for a bad
 * answer the remedy. Nothing is assumed: mechanisms are tried in a throwaway process. --quiet is for jobs that mail
 * what is printed: it leaves the musts that are not met.
 *
 * A row is good, a wish (runs work without it, something is left out) or a must. Exit code 5 when a must is not met.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"
#include "harness/cli/command.h"
#include "harness/cli/tool.h"
#include "harness/lab/lab.h"
#include "harness/run/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_WANTED 4096
#define MEMORY_WANTED (512LL << 20)

struct doctor_flags {
    const char *output;
};

static const struct option_row options[] = {
    OPTION_OUTPUT(struct doctor_flags, "folder that runs would be written to"),
};

enum finding { FINDING_GOOD, FINDING_WISH, FINDING_MUST };
static const char *const finding_words[] = {"ok", "left out", "missing"};

struct finding_row {
    enum finding finding;
    const char *what, *answer, *remedy;
};

struct examination {
    struct call *call;
    vec_of(struct finding_row) rows;
    struct lab_caps caps;
};

static void find(struct examination *x, enum finding f, const char *what, const char *answer, const char *remedy)
{
    *vec_push(&x->rows) = (struct finding_row){f, what, arena_strdup(&x->call->arena, answer),
                                               f == FINDING_GOOD ? NULL : arena_strdup(&x->call->arena, remedy)};
}

static void examine_host(struct examination *x)
{
    scoped_json json_t *host = host_facts(geteuid() != 0);
    struct arena *a = &x->call->arena;
    const char *os = json_string_value(json_object_get(host, "os")),
               *kernel = json_string_value(json_object_get(host, "kernel"));
    find(x, FINDING_GOOD, "host", arena_printf(a, "%s, kernel %s", os ? os : "unknown", kernel ? kernel : "unknown"),
         NULL);
    json_int_t cpus = json_integer_value(json_object_get(host, "cpu_count"));
    find(x, cpus >= 2 ? FINDING_GOOD : FINDING_WISH, "processors", arena_printf(a, "%lld", (long long)cpus),
         "with one processor the harness disturbs what it measures: expect inconclusive runs");
    json_int_t memory = json_integer_value(json_object_get(host, "memory_bytes"));
    find(x, memory >= MEMORY_WANTED ? FINDING_GOOD : FINDING_WISH, "memory",
         arena_printf(a, "%lld MiB", (long long)(memory >> 20)),
         "512 MiB are enough for the scenarios that come along");
}

static void examine_limits(struct examination *x)
{
    struct rlimit r = {0};
    getrlimit(RLIMIT_NOFILE, &r);
    find(x, r.rlim_max >= FILES_WANTED ? FINDING_GOOD : FINDING_WISH, "open files",
         arena_printf(&x->call->arena, "%llu (at most %llu)", (unsigned long long)r.rlim_cur,
                      (unsigned long long)r.rlim_max),
         "raise the hard limit of open files to 4096: ulimit -Hn 4096");
}

/* The folder, or as long as it is not there the one that it would be made in. */
static const char *nearest_folder(struct arena *a, const char *folder)
{
    char *path = arena_strdup(a, folder);
    while (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        char *slash = strrchr(path, '/');
        if (!slash) {
            return ".";
        }
        slash[slash == path] = '\0';
        if (slash == path && access(path, F_OK) != 0) {
            break;
        }
    }
    return path;
}

static void examine_output(struct examination *x)
{
    struct arena *a = &x->call->arena;
    const char *folder = ((const struct doctor_flags *)x->call->flags)->output, *near = nearest_folder(a, folder);
    struct stat st;
    bool there = text_eq(near, folder), is_folder = stat(near, &st) == 0 && S_ISDIR(st.st_mode);
    bool writable = is_folder && access(near, W_OK | X_OK) == 0;
    const char *answer = arena_printf(a, "%s %s", folder, there ? "is writable" : "will be made");
    if (!writable) {
        const char *why = is_folder ? "cannot be written to" : "is no folder";
        answer = there ? arena_printf(a, "%s %s", folder, why)
                       : arena_printf(a, "%s cannot be made: %s %s", folder, near, why);
    }
    find(x, writable ? FINDING_GOOD : FINDING_MUST, "output", answer, "choose another folder with --output");
}

static void examine_gateway(struct examination *x)
{
    struct err e = {0};
    scoped_text struct text path = {0};
    if (tool_find_gateway(&path, &e) < 0) {
        find(x, FINDING_MUST, "drgateway", e.msg, e.help);
    } else {
        find(x, FINDING_GOOD, "drgateway", text_str(&path), NULL);
    }
}

static void examine_lab(struct examination *x)
{
    struct err e = {0};
    if (lab_caps_probe(&x->caps, &e) < 0) {
        find(x, FINDING_MUST, "lab", e.msg, e.help[0] ? e.help : "use --lab sim, which needs nothing");
        return;
    }
    if (!x->caps.usable) {
        find(x, FINDING_MUST, "lab", x->caps.reason,
             x->caps.remedy[0] ? x->caps.remedy : "run as root, or allow user namespaces");
        return;
    }
    find(x, FINDING_GOOD, "lab",
         x->caps.rootless ? "namespaces can be made, without root" : "namespaces can be made, as root", NULL);
    for (enum lab_effect effect = 0; effect < LAB_EFFECTS; effect++) {
        const struct lab_mechanism *m = &x->caps.effects[effect];
        find(x, m->available ? FINDING_GOOD : FINDING_WISH, lab_effect_words[effect],
             arena_printf(&x->call->arena, "%s%s%s", m->available ? m->name : "cannot be made", m->why ? ": " : "",
                          m->why ? m->why : ""),
             "scenarios that need it are skipped with exit code 5, or 0 with --skip-unsupported");
    }
}

static void print_json(const struct examination *x, bool fit)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < x->rows.len; i++) {
        const struct finding_row *r = &x->rows.at[i];
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s?}", "what", r->what, "finding",
                                              finding_words[r->finding], "answer", r->answer, "remedy", r->remedy));
    }
    json_t *effects = json_array();
    for (int i = 0; i < LAB_EFFECTS; i++) {
        const struct lab_mechanism *m = &x->caps.effects[i];
        json_array_append_new(effects, json_pack("{s:s,s:b,s:s?,s:s?}", "effect", lab_effect_words[i], "available",
                                                 m->available, "mechanism", m->name, "why", m->why));
    }
    scoped_json json_t *doc = json_pack("{s:b,s:o,s:o,s:o}", "fit", fit, "host", host_facts(geteuid() != 0), "effects",
                                        effects, "rows", rows);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    puts(text ? text : "{}");
}

static void print_text(const struct examination *x, bool fit)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    bool colour = x->call->out.colour, quiet = x->call->globals.quiet;
    for (size_t i = 0; i < x->rows.len; i++) {
        const struct finding_row *r = &x->rows.at[i];
        if (quiet && r->finding != FINDING_MUST) {
            continue;
        }
        printf("%s%-9s%s %-12s %s\n", colour ? colours[r->finding] : "", finding_words[r->finding],
               colour ? "\033[0m" : "", r->what, r->answer);
        if (r->remedy && *r->remedy) {
            printf("%20s = help: %s\n", "", r->remedy);
        }
    }
    if (quiet && fit) {
        return;
    }
    puts(fit ? "this machine can run drills"
             : "this machine cannot run drills in the netns lab; --lab sim needs nothing");
}

static int run(struct call *c)
{
    struct examination x = {.call = c};
    examine_host(&x);
    examine_limits(&x);
    examine_output(&x);
    examine_gateway(&x);
    examine_lab(&x);
    bool fit = true;
    for (size_t i = 0; i < x.rows.len; i++) {
        fit &= x.rows.at[i].finding != FINDING_MUST;
    }
    if (c->globals.json) {
        print_json(&x, fit);
    } else {
        print_text(&x, fit);
    }
    vec_deinit(&x.rows);
    return fit ? 0 : 5;
}

const struct command command_doctor = {.name = "doctor",
                                       .operands = "",
                                       .summary =
                                           "what this machine can do: mechanism per effect, or reason and remedy",
                                       .exits = "0 5",
                                       .options = options,
                                       .option_count = array_len(options),
                                       .flags_size = sizeof(struct doctor_flags),
                                       .run = run};
