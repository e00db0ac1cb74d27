/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target is a file fuzz_<name>.c with LLVMFuzzerTestOneInput; libFuzzer drives it with
 * inputs of its own, replay.c with the kept ones (corpus/<name>/). A target must leave nothing behind from one input to
 * the next that could change what the next one does.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that no input may break. */
#define fuzz_must(that) ((that) ? (void)0 : fuzz_broken(#that, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *that, const char *file, int line);

/* The bytes as heap text of exactly that size, so that the first byte too far is noticed. */
char *fuzz_text(const uint8_t *data, size_t size);
/* The next line (without its break) as heap text; false when nothing is left. */
bool fuzz_line(const uint8_t **data, size_t *size, char **line);

/* A folder of this process in $TMPDIR or /dev/shm, removed at exit, and files in it. */
const char *fuzz_folder(void);
const char *fuzz_path(const char *name); /* heap until exit */
void fuzz_put(const char *name, const void *bytes, size_t len);
void fuzz_clear(void); /* remove all of them */
