/* SPDX-License-Identifier: MIT */
/*
 * The audit: a process that stays outside of the lab, looks at the host before anything is made, and once more when all
 * should be gone. Whoever opens a netns lab enters it for good and sees the host no more; hence a process of its own.
 */
#pragma once
#include <stddef.h>

struct err;
struct residue;

/* Before the lab is opened; run_path is its run directory. left gets what an earlier run has left, a line each, empty
 * when nothing: not an error. */
int residue_begin(struct residue **out, const char *run_path, char *left, size_t len, struct err *e);
/* After it is closed: a line per finding, empty when the host is as it was. May be asked again; -1: cannot tell. */
int residue_look(struct residue *r, char *found, size_t len, struct err *e);
void residue_end(struct residue *r); /* NULL is fine */
