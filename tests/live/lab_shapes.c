/* SPDX-License-Identifier: MIT */
/*
 * What each shape of a path does to datagrams, seen from outside, whatever mechanism makes it: netem under
 * ci/with-netem-kernel, the wire where the kernel has none. Times may be off by one millisecond times DRTEST_SLOW;
 * counts lie inside the exact binomial interval of 99.99 %. After each shape the path is set back and must be as if
 * nothing had been.
 */
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/shape.h"
#include "injectors/binomial.h"
#include "tests/live/flight.h"
#include "tests/live/lab_stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIDENCE 0.9999
#define MS NS_PER_MS
#define HEADERS 42 /* Ethernet, IP, UDP */
#define FLY_PATIENCE_NS (20 * NS_PER_S)

static int64_t tolerance_ns(void)
{
    return MS * stage_slow();
}

static struct lab *open_empty(struct stage *s)
{
    static const unsigned effects[16] = {1u << EFFECT_DEGRADE | 1u << EFFECT_RATE};
    struct lab *lab = NULL;
    stage_topology(&s->topo, 2, 1);
    s->options.link_effects = effects;
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    printf("degrade by %s\n", lab_netns.mechanism(lab, EFFECT_DEGRADE).name);
    return lab;
}

static void drive(struct stage *s, struct lab *lab, uint16_t path, const struct path_state *wanted)
{
    struct path_state got;
    if (lab_netns.path_set(lab, path, wanted, &s->err) != 0 || lab_netns.path_get(lab, path, &got, &s->err) != 0) {
        stage_give_up(s, "driving a path");
    }
    CHECK(shape_same(wanted, &got));
}

/* On a machine that stands still half of the time, times say nothing: that is
 * tried again for as long as an act can wait. */
static struct flight *fly(struct stage *s, struct lab *lab, const struct flight_plan *plan, int n)
{
    struct flight *flights = xcalloc((size_t)n, sizeof(*flights));
    int64_t patience_ns = clock_mono_ns() + FLY_PATIENCE_NS;
    int disturbed = n;
    for (int round = 0; 2 * disturbed > n && (round < 3 || clock_mono_ns() < patience_ns); round++) {
        if (flight_watch(lab, plan, flights, n, &s->err) != 0) {
            stage_give_up(s, "datagrams");
        }
        disturbed = 0;
        for (int i = 0; i < n; i++) {
            disturbed += flights[i].disturbed;
        }
        if (10 * disturbed > n) {
            printf("the machine stood still under %d of %d datagrams\n", disturbed, n);
        }
    }
    if (2 * disturbed > n) {
        stage_untold("the machine stood still under most of the datagrams, again and again");
    }
    return flights;
}

static void check_share(const char *what, int k, int n, double p)
{
    printf("%s: %d of %d, %.2f %% of %.2f %%\n", what, k, n, 100.0 * k / n, 100 * p);
    stage_check(binomial_plausible((uint64_t)k, (uint64_t)n, p, CONFIDENCE), what, __FILE__, __LINE__);
}

/* The same where the share itself may lie between two. */
static void check_share_between(const char *what, int k, int n, double least, double most)
{
    printf("%s: %d of %d, %.2f %% of %.2f to %.2f %%\n", what, k, n, 100.0 * k / n, 100 * least, 100 * most);
    double seen = (double)k / n;
    bool right = (seen >= least || binomial_plausible((uint64_t)k, (uint64_t)n, least, CONFIDENCE)) &&
                 (seen <= most || binomial_plausible((uint64_t)k, (uint64_t)n, most, CONFIDENCE));
    stage_check(right, what, __FILE__, __LINE__);
}

/* Nothing is left of a shape: all arrive at once, in order, once, whole. */
static void check_healed(struct stage *s, struct lab *lab, uint16_t path)
{
    enum { N = 100 };
    const struct path_state none = {0};
    drive(s, lab, path, &none);
    stage_pass_ms(100); /* what is still queued keeps its due time */
    scoped_free struct flight *f =
        fly(s, lab, &(struct flight_plan){.path = path, .gap_ns = 2 * MS, .tail_ns = 100 * MS}, N);
    CHECK(flight_arrived(f, N) == N);
    CHECK(flight_median_ns(f, N) < tolerance_ns());
    int odd = 0;
    for (int i = 0; i < N; i++) {
        odd += f[i].copies > 1 || f[i].damaged;
    }
    CHECK(odd == 0);
}

static int64_t round_trip(struct stage *s, struct lab *lab)
{
    enum { N = 25 };
    struct flight there[N], back[N], trips[N];
    for (int i = 0; i < N; i++) {
        struct flight_plan out = {.path = 0, .tail_ns = 60 * MS}, home = {.path = 1, .tail_ns = 60 * MS};
        if (flight_watch(lab, &out, &there[i], 1, &s->err) != 0 ||
            flight_watch(lab, &home, &back[i], 1, &s->err) != 0) {
            stage_give_up(s, "datagrams");
        }
        trips[i] = (struct flight){.copies = there[i].copies && back[i].copies,
                                   .taken_ns = there[i].taken_ns + back[i].taken_ns,
                                   .disturbed = there[i].disturbed || back[i].disturbed};
    }
    CHECK(flight_arrived(trips, N) == N);
    return flight_median_ns(trips, N);
}

static void delay(struct stage *s)
{
    struct lab *lab = open_empty(s);
    const struct path_state slow = {.delay_ns = 25 * MS};
    int64_t before = round_trip(s, lab);
    drive(s, lab, 0, &slow);
    drive(s, lab, 1, &slow);
    int64_t with = round_trip(s, lab);
    printf("round trip %.2f ms, with 25 ms each way %.2f ms\n", (double)before / 1e6, (double)with / 1e6);
    CHECK(llabs(with - before - 50 * MS) <= tolerance_ns());
    check_healed(s, lab, 0);
    check_healed(s, lab, 1);
    lab_netns.close(lab);
}

/* The share of draws in (low, high), in units of jitter. */
static double drawn_between(enum path_spread spread, double low, double high)
{
    enum { N = 20000 };
    int inside = 0;
    for (int i = 0; i < N; i++) {
        double x = shape_spread(spread, (i + 0.5) / N);
        inside += x > low && x < high;
    }
    return (double)inside / N;
}

static void check_drawn(const struct flight *f, int n, const struct path_state *shape, double low, double high)
{
    double slack = (double)tolerance_ns() / (double)shape->jitter_ns;
    int inside = 0, all = 0;
    for (int i = 0; i < n; i++) {
        double x = (double)(f[i].taken_ns - shape->delay_ns) / (double)shape->jitter_ns;
        all += !f[i].disturbed;
        inside += !f[i].disturbed && x > low && x < high;
    }
    char what[64];
    snprintf(what, sizeof(what), "spread %d, from %g to %g of jitter", (int)shape->spread, low, high);
    check_share_between(what, inside, all, drawn_between(shape->spread, low + slack, high - slack),
                        drawn_between(shape->spread, low - slack, high + slack));
}

/* The kernel does not show the table, so only this can tell one spread from another. */
static void jitter(struct stage *s)
{
    enum { N = 500 };
    struct lab *lab = open_empty(s);
    for (enum path_spread spread = SPREAD_UNIFORM; spread <= SPREAD_PARETO; spread++) {
        const struct path_state shape = {.delay_ns = 250 * MS, .jitter_ns = 60 * MS, .spread = spread};
        drive(s, lab, 0, &shape);
        scoped_free struct flight *f = fly(s, lab, &(struct flight_plan){.gap_ns = 2 * MS, .tail_ns = 600 * MS}, N);
        CHECK(flight_arrived(f, N) == N);
        check_drawn(f, N, &shape, -1, 1);
        check_drawn(f, N, &shape, -9, 0);
        check_drawn(f, N, &shape, -0.5, 0.5);
    }
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

static void loss(struct stage *s)
{
    enum { N = 3000 };
    struct lab *lab = open_empty(s);
    const struct path_state lossy = {.loss_ppm = 200000};
    drive(s, lab, 0, &lossy);
    scoped_free struct flight *f = fly(s, lab, &(struct flight_plan){.gap_ns = MS, .tail_ns = 100 * MS}, N);
    check_share("lost", N - flight_arrived(f, N), N, 0.2);
    const struct flight_plan home = {.path = 1, .gap_ns = 2 * MS, .tail_ns = 100 * MS};
    scoped_free struct flight *back = fly(s, lab, &home, 200);
    CHECK(flight_arrived(back, 200) == 200); /* one way only */
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

/* Nobody else is on the path: with all lost within spells and none between, a packet's fate hangs on the one before. */
static void check_chain(const struct flight *f, int n, const struct path_state *shape)
{
    struct shape_chain c;
    int after[2] = {0}, lost[2] = {0};
    CHECK(shape_chain(shape, &c));
    for (int i = 1; i < n; i++) {
        bool before = f[i - 1].copies == 0;
        after[before]++;
        lost[before] += f[i].copies == 0;
    }
    check_share("lost after one that arrived", lost[0], after[0], c.begin);
    check_share("lost after a lost one", lost[1], after[1], 1 - c.end);
}

static void bursts(struct stage *s)
{
    enum { N = 3000 };
    struct lab *lab = open_empty(s);
    const struct path_state shapes[] = {
        {.loss_ppm = 286000, .burst_milli = 2000, .burst_loss_ppm = PPM},
        {.loss_ppm = 100000, .burst_milli = 8000, .burst_loss_ppm = PPM},
        {.loss_ppm = 200000, .burst_milli = shape_correlated_burst(200000, 500000), .burst_loss_ppm = PPM},
        {.loss_ppm = 150000, .burst_milli = 10000, .burst_loss_ppm = 700000, .calm_loss_ppm = 20000},
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        drive(s, lab, 0, &shapes[i]);
        scoped_free struct flight *f = fly(s, lab, &(struct flight_plan){.gap_ns = MS, .tail_ns = 100 * MS}, N);
        int lumps = (int)ceil(shape_lumps(&shapes[i])), lost = N - flight_arrived(f, N);
        printf("burst of %.1f packets: lost %d of %d; ", (double)shapes[i].burst_milli / 1000, lost, N);
        check_share("in lumps", lost / lumps, N / lumps, (double)shapes[i].loss_ppm / (double)PPM);
        if (shapes[i].calm_loss_ppm == 0) {
            check_chain(f, N, &shapes[i]);
        }
    }
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

static void duplicates(struct stage *s)
{
    enum { N = 2000 };
    struct lab *lab = open_empty(s);
    const struct path_state twice = {.duplicate_ppm = 100000};
    drive(s, lab, 0, &twice);
    scoped_free struct flight *f = fly(s, lab, &(struct flight_plan){.gap_ns = MS, .tail_ns = 100 * MS}, N);
    int doubled = 0, more = 0;
    for (int i = 0; i < N; i++) {
        doubled += f[i].copies == 2;
        more += f[i].copies > 2;
    }
    CHECK(flight_arrived(f, N) == N && more == 0);
    check_share("came twice", doubled, N, 0.1);
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

/* Times tell little of single packets on a busy machine, their order does: who skips the delay overtakes one of the
 * four before, unless all four skipped. Told only of those whose four were sent well within the delay. */
static bool overtakes(const struct flight *f, int i)
{
    bool overtaken = false;
    for (int k = i - 4; k < i; k++) {
        overtaken |= f[k].place > f[i].place;
    }
    return overtaken;
}

static void reordering(struct stage *s)
{
    enum { N = 1000, GAP = 5 };
    struct lab *lab = open_empty(s);
    for (int gap = 1; gap <= GAP; gap += GAP - 1) {
        const struct path_state shape = {.delay_ns = 40 * MS, .reorder_ppm = 250000, .reorder_gap = gap};
        drive(s, lab, 0, &shape);
        scoped_free struct flight *f = fly(s, lab, &(struct flight_plan){.gap_ns = 2 * MS, .tail_ns = 150 * MS}, N);
        int early = 0, told = 0, last = -GAP, crowded = 0;
        CHECK(flight_arrived(f, N) == N);
        for (int i = 4; i < N; i++) {
            bool tells = f[i].sent_ns - f[i - 4].sent_ns < 30 * MS, skipped = tells && overtakes(f, i);
            told += tells;
            early += skipped;
            crowded += skipped && i - last < gap;
            last = skipped ? i : last;
        }
        CHECK(crowded == 0 && told > N / 2);
        check_share("skipped the delay", early, told, 1 / (gap - 1 + 1 / 0.25));
    }
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

static void corruption(struct stage *s)
{
    enum { N = 2000, BYTES = 1000 };
    struct lab *lab = open_empty(s);
    const struct path_state shape = {.corrupt_ppm = 50000};
    drive(s, lab, 0, &shape);
    struct flight_plan plan = {.bytes = BYTES, .gap_ns = 2 * MS, .tail_ns = 100 * MS};
    scoped_free struct flight *checked = fly(s, lab, &plan, N);
    plan.unchecked = true;
    scoped_free struct flight *unchecked = fly(s, lab, &plan, N);
    int damaged = 0;
    for (int i = 0; i < N; i++) {
        CHECK(!checked[i].damaged); /* a bad checksum goes no further than the kernel */
        damaged += unchecked[i].damaged;
    }
    /* A flipped bit may hit what nobody checks (the sender's hardware address)
     * or headers, and is dropped either way. */
    check_share_between("dropped for a checksum", N - flight_arrived(checked, N), N,
                        0.05 * (BYTES + HEADERS - 14) / (BYTES + HEADERS), 0.05);
    check_share_between("damaged, unchecked", damaged, N, 0.05 * (BYTES - 8) / (BYTES + HEADERS), 0.05);
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

static void rate(struct stage *s)
{
    enum { N = 60, BYTES = 1000, BYTES_PER_S = 100000 };
    struct lab *lab = open_empty(s);
    const struct path_state narrow = {.rate_bps = BYTES_PER_S * 8};
    drive(s, lab, 0, &narrow);
    scoped_free struct flight *f = fly(s, lab, &(struct flight_plan){.bytes = BYTES, .tail_ns = NS_PER_S}, N);
    CHECK(flight_arrived(f, N) == N);
    int64_t each = (int64_t)(BYTES + HEADERS) * NS_PER_S / BYTES_PER_S;
    for (int i = 0; i < N; i++) { /* when the i-th was through, by a clock that ticks once a packet */
        f[i].taken_ns += f[i].sent_ns - f[0].sent_ns - (i + 1) * each;
    }
    int64_t early = flight_median_ns(f, N / 2), late = flight_median_ns(f + N / 2, N / 2);
    printf("%d packets of %.2f ms: behind by %.2f ms, in the end by %.2f ms\n", N, (double)each / 1e6,
           (double)early / 1e6, (double)late / 1e6);
    CHECK(early >= -tolerance_ns()); /* a machine that stands still before the first makes all late, none early */
    CHECK(llabs(late - early) <= tolerance_ns());
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

/* Twice what fits, into a queue of fifty: who gets in at all waits for fifty others, who comes alone for nobody. */
static void bufferbloat(struct stage *s)
{
    enum { N = 600, LIMIT = 50, BYTES = 1000, BYTES_PER_S = 100000, SETTLED = 300 };
    struct lab *lab = open_empty(s);
    const struct path_state bloat = {.rate_bps = BYTES_PER_S * 8, .limit_packets = LIMIT};
    drive(s, lab, 0, &bloat);
    struct flight_plan plan = {.bytes = BYTES, .gap_ns = 30 * MS, .tail_ns = 200 * MS};
    scoped_free struct flight *alone = fly(s, lab, &plan, 30);
    plan.gap_ns = 5 * MS;
    plan.tail_ns = NS_PER_S;
    scoped_free struct flight *crowd = fly(s, lab, &plan, N);
    int64_t each = (int64_t)(BYTES + HEADERS) * NS_PER_S / BYTES_PER_S;
    int64_t idle = flight_median_ns(alone, 30), loaded = flight_median_ns(crowd + SETTLED, N - SETTLED);
    printf("idle %.1f ms, loaded %.1f ms of %.1f ms; %d of %d got through\n", (double)idle / 1e6, (double)loaded / 1e6,
           (double)(LIMIT * each) / 1e6, flight_arrived(crowd, N), N);
    CHECK(flight_arrived(alone, 30) == 30);
    CHECK(idle <= each + tolerance_ns());
    CHECK(llabs(loaded - LIMIT * each) <= 2 * each + tolerance_ns());
    double full = (double)(crowd[N - 1].sent_ns - crowd[SETTLED].sent_ns) / (double)each; /* so many fit through then */
    double through = flight_arrived(crowd + SETTLED, N - SETTLED) / fmin(full, N - SETTLED);
    CHECK(through > 0.9 && through < 1.1);
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

/* From every shape to every other one: the kernel keeps what a change leaves out, and each drive compares all of it. */
static void any_after_any(struct stage *s)
{
    struct lab *lab = open_empty(s);
    const struct path_state shapes[] = {
        {0},
        {.cut = true},
        {.delay_ns = 40 * MS},
        {.delay_ns = 5 * NS_PER_S, .jitter_ns = MS, .spread = SPREAD_NORMAL, .jitter_correlation_ppm = 250000},
        {.delay_ns = 20 * MS, .jitter_ns = 3 * MS, .spread = SPREAD_PARETO, .reorder_ppm = 50000, .reorder_gap = 7},
        {.loss_ppm = PPM},
        {.loss_ppm = 1},
        {.loss_ppm = 50000, .burst_milli = 5000, .burst_loss_ppm = 900000, .calm_loss_ppm = 1000},
        {.duplicate_ppm = 333333, .corrupt_ppm = 999999},
        {.rate_bps = 8000, .limit_packets = 10},
        {.rate_bps = INT64_C(80000000000)},
    };
    const size_t n = sizeof(shapes) / sizeof(shapes[0]);
    for (size_t a = 0; a < n; a++) {
        for (size_t b = 0; b < n; b++) {
            drive(s, lab, 0, &shapes[a]);
            drive(s, lab, 0, &shapes[b]);
        }
    }
    check_healed(s, lab, 0);
    lab_netns.close(lab);
}

static void from_the_topology(struct stage *s)
{
    enum { N = 600 };
    stage_topology(&s->topo, 2, 1);
    const struct path_state link = {.delay_ns = 30 * MS, .jitter_ns = 2 * MS, .loss_ppm = 100000, .rate_bps = 8000000};
    s->topo.links[0].baseline = link;
    struct lab *lab = NULL;
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    for (uint16_t path = 0; path < 2; path++) {
        struct path_state got;
        CHECK(lab_netns.path_get(lab, path, &got, &s->err) == 0 && shape_same(&got, &link));
        scoped_free struct flight *f =
            fly(s, lab, &(struct flight_plan){.path = path, .gap_ns = 2 * MS, .tail_ns = 150 * MS}, N);
        check_share("lost", N - flight_arrived(f, N), N, 0.1);
        CHECK(llabs(flight_median_ns(f, N) - 30 * MS) <= tolerance_ns());
    }
    lab_netns.close(lab);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"delay", delay},
                                      {"jitter, three spreads", jitter},
                                      {"loss", loss},
                                      {"loss in bursts and correlated", bursts},
                                      {"duplicate", duplicates},
                                      {"reorder", reordering},
                                      {"corrupt", corruption},
                                      {"rate", rate},
                                      {"bufferbloat", bufferbloat},
                                      {"any shape after any other", any_after_any},
                                      {"the topology's own links", from_the_topology}};
    stage_need(EFFECT_DEGRADE);
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
