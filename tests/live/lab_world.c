/* SPDX-License-Identifier: MIT */
/* The world is built whole, quickly, reaches everywhere it should, and leaves nothing behind. */
#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/lab/residue.h"
#include "tests/live/lab_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static double ms_since(int64_t ns)
{
    return (double)(clock_mono_ns() - ns) / 1e6;
}

static void three_by_three(struct stage *s)
{
    stage_topology(&s->topo, 3, 2);
    struct lab *lab = NULL;
    int64_t begun = clock_mono_ns();
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    double open_ms = ms_since(begun);
    int lost = 0;
    for (uint16_t p = 0; p < 2 * s->topo.link_count; p++) {
        lost += 2 - stage_datagrams(lab, p, 2);
    }
    CHECK(lost == 0);
    begun = clock_mono_ns();
    lab_netns.close(lab);
    double close_ms = ms_since(begun);
    /* Told, not judged: timing is for the bench, machines are shared. */
    printf("%zu nodes, %zu links: open %.1f ms, close %.1f ms\n", s->topo.node_count, s->topo.link_count, open_ms,
           close_ms);
}

static void everyone_is_reached(struct stage *s)
{
    stage_topology(&s->topo, 2, 2);
    char left[1024];
    struct residue *residue = NULL;
    CHECK(residue_begin(&residue, s->run_path, left, sizeof(left), &s->err) == 0 && left[0] == '\0');
    struct lab *lab = stage_open(s);
    for (uint16_t n = 0; n < s->topo.node_count; n++) {
        if (s->topo.nodes[n].role != NODE_CLIENT && s->topo.nodes[n].role != NODE_WITNESS) {
            CHECK(stage_knock(lab, stage_client(&s->topo, 0), n, NS_PER_S) == KNOCK_ANSWERED);
            CHECK(stage_knock(lab, stage_client(&s->topo, 1), n, NS_PER_S) == KNOCK_ANSWERED);
        }
    }
    uint16_t witness = (uint16_t)(s->topo.node_count - 1);
    CHECK(stage_knock(lab, 0, witness, NS_PER_S) == KNOCK_ANSWERED);
    /* Vantages do not know the witness's site: there is no route, and no answer. */
    CHECK(stage_knock(lab, stage_client(&s->topo, 0), witness, 300 * NS_PER_MS) != KNOCK_ANSWERED);
    lab_netns.close(lab);
    CHECK(residue_look(residue, left, sizeof(left), &s->err) == 0);
    CHECK(left[0] == '\0');
    printf("%s", left);
    residue_end(residue);
}

/* Root works in other people's closed folders, and must go on doing so inside. */
static void in_a_closed_folder(struct stage *s)
{
    static char path[128];
    if (geteuid() != 0) {
        return;
    }
    snprintf(path, sizeof(path), "%s/closed", s->run_path);
    CHECK(mkdir(path, 0700) == 0 && chown(path, 65534, 65534) == 0);
    s->options.run_path = path;
    stage_topology(&s->topo, 2, 1);
    struct lab *lab = stage_open(s);
    CHECK(stage_knock(lab, stage_client(&s->topo, 0), 0, NS_PER_S) == KNOCK_ANSWERED);
    lab_netns.close(lab);
}

static void residue_is_found(struct stage *s)
{
    stage_topology(&s->topo, 2, 1);
    char left[4096];
    struct residue *residue = NULL;
    CHECK(residue_begin(&residue, s->run_path, left, sizeof(left), &s->err) == 0 && left[0] == '\0');
    struct lab *lab = stage_open(s);
    CHECK(residue_look(residue, left, sizeof(left), &s->err) == 0);
    CHECK(strstr(left, "process ") && strstr(left, "drtest-cell"));
    lab_netns.close(lab);
    residue_end(residue);
}

static void nonsense_is_refused(struct stage *s)
{
    stage_topology(&s->topo, 2, 1);
    struct lab *lab = NULL;
    struct lab_options o = s->options;
    o.forced[EFFECT_KILL] = "hammer";
    CHECK(lab_netns.open(&lab, &s->topo, &o, &s->err) == -1);
    CHECK(s->err.kind == ERR_MACHINE);
    CHECK(lab == NULL);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"three regions of three nodes", three_by_three},
                                      {"everyone is reached, nothing is left", everyone_is_reached},
                                      {"in a folder closed to others", in_a_closed_folder},
                                      {"an open lab is found", residue_is_found},
                                      {"an unknown mechanism is refused", nonsense_is_refused}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
