/* SPDX-License-Identifier: MIT */
/*
 * Joined are the texts that our own reporters wrote a moment ago, never files of others; so their shape is known, and
 * looking for a few words is enough: the root and the testsuite of a JUnit document, the line "# HELP" that opens each
 * family of metrics. A family's samples have to stand together behind one HELP and one TYPE, and no two may have the
 * same labels; these are the same in every run of a scenario, which is why only its last run counts.
 */
#include "reports/joined.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELP "# HELP "
#define TYPE "# TYPE "

void joined_deinit(struct joined *j)
{
    for (size_t i = 0; i < j->metrics.len; i++) {
        free(j->metrics.at[i].scenario);
        free(j->metrics.at[i].text);
    }
    vec_deinit(&j->metrics);
    text_deinit(&j->suites);
    text_deinit(&j->summaries);
}

static int render(const char *name, const struct report_input *in, struct text *to, struct err *e)
{
    scoped_free char *bytes = NULL;
    size_t len = 0;
    scoped_file FILE *f = open_memstream(&bytes, &len);
    if (!f) {
        return err_os(e, ERR_OUTPUT, errno, name, "cannot make the report");
    }
    if (reporter_find(name)->write(f, in, e) < 0) {
        return -1;
    }
    if (fclose(steal(&f)) != 0) {
        return err_os(e, ERR_OUTPUT, errno, name, "cannot make the report");
    }
    text_add_bytes(to, bytes, len);
    return 0;
}

/* The number of an attribute of the document's root. */
static double attribute(const char *root, const char *name)
{
    const char *at = strstr(root, name), *end = strchr(root, '>');
    return at && end && at < end ? strtod(at + strlen(name), NULL) : 0;
}

int joined_add_junit(struct joined *j, const struct report_input *in, struct err *e)
{
    scoped_text struct text one = {0};
    if (render("junit", in, &one, e) < 0) {
        return -1;
    }
    const char *root = strstr(text_str(&one), "<testsuites");
    const char *begin = strstr(text_str(&one), "<testsuite "), *end = strstr(text_str(&one), "</testsuites>");
    if (!root || !begin || !end || begin > end) {
        return err_set(e, ERR_DEFECT, "junit", "the JUnit report has no testsuite");
    }
    j->tests += (int64_t)attribute(root, " tests=\"");
    j->failures += (int64_t)attribute(root, " failures=\"");
    j->errors += (int64_t)attribute(root, " errors=\"");
    j->time_s += attribute(root, " time=\"");
    text_add(&j->suites, "  ");
    text_add_bytes(&j->suites, begin, (size_t)(end - begin));
    return 0;
}

int joined_add_absent(struct joined *j, const struct joined_absent *run, bool jenkins_style, struct err *e)
{
    struct result_check check = {.name = "completed", .verdict = run->verdict, .detail = run->reason};
    struct result r = {.scenario.name = run->scenario,
                       .run = {.id = run->run_id,
                               .started_at = run->at,
                               .verdict = run->verdict,
                               .repeat_index = run->repeat_index,
                               .repeat_count = run->repeat_count,
                               .seed = run->seed},
                       .checks = {.at = &check, .len = 1}};
    return joined_add_junit(j, &(struct report_input){.result = &r, .jenkins_style = jenkins_style}, e);
}

void joined_junit(const struct joined *j, struct text *out)
{
    text_addf(out,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"drtest\" tests=\"%lld\" "
              "failures=\"%lld\" errors=\"%lld\" time=\"%.3f\">\n%s</testsuites>\n",
              (long long)j->tests, (long long)j->failures, (long long)j->errors, j->time_s, text_str(&j->suites));
}

int joined_add_summary(struct joined *j, const struct report_input *in, struct err *e)
{
    text_add(&j->summaries, j->summaries.len ? "\n" : "");
    return render("summary", in, &j->summaries, e);
}

int joined_add_metrics(struct joined *j, const struct report_input *in, struct err *e)
{
    scoped_text struct text one = {0};
    struct joined_metrics *mine = NULL;
    const char *scenario = in->result->scenario.name ? in->result->scenario.name : "";
    if (render("metrics", in, &one, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->metrics.len && !mine; i++) {
        mine = text_eq(j->metrics.at[i].scenario, scenario) ? &j->metrics.at[i] : NULL;
    }
    if (!mine) {
        mine = vec_push(&j->metrics);
        *mine = (struct joined_metrics){.scenario = xstrdup(scenario)};
    }
    free(mine->text);
    mine->text = text_steal(&one);
    return 0;
}

/* Where the family that begins here ends: at the next one, or with the text. */
static const char *family_end(const char *family)
{
    const char *next = strstr(family, "\n" HELP);
    return next ? next + 1 : family + strlen(family);
}

static bool same_family(const char *a, const char *b)
{
    size_t n = strcspn(a + strlen(HELP), " ") + strlen(HELP) + 1;
    return strncmp(a, b, n) == 0;
}

/* The family of that name in a text; NULL: it has none. */
static const char *find_family(const char *text, const char *like)
{
    for (; *text; text = family_end(text)) {
        if (same_family(text, like)) {
            return text;
        }
    }
    return NULL;
}

/* Behind the two lines that declare a family. */
static const char *samples_of(const char *family)
{
    const char *type = strstr(family, "\n" TYPE), *end = type ? strchr(type + 1, '\n') : NULL;
    return end ? end + 1 : family + strlen(family);
}

static void add_family(const struct joined *j, size_t first, const char *family, struct text *out)
{
    text_add_bytes(out, family, (size_t)(family_end(family) - family));
    for (size_t i = first + 1; i < j->metrics.len; i++) {
        const char *other = find_family(j->metrics.at[i].text, family);
        const char *samples = other ? samples_of(other) : NULL;
        if (other) {
            text_add_bytes(out, samples, (size_t)(family_end(other) - samples));
        }
    }
}

void joined_metrics(const struct joined *j, struct text *out)
{
    for (size_t i = 0; i < j->metrics.len; i++) {
        for (const char *f = j->metrics.at[i].text; *f; f = family_end(f)) {
            bool seen = false;
            for (size_t k = 0; k < i && !seen; k++) {
                seen = find_family(j->metrics.at[k].text, f) != NULL;
            }
            if (!seen) {
                add_family(j, i, f, out);
            }
        }
    }
}
