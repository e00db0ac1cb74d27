/* SPDX-License-Identifier: MIT */
/* The scratch folder goes with its owner, whichever way that goes. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/selftest/scratch.h"
#include "tests/unit/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* The folder, a file in it, a folder in it with a file. */
static void fill(const char *path)
{
    char name[256];
    snprintf(name, sizeof(name), "%s/a", path);
    scoped_fd int a = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    snprintf(name, sizeof(name), "%s/inner", path);
    CU_ASSERT_EQUAL(mkdir(name, 0700), 0);
    snprintf(name, sizeof(name), "%s/inner/b", path);
    scoped_fd int b = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CU_ASSERT(a >= 0 && b >= 0);
}

static void an_orderly_end_removes_it(void)
{
    struct selftest_scratch s;
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(scratch_open(&s, &e), 0);
    char path[128];
    memcpy(path, s.path, sizeof(path));
    CU_ASSERT(there(path));
    fill(path);
    scratch_close(&s);
    CU_ASSERT_FALSE(there(path));
}

static void sigkill_removes_it_too(void)
{
    int pair[2];
    struct child owner;
    struct err e = {0};
    char path[128] = "";
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    int side = child_fork(&owner, &e);
    if (side == 0) {
        struct selftest_scratch s;
        if (scratch_open(&s, &e) == 0)
            send(pair[1], s.path, sizeof(s.path), 0);
        pause();
        _exit(0);
    }
    struct pollfd p = {.fd = pair[0], .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&p, 1, 10000), 1);
    CU_ASSERT(recv(pair[0], path, sizeof(path), 0) > 0);
    CU_ASSERT(there(path));
    fill(path);
    child_stop(&owner, 0, NULL);
    for (int i = 0; i < 1000 && there(path); i++)
        poll(NULL, 0, 10);
    CU_ASSERT_FALSE(there(path));
    fd_close(&pair[0]);
    fd_close(&pair[1]);
}

static void a_folder_that_cannot_be_made_is_an_error(void)
{
    struct selftest_scratch s;
    struct err e = {0};
    char *before = getenv("TMPDIR"), *kept = before ? strdup(before) : NULL;
    setenv("TMPDIR", "/proc/nowhere", 1);
    CU_ASSERT_EQUAL(scratch_open(&s, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
}

void suite_scratch(void)
{
    runner_suite(NULL, NULL);
    runner_test(an_orderly_end_removes_it);
    runner_test(sigkill_removes_it_too);
    runner_test(a_folder_that_cannot_be_made_is_an_error);
}
