/* SPDX-License-Identifier: MIT */
/*
 * Method: the source line is decoded character by character into what a terminal shows (tabs to the next multiple of
 * four, control characters and broken UTF-8 as `?`), counting columns as it goes, so that the carets stand under the
 * characters meant whatever their width. A very long line is cut to a window around the carets. Nothing from the file
 * reaches the terminal undecoded: a scenario cannot send escape sequences.
 */
#include "harness/base/text.h"
#include "harness/spec/diag.h"
#include <string.h>

enum { TAB_STOP = 4, WINDOW = 140, BEFORE_CARET = 50 };

static const char *const severity_words[] = {"error", "warning"};

static bool shows(uint32_t c)
{
    return c >= 0x20 && !(c >= 0x7F && c < 0xA0) && c != 0x2028 && c != 0x2029 && !(c >= 0x202A && c <= 0x202E) &&
           !(c >= 0x2066 && c <= 0x2069);
}

/* One character of s as the terminal shows it, appended to out unless NULL. Returns its bytes; *column moves on. */
static size_t show_char(struct text *out, const char *s, size_t len, int *column)
{
    uint32_t c = 0;
    size_t bytes = utf8_decode(s, len, &c);
    if (bytes && c == '\t') {
        do {
            if (out) {
                text_add(out, " ");
            }
            ++*column;
        } while (*column % TAB_STOP);
        return bytes;
    }
    if (bytes == 0 || !shows(c)) {
        if (out) {
            text_add(out, "?");
        }
        ++*column;
        return bytes ? bytes : 1;
    }
    if (out) {
        text_add_bytes(out, s, bytes);
    }
    *column += char_columns(c);
    return bytes;
}

static void show_text(struct text *out, const char *s)
{
    int column = 0;
    for (size_t len = strlen(s), i = 0; i < len;) {
        i += show_char(out, s + i, len - i, &column);
    }
}

struct extent {
    int begin, end, total; /* in terminal columns, from 0 */
};

static struct extent measure(const struct diag_place *p)
{
    struct extent x = {-1, -1, 0};
    size_t len = strlen(p->text);
    int column = 0, character = 1;
    for (size_t i = 0; i < len; character++) {
        if (character == p->column) {
            x.begin = column;
        }
        if (character == p->column + p->length) {
            x.end = column;
        }
        i += show_char(NULL, p->text + i, len - i, &column);
    }
    x.total = column;
    x.begin = x.begin < 0 ? column : x.begin;
    x.end = x.end <= x.begin ? (column > x.begin ? column : x.begin + 1) : x.end;
    return x;
}

static void repeat(struct text *out, char c, int n)
{
    for (int i = 0; i < n; i++) {
        text_add_bytes(out, &c, 1);
    }
}

/* The line and, below it, the carets with their label. */
static void show_line(struct text *out, const struct diag_place *p, int gutter, char mark, const char *label)
{
    struct extent x = measure(p);
    int from = 0;
    if (x.total > WINDOW && x.begin > BEFORE_CARET) {
        from = x.begin - BEFORE_CARET;
    }
    int end = x.end > from + WINDOW ? from + WINDOW : x.end;

    text_addf(out, "%*d |", gutter, p->line);
    if (x.total > 0) {
        text_add(out, from ? " ..." : " ");
    }
    int column = 0, first = from;
    bool begun = false;
    size_t len = strlen(p->text);
    for (size_t i = 0; i < len && column < from + WINDOW;) {
        bool seen = column >= from;
        if (seen && !begun) {
            first = column;
            begun = true;
        }
        i += show_char(seen ? out : NULL, p->text + i, len - i, &column);
    }
    if (x.total > from + WINDOW) {
        text_add(out, "...");
    }
    text_addf(out, "\n%*s | ", gutter, "");
    repeat(out, ' ', x.begin - first + (from ? 3 : 0));
    repeat(out, mark, end > x.begin ? end - x.begin : 1);
    if (label) {
        text_add(out, " ");
        show_text(out, label);
    }
    text_add(out, "\n");
}

static void show_place(struct text *out, const struct diag_place *p, int gutter, const char *arrow)
{
    text_addf(out, "%*s%s ", gutter, "", arrow);
    show_text(out, p->file);
    if (p->line > 0) {
        text_addf(out, ":%d:%d", p->line, p->column);
    }
    text_addf(out, "\n");
}

static int digits(int n)
{
    int d = 1;
    for (; n >= 10; n /= 10) {
        d++;
    }
    return d;
}

static int gutter_of(const struct diag *d)
{
    int most = d->at.line;
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        most = n->at.line > most ? n->at.line : most;
    }
    return digits(most);
}

static void show(struct text *out, const struct diag *d, bool color)
{
    int gutter = gutter_of(d);
    const char *paint = d->severity == DIAG_ERROR ? "\033[1;31m" : "\033[1;33m";
    text_addf(out, "%s%s[DR%04d]%s: ", color ? paint : "", severity_words[d->severity], d->code,
              color ? "\033[0m" : "");
    show_text(out, d->message);
    text_add(out, "\n");
    show_place(out, &d->at, gutter, "-->");
    if (d->at.line > 0) {
        text_addf(out, "%*s |\n", gutter, "");
        show_line(out, &d->at, gutter, '^', d->label);
    }
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        if (n->at.file) {
            show_place(out, &n->at, gutter, ":::");
            text_addf(out, "%*s |\n", gutter, "");
            show_line(out, &n->at, gutter, '-', n->message);
        }
    }
    if (d->help) {
        text_addf(out, "%*s = help: ", gutter, "");
        show_text(out, d->help);
        text_add(out, "\n");
    }
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        if (!n->at.file) {
            text_addf(out, "%*s = note: ", gutter, "");
            show_text(out, n->message);
            text_add(out, "\n");
        }
    }
}

void diag_print(const struct diag_list *l, struct text *out, bool color)
{
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0) {
            text_add(out, "\n");
        }
        show(out, l->at[i], color);
    }
    size_t dropped = l->errors + l->warnings - l->count;
    if (dropped > 0) {
        text_addf(out, "\nand %zu more, not shown\n", dropped);
    }
}

/* Workflow commands: % CR LF are escaped everywhere, : and , in properties, too. */
static void github_escape(struct text *out, const char *s, bool property)
{
    for (; *s; s++) {
        if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ','))) {
            text_addf(out, "%%%02X", (unsigned)(unsigned char)*s);
        } else {
            text_add_bytes(out, s, 1);
        }
    }
}

void diag_print_github(const struct diag_list *l, struct text *out)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct diag *d = l->at[i];
        text_addf(out, "::%s file=", severity_words[d->severity]);
        github_escape(out, d->at.file, true);
        if (d->at.line > 0) {
            text_addf(out, ",line=%d,col=%d", d->at.line, d->at.column);
        }
        text_addf(out, ",title=DR%04d::", d->code);
        github_escape(out, d->message, false);
        if (d->help) {
            text_add(out, "; ");
            github_escape(out, d->help, false);
        }
        text_add(out, "\n");
    }
}

/* Texts may have been cut within a character, and file names are bytes: what is not UTF-8 becomes a question mark. */
static json_t *json_text(const char *s)
{
    if (!s) {
        return json_null();
    }
    json_t *j = json_string(s);
    if (!j) {
        scoped_text struct text shown = {0};
        show_text(&shown, s);
        j = json_string(text_str(&shown));
    }
    return j;
}

static void put_place(json_t *o, const struct diag_place *p)
{
    json_object_set_new(o, "file", json_text(p->file));
    json_object_set_new(o, "line", p->line > 0 ? json_integer(p->line) : json_null());
    json_object_set_new(o, "column", p->line > 0 ? json_integer(p->column) : json_null());
    json_object_set_new(o, "length", p->line > 0 ? json_integer(p->length) : json_null());
}

json_t *diag_json(const struct diag_list *l)
{
    json_t *all = json_array();
    for (size_t i = 0; i < l->count; i++) {
        const struct diag *d = l->at[i];
        json_t *o = json_object(), *notes = json_array();
        json_object_set_new(o, "severity", json_string(severity_words[d->severity]));
        json_object_set_new(o, "code", json_sprintf("DR%04d", d->code));
        put_place(o, &d->at);
        json_object_set_new(o, "message", json_text(d->message));
        json_object_set_new(o, "label", json_text(d->label));
        json_object_set_new(o, "help", json_text(d->help));
        for (const struct diag_note *n = d->notes; n; n = n->next) {
            json_t *note = json_object();
            json_object_set_new(note, "message", json_text(n->message));
            if (n->at.file) {
                put_place(note, &n->at);
            }
            json_array_append_new(notes, note);
        }
        json_object_set_new(o, "notes", notes);
        json_array_append_new(all, o);
    }
    return all;
}
