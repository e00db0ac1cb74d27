/* SPDX-License-Identifier: MIT */
/*
 * The cache is a convenience: what cannot be read, fits no pass, or cannot be written just costs the few seconds of the
 * short self-test again. A failure is never remembered. Of several passes with one key the one over most outages stays.
 */
#include "harness/cli/gate.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/selftest/selftest.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define CACHE_MAX_BYTES 65536
#define PASSES_MAX 32
#define PATIENCE_NS (60 * NS_PER_S) /* of who waits for a drill to begin; the short form takes about five */

/* The folder is made, the file need not be there. False: nowhere to remember anything. */
static bool cache_path(struct text *path)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg && *xdg == '/') {
        text_add(path, xdg);
    } else if (home && *home == '/') {
        text_addf(path, "%s/.cache", home);
    } else {
        return false;
    }
    mkdir(text_str(path), 0700);
    text_add(path, "/drtest");
    mkdir(text_str(path), 0700);
    text_add(path, "/selftest.json");
    return true;
}

const char *const selftest_form_words[] = {"short", "quick", "full"};

/* Which binary, where; the table comes in later. */
static json_t *this_pass(const char *form)
{
    struct utsname u = {0};
    uname(&u);
    char now[32];
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "tool_sha256", tool_facts()->sha256, "host", u.nodename, "kernel",
                     u.release, "at", clock_rfc3339(clock_wall_ns(), now), "form", form);
}

static bool same_pass(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"tool_sha256", "host", "kernel"};
    for (size_t i = 0; i < array_len(keys); i++) {
        const char *x = json_string_value(json_object_get(a, keys[i]));
        const char *y = json_string_value(json_object_get(b, keys[i]));
        if (!x || !*x || !text_eq(x, y)) {
            return false;
        }
    }
    return true;
}

/* The remembered passes; an empty list when there are none. New reference. */
static json_t *read_passes(const char *path)
{
    scoped_text struct text t = {0};
    scoped_json json_t *doc = NULL;
    if (text_read_file(&t, path, CACHE_MAX_BYTES, NULL) == 0) {
        doc = json_read(text_str(&t), t.len, path, NULL);
    }
    json_t *passes = json_object_get(doc, "passes");
    return json_is_array(passes) ? json_incref(passes) : json_array();
}

/* Of this binary here, with a table; -1 if there is none. */
static int find_pass(const json_t *passes, const json_t *pass)
{
    for (size_t i = 0; i < json_array_size(passes); i++) {
        const json_t *p = json_array_get(passes, i);
        if (same_pass(p, pass) && json_array_size(json_object_get(p, "rows")) > 0) {
            return (int)i;
        }
    }
    return -1;
}

static void write_passes(const char *path, json_t *passes)
{
    while (json_array_size(passes) > PASSES_MAX) {
        json_array_remove(passes, json_array_size(passes) - 1);
    }
    scoped_json json_t *doc = json_pack("{s:O}", "passes", passes);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    if (text) {
        file_replace(path, text, strlen(text), NULL);
    }
}

static json_int_t outages_of(const json_t *pass)
{
    json_int_t n = 0;
    const json_t *rows = json_object_get(pass, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        n += json_integer_value(json_object_get(json_array_get(rows, i), "outages"));
    }
    return n;
}

void gate_remember(const struct selftest_table *table, enum selftest_form form)
{
    scoped_text struct text path = {0};
    if (!cache_path(&path)) {
        return;
    }
    scoped_json json_t *passes = read_passes(text_str(&path));
    scoped_json json_t *pass = this_pass(selftest_form_words[form]);
    json_object_set_new(pass, "rows", table_rows_json(table));
    int known = find_pass(passes, pass);
    bool passed = table_passed(table);
    if (passed && known >= 0 && outages_of(json_array_get(passes, (size_t)known)) > outages_of(pass)) {
        return;
    }
    if (known >= 0) {
        json_array_remove(passes, (size_t)known);
    }
    if (passed) {
        json_array_insert(passes, 0, pass);
    }
    write_passes(text_str(&path), passes);
}

/* What of a pass goes into the timeline of a run. */
static json_t *data_of(const json_t *pass)
{
    return json_pack("{s:O?,s:O?,s:O?}", "form", json_object_get(pass, "form"), "at", json_object_get(pass, "at"),
                     "rows", json_object_get(pass, "rows"));
}

static void perform(struct call *c, struct gate *out)
{
    struct selftest_options o = {.form = SELFTEST_SHORT, .seed = rng_entropy_seed(), .bound_ns = PATIENCE_NS};
    struct selftest_table table;
    struct err e = {0};
    if (!c->globals.quiet) {
        fputs("drtest: no self-test of this binary on this host yet, doing the short one\n", stderr);
    }
    if (selftest_perform(&o, &table, &e) < 0) {
        out->word = "skipped";
        out->detail = arena_printf(&c->arena, "the self-test could not be done: %s", e.msg);
        say_warning(&c->err, "%s", out->detail);
        return;
    }
    gate_remember(&table, SELFTEST_SHORT);
    scoped_json json_t *pass = this_pass(selftest_form_words[SELFTEST_SHORT]);
    json_object_set_new(pass, "rows", table_rows_json(&table));
    out->data = data_of(pass);
    if (table_passed(&table)) {
        out->word = "met";
        out->detail = "the short self-test passed just now";
        return;
    }
    table_print(stderr, &table);
    out->word = "missed";
    out->detail = "the short self-test failed: measured intervals do not hold the truth";
}

void selftest_gate(struct call *c, struct gate *out)
{
    *out = (struct gate){0};
    scoped_text struct text path = {0};
    scoped_json json_t *pass = this_pass("");
    scoped_json json_t *passes = cache_path(&path) ? read_passes(text_str(&path)) : json_array();
    int known = find_pass(passes, pass);
    if (known < 0) {
        perform(c, out);
        return;
    }
    out->word = "met";
    out->detail = "passed earlier with this binary on this host and kernel";
    out->data = data_of(json_array_get(passes, (size_t)known));
}
