/* SPDX-License-Identifier: MIT */
/*
 * Runs for a pool, read from JSON key by key instead of through the table of result.json: comparing versions of drtest
 * is what pools are for, and another version has other keys. What is absent or of another type is unknown (NULL, NAN),
 * and a run of unknown status or digest is never pooled.
 */
#include "harness/measure/pool.h"
#include "harness/measure/study.h"

#include "harness/base/text.h"

#include <math.h>

/* A copy fit for a terminal, whoever wrote the file: control characters (C0, DEL, C1) become question marks. */
static const char *plain(struct arena *a, const char *s)
{
    char *copy = arena_strdup(a, s);
    for (char *c = copy; c && *c; c++) {
        unsigned char here = (unsigned char)c[0], next = (unsigned char)c[1];
        if (here < 0x20 || here == 0x7f)
            *c = '?';
        else if (here == 0xc2 && next >= 0x80 && next < 0xa0)
            c[0] = c[1] = '?';
    }
    return copy;
}

/* NULL for what is absent, no text, or empty: an empty digest is an unknown one. */
static const char *word(struct arena *a, const json_t *doc, const char *pointer)
{
    const char *s = json_string_value(json_at(doc, pointer));
    return s && *s ? plain(a, s) : NULL;
}

static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static enum verdict verdict_of(const char *w)
{
    for (int i = 0; verdict_words[i]; i++)
        if (text_eq(w, verdict_words[i]))
            return (enum verdict)i;
    return INCONCLUSIVE;
}

static bool is_at_least(const char *name)
{
    for (int i = 0; i < TARGET_KEYS; i++)
        if (text_eq(target_types[i].key, name))
            return target_types[i].at_least;
    return false;
}

static struct pool_objective objective(struct arena *a, const char *name, const json_t *o, const char *lower,
                                       const char *upper)
{
    const char *unit = json_string_value(json_object_get(o, "unit"));
    return (struct pool_objective){.name = plain(a, name), .unit = plain(a, unit ? unit : ""),
                                   .at_least = is_at_least(name), .target = number(o, "target"),
                                   .lower = number(o, lower), .upper = number(o, upper),
                                   .resolution = number(o, "resolution"),
                                   .verdict = verdict_of(json_string_value(json_object_get(o, "verdict")))};
}

struct pool_run pool_run_of_result(struct arena *a, const json_t *doc)
{
    struct pool_run r = {
        .run_id = word(a, doc, "/run/id"), .scenario = word(a, doc, "/scenario/name"),
        .started_at = word(a, doc, "/run/started_at"), .lab = word(a, doc, "/lab/kind"),
        .status = word(a, doc, "/run/status"), .seed = json_integer_value(json_at(doc, "/run/seed")),
        .duration_s = number(json_object_get(doc, "run"), "duration_s"),
        .verdict = verdict_of(json_string_value(json_at(doc, "/run/verdict"))),
        .digest = {[DIGEST_TOOL] = word(a, doc, "/tool/sha256"), [DIGEST_SCENARIO] = word(a, doc, "/scenario/sha256"),
                   [DIGEST_SYSTEM] = word(a, doc, "/lab/system_sha256"),
                   [DIGEST_CONFIG] = word(a, doc, "/lab/config_sha256")}};
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(doc, "objectives"), i, o)
    {
        const char *name = json_string_value(json_object_get(o, "name"));
        if (name)
            *arena_push(a, &r.objectives) = objective(a, name, o, "achieved_lower", "achieved_upper");
    }
    return r;
}

struct pool_run pool_run_of_line(struct arena *a, const json_t *line)
{
    struct pool_run r = {
        .run_id = word(a, line, "/run_id"), .scenario = word(a, line, "/scenario"),
        .started_at = word(a, line, "/started_at"), .lab = word(a, line, "/lab"), .status = word(a, line, "/status"),
        .seed = json_integer_value(json_object_get(line, "seed")), .duration_s = number(line, "duration_s"),
        .verdict = verdict_of(json_string_value(json_object_get(line, "verdict"))),
        .digest = {[DIGEST_TOOL] = word(a, line, "/tool_sha256"), [DIGEST_SCENARIO] = word(a, line, "/scenario_sha256"),
                   [DIGEST_SYSTEM] = word(a, line, "/system_sha256"),
                   [DIGEST_CONFIG] = word(a, line, "/config_sha256")}};
    if (!r.status && (r.verdict == MET || r.verdict == MISSED))
        r.status = "completed";
    const char *name;
    json_t *o, *all = json_object_get(line, "objectives");
    json_object_foreach(all, name, o)
    {
        *arena_push(a, &r.objectives) = objective(a, name, o, "lower", "upper");
    }
    return r;
}
