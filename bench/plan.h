/* SPDX-License-Identifier: MIT */
/* A scenario for the programs that open a lab. */
#pragma once
#include "harness/spec/plan.h"

struct plan *bench_plan(const char *path); /* ends the program if it cannot be read; plan_free */
