/* SPDX-License-Identifier: MIT */
/*
 * What the tests of this room share: scenarios from literals, and their diagnostics as text.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/spec/diag.h"
#include "harness/spec/plan.h"
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Load YAML given as a literal under the file name t.yaml. NULL on errors; *out (may be NULL) gets the diagnostics in
 * human form. */
struct plan *load_yaml(const char *yaml, struct text *out);
struct plan *load_yaml_with(const char *yaml, const char *const *sets, size_t n, struct text *out);

/* The scenario with this timeline and these targets on two-regions. */
struct plan *load_steps(const char *steps, const char *targets, struct text *out);

/* Whether loading fails (or warns) with this code and text somewhere in the diagnostics. */
bool refuses(const char *yaml, const char *code, const char *words);

/* Leave the test when the condition does not hold. Unlike the _FATAL forms it
 * returns, so that locals are cleaned up. */
#define REQUIRE(condition)        \
    do {                          \
        bool held_ = (condition); \
        CU_ASSERT(held_);         \
        if (!held_) {             \
            return;               \
        }                         \
    } while (0)

/* Go to the root of the source tree, where paths of golden files begin. */
int go_to_sources(void);

/* Processor time of this process: what a limit on speed is measured in on a busy machine. */
int64_t cpu_ns(void);
