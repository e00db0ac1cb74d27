/* SPDX-License-Identifier: MIT */
/*
 * What a unit test file includes. Each file defines one or more suite functions and names them in its room's suites.h:
 *
 *     static void parses_plain_units(void)
 *     {
 *         CU_ASSERT_EQUAL(units_duration("250ms"), 250000000);
 *     }
 *
 *     void suite_units(void)                                suites.h: SUITE(units)
 *     {
 *         runner_suite(NULL, NULL);                         set-up and tear-down return 0 for success
 *         runner_test(parses_plain_units);
 *     }
 *
 * CU_ASSERT goes on after a failure; the _FATAL forms leave the test by longjmp, so that locals with a cleanup
 * attribute leak: keep what must be released in set-up and tear-down where a _FATAL form is used.
 */
#pragma once
#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>

#ifdef __clang_analyzer__ /* which does not know that a fatal assertion does not return */
#include <stdlib.h>
#undef CU_ASSERT_FATAL
#undef CU_ASSERT_TRUE_FATAL
#undef CU_ASSERT_EQUAL_FATAL
#undef CU_ASSERT_PTR_NOT_NULL_FATAL
#define CU_ASSERT_FATAL(that) ((that) ? (void)0 : abort())
#define CU_ASSERT_TRUE_FATAL(that) ((that) ? (void)0 : abort())
#define CU_ASSERT_EQUAL_FATAL(is, expected) ((is) == (expected) ? (void)0 : abort())
#define CU_ASSERT_PTR_NOT_NULL_FATAL(pointer) ((pointer) ? (void)0 : abort())
#endif

/* Begin the suite of this suite function; failures are reported under room/name. */
void runner_suite(CU_InitializeFunc set_up, CU_CleanupFunc tear_down);

/* Add a test to the suite begun last; its name is the function's. */
#define runner_test(function) runner_add(#function, function)
void runner_add(const char *name, CU_TestFunc function);

/* This machine cannot run the test; why is one sentence. Return from the test afterwards. The suite counts as skipped
 * unless something fails, hence tests that may skip go into a suite of their own. */
void runner_skip(const char *why);
