/* SPDX-License-Identifier: MIT */
/*
 * The shell of every HTML page of ours: head with its content security policy, styles, and the scripts at the end.
 *
 * Called by the page of a run and by the page of a suite. Owns nothing. A page holds exactly the styles and scripts of
 * its list, and its policy allows exactly those, by hash of the bytes that are written.
 */
#pragma once
#include "harness/base/text.h"

/* Bodies of <style> and <script> elements, NULL at the end. A part that was not there at build time (the charts of
 * another package) is empty and left out. */
struct document_parts {
    const char *const *styles, *const *scripts;
};
extern const struct document_parts document_run, document_suite;

void document_begin(struct text *t, const struct document_parts *parts, const char *title); /* up to <body> */
void document_end(struct text *t, const struct document_parts *parts);
