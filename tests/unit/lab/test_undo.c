/* SPDX-License-Identifier: MIT */
#include "harness/base/scoped.h"
#include "harness/lab/undo.h"
#include "tests/unit/runner.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int file(int flags)
{
    char path[] = "/tmp/drtest-unit-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC | flags);
    CU_ASSERT_FATAL(fd >= 0 && unlink(path) == 0);
    return fd;
}

static void put(struct undo *u, int fd, const char *words)
{
    undo_note(u, fd, -1, strlen(words));
    CU_ASSERT_EQUAL(write(fd, words, strlen(words)), (ssize_t)strlen(words));
}

static void put_at(struct undo *u, int fd, const char *words, off_t at)
{
    undo_note(u, fd, at, strlen(words));
    CU_ASSERT_EQUAL(pwrite(fd, words, strlen(words), at), (ssize_t)strlen(words));
}

static bool holds(int fd, const char *words)
{
    char bytes[256];
    ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
    return n == (ssize_t)strlen(words) && memcmp(bytes, words, (size_t)n) == 0;
}

static void what_was_synced_stays(void)
{
    struct undo u = {0};
    scoped_fd int fd = file(0);
    put(&u, fd, "one ");
    undo_synced(&u, fd);
    put(&u, fd, "two ");
    put(&u, fd, "three");
    undo_all(&u);
    CU_ASSERT(holds(fd, "one "));
}

static void bytes_written_over_come_back(void)
{
    struct undo u = {0};
    scoped_fd int fd = file(0);
    put(&u, fd, "abcdefgh");
    undo_synced(&u, fd);
    put_at(&u, fd, "XX", 2);
    put_at(&u, fd, "YYYY", 3); /* over the first, which has to come off last */
    put_at(&u, fd, "ZZZZ", 6); /* and beyond the end */
    CU_ASSERT(holds(fd, "abXYYYZZZZ"));
    undo_all(&u);
    CU_ASSERT(holds(fd, "abcdefgh"));
}

static void a_cut_file_grows_again(void)
{
    struct undo u = {0};
    scoped_fd int fd = file(0);
    put(&u, fd, "abcdefgh");
    undo_synced(&u, fd);
    undo_note_rest(&u, fd, 3);
    CU_ASSERT_EQUAL(ftruncate(fd, 3), 0);
    undo_all(&u);
    CU_ASSERT(holds(fd, "abcdefgh"));
}

static void a_sync_is_of_one_file(void)
{
    struct undo u = {0};
    scoped_fd int a = file(0);
    scoped_fd int b = file(0);
    put(&u, a, "a");
    put(&u, b, "b");
    undo_synced(&u, b);
    undo_all(&u);
    CU_ASSERT(holds(a, ""));
    CU_ASSERT(holds(b, "b"));
}

static void appending_and_synchronous_files_are_known_by_their_flags(void)
{
    struct undo u = {0};
    scoped_fd int appending = file(O_APPEND);
    scoped_fd int synchronous = file(O_SYNC);
    put(&u, appending, "one");
    undo_synced(&u, appending);
    lseek(appending, 0, SEEK_SET);
    put(&u, appending, "two");
    put(&u, synchronous, "sure");
    undo_all(&u);
    CU_ASSERT(holds(appending, "one"));
    CU_ASSERT(holds(synchronous, "sure"));
}

static void a_closed_descriptor_does_not_hide_its_file(void)
{
    struct undo u = {0};
    scoped_fd int reader = file(0);
    int writer = dup(reader);
    put(&u, writer, "gone");
    close(writer);
    undo_all(&u);
    CU_ASSERT(holds(reader, ""));
}

static void what_is_forgotten_is_not_undone(void)
{
    struct undo u = {0};
    scoped_fd int fd = file(0);
    put(&u, fd, "kept");
    undo_deinit(&u);
    undo_all(&u);
    CU_ASSERT(holds(fd, "kept"));
}

void suite_undo(void)
{
    runner_suite(NULL, NULL);
    runner_test(what_was_synced_stays);
    runner_test(bytes_written_over_come_back);
    runner_test(a_cut_file_grows_again);
    runner_test(a_sync_is_of_one_file);
    runner_test(appending_and_synchronous_files_are_known_by_their_flags);
    runner_test(a_closed_descriptor_does_not_hide_its_file);
    runner_test(what_is_forgotten_is_not_undone);
}
