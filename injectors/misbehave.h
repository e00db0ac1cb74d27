/* SPDX-License-Identifier: MIT */
/* misbehave.c says what is wanted and tells the origins; misbehave_look.c looks
 * whether it is so. Private to this room. */
#pragma once
#include "injectors/target.h"

#define MISBEHAVE_ORIGINS 16     /* of one region at most */
#define MISBEHAVE_RESET_MAX 48000 /* bytes: what fits into the answer of a question */
#define MISBEHAVE_SLOT 32

size_t misbehave_origins(const struct injection *in, uint16_t nodes[MISBEHAVE_ORIGINS]);
char *misbehave_slot(const struct injection *in, char out[MISBEHAVE_SLOT]); /* "/misbehave/fault-3" */
json_t *misbehave_knobs(const struct injection *in, uint16_t node);         /* new reference */
bool misbehave_shows(const struct service_fault *s);  /* in the answers to requests */
double misbehave_share(const struct service_fault *s); /* of the requests */

struct misbehave_looks *misbehave_looks_of(struct injection *in); /* the state of the injection, made on first use */
struct look_round *misbehave_admin_of(struct injection *in);      /* in it: for calls of apply and heal */
int64_t misbehave_bound(const struct action *a);
enum proof misbehave_prove(struct injection *in, bool healed);
