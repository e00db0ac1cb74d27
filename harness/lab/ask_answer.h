/* SPDX-License-Identifier: MIT */
/*
 * The answer to an ask, as far as it has come: status line, announced length, JSON body. Called by ask.c. Pure; the
 * bytes come from the system under test and are hostile.
 */
#pragma once
#include "harness/base/text.h"
#include <jansson.h>

#define ASK_ANSWER_MAX 65536

int ask_answer_status(const struct text *t);    /* of "HTTP/1.x NNN", 0 if it does not begin so */
bool ask_answer_complete(const struct text *t); /* all of the announced length is there; false if none was announced */
size_t ask_answer_body_len(const struct text *t); /* as far as it has come */
int64_t ask_answer_retry_after(const struct text *t); /* seconds, as the head says; -1: it does not, or no number */
json_t *ask_answer_body(const struct text *t);  /* new reference; NULL: no JSON, longer than announced, or cut short */
