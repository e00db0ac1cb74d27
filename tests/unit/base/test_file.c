/* SPDX-License-Identifier: MIT */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[128];

static int set_up(void)
{
    strcpy(folder, "/tmp/drtest-file-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/it", folder);
    return 0;
}

static int tear_down(void)
{
    unlink(path);
    return rmdir(folder); /* fails when a test left something behind */
}

static size_t files_in_folder(void)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        n += entry->d_name[0] != '.';
    }
    if (d) {
        closedir(d);
    }
    return n;
}

static void replaces_and_reads_back(void)
{
    struct err e = {0};
    scoped_text struct text t = {0};
    CU_ASSERT_EQUAL(file_replace(path, "one\0two", 7, &e), 0);
    CU_ASSERT_EQUAL(text_read_file(&t, path, 7, &e), 0);
    CU_ASSERT(t.len == 7 && memcmp(t.at, "one\0two", 7) == 0);
    CU_ASSERT_EQUAL(file_replace(path, "", 0, &e), 0);
    CU_ASSERT_EQUAL(text_read_file(&t, path, 0, &e), 0);
    CU_ASSERT(t.len == 0 && t.at != NULL);
    CU_ASSERT_EQUAL(files_in_folder(), 1);
}

/* Whoever has the old file open goes on reading the old bytes: it was replaced, not written over. */
static void old_readers_keep_the_old_file(void)
{
    char big[100000], got[64] = "";
    memset(big, 'n', sizeof(big));
    CU_ASSERT_EQUAL(file_replace(path, "old", 3, NULL), 0);
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(file_replace(path, big, sizeof(big), NULL), 0);
    CU_ASSERT_EQUAL(read(fd, got, sizeof(got) - 1), 3);
    CU_ASSERT_STRING_EQUAL(got, "old");
}

static void mode_is_kept(void)
{
    struct stat st;
    CU_ASSERT_EQUAL(file_replace(path, "a", 1, NULL), 0);
    CU_ASSERT_EQUAL(chmod(path, 0640), 0);
    CU_ASSERT_EQUAL(file_replace(path, "b", 1, NULL), 0);
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0640);
}

/* rename(2) onto a folder fails after the temporary file is complete: nothing of it may stay. */
static void failure_leaves_everything_as_it_was(void)
{
    struct err e = {0};
    unlink(path);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL(file_replace(path, "x", 1, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    CU_ASSERT_EQUAL(files_in_folder(), 1);
    CU_ASSERT_EQUAL(rmdir(path), 0);
    struct err gone = {0};
    CU_ASSERT_EQUAL(file_replace("/nonexistent/folder/it", "x", 1, &gone), -1);
    CU_ASSERT_EQUAL(gone.os, ENOENT);
}

static void longer_than_allowed_is_refused(void)
{
    struct err e = {0};
    scoped_text struct text t = {0};
    CU_ASSERT_EQUAL(file_replace(path, "12345678", 8, NULL), 0);
    CU_ASSERT_EQUAL(text_read_file(&t, path, 7, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_READING);
    CU_ASSERT_EQUAL(e.os, EFBIG);
    CU_ASSERT_EQUAL(t.len, 0);
    struct err endless = {0};
    CU_ASSERT_EQUAL(text_read_file(&t, "/dev/zero", 1000, &endless), -1);
}

static void only_regular_files_are_read(void)
{
    scoped_text struct text t = {0};
    struct err dir = {0}, fifo = {0}, none = {0};
    CU_ASSERT_EQUAL(text_read_file(&t, folder, 1000, &dir), -1);
    CU_ASSERT_EQUAL(dir.kind, ERR_READING);
    unlink(path);
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(text_read_file(&t, path, 1000, &fifo), -1); /* and does not wait for a writer */
    char hex[SHA256_HEX];
    CU_ASSERT_EQUAL(sha256_file(path, hex, NULL), -1);
    unlink(path);
    CU_ASSERT_EQUAL(text_read_file(&t, path, 1000, &none), -1);
    CU_ASSERT_EQUAL(none.os, ENOENT);
    CU_ASSERT_STRING_EQUAL(none.at, path);
    CU_ASSERT_EQUAL(text_read_file(&t, "/proc/self/status", 100000, NULL), 0); /* st_size 0, yet it has content */
    CU_ASSERT(t.len > 0);
}

static void file_digest(void)
{
    char of_file[SHA256_HEX], of_bytes[SHA256_HEX];
    CU_ASSERT_EQUAL(file_replace(path, "abc", 3, NULL), 0);
    CU_ASSERT_EQUAL(sha256_file(path, of_file, NULL), 0);
    sha256_hex("abc", 3, of_bytes);
    CU_ASSERT_STRING_EQUAL(of_file, of_bytes);
    CU_ASSERT_STRING_EQUAL(of_file, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void folders_are_made_with_those_above(void)
{
    char deep[256], file[300];
    struct err e = {0};
    snprintf(deep, sizeof(deep), "%s/a//b/c/", folder);
    CU_ASSERT_EQUAL(folder_make(deep, &e), 0);
    CU_ASSERT_EQUAL(folder_make(deep, &e), 0);
    CU_ASSERT_EQUAL(access(deep, W_OK | X_OK), 0);
    CU_ASSERT_EQUAL(folder_make("/", &e), 0);
    CU_ASSERT_EQUAL(folder_make_above("/etc", &e), 0);
    CU_ASSERT_EQUAL(folder_make_above("no-slash", &e), 0);
    CU_ASSERT_EQUAL(folder_make("", &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    CU_ASSERT_EQUAL(file_replace(path, "", 0, NULL), 0);
    for (const char *const *below = (const char *const[]){"", "/x", "/x/y", NULL}; *below; below++) {
        e = (struct err){0};
        snprintf(file, sizeof(file), "%s%s", path, *below);
        CU_ASSERT_EQUAL(folder_make(file, &e), -1);
        CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    }
    snprintf(file, sizeof(file), "%s/d/e/file", folder);
    CU_ASSERT_EQUAL(folder_make_above(file, &e), 0);
    CU_ASSERT_EQUAL(access(file, F_OK), -1);
    for (const char *const *sub = (const char *const[]){"d/e", "d", "a/b/c", "a/b", "a", NULL}; *sub; sub++) {
        snprintf(file, sizeof(file), "%s/%s", folder, *sub);
        CU_ASSERT_EQUAL(rmdir(file), 0);
    }
}

void suite_file(void)
{
    runner_suite(set_up, tear_down);
    runner_test(replaces_and_reads_back);
    runner_test(old_readers_keep_the_old_file);
    runner_test(mode_is_kept);
    runner_test(failure_leaves_everything_as_it_was);
    runner_test(longer_than_allowed_is_refused);
    runner_test(only_regular_files_are_read);
    runner_test(folders_are_made_with_those_above);
    runner_test(file_digest);
}
