/* SPDX-License-Identifier: MIT */
/*
 * What pools say, as JSON for suite.json and --json, and as lines for people.
 */
#pragma once
#include "harness/cli/suite_json.h"
#include "harness/measure/pool.h"

struct text;

/* An element of statistics[]; texts are borrowed from the pool. */
struct suite_json_statistics statistics_row(const struct pool *p);
void statistics_row_deinit(struct suite_json_statistics *row);
json_t *statistics_json(const struct pool *p);
void statistics_text(struct text *out, const struct pool *p);

json_t *change_json(const struct pool_change *c);           /* an element of objectives[] of a comparison */
/* trend: claim nothing below STATS_SIDE_CLAIM runs a side. */
void change_text(struct text *out, const struct pool_change *c, bool trend);

/* Too few runs to read anything into no finding, and the sentence that says so. */
bool change_few(const struct pool_change *c);
extern const char *const change_few_text;

/* A number for JSON: null for NAN and for what is open. */
json_t *statistics_number(double v);
