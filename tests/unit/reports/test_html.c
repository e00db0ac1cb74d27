/* SPDX-License-Identifier: MIT */
/*
 * What must hold for every report.html: nothing a content security policy forbids, nothing foreign unescaped, elements
 * closed in order, headings without gaps, ids used once, references that lead somewhere. The page is walked as a
 * sequence of tags; it is ours, so that a small reader is enough.
 */
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/measure/study.h"
#include "reports/html/document.h"
#include "reports/html/html.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

enum { DEPTH = 64, SIZE_MAX_BYTES = 600 * 1000 };

/* The page without the contents of <style> and <script>, which are not markup. */
static char *markup_only(const char *page)
{
    scoped_text struct text t = {0};
    while (*page) {
        const char *raw = strstr(page, "<style>"), *script = strstr(page, "<script");
        raw = !raw || (script && script < raw) ? script : raw;
        if (!raw) {
            text_add(&t, page);
            break;
        }
        const char *begin = strchr(raw, '>') + 1, *end = strstr(begin, raw[2] == 't' ? "</style>" : "</script>");
        text_add_bytes(&t, page, (size_t)(begin - page));
        page = end;
    }
    return text_steal(&t);
}

static bool is_void(const char *name, size_t len)
{
    return (len == 4 && strncmp(name, "meta", 4) == 0) || (len == 2 && strncmp(name, "br", 2) == 0) ||
           (len == 8 && strncmp(name, "!DOCTYPE", 8) == 0);
}

/* Checks nesting, attributes and heading order in one walk. */
static void walk(const char *markup)
{
    const char *open[DEPTH];
    size_t depth = 0, unbalanced = 0, bad_attributes = 0, skipped_levels = 0;
    int level = 0;
    for (const char *at = strchr(markup, '<'); at; at = strchr(at, '<')) {
        const char *end = strchr(at, '>'), *name = at + 1;
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        bool closing = *name == '/';
        name += closing;
        size_t len = strcspn(name, " >/");
        scoped_text struct text tag = {0};
        text_add_bytes(&tag, at, (size_t)(end - at));
        bad_attributes += strstr(text_str(&tag), " style=") != NULL || strstr(text_str(&tag), " on") != NULL ||
                          strstr(text_str(&tag), "javascript:") != NULL || strstr(text_str(&tag), "http://") != NULL ||
                          strstr(text_str(&tag), "https://") != NULL;
        if (!closing && name[0] == 'h' && len == 2 && isdigit((unsigned char)name[1])) {
            skipped_levels += name[1] - '0' > level + 1;
            level = name[1] - '0';
        }
        if (closing) {
            unbalanced += depth == 0 || strncmp(open[depth - 1], name, len) != 0;
            depth -= depth > 0;
        } else if (end[-1] != '/' && !is_void(name, len)) {
            CU_ASSERT_FATAL(depth < DEPTH);
            open[depth++] = name;
        }
        at = end;
    }
    CU_ASSERT_EQUAL(unbalanced, 0);
    CU_ASSERT_EQUAL(depth, 0);
    CU_ASSERT_EQUAL(bad_attributes, 0);
    CU_ASSERT_EQUAL(skipped_levels, 0);
}

static size_t count(const char *s, const char *what)
{
    size_t n = 0;
    for (s = strstr(s, what); s; s = strstr(s + 1, what)) {
        n++;
    }
    return n;
}

/* Ids are unique, and whatever refers to one (href, url, aria-labelledby) finds it. */
static void references_hold(const char *markup)
{
    static const char *const prefixes[] = {" id=\"", "href=\"#", "url(#", "aria-labelledby=\""};
    for (size_t i = 0; i < array_len(prefixes); i++) {
        for (const char *at = strstr(markup, prefixes[i]); at; at = strstr(at + 1, prefixes[i])) {
            const char *id = at + strlen(prefixes[i]);
            scoped_text struct text want = {0};
            text_add(&want, " id=\"");
            text_add_bytes(&want, id, strcspn(id, "\") "));
            text_add(&want, "\"");
            CU_ASSERT_EQUAL(count(markup, text_str(&want)), 1);
        }
    }
}

static void every_case_is_sound(void)
{
    for (int which = 0; which < FIXTURE_CASES; which++) {
        struct fixture *f = fixture_new((enum fixture_case)which);
        scoped_free char *page = fixture_render("html", &f->in);
        scoped_free char *markup = markup_only(page);
        walk(markup);
        references_hold(markup);
        CU_ASSERT(strlen(page) < SIZE_MAX_BYTES);
        CU_ASSERT_EQUAL(count(markup, "<h1>"), 1);
        CU_ASSERT_EQUAL(count(markup, "<svg role=\"img\""), count(markup, "<desc "));
        CU_ASSERT_PTR_NULL(strstr(markup, "nan"));
        CU_ASSERT_PTR_NULL(strstr(markup, "inf\""));
        fixture_free(f);
    }
}

static void policy_names_the_very_bytes(void)
{
    struct fixture *f = fixture_new(FIXTURE_TINY);
    scoped_free char *page = fixture_render("html", &f->in);
    const char *const *lists[] = {document_run.styles, document_run.scripts};
    const char *policy = strstr(page, "Content-Security-Policy");
    CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
    scoped_text struct text meta = {0};
    text_add_bytes(&meta, policy, strcspn(policy, ">"));
    size_t bodies = 0;
    for (size_t i = 0; i < array_len(lists); i++) {
        for (const char *const *body = lists[i]; *body; body++) {
            unsigned char digest[32], base64[64];
            scoped_text struct text want = {0};
            if (!**body) {
                continue; /* a part that was not there at build time */
            }
            CU_ASSERT_EQUAL(EVP_Digest(*body, strlen(*body), digest, NULL, EVP_sha256(), NULL), 1);
            EVP_EncodeBlock(base64, digest, sizeof(digest));
            text_addf(&want, "'sha256-%s'", base64);
            CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&meta), text_str(&want)));
            CU_ASSERT_PTR_NOT_NULL(strstr(page, *body));
            CU_ASSERT_PTR_NULL(strstr(*body, i ? "</script" : "</style"));
            CU_ASSERT_PTR_NULL(strstr(*body, "sourceMappingURL"));
            bodies++;
        }
    }
    CU_ASSERT_EQUAL(count(text_str(&meta), "'sha256-"), bodies);
    CU_ASSERT_EQUAL(count(page, "<style>") + count(page, "<script>"), bodies);
    fixture_free(f);
}

static void foreign_text_stays_text(void)
{
    size_t scripts = 0;
    for (const char *const *body = document_run.scripts; *body; body++) {
        scripts += **body != '\0';
    }
    static const char evil[] = "</pre></script><script>alert(1)</script>\" onload='x' <i>&\033[1m\xff";
    struct fixture *f = fixture_new(FIXTURE_INCONCLUSIVE);
    struct result *r = &f->result;
    r->scenario.name = r->scenario.title = r->scenario.description = r->scenario.owner = r->scenario.file = evil;
    r->run.id = r->run.suite = r->run.started_at = r->host.hostname = r->tool.version = r->clock.zero_at = evil;
    r->scenario.tags.at[0] = r->limits.at[0] = r->lab.regions.at[0] = evil;
    r->objectives.at[0].reason = r->objectives.at[0].name = r->objectives.at[1].method = evil;
    r->objectives.at[0].file = r->objectives.at[1].assignment = evil;
    r->objectives.at[0].evidence.at[0].what = r->objectives.at[0].flags.at[0] = evil;
    r->checks.at[0].name = r->checks.at[0].detail = r->mechanisms.at[0].why = r->phases.at[0].name = evil;
    r->events.at[0].name = r->faults.at[0].do_ = r->faults.at[0].subject.at[0] = r->faults.at[0].proof.verdict = evil;
    r->ledger.lost.at[0].region = r->requests.by_vantage.at[0].vantage = evil;
    struct result_comparison beside = {.with = evil, .source = evil, .run_id = evil, .left_out = NULL};
    *arena_push(&r->arena, &beside.differs) = evil;
    *arena_push(&r->arena, &beside.objectives) = (struct result_change){.name = evil, .unit = evil, .change = evil};
    *arena_push(&r->arena, &r->comparisons) = beside;
    r->history.file = r->history.before_run_id = r->history.before_manifest_sha256 = f->in.earlier_unread = evil;
    r->history.line = 12;
    *arena_push(&r->arena, &r->blast_radius.links) = evil;
    f->plan.text = evil;
    f->plan.topology->sites[0].name = f->plan.topology->nodes[0].name = evil;
    f->evidence.events[3].subject = f->evidence.events[3].detail = f->evidence.events[3].outcome = evil;
    scoped_free char *page = fixture_render("html", &f->in);
    scoped_free char *markup = markup_only(page);
    CU_ASSERT_EQUAL(count(page, "<script>"), scripts);
    CU_ASSERT_EQUAL(count(page, "</script>"), scripts + count(page, "<script type=\"application/json\""));
    CU_ASSERT_PTR_NULL(strstr(markup, "<i>"));
    CU_ASSERT_PTR_NULL(strchr(page, '\033'));
    walk(markup);
    fixture_free(f);
}

static void cuts_are_announced(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    scoped_free struct event *many = xcalloc(6000, sizeof(*many));
    for (size_t i = 0; i < 6000; i++) {
        many[i] = (struct event){.kind = EVENT_NODE, .seq = (int64_t)i, .subject = "us-east/1", .detail = "ready"};
    }
    f->evidence.events = many;
    f->evidence.event_count = 6000;
    scoped_text struct text scenario = {0};
    while (scenario.len < 70 * 1024) {
        text_add(&scenario, "# a long comment that goes on and on\n");
    }
    f->plan.text = text_str(&scenario);
    f->result.ledger.lost_truncated = true;
    scoped_free char *page = fixture_render("html", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "the first 5000 of 6000 events are shown"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "Cut here after 64 KiB"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "more writes were lost than are listed"));
    fixture_free(f);
}

static bool page_says(const struct fixture *f, const char *what)
{
    scoped_free char *page = fixture_render("html", &f->in);
    return strstr(page, what) != NULL;
}

static void the_ledger_stands_beside_what_was_set_aside(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    struct result_ledger *l = &f->result.ledger;
    CU_ASSERT(page_says(f, "Stores had set aside 3 of 3 lost writes when they came back to another history"));
    CU_ASSERT(page_says(f, "<td class=\"n\">3</td><td>recoverable</td>"));
    CU_ASSERT(page_says(f, "<td>gone, set aside</td>"));
    CU_ASSERT_FALSE(page_says(f, "no trace"));
    l->recoverable_count = 2;
    l->traceless_count = 1;
    CU_ASSERT(page_says(f, "log, and no store set it aside. A store that keeps its disk must not"));
    CU_ASSERT(page_says(f, "<td class=\"n bad\">1</td><td>traceless</td>"));
    l->traceless_count = JSON_NONE;
    CU_ASSERT(page_says(f, "not every store told, or was read"));
    CU_ASSERT_FALSE(page_says(f, "<td>traceless</td>"));
    l->set_aside_regions.len = 0;
    CU_ASSERT(page_says(f, "No store told whether it had set lost writes aside."));
    CU_ASSERT_FALSE(page_says(f, "<td>recoverable</td>"));
    l->lost_before_count = l->lost_after_count = 0;
    CU_ASSERT_FALSE(page_says(f, "set lost writes aside"));
    fixture_free(f);
}

static void needs_neither_plan_nor_evidence(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    f->in.plan = NULL;
    f->in.evidence = NULL;
    for (size_t i = 1; reporters[i]; i++) {
        scoped_free char *text = fixture_render(reporters[i]->name, &f->in);
        CU_ASSERT(strlen(text) > 200);
    }
    fixture_free(f);
}

/* Earlier runs show as sparklines and as a table; only comparable ones are counted. */
static void earlier_runs_are_told(void)
{
    struct fixture *f = fixture_new(FIXTURE_MET);
    scoped_json json_t *doc = result_to_json(&f->result);
    struct pool_run earlier[3];
    for (size_t i = 0; i < array_len(earlier); i++) {
        earlier[i] = pool_run_of_result(&f->result.arena, doc);
    }
    earlier[0].digest[DIGEST_CONFIG] = "another";
    earlier[2].verdict = earlier[2].objectives.at[0].verdict = MISSED;
    earlier[2].objectives.at[0].upper = (double)NAN; /* never recovered */
    f->in.earlier = earlier;
    f->in.earlier_count = array_len(earlier);
    scoped_free char *page = fixture_render("html", &f->in);
    scoped_free char *markup = markup_only(page);
    walk(markup);
    CU_ASSERT_PTR_NOT_NULL(strstr(markup, "2 of 3 comparable runs met, this one included"));
    CU_ASSERT_PTR_NOT_NULL(strstr(markup, "2 of 3 earlier runs met"));
    CU_ASSERT_PTR_NOT_NULL(strstr(markup, "no: other digests"));
    CU_ASSERT_EQUAL(count(markup, "class=\"spark\""), f->result.objectives.len);
    fixture_free(f);
}

/* The mark of a verdict stands in the scenario's text only where that text has the target. */
static void lines_of_other_files_are_not_marked(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    struct result_objective *rto = &f->result.objectives.at[0], *availability = &f->result.objectives.at[5];
    size_t own = f->result.objectives.len - 1; /* one is implied */
    scoped_free char *before = fixture_render("html", &f->in);
    rto->file = "scenarios/<quarterly>.yaml";
    availability->assignment = "targets.availability=95%";
    scoped_free char *page = fixture_render("html", &f->in);
    scoped_free char *markup = markup_only(page);
    walk(markup);
    CU_ASSERT_EQUAL(count(before, "<span class=\"mark\">"), own);
    CU_ASSERT_EQUAL(count(page, "<span class=\"mark\">"), own - 2);
    CU_ASSERT_PTR_NULL(strstr(before, "set at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, " · set at scenarios/&lt;quarterly&gt;.yaml:24:3</p>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, " · set by --set targets.availability=95%</p>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "Targets that are not from this text: RTO (missed), set at "));
    fixture_free(f);
}

void suite_html(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_case_is_sound);
    runner_test(policy_names_the_very_bytes);
    runner_test(foreign_text_stays_text);
    runner_test(cuts_are_announced);
    runner_test(earlier_runs_are_told);
    runner_test(the_ledger_stands_beside_what_was_set_aside);
    runner_test(needs_neither_plan_nor_evidence);
    runner_test(lines_of_other_files_are_not_marked);
}
