/* SPDX-License-Identifier: MIT */
/*
 * Gate G4: drtest believes its own numbers only after a self-test passed with this binary on this host and kernel.
 * A pass is remembered in $XDG_CACHE_HOME/drtest/selftest.json; without one the short self-test is done here.
 */
#pragma once
#include "harness/cli/command.h"

/* word: met, missed or skipped, static; detail is written to the call's arena. */
void selftest_gate(struct call *c, const char **word, const char **detail);
