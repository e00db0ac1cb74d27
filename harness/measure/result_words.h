/* SPDX-License-Identifier: MIT */
/* The words of result.json and what they mean, one table for each key that holds words. */
#pragma once
#include "harness/base/json_rows.h"
#include "harness/measure/result.h"

extern const struct json_word verdict_means[], status_means[], lab_means[], phase_means[], proof_means[],
    ended_by_means[], event_means[], direction_means[], unit_means[], method_means[], recovered_by_means[],
    flag_means[], check_means[], when_means[], class_means[], drift_means[], drift_kind_means[], change_means[],
    with_means[], dns_means[];

#define VERDICT(member, ...) ROW(JB_ENUM, member, __VA_ARGS__, .words = verdict_words, .means = verdict_means)
