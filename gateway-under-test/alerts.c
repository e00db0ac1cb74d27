/* SPDX-License-Identifier: MIT */
/*
 * Each rule looks at the window that ended and says whether it was broken, by what value and against which limit; the
 * rest is the same for all three. A window with fewer than WINDOW_LEAST answers says nothing about quantiles and
 * shares, and teaches nothing; for the traffic rule it is little traffic.
 *
 * Windows are as long as the loop lets them be, so traffic is compared as a rate.
 */
#include "gateway-under-test/alerts.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_LEAST 20
#define ERRORS_LEAST 3

const char *const alert_words[] = {"slow", "errors", "traffic", NULL};

struct finding {
    bool broken;
    double value, usual, limit;
};

/* ---- what is usual ---- */

static void learn(struct usual *u, int64_t value)
{
    u->seen[u->next] = value;
    u->next = (u->next + 1) % ALERT_MEMORY;
    u->count += u->count < ALERT_MEMORY;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The median; NAN: not enough has been seen. */
static double usual_of(const struct usual *u)
{
    int64_t sorted[ALERT_MEMORY];
    size_t middle = u->count / 2;
    if (u->count < ALERT_LEARN)
        return NAN;
    memcpy(sorted, u->seen, u->count * sizeof(*sorted));
    qsort(sorted, u->count, sizeof(*sorted), by_value);
    return (double)sorted[middle];
}

/* ---- the rules ---- */

static struct finding look_slow(struct alerts *a)
{
    int64_t p99 = latency_quantile(&a->window, 99);
    struct finding f = {.value = (double)p99, .usual = usual_of(&a->p99_us)};
    double least = f.usual + (double)(a->cfg->slow_least_ms * 1000);
    f.limit = f.usual * (double)a->cfg->slow_percent / 100;
    f.limit = f.limit > least ? f.limit : least;
    if (a->window.total < WINDOW_LEAST)
        return f;
    f.broken = f.value > f.limit; /* no, while nothing is usual */
    if (!f.broken)
        learn(&a->p99_us, p99);
    return f;
}

static struct finding look_errors(const struct alerts *a)
{
    int64_t n = a->window.total;
    struct finding f = {.value = n ? (double)a->errors / (double)n : 0, .usual = NAN,
                        .limit = (double)a->cfg->error_ppm / 1e6};
    f.broken = n >= WINDOW_LEAST && a->errors >= ERRORS_LEAST && f.value > f.limit;
    return f;
}

static struct finding look_traffic(struct alerts *a, int64_t length_ns)
{
    double factor = (double)a->cfg->traffic_percent / 100;
    int64_t rate = (int64_t)((double)a->window.total * 1e12 / (double)length_ns);
    struct finding f = {.value = (double)rate, .usual = usual_of(&a->rate_milli)};
    bool less = f.value < f.usual;
    f.limit = less ? f.usual / factor : f.usual * factor;
    f.broken = less ? f.value < f.limit : f.value > f.limit;
    if (!f.broken && a->window.total >= WINDOW_LEAST)
        learn(&a->rate_milli, rate);
    return f;
}

static struct finding look(struct alerts *a, enum alert_rule rule, int64_t length_ns)
{
    switch (rule) {
    case ALERT_SLOW:
        return look_slow(a);
    case ALERT_ERRORS:
        return look_errors(a);
    default:
        return look_traffic(a, length_ns);
    }
}

/* ---- raising and clearing ---- */

static struct alert *firing_one(struct alerts *a, enum alert_rule rule)
{
    for (size_t i = a->kept.len; i-- > 0;) {
        if (a->kept.at[i].rule == rule && a->kept.at[i].cleared_ns == 0)
            return &a->kept.at[i];
    }
    return NULL;
}

static void keep(struct alerts *a, const struct alert *one)
{
    if (a->kept.len == ALERT_KEPT) {
        memmove(a->kept.at, a->kept.at + 1, (ALERT_KEPT - 1) * sizeof(*a->kept.at));
        a->kept.len--;
    }
    *vec_push(&a->kept) = *one;
}

/* In the unit that people read: seconds, a share, requests per second. */
static double readable(enum alert_rule rule, double v)
{
    return rule == ALERT_SLOW ? v / 1e6 : rule == ALERT_TRAFFIC ? v / 1e3 : v;
}

static void raise_alert(struct alerts *a, enum alert_rule rule, const struct finding *f)
{
    struct alert one = {.rule = rule, .raised_ns = wall_ns(&a->node->wall), .value = readable(rule, f->value),
                        .usual = readable(rule, f->usual), .limit = readable(rule, f->limit)};
    a->state[rule].firing = true;
    a->state[rule].raised++;
    keep(a, &one);
    node_log(a->node, "alert %s: %.4g, usually %.4g, limit %.4g", alert_words[rule], one.value, one.usual, one.limit);
}

static void clear_alert(struct alerts *a, enum alert_rule rule)
{
    struct alert *one = firing_one(a, rule);
    a->state[rule].firing = false;
    if (one != NULL)
        one->cleared_ns = wall_ns(&a->node->wall);
    node_log(a->node, "alert %s is over", alert_words[rule]);
}

static void judge(struct alerts *a, enum alert_rule rule, const struct finding *f)
{
    int *broken = &a->state[rule].broken, *well = &a->state[rule].well;
    *broken = f->broken ? *broken + 1 : 0;
    *well = f->broken ? 0 : *well + 1;
    if (!a->state[rule].firing && *broken >= a->cfg->after)
        raise_alert(a, rule, f);
    else if (a->state[rule].firing && *well >= a->cfg->after)
        clear_alert(a, rule);
}

void alerts_turn(struct alerts *a, int64_t now)
{
    int64_t length = now - a->window_began;
    for (enum alert_rule rule = 0; rule < ALERT_RULES && length > 0; rule++) {
        if (!(a->cfg->rules & 1U << rule))
            continue;
        struct finding f = look(a, rule, length);
        judge(a, rule, &f);
    }
    a->window_began = now;
    a->window = (struct latency){0};
    a->errors = 0;
}

static void on_window(struct loop_timer *t, int64_t now)
{
    struct alerts *a = owner_of(t, struct alerts, timer);
    alerts_turn(a, now);
    loop_timer_set(a->node->loop, t, now + a->cfg->window_ms * NS_PER_MS);
}

void alerts_note(struct alerts *a, int status, int64_t took_ns)
{
    int64_t us = took_ns / NS_PER_US;
    latency_series_add(&a->series, us);
    if (a->cfg == NULL)
        return;
    latency_add(&a->window, us);
    a->errors += status >= 500;
}

static void begin(struct alerts *a)
{
    loop_timer_stop(&a->timer);
    if (a->cfg == NULL)
        return;
    a->window_began = loop_now(a->node->loop);
    a->window = (struct latency){0};
    a->errors = 0;
    loop_timer_set(a->node->loop, &a->timer, a->window_began + a->cfg->window_ms * NS_PER_MS);
}

void alerts_open(struct alerts *a, struct node *n)
{
    a->node = n;
    a->cfg = n->config->alerts;
    a->timer.due = on_window;
    begin(a);
}

void alerts_close(struct alerts *a)
{
    loop_timer_stop(&a->timer);
    vec_deinit(&a->kept);
}

void alerts_adopt(struct alerts *a, const struct config *next)
{
    bool same = a->cfg != NULL && next->alerts != NULL && a->cfg->window_ms == next->alerts->window_ms;
    a->cfg = next->alerts;
    if (!same)
        begin(a);
}

/* ---- what is told ---- */

json_t *alerts_status(const struct alerts *a)
{
    json_t *all = json_object();
    for (int rule = 0; rule < ALERT_RULES && a->cfg != NULL; rule++) {
        if (a->cfg->rules & 1U << rule)
            json_object_set_new(all, alert_words[rule],
                                json_pack("{s:I, s:b}", "raised", (json_int_t)a->state[rule].raised, "firing",
                                          a->state[rule].firing));
    }
    if (a->cfg != NULL)
        return all;
    json_decref(all);
    return json_null();
}

static json_t *number(double v)
{
    return isnan(v) ? json_null() : json_real(v);
}

json_t *alerts_list(const struct alerts *a)
{
    json_t *list = json_array();
    char raised[32], cleared[32];
    for (size_t i = 0; i < a->kept.len; i++) {
        const struct alert *one = &a->kept.at[i];
        const char *end = one->cleared_ns ? clock_rfc3339(one->cleared_ns, cleared) : NULL;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?, s:o, s:o, s:o}", "rule", alert_words[one->rule],
                                              "state", one->cleared_ns ? "over" : "firing", "raised",
                                              clock_rfc3339(one->raised_ns, raised), "cleared", end, "value",
                                              number(one->value), "usual", number(one->usual), "limit",
                                              number(one->limit)));
    }
    return json_pack("{s:o, s:o}", "rules", alerts_status(a), "alerts", list);
}

void alerts_metrics(const struct alerts *a, struct text *out)
{
    latency_series_print(&a->series, out);
    if (a->cfg == NULL)
        return;
    text_add(out, "# HELP drgateway_alerts_total alerts raised by the gateway's own rules\n"
                  "# TYPE drgateway_alerts_total counter\n");
    for (int rule = 0; rule < ALERT_RULES; rule++)
        text_addf(out, "drgateway_alerts_total{rule=\"%s\"} %lld\n", alert_words[rule],
                  (long long)a->state[rule].raised);
    text_add(out, "# HELP drgateway_alert_firing 1 while an alert of that rule fires\n"
                  "# TYPE drgateway_alert_firing gauge\n");
    for (int rule = 0; rule < ALERT_RULES; rule++)
        text_addf(out, "drgateway_alert_firing{rule=\"%s\"} %d\n", alert_words[rule], a->state[rule].firing);
}
