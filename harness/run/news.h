/* SPDX-License-Identifier: MIT */
/* What of a node's status is news when it changes, and the change in words. */
#pragma once
#include <jansson.h>

#define NEWS_WORDS 160

json_t *news_of(const json_t *status); /* the members whose change is news, peers by region; new reference */
/* "upstreams us-east/origin-1 health: up -> down, epoch: 1 -> 2", cut where it
 * is too long; before: NULL for the first. */
void news_words(const json_t *before, const json_t *after, char out[NEWS_WORDS]);
