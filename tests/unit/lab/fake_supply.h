/* SPDX-License-Identifier: MIT */
/* The part of the fake lab that runs short of something: rows of its ops table, see harness/lab/lab.h. */
#pragma once
#include "tests/unit/lab/fake_lab.h"

int fake_starve(struct lab *lab, uint16_t node, enum lab_resource r, int64_t limit, struct err *e);
int fake_supply(struct lab *lab, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s, struct err *e);
int fake_crowd(struct lab *lab, uint16_t from, uint16_t to, size_t connections, struct err *e);
