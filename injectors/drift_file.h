/* SPDX-License-Identifier: MIT */
/*
 * The files of a drift: what lies there, what it becomes, and telling one from the other; and what a process runs,
 * where that is patched. Private to drift.c.
 */
#pragma once
#include "harness/base/json.h"
#include "injectors/injector.h"

void drift_file_deinit(struct lab_file *f);
#define scoped_lab_file __attribute__((cleanup(drift_file_deinit)))

/* What lies there now: the node's own file, with via: control what is wanted of it, with via: runtime what it runs.
 * The last waits for the answer. */
int drift_file_get(const struct injection *in, uint16_t node, struct lab_file *now, struct err *e);
/* What the drift makes of it. */
int drift_file_future(const struct injection *in, uint16_t node, const struct lab_file *now, struct lab_file *future,
                      struct err *e);
/* from is the identity of what lies there. */
int drift_file_put(const struct injection *in, uint16_t node, const char *from, const struct lab_file *file,
                   struct err *e);

/* drift_running.c: these two wait for the answer. set: an error when it runs anything but `from`. */
int drift_running_get(const struct injection *in, uint16_t node, json_t **config, struct err *e);
int drift_running_set(const struct injection *in, uint16_t node, const char *from, const json_t *config, struct err *e);
/* The same without waiting for what comes of it. telling, in the injection's state, is true while a call is out. */
void drift_running_tell(const struct injection *in, uint16_t node, const char *from, const json_t *config,
                        bool *telling);

/* What a file is known by: the fingerprint of its configuration, the hash of
 * bytes that are none, or its state in a word. */
void drift_file_identity(const struct lab_file *f, char out[SHA256_HEX]);
/* As a gateway reports it: ok, missing, unreadable, broken. */
const char *drift_file_word(const struct lab_file *f);
