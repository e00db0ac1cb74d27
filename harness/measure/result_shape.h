/* SPDX-License-Identifier: MIT */
/* The one table behind result.json, for both directions and for what is said about it. */
#pragma once
#include "harness/base/json_doc.h"
#include "harness/measure/result.h"

extern const struct json_shape result_shape;
extern const struct json_doc result_doc;

/* Round every number to nine decimals, so that what is printed with 15 digits reads back bit for bit. */
void result_round(struct result *r);
