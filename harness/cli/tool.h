/* SPDX-License-Identifier: MIT */
/*
 * Where the other program is, and small facts about files that several commands need.
 */
#pragma once
#include <stddef.h>

struct err;
struct text;

/* The path of drgateway: $DRTEST_GATEWAY, beside this program, or on PATH. path is appended to. */
int tool_find_gateway(struct text *path, struct err *e);

/* The run directory that RUN means: a folder, a run id below output, or latest. path is appended to. */
int tool_find_run(struct text *path, const char *output, const char *run, struct err *e);
