/* SPDX-License-Identifier: MIT */
/*
 * One decoder, one table per target.
 *
 * The bytes are decoded as UTF-8; an invalid byte becomes U+FFFD. Terminal escape sequences (ECMA-48: CSI, OSC and its
 * relatives, two-character escapes) are dropped whole, since captured output is full of colours that mean nothing in a
 * report. What is left of the control characters, and U+FFFE and U+FFFF, which XML 1.0 cannot carry even as a
 * reference, is written visibly as #x1B. Every other character either has an entry in the target's table or stands
 * for itself. JSON is serialised before it comes here, so only what would end a script element is touched; all of it
 * sits inside JSON strings, where \uXXXX means the same.
 */
#include "reports/escape.h"

#include <string.h>

struct replacement {
    uint32_t c;
    const char *with;
};

static const struct replacement xml_text[] = {{'&', "&amp;"},  {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"},
                                              {'\r', "&#13;"}, {'\n', "\n"},  {'\t', "\t"},  {0, NULL}};
static const struct replacement xml_attribute[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},  {'"', "&quot;"},
                                                   {'\r', "&#13;"}, {'\n', "&#10;"}, {'\t', "&#9;"}, {0, NULL}};
static const struct replacement html[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                                          {'"', "&quot;"}, {'\'', "&#39;"}, {'\r', "\n"},
                                          {'\n', "\n"},    {'\t', "\t"},    {0, NULL}};
static const struct replacement json_script[] = {
    {'<', "\\u003c"}, {0x2028, "\\u2028"}, {0x2029, "\\u2029"}, {'\n', "\n"}, {'\t', "\t"}, {'\r', "\r"}, {0, NULL}};
static const struct replacement markdown[] = {
    {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'|', "\\|"}, {'\\', "\\\\"}, {'`', "\\`"}, {'*', "\\*"},
    {'_', "\\_"},   {'[', "\\["},  {']', "\\]"},  {'~', "\\~"}, {'$', "\\$"},   {'#', "\\#"}, {'!', "\\!"},
    {'@', "&#64;"}, {'\n', " "},   {'\r', " "},   {'\t', " "},  {0, NULL}};
static const struct replacement mermaid[] = {{':', " "},  {';', " "},  {'#', " "}, {',', " "},  {'%', " "},
                                             {'"', " "},  {'\'', " "}, {'<', " "}, {'>', " "},  {'{', " "},
                                             {'}', " "},  {'[', " "},  {']', " "}, {'`', " "},  {'\n', " "},
                                             {'\r', " "}, {'\t', " "}, {'&', " "}, {'\\', " "}, {0, NULL}};
static const struct replacement prom_label[] = {{'\\', "\\\\"}, {'"', "\\\""}, {'\n', "\\n"}, {0, NULL}};
static const struct replacement terminal[] = {{'\n', " "}, {'\r', " "}, {'\t', " "}, {0, NULL}};

static const struct replacement *const tables[] = {
    [ESCAPE_XML_TEXT] = xml_text,       [ESCAPE_XML_ATTRIBUTE] = xml_attribute, [ESCAPE_HTML] = html,
    [ESCAPE_JSON_SCRIPT] = json_script, [ESCAPE_MARKDOWN] = markdown,           [ESCAPE_MERMAID] = mermaid,
    [ESCAPE_PROM_LABEL] = prom_label,   [ESCAPE_TERMINAL] = terminal,           [ESCAPE_TERMINAL_ASCII] = terminal,
};

/* Length of the terminal escape sequence at s (s[0] is ESC), 0 when it is none. An unfinished one is none. */
static size_t sequence_length(const char *s, size_t len)
{
    if (len < 2) {
        return 0;
    }
    size_t i = 2;
    if (s[1] == '[') { /* CSI: parameters 0x30..0x3f, intermediates 0x20..0x2f, one final 0x40..0x7e */
        while (i < len && s[i] >= 0x20 && s[i] <= 0x3f) {
            i++;
        }
        return i < len && s[i] >= 0x40 && s[i] <= 0x7e ? i + 1 : 0;
    }
    if (strchr("]PX^_", s[1])) { /* OSC, DCS, SOS, PM, APC: up to BEL or ESC \ on the same line */
        for (; i < len && s[i] != '\n'; i++) {
            if (s[i] == '\a') {
                return i + 1;
            }
            if (s[i] == 0x1b && i + 1 < len && s[i + 1] == '\\') {
                return i + 2;
            }
        }
        return 0;
    }
    while (i <= len && s[i - 1] >= 0x20 && s[i - 1] <= 0x2f) { /* intermediates, as in ESC ( B */
        i++;
    }
    return i <= len && s[i - 1] >= 0x30 && s[i - 1] <= 0x7e ? i : 0;
}

static const char *replaced(enum escape_kind kind, uint32_t c)
{
    for (const struct replacement *r = tables[kind]; r->with; r++) {
        if (r->c == c) {
            return r->with;
        }
    }
    return NULL;
}

/* Characters that are written visibly: the C0 controls, the two non-characters XML 1.0 excludes, and outside XML also
 * DEL and the C1 controls, by which a terminal can be steered. */
static bool unspeakable(enum escape_kind kind, uint32_t c)
{
    bool xml = kind == ESCAPE_XML_TEXT || kind == ESCAPE_XML_ATTRIBUTE;
    return c < 0x20 || c == 0xfffe || c == 0xffff || (!xml && c >= 0x7f && c <= 0x9f);
}

void escape_bytes(struct text *t, enum escape_kind kind, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t bytes = utf8_decode(s + i, len - i, &c);
        size_t skip = bytes == 1 && c == 0x1b ? sequence_length(s + i, len - i) : 0;
        const char *with = bytes ? replaced(kind, c) : NULL;
        if (skip) {
            i += skip;
            continue;
        }
        if (with) {
            text_add(t, with);
        } else if (bytes == 0) {
            text_add(t, kind == ESCAPE_TERMINAL_ASCII ? "?" : "\xef\xbf\xbd");
        } else if (unspeakable(kind, c)) {
            text_addf(t, "#x%X", (unsigned)c);
        } else if (kind == ESCAPE_TERMINAL_ASCII && c > 0x7e) {
            text_add(t, "?");
        } else {
            text_add_bytes(t, s + i, bytes);
        }
        i += bytes ? bytes : 1;
    }
}

void escape(struct text *t, enum escape_kind kind, const char *s)
{
    if (s) {
        escape_bytes(t, kind, s, strlen(s));
    }
}
