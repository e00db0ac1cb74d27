/* SPDX-License-Identifier: MIT */
/*
 * The file format as JSON Schema, draft-07 (https://json-schema.org/draft-07), for editors: made of the tables that the
 * loader reads by, so it knows every key, verb and range that they know. It is the weaker judge: what hangs on two
 * places of a file (a name that is nowhere in the topology, faults that contradict each other) only `drtest validate`
 * sees.
 */
#pragma once
#include "harness/spec/action.h"

/* Of scenarios and suites alike: a file with the key `suite` is one. New reference. */
json_t *spec_schema(const struct action_type *const *types, size_t n);
