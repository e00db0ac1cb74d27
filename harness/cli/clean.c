/* SPDX-License-Identifier: MIT */
/*
 * drtest clean: what a killed run had open, by its undo journal, and whether anything of it is left on this host.
 *
 * A lab of namespaces ends with its runner, so there is nothing to undo; this command is how a person makes sure. What
 * it finds all the same it names and leaves alone: things on a host that cannot be told to be ours for certain are not
 * taken away by guessing.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/tool.h"
#include "harness/lab/residue.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define JOURNAL_MAX (1 << 20)

struct clean_flags {
    const char *output;
};

static const struct option_row options[] = {
    OPTION_OUTPUT(struct clean_flags, "folder in which a run id and latest are looked up"),
};

/* The last word of the journal on each fault; a torn last line is ignored. New reference. */
static json_t *open_faults(const char *journal)
{
    json_t *open = json_object();
    for (const char *line = journal; *line;) {
        size_t len = strcspn(line, "\n");
        scoped_json json_t *entry = line[len] ? json_loadb(line, len, 0, NULL) : NULL;
        const char *what = json_string_value(json_object_get(entry, "what"));
        const char *state = json_string_value(json_object_get(entry, "state"));
        char key[32];
        snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(json_object_get(entry, "fault")));
        if (what && text_eq(state, "open")) {
            json_object_set_new(open, key, json_string(what));
        } else if (text_eq(state, "healed")) {
            json_object_del(open, key);
        }
        line += len + (line[len] != '\0');
    }
    return open;
}

static int read_journal(const char *run_path, json_t **open, struct err *e)
{
    scoped_text struct text path = {0}, journal = {0};
    text_addf(&path, "%s/undo.jsonl", run_path);
    struct err missing = {0};
    if (text_read_file(&journal, text_str(&path), JOURNAL_MAX, &missing) < 0 && missing.os != ENOENT) {
        *e = missing;
        return -1;
    }
    *open = open_faults(text_str(&journal));
    return 0;
}

static void print(const struct call *c, const char *run_path, json_t *open, const char *left)
{
    const char *key;
    json_t *what;
    if (c->globals.json) {
        scoped_json json_t *doc = json_pack("{s:s,s:O,s:s}", "run", run_path, "open", open, "left", left);
        scoped_free char *text = json_dumps(doc, JSON_COMPACT);
        puts(text ? text : "{}");
        return;
    }
    printf("%s: %zu fault%s open when it ended\n", run_path, json_object_size(open),
           json_object_size(open) == 1 ? "" : "s");
    json_object_foreach(open, key, what)
    {
        printf("  %s %s\n", key, json_string_value(what));
    }
    if (left[0]) {
        printf("left on this host:\n%s", left);
    } else {
        puts("nothing to undo: its lab ended with it, and nothing is left on this host");
    }
}

static int run(struct call *c)
{
    const struct clean_flags *f = c->flags;
    struct err e = {0};
    char left[4096];
    struct residue *r = NULL;
    scoped_text struct text path = {0};
    scoped_json json_t *open = NULL;
    if (tool_find_run(&path, f->output, c->operands.len ? c->operands.at[0] : "latest", &e) < 0 ||
        read_journal(text_str(&path), &open, &e) < 0 ||
        residue_begin(&r, text_str(&path), left, sizeof(left), &e) < 0) {
        return say_error(&c->err, &e);
    }
    residue_end(r);
    print(c, text_str(&path), open, left);
    return left[0] ? 4 : 0;
}

const struct command command_clean = {
    .name = "clean",
    .operands = "[RUN]",
    .summary = "what a killed run had open, and whether anything of it is left",
    .text = "RUN is a run directory, a run id, or latest, which is also meant when it is left out. 4: something is "
            "left, and is named. Nothing is changed: a lab of namespaces ends with its runner.",
    .exits = "0 3 4",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct clean_flags),
    .operands_max = 1,
    .run = run};
