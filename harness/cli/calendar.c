/* SPDX-License-Identifier: MIT */
/*
 * Cron's fields become those of systemd one by one: lists stay lists, a-b becomes a..b, a step over everything becomes
 * one from the field's first value. Cron fires when day of month or day of week fits, should both be given, systemd
 * when both do; such a schedule is refused, and so is what else has no counterpart, rather than translated into another
 * one.
 */
#include "harness/cli/calendar.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *cron, *systemd;
} named[] = {
    [SCHEDULE_NONE] = {"", ""},
    [SCHEDULE_DAILY] = {"17 6 * * *", "*-*-* 06:17:00 UTC"},
    [SCHEDULE_WEEKLY] = {"17 6 * * 1", "Mon *-*-* 06:17:00 UTC"},
    [SCHEDULE_MONTHLY] = {"17 6 1 * *", "*-*-01 06:17:00 UTC"},
    [SCHEDULE_QUARTERLY] = {"17 6 1 1,4,7,10 *", "*-01,04,07,10-01 06:17:00 UTC"},
    [SCHEDULE_YEARLY] = {"17 6 1 1 *", "*-01-01 06:17:00 UTC"},
    [SCHEDULE_CRON] = {"", ""},
};

const char *calendar_cron(const struct suite *s)
{
    return s->schedule == SCHEDULE_CRON ? s->cron : named[s->schedule].cron;
}

void calendar_jenkins(struct text *out, const struct suite *s)
{
    const char *cron = calendar_cron(s);
    text_addf(out, "%s", s->schedule == SCHEDULE_CRON ? cron : "H");
    if (s->schedule != SCHEDULE_CRON) {
        text_add(out, strchr(cron, ' '));
    }
}

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/* A number of a field as systemd writes it. False: none of that field. */
static bool add_value(struct text *out, int field, const char *s, size_t len)
{
    static const int most[FIELDS] = {59, 23, 31, 12, 7};
    if (len == 0 || len > 2 || strspn(s, "0123456789") < len) {
        return false;
    }
    int v = atoi(s);
    if (v > most[field] || (v == 0 && (field == DAY || field == MONTH))) {
        return false;
    }
    if (field == WEEKDAY) {
        text_add(out, weekdays[v]);
    } else {
        text_addf(out, "%02d", v);
    }
    return true;
}

/* One entry of a list: a number, a range, or a step over everything. */
static bool add_entry(struct text *out, int field, const char *s, size_t len)
{
    const char *dash = memchr(s, '-', len), *slash = memchr(s, '/', len);
    if (slash) {
        bool all = slash == s + 1 && *s == '*' && field != WEEKDAY;
        text_add(out, field == DAY || field == MONTH ? "01/" : "00/");
        return all && add_value(out, field, slash + 1, (size_t)(s + len - slash - 1));
    }
    if (!dash) {
        return add_value(out, field, s, len);
    }
    bool first = add_value(out, field, s, (size_t)(dash - s));
    text_add(out, "..");
    return first && add_value(out, field, dash + 1, (size_t)(s + len - dash - 1));
}

static bool add_field(struct text *out, int field, const char *s)
{
    if (text_eq(s, "*")) {
        text_add(out, "*");
        return true;
    }
    for (const char *between = "";; between = ",") {
        size_t len = strcspn(s, ",");
        text_add(out, between);
        if (!add_entry(out, field, s, len)) {
            return false;
        }
        if (!s[len]) {
            return true;
        }
        s += len + 1;
    }
}

/* OnCalendar= has the weekday first and left out when it is any. */
static bool translate(struct text *out, char *const fields[FIELDS])
{
    if (!text_eq(fields[WEEKDAY], "*")) {
        if (!text_eq(fields[DAY], "*") || !add_field(out, WEEKDAY, fields[WEEKDAY])) {
            return false;
        }
        text_add(out, " ");
    }
    text_add(out, "*-");
    bool right = add_field(out, MONTH, fields[MONTH]);
    text_add(out, "-");
    right = right && add_field(out, DAY, fields[DAY]);
    text_add(out, " ");
    right = right && add_field(out, HOUR, fields[HOUR]);
    text_add(out, ":");
    right = right && add_field(out, MINUTE, fields[MINUTE]);
    text_add(out, ":00 UTC");
    return right;
}

int calendar_systemd(struct text *out, const struct suite *s, struct err *e)
{
    if (s->schedule != SCHEDULE_CRON) {
        text_add(out, named[s->schedule].systemd);
        return 0;
    }
    scoped_free char *copy = xstrdup(s->cron);
    char *fields[FIELDS], *rest = NULL;
    int n = 0;
    for (char *f = strtok_r(copy, " ", &rest); f && n < FIELDS; f = strtok_r(NULL, " ", &rest)) {
        fields[n++] = f;
    }
    if (n == FIELDS && translate(out, fields)) {
        return 0;
    }
    err_set(e, ERR_MEANING, s->file, "the schedule `%.80s` cannot be said in systemd's words", s->cron);
    return err_help(e, "use numbers, lists, ranges and */n, and either a day of the month or a day of the week");
}
