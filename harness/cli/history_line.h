/* SPDX-License-Identifier: MIT */
/* A line of history.jsonl: the table of its keys, and the line of a run. */
#pragma once
#include "harness/base/json_doc.h"
#include "harness/measure/result.h"

extern const struct json_doc history_doc;
json_t *history_line_of(const struct result *r, const char *result_sha256); /* new reference */
