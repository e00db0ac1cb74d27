/* SPDX-License-Identifier: MIT */
/*
 * One side of `drtest diff`: a configuration from a file, from a gateway that answers at a URL, or from what a run saw.
 */
#pragma once
#include <jansson.h>

struct err;

struct diff_side {
    const char *name; /* as given; borrowed */
    json_t *doc;      /* a new reference; secrets replaced */
};

/* A file of JSON; http://HOST:PORT[/PATH] (without a path /config is asked for); RUN:GATEWAY, what a gateway ran
 * when the run saw drift, or RUN:GATEWAY:desired, what it should have run then. Values whose key speaks of a secret
 * are replaced by the first digits of their SHA-256, so that a difference shows and the secret does not. */
int diff_side_read(struct diff_side *s, const char *given, const char *output, struct err *e);
