/* SPDX-License-Identifier: MIT */
/*
 * Escaping: foreign bytes on their way into a report. Every text that a report did not invent itself goes through here.
 *
 * The input may be any bytes. The output is always valid UTF-8, holds no control character that the target cannot
 * carry, and cannot end the place it is put into. Called by all writers of reports; owns nothing.
 */
#pragma once
#include "harness/base/text.h"

enum escape_kind {
    ESCAPE_XML_TEXT,      /* between tags; XML 1.0 section 2.2, interface of the JUnit file */
    ESCAPE_XML_ATTRIBUTE, /* between double quotes; TAB, LF and CR survive as references */
    ESCAPE_HTML,          /* between tags and between double quotes */
    ESCAPE_JSON_SCRIPT,   /* serialised JSON inside <script type="application/json"> */
    ESCAPE_MARKDOWN,      /* a table cell or one line of GitHub Markdown */
    ESCAPE_MERMAID,       /* the name of a task in a gantt chart */
    ESCAPE_PROM_LABEL,    /* a label value between double quotes; Prometheus text 0.0.4 */
    ESCAPE_TERMINAL,      /* one line on a terminal: no control character, no escape sequence */
    ESCAPE_TERMINAL_ASCII /* the same where only ASCII can be shown */
};

void escape_bytes(struct text *t, enum escape_kind kind, const char *s, size_t len);
void escape(struct text *t, enum escape_kind kind, const char *s); /* NULL adds nothing */
