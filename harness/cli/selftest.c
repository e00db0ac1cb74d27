/* SPDX-License-Identifier: MIT */
/*
 * drtest selftest: is what it measures true? Outages and lies of known extent, the table of truth against measurement,
 * and beside it what a closed-loop prober would have said of the same outages. A pass is remembered for `run`.
 */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/cli/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#define OUTAGES_MAX 100000
#define EVERY_NS (10 * NS_PER_S)

struct selftest_flags {
    bool quick;
    int64_t outages, seed;
};

static const struct option_row options[] = {
    {.name = "quick", .offset = offsetof(struct selftest_flags, quick), .help = "42 outages, about 20 s"},
    {.name = "outages",
     .kind = OPTION_COUNT,
     .offset = offsetof(struct selftest_flags, outages),
     .value = "N",
     .help = "at least N outages over all modes and gaps (420)"},
    {.name = "seed",
     .kind = OPTION_COUNT,
     .offset = offsetof(struct selftest_flags, seed),
     .value = "N",
     .help = "lengths and phases of the outages (random)"},
};

struct meter {
    int64_t begun_ns, said_ns;
};

static void say_progress(void *arg, int64_t done, int64_t planned)
{
    struct meter *m = arg;
    int64_t now = clock_mono_ns();
    if (now - m->said_ns < EVERY_NS && done < planned) {
        return;
    }
    m->said_ns = now;
    fprintf(stderr, "%8.3f selftest   %" PRId64 " of %" PRId64 "\n", (double)(now - m->begun_ns) / 1e9, done, planned);
}

static void print_json(const struct selftest_options *o, const struct selftest_table *t, double duration_s)
{
    struct utsname u = {0};
    uname(&u);
    scoped_json json_t *doc = json_pack(
        "{s:b,s:s,s:I,s:f,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o}", "passed", table_passed(t), "form",
        selftest_form_words[o->form], "seed", (json_int_t)o->seed, "duration_s", duration_s, "host", u.nodename,
        "kernel", u.release, "tool_sha256", tool_facts()->sha256, "outages", (json_int_t)table_outages(t),
        "inside", (json_int_t)table_inside(t), "second_watched", (json_int_t)table_second_watched(t),
        "second_confirmed", (json_int_t)table_second_confirmed(t), "rows",
        table_json(t), "closed_loop", table_closed_loop_json(t));
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    puts(text ? text : "{}");
}

static void print_text(const struct selftest_table *t, uint64_t seed)
{
    table_print(stdout, t);
    puts("\nThe same outages, bad requests as time out of service: open loop, and a closed loop that waits for each\n"
         "answer before it asks again. The second is why drtest is open-loop.\n");
    table_print_closed_loop(stdout, t);
    printf("\nThe second prober (other code, at 5 and 20 ms) confirms %lld of %lld outages that it watched.\n",
           (long long)table_second_confirmed(t), (long long)table_second_watched(t));
    printf("\n%s selftest (%lld of %lld inside, seed %llu)\n", table_passed(t) ? "PASSED" : "FAILED",
           (long long)table_inside(t), (long long)table_outages(t), (unsigned long long)seed);
}

static int check(const struct selftest_flags *f, struct err *e)
{
    if (f->outages == 0 || f->outages > OUTAGES_MAX) {
        err_set(e, ERR_USAGE, "--outages", "%" PRId64 " outages cannot be asked for", f->outages);
        return err_help(e, "write a number from 1 to %d", OUTAGES_MAX);
    }
    return 0;
}

static int run(struct call *c)
{
    const struct selftest_flags *f = c->flags;
    struct meter meter = {.begun_ns = clock_mono_ns()};
    struct selftest_options o = {.form = f->quick ? SELFTEST_QUICK : SELFTEST_FULL,
                                 .outages = f->outages < 0 ? 0 : f->outages,
                                 .seed = f->seed < 0 ? rng_entropy_seed() : (uint64_t)f->seed,
                                 .progress = c->globals.quiet ? NULL : say_progress,
                                 .arg = &meter};
    struct selftest_table table;
    struct err e = {0};
    meter.said_ns = meter.begun_ns;
    if (check(f, &e) < 0 || selftest_perform(&o, &table, &e) < 0) {
        return say_error(&c->err, &e);
    }
    gate_remember(&table, o.form);
    if (c->globals.json) {
        print_json(&o, &table, (double)(clock_mono_ns() - meter.begun_ns) / 1e9);
    } else {
        print_text(&table, o.seed);
    }
    return selftest_exit_code(&table);
}

const struct command command_selftest = {
    .name = "selftest",
    .operands = "",
    .summary = "measure outages and lies of known extent; truth beside measurement",
    .text = "Scripted servers on loopback fail in seven ways at probe gaps of 1, 5 and 20 ms, and lie about writes in "
            "seven; the ordinary clients and measures judge them. 1: a truth lay outside what was measured. `run` does "
            "a short form by itself when this binary has no pass on this host.",
    .exits = "0 1 4 5",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct selftest_flags),
    .run = run};
