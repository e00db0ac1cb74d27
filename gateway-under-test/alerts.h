/* SPDX-License-Identifier: MIT */
/*
 * A gateway that watches itself: three rules over windows of equal length, an alert when a rule has been broken for so
 * many windows in a row.
 *
 *     slow      p99 above so many times the usual p99, and at least so much above it
 *     errors    more than that share of the answers is a 5xx
 *     traffic   requests in the window above so many times the usual number, or below the usual number by as much
 *
 * Owned by gateway.c, fed by every answer on a service port. What is usual is learned: the median of the last minute of
 * windows in which the rule held. Invariant: a window that breaks a rule teaches it nothing, so an incident cannot
 * become the usual.
 */
#pragma once
#include "gateway-under-test/config.h"
#include "gateway-under-test/latency.h"
#include "harness/base/loop.h"
#include "harness/base/vec.h"

struct node;
struct text;

#define ALERT_MEMORY 64 /* windows that are looked back on */
#define ALERT_LEARN 8   /* windows before anything is usual */
#define ALERT_KEPT 64   /* alerts that are remembered */

enum alert_rule { ALERT_SLOW, ALERT_ERRORS, ALERT_TRAFFIC, ALERT_RULES };
extern const char *const alert_words[]; /* by enum alert_rule, NULL at the end */

struct usual { /* a ring of what was seen */
    int64_t seen[ALERT_MEMORY];
    size_t count, next;
};

struct alert { /* one that was raised */
    enum alert_rule rule;
    int64_t raised_ns, cleared_ns; /* wall time; cleared 0: it still fires */
    double value, usual, limit;    /* at its begin; usual NAN: the rule needs none */
};

struct alerts {
    struct node *node;
    const struct config_alerts *cfg; /* NULL: nothing is watched */
    struct loop_timer timer;
    int64_t window_began;
    struct latency window;
    int64_t errors;
    struct usual p99_us, rate_milli; /* rate: requests per 1000 s of the window */
    struct {
        int broken, well; /* windows in a row */
        bool firing;
        int64_t raised; /* so far */
    } state[ALERT_RULES];
    vec_of(struct alert) kept;
    struct latency_series series;
};

void alerts_open(struct alerts *a, struct node *n);
void alerts_close(struct alerts *a);
void alerts_adopt(struct alerts *a, const struct config *next); /* after a reload: what is usual stays known */
void alerts_note(struct alerts *a, int status, int64_t took_ns); /* an answer was given */

json_t *alerts_status(const struct alerts *a); /* by rule: raised so far, firing; null when nothing is watched */
json_t *alerts_list(const struct alerts *a);   /* GET /v1/alerts */
void alerts_metrics(const struct alerts *a, struct text *out);

/* The end of a window, for tests: what alerts_open's timer does. */
void alerts_turn(struct alerts *a, int64_t now);
