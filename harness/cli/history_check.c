/* SPDX-License-Identifier: MIT */
/*
 * The line of the run holds the digest of its result.json and of the line before it; the result holds the latter, too.
 * So neither the result, nor the line, nor the one before can be changed without one of them showing it. Lines further
 * up are the business of the runs that they are about.
 *
 * Failure paths: a history that cannot be read is no finding, for a run may be looked at far from where it was made;
 * one that is shorter than it was, or has another run's line in the place, is.
 */
#include "harness/cli/history_check.h"

#include "harness/base/text.h"
#include "harness/cli/history.h"
#include "harness/cli/history_place.h"

const char *const history_state_words[] = {"fits", "differs", "unread"};

struct line {
    struct arena *arena;
    int64_t wanted, number;
    char before[SHA256_HEX]; /* of the line before it, as it is now */
    bool found;              /* as a JSON object */
    const char *run_id, *result_sha256, *previous_line_sha256;
};

static const char *word(struct arena *a, const json_t *line, const char *key)
{
    return arena_strdup(a, json_string_value(json_object_get(line, key)));
}

static void see(void *arg, const char *text, size_t len, const json_t *line)
{
    struct line *l = arg;
    l->number++;
    if (l->number == l->wanted - 1) {
        sha256_hex(text, len, l->before);
    }
    if (l->number != l->wanted || !line) {
        return;
    }
    l->found = true;
    l->run_id = word(l->arena, line, "run_id");
    l->result_sha256 = word(l->arena, line, "result_sha256");
    l->previous_line_sha256 = word(l->arena, line, "previous_line_sha256");
}

static void find(struct text *findings, const struct result *r, int64_t number, const char *what)
{
    text_addf(findings, "history %s:%lld: %s\n", r->history.file, (long long)number, what);
}

static void look_before(const struct line *l, const struct result *r, struct text *findings)
{
    const char *before = l->wanted > 1 ? l->before : NULL;
    if (!text_eq(l->previous_line_sha256, r->history.previous_line_sha256)) {
        find(findings, r, l->wanted, "its previous_line_sha256 is not the one that the run's result.json has");
    } else if (!text_eq(l->previous_line_sha256, before)) {
        find(findings, r, l->wanted - 1, "this is not the line that previous_line_sha256 of the next one stands for");
    }
}

static void look(const struct line *l, const char *run_path, const struct result *r, struct text *findings)
{
    scoped_text struct text path = {0};
    char sha256[SHA256_HEX] = "";
    if (!l->found || !text_eq(l->run_id, r->run.id)) {
        find(findings, r, l->wanted,
             l->number < l->wanted ? "there is no such line, yet the run was entered there"
             : l->found            ? "this is not the line of this run"
                                   : "this is no line of a run");
        return;
    }
    text_addf(&path, "%s/result.json", run_path);
    if (sha256_file(text_str(&path), sha256, NULL) < 0 || !text_eq(l->result_sha256, sha256)) {
        find(findings, r, l->wanted, "its result_sha256 is not that of the run's result.json");
    }
    look_before(l, r, findings);
}

enum history_state history_check(const char *run_path, const struct result *r, struct text *findings)
{
    scoped_text struct text path = {0};
    struct arena memory = {0};
    struct line l = {.arena = &memory, .wanted = r->history.line};
    size_t before = findings->len;
    if (!r->history.file || r->history.line < 1) {
        return HISTORY_UNREAD;
    }
    history_path(&path, run_path, r->history.file);
    bool read = history_each_line(text_str(&path), see, &l, NULL) == 0;
    if (read) {
        look(&l, run_path, r, findings);
    }
    arena_deinit(&memory);
    return !read ? HISTORY_UNREAD : findings->len > before ? HISTORY_DIFFERS : HISTORY_FITS;
}
