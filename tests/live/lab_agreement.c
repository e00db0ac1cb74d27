/* SPDX-License-Identifier: MIT */
/*
 * The same wish through netem and through the wire does the same to datagrams. Each mechanism is held to the wish: a
 * median delay within the millisecond that begins with what was asked, so that two of them are no further apart than
 * that; and of ten thousand datagrams as many lost as were asked for, in the exact interval of 99.99 %.
 *
 * For a kernel that has netem (ci/with-netem-kernel); the wire works everywhere.
 */
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "injectors/binomial.h"
#include "tests/live/flight.h"
#include "tests/live/lab_stage.h"

#include <stdio.h>
#include <string.h>

#define CONFIDENCE 0.9999
#define PATIENCE_NS (40 * NS_PER_S)

static struct lab *open_with(struct stage *s, const char *mechanism)
{
    static const unsigned effects[16] = {1u << EFFECT_DEGRADE};
    struct lab *lab = NULL;
    stage_topology(&s->topo, 2, 1);
    s->options.link_effects = effects;
    s->options.forced[EFFECT_DEGRADE] = mechanism;
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    CHECK(strcmp(lab_netns.mechanism(lab, EFFECT_DEGRADE).name, mechanism) == 0);
    return lab;
}

static void watch(struct stage *s, struct lab *lab, struct flight *f, int n)
{
    const struct flight_plan plan = {.gap_ns = NS_PER_MS, .tail_ns = 200 * NS_PER_MS};
    if (flight_watch(lab, &plan, f, n, &s->err) != 0) {
        stage_give_up(s, "datagrams");
    }
}

static int undisturbed(const struct flight *f, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        count += f[i].copies > 0 && !f[i].disturbed;
    }
    return count;
}

static void delays(struct stage *s, const char *mechanism)
{
    enum { N = 500 };
    const struct path_state slow = {.delay_ns = 50 * NS_PER_MS};
    struct lab *lab = open_with(s, mechanism);
    if (lab_netns.path_set(lab, 0, &slow, &s->err) != 0) {
        stage_give_up(s, "driving a path");
    }
    scoped_free struct flight *f = xcalloc(N, sizeof(*f));
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    do {
        watch(s, lab, f, N);
        CHECK(flight_arrived(f, N) == N);
    } while (2 * undisturbed(f, N) < N && clock_mono_ns() < until_ns);
    lab_netns.close(lab);
    if (2 * undisturbed(f, N) < N) {
        stage_untold("the machine stood still under most of the datagrams, again and again");
    }
    int64_t median = flight_median_ns(f, N);
    printf("%s: 50 ms asked, %.3f ms at the median of %d\n", mechanism, (double)median / 1e6, undisturbed(f, N));
    CHECK(median >= slow.delay_ns && median <= slow.delay_ns + NS_PER_MS);
}

static void losses(struct stage *s, const char *mechanism)
{
    enum { N = 10000 };
    const struct path_state lossy = {.loss_ppm = 50000};
    struct lab *lab = open_with(s, mechanism);
    if (lab_netns.path_set(lab, 0, &lossy, &s->err) != 0) {
        stage_give_up(s, "driving a path");
    }
    scoped_free struct flight *f = xcalloc(N, sizeof(*f));
    watch(s, lab, f, N);
    int lost = N - flight_arrived(f, N);
    lab_netns.close(lab);
    printf("%s: 5 %% asked, %d of %d lost\n", mechanism, lost, N);
    CHECK(binomial_plausible((uint64_t)lost, N, 0.05, CONFIDENCE));
}

static void netem_delays(struct stage *s)
{
    delays(s, "netem");
}

static void wire_delays(struct stage *s)
{
    delays(s, "wire");
}

static void netem_loses(struct stage *s)
{
    losses(s, "netem");
}

static void wire_loses(struct stage *s)
{
    losses(s, "wire");
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"netem delays", netem_delays},
                                      {"the wire delays", wire_delays},
                                      {"netem loses", netem_loses},
                                      {"the wire loses", wire_loses}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
