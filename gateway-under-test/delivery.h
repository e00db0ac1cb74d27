/* SPDX-License-Identifier: MIT */
/*
 * How a gateway hears what is desired of it from a control plane: a question that waits for news, asked of the endpoint
 * of its own region first and of the next when that one does not answer.
 *
 * Part of struct desired; does nothing in a gateway whose configuration names no endpoints. What it hears it hands to
 * desired_hear. Invariant: a document of a lower epoch than the newest heard is never handed on.
 */
#pragma once
#include "gateway-under-test/config.h"
#include "gateway-under-test/upstream.h"

struct desired;
struct node;

struct delivery {
    struct node *node;
    struct desired *desired;
    struct upstream endpoints[CONFIG_ENDPOINTS_MAX];
    size_t count, which; /* 0: no control plane */
    struct call call;
    struct loop_timer timer;
    int64_t epoch;       /* the newest heard of */
    int64_t failures;    /* questions without a usable answer, since the last one that had */
};

void delivery_open(struct delivery *v, struct desired *d, struct node *n);
void delivery_close(struct delivery *v);
json_t *delivery_status(const struct delivery *v); /* null without a control plane; new reference */
