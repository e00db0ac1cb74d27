/* SPDX-License-Identifier: MIT */
/*
 * `schedule:` of a suite in the languages of those who keep time: cron(5), Jenkins, systemd.time(7). All in UTC.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/spec/suite.h"

struct err;

/* Five fields; a named schedule begins at 06:17 on the first day of its period,
 * off the hour at which everybody begins. */
const char *calendar_cron(const struct suite *s);
/* The same with H where Jenkins may choose the minute, so that jobs spread. */
void calendar_jenkins(struct text *out, const struct suite *s);
/* What follows OnCalendar=. -1: the cron fields say something that systemd cannot (a step within a range). */
int calendar_systemd(struct text *out, const struct suite *s, struct err *e);
