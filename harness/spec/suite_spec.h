/* SPDX-License-Identifier: MIT */
/*
 * The tables of suite files, for `explain`. Inside the room only.
 */
#pragma once
#include "harness/spec/field.h"

extern const struct field_set suite_set, suite_entry_set;
