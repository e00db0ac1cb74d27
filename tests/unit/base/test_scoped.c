/* SPDX-License-Identifier: MIT */
#include "harness/base/scoped.h"

#include "tests/unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void fd_closes_at_the_end_of_its_block(void)
{
    int seen;
    {
        scoped_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        seen = fd;
        CU_ASSERT(fd > 2 && is_open(fd));
    }
    CU_ASSERT_FALSE(is_open(seen));
}

static void stolen_fd_stays_open(void)
{
    int kept;
    {
        scoped_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        kept = steal_fd(&fd);
        CU_ASSERT_EQUAL(fd, -1);
    }
    CU_ASSERT(is_open(kept));
    fd_close(&kept);
    CU_ASSERT_EQUAL(kept, -1);
}

static void standard_descriptors_are_never_closed(void)
{
    for (int n = -1; n <= 2; n++) {
        int fd = n;
        fd_close(&fd);
        CU_ASSERT_EQUAL(fd, -1);
        CU_ASSERT(n < 0 || is_open(n));
    }
}

static void errno_is_kept(void)
{
    int fd = 1 << 20; /* not open: close(2) says EBADF */
    errno = EXDEV;
    fd_close(&fd);
    CU_ASSERT_EQUAL(errno, EXDEV);
}

static void pointers_can_be_stolen(void)
{
    char *kept;
    {
        scoped_free char *s = strdup("kept");
        kept = steal(&s);
        CU_ASSERT_PTR_NULL(s);
    }
    CU_ASSERT_STRING_EQUAL(kept, "kept");
    free(kept);
}

static void json_loses_one_reference(void)
{
    json_t *doc = json_object();
    {
        scoped_json json_t *mine = json_incref(doc);
        CU_ASSERT_EQUAL(mine->refcount, 2);
    }
    CU_ASSERT_EQUAL(doc->refcount, 1);
    json_decref(doc);
    scoped_json json_t *none = NULL;
    scoped_file FILE *no_file = NULL;
    CU_ASSERT(!none && !no_file);
}

void suite_scoped(void)
{
    runner_suite(NULL, NULL);
    runner_test(fd_closes_at_the_end_of_its_block);
    runner_test(stolen_fd_stays_open);
    runner_test(standard_descriptors_are_never_closed);
    runner_test(errno_is_kept);
    runner_test(pointers_can_be_stolen);
    runner_test(json_loses_one_reference);
}
