/* SPDX-License-Identifier: MIT */
/*
 * What the control plane wants a gateway to run: heard from its endpoints (delivery.h) or, where the configuration
 * names none, a file that is read at every look; let in when it is as old as a lag asks (lag.h) and when the guard
 * (config_guard) has nothing against it. Used by drift.c and delivery.c only.
 */
#pragma once
#include "gateway-under-test/config.h"
#include "gateway-under-test/delivery.h"
#include "gateway-under-test/lag.h"

struct node;

#define DESIRED_COMING_MAX 16

struct desired {
    struct node *node;
    struct config *in_force;
    char refused[SHA256_HEX]; /* what the guard does not let in now; empty: nothing */
    struct lag lag;
    struct desired_coming {
        struct config *config;
        int64_t read_at, epoch;
    } coming[DESIRED_COMING_MAX]; /* read, not yet let in; oldest first */
    size_t coming_count;
    int64_t as_of;   /* until then, what is in force was the newest there was */
    struct delivery delivery;
    int64_t heard_at; /* when an endpoint confirmed last that there is nothing newer than what it told */
    bool fresh;       /* let in from the control plane, and not yet taken over */
};

int desired_open(struct desired *d, struct node *n, struct err *e); /* the running one, until another can be read */
void desired_close(struct desired *d);
void desired_look(struct desired *d, int64_t now);
const char *desired_newest(const struct desired *d); /* fingerprint of the newest read or heard, let in or not */

/* Of delivery.c: a configuration (taken), and that an endpoint has answered. */
void desired_hear(struct desired *d, struct config *c, int64_t epoch);
void desired_confirm(struct desired *d);
