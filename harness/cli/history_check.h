/* SPDX-License-Identifier: MIT */
/*
 * Is the line of a run in its history still what the run wrote, and is it about this result? For `verify`.
 */
#pragma once
#include "harness/measure/result.h"

struct text;

enum history_state {
    HISTORY_FITS,    /* also the line before */
    HISTORY_DIFFERS, /* said in findings, a line each */
    HISTORY_UNREAD,  /* it does not lie where the run names it, or the run was never entered in one */
};
extern const char *const history_state_words[]; /* "fits" and so on */

enum history_state history_check(const char *run_path, const struct result *r, struct text *findings);
