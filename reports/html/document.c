/* SPDX-License-Identifier: MIT */
/*
 * The policy allows inline styles and scripts by SHA-256 only. The hashes are computed here, from the very bytes that
 * are written, so that they cannot drift apart. Nothing is ever loaded: default-src is 'none', and data for scripts
 * stands in elements of type application/json, which no policy counts as a script.
 *
 * The order of scripts matters: what draws (another package's) comes before what uses it, and page.js before all of
 * ours, since it makes the object through which they speak to each other.
 */
#include "reports/html/document.h"

#include "harness/base/json.h"
#include "reports/escape.h"

#include <stdlib.h>
#include <string.h>

/* Made from files by embed.cmake: ours in this folder, and those of the Debian package libjs-dygraphs. */
extern const char page_css[], chart_css[], print_css[], suite_css[], dygraph_css[];
extern const char page_js[], cursor_js[], charts_js[], world_js[], dygraph_js[], synchronizer_js[];

static const char *const run_styles[] = {dygraph_css, page_css, chart_css, print_css, NULL};
static const char *const run_scripts[] = {dygraph_js, synchronizer_js, page_js, cursor_js, charts_js, world_js, NULL};
static const char *const suite_styles[] = {page_css, chart_css, suite_css, print_css, NULL};
static const char *const suite_scripts[] = {page_js, NULL};

const struct document_parts document_run = {run_styles, run_scripts};
const struct document_parts document_suite = {suite_styles, suite_scripts};

/* 'sha256-<base64>' of a text, as in CSP level 3. */
static void csp_hash(struct text *t, const char *body)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[SHA256_HEX];
    unsigned char digest[33] = {0};
    sha256_hex(body, strlen(body), hex);
    for (int i = 0; i < 32; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        digest[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    text_add(t, " 'sha256-");
    for (int i = 0; i < 33; i += 3) {
        unsigned v = (unsigned)digest[i] << 16 | (unsigned)digest[i + 1] << 8 | digest[i + 2];
        const char four[5] = {letters[v >> 18], letters[v >> 12 & 63], letters[v >> 6 & 63],
                              i == 30 ? '=' : letters[v & 63], '\0'};
        text_add(t, four);
    }
    text_add(t, "'");
}

static void hashes(struct text *t, const char *directive, const char *const *bodies)
{
    text_addf(t, "%s-src", directive);
    for (; *bodies; bodies++) {
        if (**bodies) {
            csp_hash(t, *bodies);
        }
    }
    text_add(t, "; ");
}

static void elements(struct text *t, const char *name, const char *const *bodies)
{
    for (; *bodies; bodies++) {
        if (**bodies) {
            text_addf(t, "<%s>", name);
            text_add(t, *bodies);
            text_addf(t, "</%s>\n", name);
        }
    }
}

void document_begin(struct text *t, const struct document_parts *parts, const char *title)
{
    text_add(t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ");
    hashes(t, "script", parts->scripts);
    hashes(t, "style", parts->styles);
    text_add(t, "base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    escape(t, ESCAPE_HTML, title);
    text_add(t, "</title>\n");
    elements(t, "style", parts->styles);
    text_add(t, "</head>\n<body>\n");
}

void document_end(struct text *t, const struct document_parts *parts)
{
    elements(t, "script", parts->scripts);
    text_add(t, "</body>\n</html>\n");
}
