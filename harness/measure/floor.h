/* SPDX-License-Identifier: MIT */
/* The rows that floors are made of; floors of a plan are in measure.h. */
#pragma once
#include "harness/measure/measure.h"

/* Ejection by checks that begin every so often, period start to start: after so many failures in a row, each of which
 * takes check_s to fail. */
struct floor floor_health_check(double every_s, double failures, double check_s);
