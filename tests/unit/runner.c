/* SPDX-License-Identifier: MIT */
/*
 * The main program of a room's unit tests; compiled once per room, with the room's list of suites.
 *
 *     unit-<room> --list      the names of the suites, one per line
 *     unit-<room> NAME        run one suite
 *     unit-<room>             run all of them
 *
 * CUnit's own return values do not tell whether tests passed, and a suite whose set-up fails shows neither as a failed
 * assertion nor as an error. So the program passes only if every one of these holds: no failed assertion, no failed
 * suite, no inactive suite or test, no error left in CUnit, and at least one test and one assertion were run. Exit
 * code 0 is passed, 1 failed, 2 a wrong command line, 77 skipped (some test called runner_skip and nothing failed).
 */
#include "tests/unit/runner.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SUITE(name) void suite_##name(void);
#include RUNNER_SUITES
#undef SUITE

static const struct runner_entry {
    const char *name;
    void (*add)(void);
} entries[] = {
#define SUITE(name) {#name, suite_##name},
#include RUNNER_SUITES
#undef SUITE
};

static const char *adding; /* the entry whose suite function is being called */
static CU_pSuite suite;    /* the suite begun last */
static unsigned skips;
static bool broken; /* a test could not be added */

void runner_suite(CU_InitializeFunc set_up, CU_CleanupFunc tear_down)
{
    char name[128];
    (void)snprintf(name, sizeof(name), RUNNER_ROOM "/%s", adding);
    suite = CU_add_suite(name, set_up, tear_down);
}

void runner_add(const char *name, CU_TestFunc function)
{
    if (suite && CU_add_test(suite, name, function) && CU_get_error() == CUE_SUCCESS)
        return;
    broken = true;
    fprintf(stderr, "%s: cannot add test %s: %s\n", adding, name, CU_get_error_msg());
}

void runner_skip(const char *why)
{
    skips++;
    printf("\nskipped: " RUNNER_ROOM ": %s: %s\n", CU_get_current_test()->pName, why);
    CU_PASS("skipped");
}

/* Failed assertions per test, after CUnit's own account: one line that a search for the test's name finds. */
static void print_failures(void)
{
    const CU_FailureRecord *f = CU_get_failure_list();
    while (f) {
        const CU_FailureRecord *first = f;
        unsigned count = 0;
        for (; f && f->pSuite == first->pSuite && f->pTest == first->pTest; f = f->pNext)
            count++;
        printf("failed: %s: %s: %u failed assertion%s\n", first->pSuite ? first->pSuite->pName : RUNNER_ROOM,
               first->pTest ? first->pTest->pName : "set-up or tear-down", count, count == 1 ? "" : "s");
    }
}

static int verdict(void)
{
    print_failures();
    if (CU_get_error() != CUE_SUCCESS) {
        printf("failed: CUnit: %s\n", CU_get_error_msg());
        return 1;
    }
    if (CU_get_number_of_failures() > 0 || CU_get_number_of_tests_failed() > 0 ||
        CU_get_number_of_suites_failed() > 0 || CU_get_number_of_suites_inactive() > 0 ||
        CU_get_number_of_tests_inactive() > 0)
        return 1;
    if (CU_get_number_of_tests_run() == 0 || CU_get_number_of_asserts() == 0) {
        printf("failed: %s: no test with an assertion was run\n", RUNNER_ROOM);
        return 1;
    }
    return skips > 0 ? 77 : 0;
}

static int run(const char *name)
{
    bool found = false;
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (name && strcmp(name, entries[i].name) != 0)
            continue;
        found = true;
        suite = NULL;
        adding = entries[i].name;
        entries[i].add();
        if (broken || !suite || CU_get_error() != CUE_SUCCESS) {
            fprintf(stderr, "suite %s cannot be added: %s\n", adding, CU_get_error_msg());
            CU_cleanup_registry();
            return 1;
        }
    }
    if (!found) {
        fprintf(stderr, "no suite %s in room %s; --list names them\n", name, RUNNER_ROOM);
        CU_cleanup_registry();
        return 2;
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    (void)CU_basic_run_tests();
    int code = verdict();
    CU_cleanup_registry();
    return code;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not take the account of the tests before it along */
    if (argc > 2) {
        fprintf(stderr, "usage: unit-%s [--list | SUITE]\n", RUNNER_ROOM);
        return 2;
    }
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
            puts(entries[i].name);
        return 0;
    }
    return run(argc == 2 ? argv[1] : NULL);
}
