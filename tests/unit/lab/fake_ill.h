/* SPDX-License-Identifier: MIT */
/* What of the fake lab serves badly: the knobs of its origins, and what an origin answers by them. */
#pragma once
#include "tests/unit/lab/fake_lab.h"

/* Returns a status. */
int fake_ill_order(struct fake_lab *f, struct fake_node *n, const char *method, const char *name, json_t *knobs);
/* The status, 0 for none; course and *after_ns, which are preset, are made worse. */
int fake_ill_answer(struct fake_node *n, const char *http_target, int64_t timeout_ns, struct lab_course *c,
                    int64_t *after_ns);
