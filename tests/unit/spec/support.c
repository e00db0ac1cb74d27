/* SPDX-License-Identifier: MIT */
/*
 * Literals go through the same door as files.
 */
#include "tests/unit/spec/support.h"
#include "harness/base/err.h"
#include "harness/spec/load_tree.h"
#include "tests/unit/spec/verbs.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct plan *load_yaml_with(const char *yaml, const char *const *sets, size_t n, struct text *out)
{
    struct plan *p = NULL;
    struct diag_list diags = {0};
    struct err e = {0};
    const struct load l = {.path = "t.yaml",
                           .text = yaml,
                           .len = strlen(yaml),
                           .types = test_verbs,
                           .type_count = test_verb_count,
                           .options = {.sets = sets, .set_count = n}};
    int failed = load_plan(&l, &p, &diags, &e);
    if (out) {
        text_clear(out);
        diag_print(&diags, out, false);
    }
    diag_list_deinit(&diags);
    return failed ? NULL : p;
}

struct plan *load_yaml(const char *yaml, struct text *out)
{
    return load_yaml_with(yaml, NULL, 0, out);
}

struct plan *load_steps(const char *steps, const char *targets, struct text *out)
{
    scoped_text struct text yaml = {0};
    text_addf(&yaml, "drtest: 1\nname: t\ntimeline:\n%stargets: %s\n", steps, targets);
    return load_yaml(text_str(&yaml), out);
}

bool refuses(const char *yaml, const char *code, const char *words)
{
    scoped_text struct text out = {0};
    struct plan *p = load_yaml(yaml, &out);
    plan_free(p);
    bool found = !p && strstr(text_str(&out), code) && strstr(text_str(&out), words);
    if (!found) {
        printf("\n  expected %s and \"%s\", got:\n%s\n", code, words, text_str(&out));
    }
    return found;
}

int go_to_sources(void)
{
    return chdir(DRTEST_SOURCE_DIR);
}

int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
