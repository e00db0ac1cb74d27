/* SPDX-License-Identifier: MIT */
/*
 * Escaping: the rules by example, then properties over random bytes, then an XML parser's opinion of the same bytes.
 */
#include "reports/escape.h"

#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <unistd.h>

enum { ROUNDS = 10000, LEN_MAX = 60 };

static const struct {
    enum escape_kind kind;
    const char *in, *out;
} examples[] = {
    {ESCAPE_XML_TEXT, "a<b>&\"'c", "a&lt;b&gt;&amp;&quot;'c"},
    {ESCAPE_XML_TEXT, "x ]]> y", "x ]]&gt; y"},
    {ESCAPE_XML_TEXT, "tab\there\nnext\rcr", "tab\there\nnext&#13;cr"},
    {ESCAPE_XML_ATTRIBUTE, "tab\there\nnext\rcr", "tab&#9;here&#10;next&#13;cr"},
    {ESCAPE_XML_TEXT, "\033[1;31mred\033[0m", "red"},
    {ESCAPE_XML_TEXT, "\033]0;title\007text\033]8;;u\033\\", "text"},
    {ESCAPE_XML_TEXT, "\033(Bcharset\033c", "charset"},
    {ESCAPE_XML_TEXT, "lone \033", "lone #x1B"},
    {ESCAPE_XML_TEXT, "open \033[12", "open #x1B[12"},
    {ESCAPE_XML_TEXT, "bell\a", "bell#x7"},
    {ESCAPE_XML_TEXT, "\xef\xbf\xbe \xef\xbf\xbf", "#xFFFE #xFFFF"},
    {ESCAPE_XML_TEXT, "\xff \xc0\x80 \xed\xa0\x80",
     "\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {ESCAPE_XML_TEXT, "\xf0\x9f\x94\xa5 é", "\xf0\x9f\x94\xa5 é"},
    {ESCAPE_HTML, "<a href=\"x\" onclick='y'>&", "&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;"},
    {ESCAPE_JSON_SCRIPT, "{\"a\":\"</script>\xe2\x80\xa8\"}", "{\"a\":\"\\u003c/script>\\u2028\"}"},
    {ESCAPE_MARKDOWN, "a|b\nc `d` <e> _f_", "a\\|b c \\`d\\` &lt;e&gt; \\_f\\_"},
    {ESCAPE_MERMAID, "kill: us-east, now; #1", "kill  us-east  now   1"},
    {ESCAPE_PROM_LABEL, "a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
    {ESCAPE_TERMINAL, "a\033[2Jb\nc\xc2\x9b", "ab c#x9B"},
    {ESCAPE_TERMINAL_ASCII, "caf\xc3\xa9 \xff", "caf? ?"},
};

static void follows_the_rules(void)
{
    for (size_t i = 0; i < array_len(examples); i++) {
        scoped_text struct text t = {0};
        escape(&t, examples[i].kind, examples[i].in);
        CU_ASSERT_STRING_EQUAL(text_str(&t), examples[i].out);
    }
    scoped_text struct text t = {0};
    escape(&t, ESCAPE_HTML, NULL);
    escape_bytes(&t, ESCAPE_HTML, "a\0b", 3);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "a#x0b");
}

static size_t random_bytes(struct rng *r, char out[LEN_MAX])
{
    static const char likely[] = "<>&\"'\033[]m;|`\\\n\r\t-:#,{}\x9b\xc2\xef\xbf\xbe\xbd\xe2\x80\xa8/script";
    size_t len = rng_below(r, LEN_MAX);
    for (size_t i = 0; i < len; i++) {
        out[i] = rng_below(r, 2) ? (char)rng_below(r, 256) : likely[rng_below(r, sizeof(likely) - 1)];
    }
    return len;
}

static bool clean_utf8(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t bytes = utf8_decode(s + i, len - i, &c);
        if (bytes == 0 || c == 0xfffe || c == 0xffff || (c < 0x20 && c != '\n' && c != '\t' && c != '\r')) {
            return false;
        }
        i += bytes;
    }
    return true;
}

/* Every & begins an entity of ours. */
static bool entities_only(const char *s)
{
    for (s = strchr(s, '&'); s; s = strchr(s + 1, '&')) {
        size_t name = strspn(s + 1, "abcdefghijklmnopqrstuvwxyz#0123456789");
        if (name == 0 || s[1 + name] != ';') {
            return false;
        }
    }
    return true;
}

static bool quote_is_escaped(const char *s)
{
    for (size_t i = 0; s[i]; i++) {
        if (s[i] == '\\' && s[i + 1]) {
            i++;
        } else if (s[i] == '"' || s[i] == '\n' || s[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* No character of Markdown that could begin something stands without a backslash before it. */
static bool markdown_is_escaped(const char *s)
{
    for (size_t i = 0; s[i]; i++) {
        if (s[i] == '\\' && s[i + 1]) {
            i++;
        } else if (strchr("|`*_[]", s[i])) {
            return false;
        }
    }
    return true;
}

static void holds_for_random_bytes(void)
{
    struct rng r;
    rng_init(&r, 1, "escape");
    unsigned broken = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char in[LEN_MAX];
        size_t len = random_bytes(&r, in);
        for (int kind = ESCAPE_XML_TEXT; kind <= ESCAPE_TERMINAL_ASCII; kind++) {
            scoped_text struct text t = {0};
            escape_bytes(&t, (enum escape_kind)kind, in, len);
            const char *s = text_str(&t);
            broken += !clean_utf8(s, t.len) || strlen(s) != t.len;
            switch ((enum escape_kind)kind) {
            case ESCAPE_XML_ATTRIBUTE:
                broken += strpbrk(s, "\t\n\r") != NULL; /* fall through */
            case ESCAPE_XML_TEXT:                       /* fall through */
            case ESCAPE_HTML:
                broken += strpbrk(s, "<>\"") != NULL || !entities_only(s);
                break;
            case ESCAPE_JSON_SCRIPT:
                broken += strchr(s, '<') != NULL || strstr(s, "\xe2\x80\xa8") != NULL;
                break;
            case ESCAPE_MARKDOWN:
                broken += strpbrk(s, "\n\r<>") != NULL || !markdown_is_escaped(s);
                break;
            case ESCAPE_MERMAID:
                broken += strpbrk(s, ":;,\n%`") != NULL;
                break;
            case ESCAPE_PROM_LABEL:
                broken += !quote_is_escaped(s);
                break;
            case ESCAPE_TERMINAL:
                broken += strpbrk(s, "\033\n\r\t") != NULL;
                break;
            case ESCAPE_TERMINAL_ASCII:
                broken += strspn(s, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") != t.len;
                break;
            }
        }
    }
    CU_ASSERT_EQUAL(broken, 0);
}

static void keeps_json_the_same(void)
{
    struct rng r;
    rng_init(&r, 2, "escape/json");
    for (int i = 0; i < ROUNDS; i++) {
        scoped_json json_t *doc = json_array();
        char in[LEN_MAX];
        size_t len = random_bytes(&r, in);
        scoped_text struct text clean = {0}, t = {0};
        escape_bytes(&clean, ESCAPE_PROM_LABEL, in, len);
        json_array_append_new(doc, json_stringn(text_str(&clean), clean.len));
        scoped_free char *dumped = json_dumps(doc, JSON_COMPACT);
        escape(&t, ESCAPE_JSON_SCRIPT, dumped);
        scoped_json json_t *back = json_loads(text_str(&t), 0, NULL);
        CU_ASSERT(json_equal(doc, back));
    }
}

static void satisfies_an_xml_parser(void)
{
    if (access("/usr/bin/xmllint", X_OK) != 0) {
        runner_skip("xmllint is not installed (Debian package libxml2-utils)");
        return;
    }
    struct rng r;
    rng_init(&r, 3, "escape/xml");
    scoped_text struct text t = {0};
    text_add(&t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r>");
    for (int i = 0; i < ROUNDS; i++) {
        char in[LEN_MAX];
        size_t len = random_bytes(&r, in);
        text_add(&t, "<e a=\"");
        escape_bytes(&t, ESCAPE_XML_ATTRIBUTE, in, len);
        text_add(&t, "\">");
        escape_bytes(&t, ESCAPE_XML_TEXT, in, len);
        text_add(&t, "</e>\n");
    }
    text_add(&t, "</r>\n");
    char path[] = "/tmp/drtest-escape-XXXXXX";
    scoped_fd int fd = mkstemp(path);
    CU_ASSERT_EQUAL(write(fd, t.at, t.len), (ssize_t)t.len);
    const char *const argv[] = {"/usr/bin/xmllint", "--noout", path, NULL};
    const char *const envp[] = {NULL};
    struct child c = {0};
    struct err e = {0};
    CU_ASSERT_EQUAL(child_exec(&c, argv, envp, -1, NULL, NULL, &e), 0);
    CU_ASSERT_EQUAL(child_wait(&c, 20 * NS_PER_S, &e), 0);
    CU_ASSERT_EQUAL(c.status, 0);
    (void)child_stop(&c, 0, &e);
    unlink(path);
}

void suite_escape(void)
{
    runner_suite(NULL, NULL);
    runner_test(follows_the_rules);
    runner_test(holds_for_random_bytes);
    runner_test(keeps_json_the_same);
}

void suite_escape_xmllint(void)
{
    runner_suite(NULL, NULL);
    runner_test(satisfies_an_xml_parser);
}
