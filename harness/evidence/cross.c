/* SPDX-License-Identifier: MIT */
/*
 * The words of crosscheck.csv, once for the prober that writes them and the loader that reads them.
 */
#include "harness/evidence/cross.h"

const char *const cross_kind_words[] = {[CROSS_BEGIN] = "begin", [CROSS_REQUEST] = "request",
                                        [CROSS_CHANGE] = "change", [CROSS_END] = "end", [CROSS_KINDS] = NULL};

const char *const cross_outcome_words[] = {
    [OUTCOME_GOOD] = "good",       [OUTCOME_LATE] = "late",   [OUTCOME_WRONG] = "wrong",
    [OUTCOME_HTTP_STATUS] = "status", [OUTCOME_REFUSED] = "refused", [OUTCOME_RESET] = "reset",
    [OUTCOME_TIMEOUT] = "timeout", [OUTCOME_UNSENT] = "unsent", [OUTCOME_TLS] = "tls", [OUTCOMES] = NULL};
