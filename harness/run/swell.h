/* SPDX-License-Identifier: MIT */
/*
 * The extra load of one surge step: a load process per vantage (in sim: on our own loop), begun and ended by the strike
 * of the step. Only strike.c uses it. Its requests are no samples; what became of them is one line of the timeline per
 * surge.
 */
#pragma once
#include "harness/run/drill.h"
#include "injectors/injector.h"

struct swell;
/* Processes are made and wait; the crowd is there already. */
int swell_new(struct swell **out, struct drill *d, const struct plan_step *step, struct err *e);
void swell_free(struct swell *s); /* ends the processes, bounded; puts on record what was not yet */
bool swell_ready(const struct swell *s);
int swell_start(struct swell *s, struct err *e);
int swell_heal(struct swell *s, struct err *e); /* another fault was healed */
int swell_stop(struct swell *s, struct err *e);
const struct load_seen *swell_seen(struct swell *s); /* the sum, brought up to date by each call */
const char *swell_failure(struct swell *s);
void swell_record(struct swell *s); /* the line of the timeline, once */
