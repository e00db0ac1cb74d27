/* SPDX-License-Identifier: MIT */
/*
 * Gate G4: drtest believes its own numbers only after a self-test passed with this binary on this host and kernel.
 * A pass and its table are remembered in $XDG_CACHE_HOME/drtest/selftest.json; without one the short self-test is done
 * here. `drtest selftest` remembers and forgets through the same file.
 */
#pragma once
#include "harness/cli/command.h"
#include "harness/selftest/selftest.h"

struct gate {
    const char *word;   /* met, missed or skipped; static */
    const char *detail; /* in the call's arena */
    json_t *data;       /* {"form", "at", "rows"} for the run's timeline; owned, NULL when there is no table */
};
void selftest_gate(struct call *c, struct gate *out);

/* The outcome of a self-test just performed: a pass is kept, unless one over more outages is known; a failure takes
 * away what was known. */
void gate_remember(const struct selftest_table *table, enum selftest_form form);
extern const char *const selftest_form_words[]; /* by enum selftest_form */
