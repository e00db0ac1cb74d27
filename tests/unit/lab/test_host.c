/* SPDX-License-Identifier: MIT */
/* What differs between two looks at a host, told of looks that are made up. */
#include "harness/lab/host.h"

#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct host_line was[] = {{"link eth0", false}, {"link lo", false}, {"rule 30000", true}};
static const struct clock_quad noon = {.wall_ns = 1000 * NS_PER_S, .mono_ns = 50 * NS_PER_S, .boot_ns = 60 * NS_PER_S};

static struct host with(struct host_line *lines, size_t n, int64_t later_ns)
{
    struct host h = {.clock = noon};
    h.lines.at = lines;
    h.lines.len = n;
    h.clock.wall_ns += later_ns;
    h.clock.mono_ns += later_ns;
    h.clock.boot_ns += later_ns;
    return h;
}

static void check(const struct host *before, const struct host *after, const char *expected)
{
    scoped_text struct text found = {0};
    host_differ(before, after, &found);
    CU_ASSERT_STRING_EQUAL(text_str(&found), expected);
}

static void the_same_is_nothing(void)
{
    struct host before = with(was, 2, 0), after = with(was, 2, NS_PER_S);
    check(&before, &after, "");
}

static void what_came_and_went_is_named(void)
{
    struct host_line is[] = {{"link eth0", false}, {"link veth7", false}, {"link veth7", false}};
    struct host before = with(was, 2, 0), after = with(is, 3, 0), none = with(NULL, 0, 0);
    check(&before, &after, "gone: link lo\nlink veth7\nlink veth7\n");
    check(&none, &before, "link eth0\nlink lo\n");
    check(&before, &none, "gone: link eth0\ngone: link lo\n");
}

static void ours_is_a_finding_whenever_it_was_made(void)
{
    struct host before = with(was, 3, 0);
    check(&before, &before, "rule 30000, from before this run\n");
}

static void a_clock_that_was_set_shows(void)
{
    struct host before = with(was, 2, 0), after = with(was, 2, 60 * NS_PER_S);
    after.clock.wall_ns += 60 * NS_PER_MS; /* within what slewing may do in a minute */
    check(&before, &after, "");
    after.clock.wall_ns -= 1500 * NS_PER_MS;
    check(&before, &after, "clock CLOCK_REALTIME moved by -1.440 s against CLOCK_MONOTONIC\n");
    after = with(was, 2, 0);
    after.clock.boot_ns += 30 * NS_PER_S; /* asleep */
    check(&before, &after, "clock CLOCK_BOOTTIME moved by +30.000 s against CLOCK_MONOTONIC\n");
}

void suite_host(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_same_is_nothing);
    runner_test(what_came_and_went_is_named);
    runner_test(ours_is_a_finding_whenever_it_was_made);
    runner_test(a_clock_that_was_set_shows);
}
