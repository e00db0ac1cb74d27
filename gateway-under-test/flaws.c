/* SPDX-License-Identifier: MIT */
/*
 * The list in flaws.h is the only place where a flaw is named; this table and the enumeration are made from it.
 */
#include "gateway-under-test/flaws.h"

#include <string.h>

#define FLAW_ROW(name, text) [FLAW_##name] = {#name, text},
const struct flaw_row flaw_rows[FLAW_COUNT] = {FLAWS(FLAW_ROW)};

enum flaw flaw_find(const char *name)
{
    for (int i = 0; i < FLAW_COUNT; i++) {
        if (strcmp(flaw_rows[i].name, name) == 0)
            return (enum flaw)i;
    }
    return FLAW_COUNT;
}
