/* SPDX-License-Identifier: MIT */
/*
 * Where the history of a run is, told so that it is found again from anywhere: seen from the run directory.
 */
#pragma once

struct err;
struct text;

/* The name that result.history.file gets: the way from the run directory to the file, or an absolute path where the two
 * share no folder but the root. Both must be there. */
int history_name(struct text *name, const char *run_path, const char *file, struct err *e);
/* The way back: where to open what a result names. */
void history_path(struct text *path, const char *run_path, const char *name);
