/* SPDX-License-Identifier: MIT */
/*
 * Small marks that the page of a run and the page of a suite share: a verdict as badge, icon and colour, and a date.
 */
#pragma once
#include "harness/measure/result.h"
#include "reports/html/svg.h"

enum svg_paint html_verdict_paint(enum verdict v);
void html_badge(struct text *t, enum verdict v); /* sign and word */
void html_icon(struct text *t, enum verdict v);  /* the large round one */
void html_date(struct text *t, const char *rfc3339); /* "2026-01-01 06:00:00 UTC", to which scripts add its age */
