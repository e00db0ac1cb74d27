/* SPDX-License-Identifier: MIT */
/*
 * Method: the YAML was made when the scenario was compiled. Behind it goes one comment line, "# origin: " and a JSON
 * object in ASCII; comments are invisible to YAML, so that the file stays an ordinary scenario. plan_load compiles the
 * YAML like any scenario (same seed, same derived numbers), then puts back what the comment says. A comment that is not
 * what plan_yaml writes is an error: half an origin would point at wrong lines.
 *
 * Texts of up to a mebibyte are escaped into the comment, hence the larger limit for the file.
 */
#include "harness/spec/plan_yaml.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/diag.h"
#include "harness/spec/load_tree.h"
#include <string.h>

static const char mark[] = "# origin: ";
enum { MAX_BYTES = 12 * 1024 * 1024 };

static json_t *place_json(int line, int column)
{
    return json_pack("[i, i]", line, column);
}

static json_t *origin_json(const struct plan *p)
{
    json_t *steps = json_object(), *targets = json_object(), *elsewhere = json_object();
    for (size_t i = 0; i < p->step_count; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%u", (unsigned)p->steps[i].id);
        json_object_set_new(steps, id, place_json(p->steps[i].line, p->steps[i].column));
    }
    for (size_t i = 0; i < p->target_count; i++) {
        const struct plan_target *t = &p->targets[i];
        json_object_set_new(targets, target_types[t->key].key, place_json(t->line, t->column));
        if (t->file || t->assignment) {
            json_object_set_new(elsewhere, target_types[t->key].key,
                                json_pack("{s:s*, s:s*}", "file", t->file, "assignment", t->assignment));
        }
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:o, s:o, s:o}", "file", p->file, "sha256", p->sha256,
                     "targets_sha256", p->targets_sha256, "topology", p->topology->name, "text", p->text, "overrides",
                     p->overrides, "steps", steps, "targets", targets, "elsewhere", elsewhere);
}

void plan_yaml(const struct plan *p, struct text *out)
{
    scoped_json json_t *origin = origin_json(p);
    scoped_free char *line = origin ? json_dumps(origin, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    text_add(out, "# The scenario as run: defaults and overrides resolved. Can be run again.\n");
    text_add(out, p->yaml);
    if (line) {
        text_addf(out, "%s%s\n", mark, line);
    }
}

static const char *last_origin(const char *text)
{
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, mark)) != NULL; at++) {
        if (at == text || at[-1] == '\n') {
            found = at + strlen(mark);
        }
    }
    return found;
}

static bool read_place(const json_t *places, const char *key, int *line, int *column)
{
    const json_t *at = json_object_get(places, key);
    *line = (int)json_integer_value(json_array_get(at, 0));
    *column = (int)json_integer_value(json_array_get(at, 1));
    return json_array_size(at) == 2;
}

static int copy_hash(char to[SHA256_HEX], const char *from)
{
    if (!from || strlen(from) != SHA256_HEX - 1) {
        return -1;
    }
    memcpy(to, from, SHA256_HEX);
    return 0;
}

static int adopt_places(struct plan *p, const json_t *steps, const json_t *targets)
{
    for (size_t i = 0; i < p->step_count; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%u", (unsigned)p->steps[i].id);
        if (!read_place(steps, id, &p->steps[i].line, &p->steps[i].column)) {
            return -1;
        }
    }
    for (size_t i = 0; i < p->target_count; i++) {
        struct plan_target *t = &p->targets[i];
        if (!read_place(targets, target_types[t->key].key, &t->line, &t->column)) {
            return -1;
        }
    }
    return 0;
}

/* Targets that do not stand in the scenario; files from before they were told apart have none. */
static int adopt_elsewhere(struct plan *p, json_t *elsewhere)
{
    for (size_t i = 0; i < p->target_count; i++) {
        struct plan_target *t = &p->targets[i];
        const char *file = NULL, *assignment = NULL;
        json_t *at = json_object_get(elsewhere, target_types[t->key].key);
        if (at && json_unpack(at, "{s?s, s?s}", "file", &file, "assignment", &assignment) != 0) {
            return -1;
        }
        t->file = arena_strdup(&p->arena, file);
        t->assignment = arena_strdup(&p->arena, assignment);
    }
    return 0;
}

static int adopt_origin(struct plan *p, json_t *origin)
{
    const char *file, *text, *topology, *sha256, *targets_sha256;
    json_t *overrides, *steps, *targets, *elsewhere = NULL;
    if (json_unpack(origin, "{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s?o}", "file", &file, "sha256", &sha256,
                    "targets_sha256", &targets_sha256, "topology", &topology, "text", &text, "overrides", &overrides,
                    "steps", &steps, "targets", &targets, "elsewhere", &elsewhere) != 0 ||
        !json_is_object(overrides) || (elsewhere && !json_is_object(elsewhere)) || copy_hash(p->sha256, sha256) != 0 ||
        copy_hash(p->targets_sha256, targets_sha256) != 0 || adopt_places(p, steps, targets) != 0 ||
        adopt_elsewhere(p, elsewhere) != 0) {
        return -1;
    }
    p->file = arena_strdup(&p->arena, file);
    p->text = arena_strdup(&p->arena, text);
    p->topology->name = arena_strdup(&p->arena, topology);
    json_decref(p->overrides);
    p->overrides = json_incref(overrides);
    return 0;
}

/* The first diagnostic, as an error of its own: callers of plan_load have no file of the user's to show. */
static int pass_on(const char *path, const struct diag_list *diags, struct err *e)
{
    const struct diag *d = diags->at[0];
    if (e) {
        *e = (struct err){0};
    }
    return err_set(e, ERR_READING, path, "line %d: %s", d->at.line, d->message);
}

int plan_load(const char *path, const struct action_type *const *types, size_t n, struct plan **out, struct err *e)
{
    struct diag_list diags = {0};
    struct plan *p = NULL;
    const struct load l = {.path = path, .types = types, .type_count = n, .max_bytes = MAX_BYTES};
    if (load_plan(&l, &p, &diags, e) != 0) {
        int failed = pass_on(path, &diags, e);
        diag_list_deinit(&diags);
        return failed;
    }
    diag_list_deinit(&diags);
    const char *line = last_origin(p->text);
    if (line) {
        scoped_json json_t *origin = json_read(line, strcspn(line, "\n"), path, e);
        if (!origin || adopt_origin(p, origin) != 0) {
            plan_free(p);
            return err_set(e, ERR_READING, path, "the origin at the end of the file is damaged");
        }
    }
    *out = p;
    return 0;
}
