/* SPDX-License-Identifier: MIT */
/* How gateways shared out requests: attempts they took, and users that changed servers (measurement section 8). */
#pragma once
#include "harness/measure/service.h"

struct sharing {
    int64_t attempts, answers; /* over the window of the availability; of answers that say so */
    size_t users, moved;       /* seen before and during the first fault; served by another node then */
};
void sharing_measure(const struct study *s, const struct availability *a, struct sharing *out);
