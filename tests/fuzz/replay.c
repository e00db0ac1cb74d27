/* SPDX-License-Identifier: MIT */
/*
 * The kept inputs of a target without libFuzzer, under any compiler: fuzz-<name> FOLDER-or-FILE...
 *
 * Each input is taken whole, cut short at 16 places, and with one byte changed at 16 places (always the same ones),
 * from a heap block of exactly its size. A target that finds something wrong aborts; no input at all is a failure, too.
 */
#include "tests/fuzz/fuzz.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VARIANTS 16

static size_t inputs;

static void feed(const char *bytes, size_t len, size_t flip)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, bytes, len);
    if (flip < len)
        copy[flip] ^= (uint8_t)(1u << flip % 8);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
    inputs++;
}

static int feed_file(const char *path)
{
    struct err e = {0};
    scoped_text struct text file = {0};
    if (text_read_file(&file, path, 1 << 20, &e) < 0) {
        (void)fprintf(stderr, "%s: %s\n", e.at, e.msg);
        return -1;
    }
    feed(file.at, file.len, SIZE_MAX);
    for (size_t i = 0; i < VARIANTS; i++) {
        feed(file.at, file.len * i / VARIANTS, SIZE_MAX);
        feed(file.at, file.len, file.len * i / VARIANTS);
    }
    return 0;
}

static int visible(const struct dirent *f)
{
    return f->d_name[0] != '.';
}

static int feed_folder(const char *path)
{
    struct dirent **files = NULL;
    int n = scandir(path, &files, visible, alphasort), failures = n < 0;
    for (int i = 0; i < n; i++) {
        scoped_text struct text file = {0};
        text_addf(&file, "%s/%s", path, files[i]->d_name);
        failures += feed_file(text_str(&file)) < 0;
        free(files[i]);
    }
    free((void *)files);
    return failures ? -1 : 0;
}

int main(int argc, char **argv)
{
    int failures = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool is_folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        failures += (is_folder ? feed_folder(argv[i]) : feed_file(argv[i])) < 0;
    }
    (void)printf("%zu inputs\n", inputs);
    return failures == 0 && inputs > 0 ? 0 : 1;
}
