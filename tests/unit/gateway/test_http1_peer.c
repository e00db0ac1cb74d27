/* SPDX-License-Identifier: MIT */
/*
 * The HTTP parser beside another one: Debian's http-parser, which nobody here wrote. Both read every request of
 * tests/data/http1/requests.txt and must come to the same end: what they take has the same method, target, fields, body
 * and length, and the same is to become of the connection.
 *
 * Where they differ, the request's line names the rule of ours that makes the difference, and the table below argues
 * for it. Each rule says what both parsers do, so that a rule cannot hide anything else; a rule that no request needs
 * is a failure.
 */
#include "gateway-under-test/http1.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/gateway/http1_peer.h"
#include "tests/unit/runner.h"

#ifndef HTTP_PARSER_THERE

static void both_parsers_agree(void)
{
    runner_skip("built without http-parser (Debian package libhttp-parser-dev)");
}

#else

#include <stdio.h>
#include <stdlib.h>

#define REQUESTS_MIN 300
#define AGREEMENTS 3 /* the first rows of the table */

static const char *const words[] = {"taken", "refused", "unfinished"};

static const struct rule {
    const char *name;
    enum end ours, theirs; /* TAKEN twice: taken, but not for the same */
    const char *why;
} rules[] = {
    /* They agree. */
    {"ok", TAKEN, TAKEN, "both take it for the same"},
    {"no", REFUSED, REFUSED, "both refuse it"},
    {"more", UNFINISHED, UNFINISHED, "both wait for the rest"},
    /* They do not. */
    {"line-end", REFUSED, TAKEN,
     "RFC 9112 lets one take a lone LF for the end of a line; where two servers differ about that, or about a lone CR, "
     "one of them reads a request that the other has not seen"},
    {"fold", REFUSED, TAKEN, "RFC 9112 section 5.2: a server must refuse a folded field, or unfold it"},
    {"host", REFUSED, TAKEN,
     "RFC 9112 section 3.2: no Host, or two, must be answered with 400; http-parser leaves that to its user"},
    {"leading-line", REFUSED, TAKEN,
     "RFC 9112 section 2.2 lets a server skip empty lines before a request; no client of ours sends them, and they are "
     "what is left over when the end of a body was misjudged"},
    {"target-form", REFUSED, TAKEN,
     "the gateway is neither a forward proxy nor asked about itself as a whole: its routes begin with a slash, and a "
     "target with a host of its own could contradict Host; nor does it make tunnels"},
    {"version", REFUSED, TAKEN,
     "HTTP/1.0 and 1.1 are spoken here, not 0.9, whose answers have no head, nor what 1.9 or 2.0 may mean by the same "
     "bytes"},
    {"coding", REFUSED, TAKEN,
     "the one transfer coding understood is chunked, once, in HTTP/1.1; http-parser then takes the body for as long as "
     "Content-Length or the connection says, which the next server may not"},
    {"trailer", REFUSED, TAKEN, "fields after the body would have to be merged or dropped; nothing here sends them"},
    {"space-in-name", REFUSED, TAKEN,
     "RFC 9112 section 5.1: a space before the colon must be refused, since servers differ about the name; http-parser "
     "drops spaces in it"},
    {"one-space", REFUSED, TAKEN,
     "RFC 9112 section 3: a single space between the parts of the first line; servers differ about more"},
    {"chunk-line", REFUSED, TAKEN,
     "spaces after the size, sizes of more than eight digits, control characters in an extension: smuggling has been "
     "built on each"},
    {"limit", REFUSED, TAKEN,
     "heads of 16 KiB and 64 fields, bodies of 1 MiB: the gateway's limits, answered with 431 or 413"},
    {"limit-waits", REFUSED, UNFINISHED, "the same, of a body that has not come yet"},
    {"target-bytes", REFUSED, TAKEN, "bytes beyond ASCII have to be percent-encoded in a target (RFC 3986)"},
    {"method", TAKEN, REFUSED,
     "a method is any token (RFC 9110 section 9.1); the gateway passes on what an origin may know"},
    {"stay-1.0", TAKEN, TAKEN,
     "HTTP/1.0 connections are closed after one answer, whatever Connection says: a server may always close"},
    {"control", REFUSED, TAKEN,
     "control characters in a field may be refused (RFC 9110 section 5.5); log files and terminals are grateful"},
};

static void reading_deinit(struct reading *r)
{
    text_deinit(&r->method);
    text_deinit(&r->target);
    text_deinit(&r->fields);
    text_deinit(&r->body);
}
#define scoped_reading __attribute__((cleanup(reading_deinit)))

static void add_span(struct text *t, struct http_span s)
{
    text_add_bytes(t, s.at, s.len);
}

static void read_ours(struct reading *r, const struct text *raw)
{
    struct http_message m;
    scoped_free char *bytes = malloc(raw->len + 1);
    memcpy(bytes, text_str(raw), raw->len);
    http_begin_request(&m);
    enum http_progress p = http_read(&m, bytes, raw->len);
    r->end = p == HTTP_DONE ? TAKEN : p == HTTP_MORE ? UNFINISHED : REFUSED;
    if (p != HTTP_DONE)
        return;
    add_span(&r->method, http_method(&m, bytes));
    add_span(&r->target, http_target(&m, bytes));
    add_span(&r->body, http_body(&m, bytes));
    for (size_t i = 0; i < m.field_count; i++) {
        text_add_bytes(&r->fields, bytes + m.fields[i].name_at, m.fields[i].name_len);
        text_add(&r->fields, ":");
        text_add_bytes(&r->fields, bytes + m.fields[i].value_at, m.fields[i].value_len);
        text_add(&r->fields, "\n");
    }
    r->keep_alive = m.keep_alive;
    r->used = m.used;
}

static bool same_text(const struct text *a, const struct text *b)
{
    return a->len == b->len && memcmp(text_str(a), text_str(b), a->len) == 0;
}

static bool same(const struct reading *a, const struct reading *b)
{
    if (a->end != TAKEN || b->end != TAKEN)
        return a->end == b->end;
    return a->used == b->used && a->keep_alive == b->keep_alive && same_text(&a->method, &b->method) &&
           same_text(&a->target, &b->target) && same_text(&a->fields, &b->fields) && same_text(&a->body, &b->body);
}

/* Backslashes in the file: \r \n \t \\ \xHH, and \{c*N} for N times c. */
static void unfold(const char *s, struct text *out)
{
    while (*s != '\0') {
        int used = 1;
        unsigned byte = (unsigned char)*s, times = 1;
        char letter = *s;
        if (*s == '\\' && sscanf(s, "\\x%2x%n", &byte, &used) != 1 &&
            sscanf(s, "\\{%c*%u}%n", &letter, &times, &used) != 2) {
            letter = s[1] == 'r' ? '\r' : s[1] == 'n' ? '\n' : s[1] == 't' ? '\t' : '\\';
            used = 2;
        } else if (s[0] == '\\' && s[1] == 'x') {
            letter = (char)byte;
        }
        while (times-- > 0)
            text_add_bytes(out, &letter, 1);
        s += used;
    }
}

static size_t find_rule(const char *name)
{
    size_t i = 0;
    while (i < array_len(rules) && strcmp(rules[i].name, name) != 0)
        i++;
    return i;
}

static bool tells_the_truth(const struct rule *rule, const struct reading *ours, const struct reading *theirs)
{
    bool agree = rule < rules + AGREEMENTS;
    return ours->end == rule->ours && theirs->end == rule->theirs && same(ours, theirs) == agree;
}

/* One line, "RULE REQUEST". */
static void compare(char *line, size_t needed[array_len(rules)])
{
    char *request = strchr(line, ' ');
    CU_ASSERT_PTR_NOT_NULL_FATAL(request);
    *request++ = '\0';
    size_t i = find_rule(line);
    scoped_text struct text raw = {0};
    scoped_reading struct reading ours = {0}, theirs = {0};
    unfold(request, &raw);
    read_ours(&ours, &raw);
    peer_read(&theirs, &raw);
    bool fine = i < array_len(rules) && tells_the_truth(&rules[i], &ours, &theirs);
    CU_ASSERT_TRUE(fine);
    if (fine)
        needed[i]++;
    else
        printf("%s (%s), %.200s: %s here, %s by http-parser, %s\n", line,
               i < array_len(rules) ? rules[i].why : "no such rule", request, words[ours.end], words[theirs.end],
               same(&ours, &theirs) ? "the same" : "not the same");
}

static void both_parsers_agree(void)
{
    size_t needed[array_len(rules)] = {0}, count = 0;
    scoped_text struct text file = {0};
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(text_read_file(&file, DRTEST_SOURCE_DIR "/tests/data/http1/requests.txt", 1 << 20, &e), 0);
    for (char *line = file.at, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (*line == '#' || *line == '\0')
            continue;
        compare(line, needed);
        count++;
    }
    CU_ASSERT_TRUE(count >= REQUESTS_MIN);
    for (size_t i = 0; i < array_len(rules); i++) {
        CU_ASSERT_TRUE(needed[i] > 0);
        if (needed[i] == 0)
            printf("no request needs the rule %s\n", rules[i].name);
    }
}

#endif

void suite_http1_peer(void)
{
    runner_suite(NULL, NULL);
    runner_test(both_parsers_agree);
}
