/* SPDX-License-Identifier: MIT */
/*
 * The words of the event kinds, from the one list in event.h, so that writer and reader cannot disagree.
 */
#include "harness/evidence/event.h"

const char *const event_words[EVENT_KIND_COUNT] = {
#define X(name, word) [EVENT_##name] = (word),
    EVENT_KINDS(X)
#undef X
};
