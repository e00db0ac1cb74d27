/* SPDX-License-Identifier: MIT */
/*
 * Forms, lanes and the collecting of what they say.
 *
 * The work is dealt to lanes: one for each gap, one for writes and the controls; where there is one processor only, all
 * are strung into one. The outages of a lane go round all modes, so that a rehearsal is a row of different ones.
 *
 * The lanes tell through one pipe. Its end without the last word of each lane is a failure, and so is silence for
 * longer than any rehearsal takes. Who cannot wait for a machine that voids rehearsal after rehearsal sets a bound.
 */
#include "harness/selftest/selftest.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/selftest/lane.h"
#include "harness/selftest/scratch.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#define SILENCE_MS 60000
#define LANES 4

static const enum outage_mode all_modes[] = {OUTAGE_RST,  OUTAGE_ERROR503, OUTAGE_FREEZE, OUTAGE_BLACKHOLE,
                                             OUTAGE_SLOW, OUTAGE_FLAP,     OUTAGE_HALF};
static const enum outage_mode short_modes[] = {OUTAGE_RST, OUTAGE_ERROR503, OUTAGE_FREEZE, OUTAGE_BLACKHOLE};
static const int64_t gaps_ns[] = {NS_PER_MS, 5 * NS_PER_MS, 20 * NS_PER_MS};

struct selftest {
    const struct selftest_options *options;
    struct selftest_table *table;
    struct lane lanes[LANES];
    size_t lane_count, lanes_done;
    int64_t planned, done;
};

static bool one_processor(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) < 2;
}

static struct lane *lane_at(struct selftest *s, size_t i)
{
    i = one_processor() ? 0 : i;
    s->lane_count = i + 1 > s->lane_count ? i + 1 : s->lane_count;
    return &s->lanes[i];
}

/* Not at 1 ms, where two probers and a server would be three processes that
 * never rest; not in the form that `run` does. */
static bool second_looks_on(const struct selftest *s, int64_t gap_ns)
{
    return s->options->form != SELFTEST_SHORT && gap_ns >= 5 * NS_PER_MS;
}

static void add_outage(struct selftest *s, size_t lane, int64_t gap_ns, enum outage_mode mode, bool never)
{
    *vec_push(&lane_at(s, lane)->tasks) = (struct lane_task){
        .gap_ns = gap_ns, .second = second_looks_on(s, gap_ns), .script = {.mode = mode, .never = never}};
    s->planned++;
}

static void add_writes(struct selftest *s, size_t lane, enum write_lie lie, bool null_drill)
{
    *vec_push(&lane_at(s, lane)->tasks) = (struct lane_task){.writes = true, .null_drill = null_drill, .lie = lie};
    s->planned++;
}

static void add_lies(struct selftest *s, size_t lane)
{
    for (enum write_lie lie = LIE_NONE + 1; lie < LIE_COUNT; lie++)
        add_writes(s, lane, lie, false);
    add_writes(s, lane, LIE_NONE, true);
    add_outage(s, lane, 5 * NS_PER_MS, OUTAGE_RST, true);
}

/* One processor carries prober, server and all that is between them: 50 requests a second instead of 200. */
static void plan_short(struct selftest *s)
{
    int64_t gap_ns = (one_processor() ? 20 : 5) * NS_PER_MS;
    for (size_t i = 0; i < array_len(short_modes); i++)
        add_outage(s, 0, gap_ns, short_modes[i], false);
    add_writes(s, 1, LIE_DROPPED, false);
}

static void plan_rounds(struct selftest *s, int64_t rounds)
{
    for (int64_t round = 0; round < rounds; round++)
        for (size_t g = 0; g < array_len(gaps_ns); g++)
            for (size_t m = 0; m < array_len(all_modes); m++)
                add_outage(s, g, gaps_ns[g], all_modes[m], false);
    for (int64_t round = 0; round < 1 + (rounds > 10 ? rounds / 5 : 0); round++)
        add_lies(s, array_len(gaps_ns));
}

static void plan_work(struct selftest *s)
{
    const struct selftest_options *o = s->options;
    int64_t per_round = (int64_t)(array_len(gaps_ns) * array_len(all_modes));
    int64_t outages = o->outages > 0 ? o->outages : o->form == SELFTEST_FULL ? SELFTEST_OUTAGES : 2 * per_round;
    if (o->form == SELFTEST_SHORT && o->outages <= 0)
        plan_short(s);
    else
        plan_rounds(s, (outages + per_round - 1) / per_round);
}

static int take(struct selftest *s, struct lane_message *m, struct err *e)
{
    switch (m->word) {
    case LANE_OUTAGE:
        if (s->options->tamper)
            s->options->tamper(&m->of.outage);
        table_add_outage(s->table, &m->of.outage);
        s->done += m->of.outage.valid;
        break;
    case LANE_WRITES:
        table_add_writes(s->table, &m->of.writes);
        s->done += m->of.writes.valid;
        break;
    case LANE_DONE:
        s->lanes_done++;
        break;
    default:
        *e = m->of.err;
        return -1;
    }
    if (s->options->progress)
        s->options->progress(s->options->arg, s->done, s->planned);
    return 0;
}

/* How long to wait for the next word; 0: no longer. */
static int patience_ms(const struct selftest *s, int64_t begun_ns)
{
    if (s->options->bound_ns == 0)
        return SILENCE_MS;
    int64_t left_ns = begun_ns + s->options->bound_ns - clock_mono_ns();
    return left_ns <= 0 ? 0 : left_ns < SILENCE_MS * NS_PER_MS ? (int)(left_ns / NS_PER_MS) : SILENCE_MS;
}

static int listen_to_lanes(struct selftest *s, int from, struct err *e)
{
    int64_t begun_ns = clock_mono_ns();
    while (s->lanes_done < s->lane_count) {
        struct lane_message m;
        struct pollfd p = {.fd = from, .events = POLLIN};
        int ready = poll(&p, 1, patience_ms(s, begun_ns));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0 && patience_ms(s, begun_ns) == 0)
            return err_set(e, ERR_MACHINE, "selftest",
                           "this machine is too busy to tell: %lld of %lld rehearsals in %lld s", (long long)s->done,
                           (long long)s->planned, (long long)(s->options->bound_ns / NS_PER_S));
        if (ready != 1 || read(from, &m, sizeof(m)) != (ssize_t)sizeof(m))
            return err_set(e, ERR_RUN, "selftest", ready == 1 ? "a process of the self-test died"
                                                              : "the self-test has come to a halt");
        if (take(s, &m, e) < 0)
            return -1;
    }
    return 0;
}

static int perform(struct selftest *s, const char *scratch, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_os(e, ERR_MACHINE, errno, "pipe", "the self-test cannot talk to its processes");
    scoped_fd int from = ends[0], to = ends[1];
    for (size_t i = 0; i < s->lane_count; i++) {
        s->lanes[i].number = (uint8_t)i;
        s->lanes[i].seed = s->options->seed + 100000 * i;
        if (lane_start(&s->lanes[i], scratch, to, e) < 0)
            return -1;
    }
    fd_close(&to);
    return listen_to_lanes(s, from, e);
}

int selftest_perform(const struct selftest_options *o, struct selftest_table *table, struct err *e)
{
    struct selftest s = {.options = o, .table = table};
    struct selftest_scratch scratch;
    *table = (struct selftest_table){0};
    plan_work(&s);
    int failed = scratch_open(&scratch, e) < 0 || perform(&s, scratch.path, e) < 0;
    for (size_t i = 0; i < s.lane_count; i++)
        lane_stop(&s.lanes[i]);
    scratch_close(&scratch);
    table_sort(table);
    return failed ? -1 : 0;
}

int selftest_exit_code(const struct selftest_table *table)
{
    return table_passed(table) ? 0 : 1;
}
