/* SPDX-License-Identifier: MIT */
/*
 * Run directories: names that never collide, a link that always leads somewhere, a manifest that sha256sum accepts.
 */
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WALL 1767247200000000000 /* 2026-01-01T06:00:00Z */

static void make(const char *output, const char *expected)
{
    scoped_free char *path = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(rundir_create(output, "region-outage", WALL, &path, &e), 0);
    must(path);
    CU_ASSERT_STRING_EQUAL(path + strlen(output) + 1, expected);
    scoped_text struct text nodes = {0}, link = {0};
    text_addf(&nodes, "%s/nodes", path);
    CU_ASSERT_EQUAL(access(text_str(&nodes), W_OK | X_OK), 0);
    text_addf(&link, "%s/latest", output);
    char target[256] = "";
    CU_ASSERT(readlink(text_str(&link), target, sizeof(target) - 1) > 0);
    CU_ASSERT_STRING_EQUAL(target, expected);
}

static void names_follow_the_time_and_never_collide(void)
{
    scoped_text struct text output = {0};
    text_addf(&output, "%s/deep/runs", scratch_make());
    make(text_str(&output), "region-outage-20260101T060000Z");
    make(text_str(&output), "region-outage-20260101T060000Z-2");
    make(text_str(&output), "region-outage-20260101T060000Z-3");
    scratch_remove();
}

static void a_folder_called_latest_is_left_alone(void)
{
    const char *output = scratch_make();
    mkdir(scratch_path("latest"), 0755);
    char *path = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(rundir_create(output, "null-drill", WALL, &path, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    struct stat st;
    CU_ASSERT_EQUAL(lstat(scratch_path("latest"), &st), 0);
    CU_ASSERT(S_ISDIR(st.st_mode));
    scratch_remove();
}

static void impossible_places_are_errors(void)
{
    char *path = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(rundir_create("/proc/no-such-place", "null-drill", WALL, &path, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    CU_ASSERT_EQUAL(rundir_create("/tmp", "../etc", WALL, &path, NULL), -1);
    CU_ASSERT_PTR_NULL(path);
}

static void put_file(const char *name, const char *content)
{
    scratch_write(name, content, strlen(content));
}

static void the_manifest_lists_every_file_sorted(void)
{
    const char *path = scratch_make();
    mkdir(scratch_path("nodes"), 0755);
    put_file("timeline.jsonl", "abc");
    put_file("nodes/b.log", "");
    put_file("nodes/a\\b.log", "abc");
    CU_ASSERT_EQUAL(symlink("timeline.jsonl", scratch_path("link")), 0);
    CU_ASSERT_EQUAL(rundir_manifest(path, NULL), 0);
    CU_ASSERT_EQUAL(rundir_manifest(path, NULL), 0); /* again: it does not list itself */
    scoped_text struct text manifest = {0};
    scratch_read("manifest.sha256", &manifest);
    CU_ASSERT_STRING_EQUAL(text_str(&manifest),
                           "\\ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  nodes/a\\\\b.log\n"
                           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  nodes/b.log\n"
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  timeline.jsonl\n");
    scratch_remove();
}

static int enter(void *arg)
{
    return chdir(arg);
}

static int run_sha256sum(const char *path)
{
    const char *const argv[] = {"/usr/bin/sha256sum", "--quiet", "--strict", "-c", "manifest.sha256", NULL};
    const char *const envp[] = {"LC_ALL=C", NULL};
    struct child c = {0};
    char directory[256];
    snprintf(directory, sizeof(directory), "%s", path);
    CU_ASSERT_EQUAL(child_exec(&c, argv, envp, -1, enter, directory, NULL), 0);
    CU_ASSERT_EQUAL(child_wait(&c, 10000000000, NULL), 0);
    return c.status;
}

static void sha256sum_accepts_the_manifest(void)
{
    if (access("/usr/bin/sha256sum", X_OK) != 0) {
        CU_PASS("no sha256sum here");
        return;
    }
    const char *path = scratch_make();
    put_file("samples.bin", "samples");
    put_file("odd \\ name\nof two lines", "odd");
    CU_ASSERT_EQUAL(rundir_manifest(path, NULL), 0);
    CU_ASSERT_EQUAL(run_sha256sum(path), 0);
    put_file("samples.bin", "sampled");
    CU_ASSERT_NOT_EQUAL(run_sha256sum(path), 0);
    scratch_remove();
}

static const char *check(const char *path, struct text *findings)
{
    struct err e = {0};
    size_t files = 0;
    text_clear(findings);
    CU_ASSERT_EQUAL(rundir_check(path, findings, &files, &e), 0);
    CU_ASSERT_EQUAL(files, 3);
    return text_str(findings);
}

static void every_difference_from_the_manifest_is_found(void)
{
    scoped_text struct text findings = {0};
    const char *path = scratch_make();
    put_file("a", "a");
    put_file("b \\ b", "b");
    put_file("c", "c");
    CU_ASSERT_EQUAL(rundir_manifest(path, NULL), 0);
    CU_ASSERT_STRING_EQUAL(check(path, &findings), "");
    put_file("c", "C");
    CU_ASSERT_STRING_EQUAL(check(path, &findings), "changed c\n");
    put_file("0", "");
    put_file("z", "");
    unlink(scratch_path("a"));
    CU_ASSERT_STRING_EQUAL(check(path, &findings), "added 0\nmissing a\nchanged c\nadded z\n");
    scratch_remove();
}

static void what_is_no_manifest_is_an_error(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {{"hello\n", 6}, {"\0\0", 2}, {"0123  a\n", 8}, {"\n\n", 2}};
    const char *path = scratch_make();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        scoped_text struct text findings = {0};
        struct err e = {0};
        size_t files;
        scratch_write("manifest.sha256", wrong[i].bytes, wrong[i].len);
        CU_ASSERT_EQUAL(rundir_check(path, &findings, &files, &e), -1);
        CU_ASSERT_EQUAL(e.kind, ERR_READING);
    }
    scratch_remove();
}

void suite_rundir(void)
{
    runner_suite(NULL, NULL);
    runner_test(names_follow_the_time_and_never_collide);
    runner_test(a_folder_called_latest_is_left_alone);
    runner_test(impossible_places_are_errors);
    runner_test(the_manifest_lists_every_file_sorted);
    runner_test(sha256sum_accepts_the_manifest);
    runner_test(every_difference_from_the_manifest_is_found);
    runner_test(what_is_no_manifest_is_an_error);
}
