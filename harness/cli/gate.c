/* SPDX-License-Identifier: MIT */
/*
 * The cache is a convenience: what cannot be read, fits no pass, or cannot be written just costs the few seconds of the
 * short self-test again. A failure is never remembered.
 */
#include "harness/cli/gate.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/selftest/selftest.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define CACHE_MAX_BYTES 65536
#define PASSES_MAX 32

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

static json_t *this_pass(void)
{
    struct utsname u = {0};
    uname(&u);
    char now[32];
    return json_pack("{s:s,s:s,s:s,s:s}", "tool_sha256", tool_facts()->sha256, "host", u.nodename, "kernel", u.release,
                     "at", clock_rfc3339(clock_wall_ns(), now));
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

static void remember(const char *path, json_t *passes, json_t *pass)
{
    json_array_insert_new(passes, 0, json_incref(pass));
    while (json_array_size(passes) > PASSES_MAX) {
        json_array_remove(passes, json_array_size(passes) - 1);
    }
    scoped_json json_t *doc = json_pack("{s:O}", "passes", passes);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    if (text) {
        file_replace(path, text, strlen(text), NULL);
    }
}

static const char *perform(struct call *c, const char **detail)
{
    struct selftest_row rows[SELFTEST_ROWS] = {0};
    struct err e = {0};
    if (!c->globals.quiet) {
        fputs("drtest: no self-test of this binary on this host yet, doing the short one\n", stderr);
    }
    if (selftest_short(rng_entropy_seed(), rows, &e) < 0) {
        *detail = arena_printf(&c->arena, "the self-test could not be done: %s", e.msg);
        say_warning(&c->err, "%s", *detail);
        return "skipped";
    }
    if (!selftest_passed(rows, SELFTEST_ROWS)) {
        selftest_print(stderr, rows, SELFTEST_ROWS);
        *detail = "the short self-test failed: measured intervals do not hold the truth";
        return "missed";
    }
    *detail = "the short self-test passed just now";
    return "met";
}

void selftest_gate(struct call *c, const char **word, const char **detail)
{
    scoped_text struct text path = {0};
    bool cached = cache_path(&path);
    scoped_json json_t *pass = this_pass();
    scoped_json json_t *passes = cached ? read_passes(text_str(&path)) : json_array();
    for (size_t i = 0; i < json_array_size(passes); i++) {
        if (same_pass(json_array_get(passes, i), pass)) {
            *word = "met";
            *detail = "passed earlier with this binary on this host and kernel";
            return;
        }
    }
    *word = perform(c, detail);
    if (cached && text_eq(*word, "met")) {
        remember(text_str(&path), passes, pass);
    }
}
