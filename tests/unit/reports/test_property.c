/* SPDX-License-Identifier: MIT */
/*
 * Whole documents out of anything: 10,000 texts of random bytes, in the place of every name, message, detail and event
 * of a run, must leave the formats as they are. XML is read by expat, JSON by jansson; Markdown keeps its cells and
 * fences; HTML has no tags but those of the same page over harmless texts, and no attribute that acts.
 */
#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/measure/result_shape.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <ctype.h>
#include <expat.h>
#include <string.h>

enum { CASES = 10000, LENGTH_MAX = 48, TAGS_MAX = 128, TAG_LENGTH = 16 };

static struct rng dice;
static int cases;
static bool harmless;

static const char *anything(struct arena *a)
{
    static const char likely[] = "<>&\"'`|\\\n\r\t\033[]m;-:#,{}=/\x9b\xc2\xef\xbf\xbe\xe2\x80\xa8"
                                 "</script><x onload=x><!--]]>```";
    char bytes[LENGTH_MAX + 1] = "plain";
    size_t n = rng_below(&dice, LENGTH_MAX) + 1;
    for (size_t i = 0; !harmless && i < n; i++)
        bytes[i] = (char)(rng_below(&dice, 2) ? 1 + rng_below(&dice, 255)
                                              : (unsigned char)likely[rng_below(&dice, sizeof(likely) - 1)]);
    if (!harmless)
        bytes[n] = '\0';
    cases++;
    return arena_strdup(a, bytes);
}

static void spoil(const char **text, struct arena *a)
{
    if (*text)
        *text = anything(a);
}

struct any_list {
    void *at;
    size_t len, cap;
};

static void spoil_struct(const struct json_shape *shape, void *at, struct arena *a)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        char *field = (char *)at + f->offset;
        const struct any_list *list = (const struct any_list *)(const void *)field;
        if (f->kind == JB_TEXT)
            spoil((const char **)(void *)field, a);
        else if (f->kind == JB_OBJECT)
            spoil_struct(f->of, field, a);
        for (size_t k = 0; k < (f->kind == JB_TEXTS || f->kind == JB_LIST ? list->len : 0); k++) {
            if (f->kind == JB_TEXTS)
                spoil((const char **)list->at + k, a);
            else
                spoil_struct(f->of, (char *)list->at + k * f->of->size, a);
        }
    }
}

static struct fixture *spoiled(enum fixture_case which)
{
    struct fixture *f = fixture_new(which);
    struct arena *a = &f->result.arena;
    spoil_struct(&result_shape, &f->result, a);
    spoil(&f->plan.name, a);
    spoil(&f->plan.title, a);
    spoil(&f->plan.description, a);
    spoil(&f->plan.owner, a);
    for (size_t i = 0; i < f->evidence.event_count; i++) {
        struct event *e = (struct event *)&f->evidence.events[i];
        spoil(&e->subject, a);
        spoil(&e->detail, a);
    }
    return f;
}

/* Every page is made of anything until so many texts have been tried in it. */
static void try_all(void (*look)(struct fixture *f))
{
    cases = 0;
    rng_init(&dice, 20261130, "reports");
    for (int i = 0; cases < CASES; i++) {
        struct fixture *f = spoiled((enum fixture_case)(i % FIXTURE_CASES));
        look(f);
        fixture_free(f);
    }
}

static int elements;

static void XMLCALL begin_element(void *unused, const XML_Char *name, const XML_Char **attributes)
{
    (void)unused, (void)name, (void)attributes;
    elements++;
}

static void look_junit(struct fixture *f)
{
    for (int jenkins = 0; jenkins < 2; jenkins++) {
        f->in.jenkins_style = jenkins;
        scoped_free char *xml = fixture_render("junit", &f->in);
        XML_Parser p = XML_ParserCreate(NULL);
        elements = 0;
        XML_SetStartElementHandler(p, begin_element);
        CU_ASSERT_EQUAL(XML_Parse(p, xml, (int)strlen(xml), 1), XML_STATUS_OK);
        CU_ASSERT(elements > 3);
        XML_ParserFree(p);
    }
}

static void junit_is_xml(void)
{
    try_all(look_junit);
}

static void look_json(struct fixture *f)
{
    scoped_free char *bytes = fixture_render("json", &f->in);
    scoped_json json_t *doc = json_loads(bytes, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT(doc && json_object_get(doc, "run"));
}

static void the_result_is_json(void)
{
    try_all(look_json);
}

/* Bars of a table's row that are no part of a text. */
static int bars(const char *line, size_t n)
{
    int found = 0;
    for (size_t i = 0; i < n; i++)
        found += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    return found;
}

static void look_summary(struct fixture *f)
{
    scoped_free char *text = fixture_render("summary", &f->in);
    int fences = 0, head = 0;
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        bool row = *line == '|';
        fences += strncmp(line, "```", 3) == 0;
        CU_ASSERT(!row || head == 0 || bars(line, n) == head);
        head = row ? (head > 0 ? head : bars(line, n)) : 0;
        line += n + (line[n] == '\n');
    }
    CU_ASSERT_EQUAL(fences % 2, 0);
}

static void the_summary_keeps_its_cells(void)
{
    try_all(look_summary);
}

struct tags {
    char name[TAGS_MAX][TAG_LENGTH];
    size_t n;
};

static bool has_tag(const struct tags *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->name[i], name) == 0)
            return true;
    return false;
}

/* The page without what its own style and script elements say; then the name after each "<". */
static void read_tags(const char *html, struct tags *t, const struct tags *allowed)
{
    static const char *const opaque[][2] = {{"<style>", "</style>"}, {"<script", "</script>"}};
    for (const char *at = html; (at = strchr(at, '<')) != NULL; at++) {
        for (size_t i = 0; i < array_len(opaque); i++)
            if (strncmp(at, opaque[i][0], strlen(opaque[i][0])) == 0)
                at = strstr(at, opaque[i][1]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        char name[TAG_LENGTH] = "";
        const char *from = at + 1 + (at[1] == '/');
        for (size_t i = 0; i + 1 < TAG_LENGTH && (isalnum((unsigned char)from[i]) || from[i] == '!'); i++)
            name[i] = from[i];
        CU_ASSERT(!allowed || has_tag(allowed, name));
        if (t && !has_tag(t, name) && t->n < TAGS_MAX)
            memcpy(t->name[t->n++], name, TAG_LENGTH);
        size_t to = strcspn(at, ">");
        for (size_t i = 0; i + 3 < to; i++)
            CU_ASSERT_FALSE(at[i] == ' ' && at[i + 1] == 'o' && at[i + 2] == 'n' && strcspn(at + i, "= >") < to - i &&
                            at[i + strcspn(at + i + 1, "= >") + 1] == '=');
    }
}

static struct tags known;

static void look_html(struct fixture *f)
{
    scoped_free char *html = fixture_render("html", &f->in);
    read_tags(html, NULL, &known);
}

static void the_page_has_no_foreign_tags(void)
{
    for (int i = 0; i < 2 * FIXTURE_CASES; i++) {
        harmless = i >= FIXTURE_CASES; /* the drill as it is, and with texts where it has none that are this short */
        enum fixture_case which = (enum fixture_case)(i % FIXTURE_CASES);
        struct fixture *f = harmless ? spoiled(which) : fixture_new(which);
        scoped_free char *html = fixture_render("html", &f->in);
        read_tags(html, &known, NULL);
        fixture_free(f);
    }
    harmless = false;
    CU_ASSERT(known.n > 20 && !has_tag(&known, "") && !has_tag(&known, "x"));
    try_all(look_html);
}

void suite_property(void)
{
    runner_suite(NULL, NULL);
    runner_test(junit_is_xml);
    runner_test(the_result_is_json);
    runner_test(the_summary_keeps_its_cells);
    runner_test(the_page_has_no_foreign_tags);
}
