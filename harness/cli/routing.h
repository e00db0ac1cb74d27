/* SPDX-License-Identifier: MIT */
/*
 * How the traffic manager of a topology leads its clients, for `drtest plan`.
 */
#pragma once
#include "harness/spec/topology.h"
#include <jansson.h>

json_t *routing_json(const struct topology *t); /* null without a traffic manager; new reference */
void routing_print(const json_t *routing);
