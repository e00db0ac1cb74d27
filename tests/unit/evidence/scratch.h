/* SPDX-License-Identifier: MIT */
/*
 * A directory for one test, gone with all it holds afterwards, and files in it as bytes.
 */
#pragma once
#include "harness/base/text.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* For fixtures, which CUnit lets not assert: a machine on which this fails can run no test. */
#define must(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

const char *scratch_make(void); /* a new empty directory; its name stays until scratch_remove */
void scratch_remove(void);
const char *scratch_path(const char *name); /* of a file in it; static, valid until the next call */
void scratch_read(const char *name, struct text *out);
void scratch_write(const char *name, const void *bytes, size_t len);
