/* SPDX-License-Identifier: MIT */
/*
 * The stage of the live tests: a small world, one lab per process, and checks that say what they saw.
 *
 * main calls stage_main, which becomes the ordinary user 65534 when asked to (argument "rootless"), makes a run
 * directory of its own, and runs each act in a child, since a process can open one lab only. DRTEST_ACTS=NAME,... plays
 * these alone.
 */
#pragma once
#include "harness/base/err.h"
#include "harness/lab/lab.h"

struct stage {
    struct topology topo;
    struct lab_options options;
    char run_path[64];
    struct err err;
};

/* regions each with `gateways` and one origin, as many vantages, every region linked with each region and vantage. */
void stage_topology(struct topology *t, uint16_t regions, uint16_t gateways);

struct act {
    const char *name;
    void (*play)(struct stage *s);
};
int stage_main(int argc, char **argv, const struct act *acts, size_t n);

void stage_need(enum lab_effect effect); /* before stage_main: without it all acts are skipped */

#define CHECK(what) stage_check((what), #what, __FILE__, __LINE__)
void stage_check(bool right, const char *what, const char *file, int line);
/* The act cannot go on: prints the error and ends its process. */
_Noreturn void stage_give_up(struct stage *s, const char *doing);
/* What this act is to tell cannot be told on this machine now. It ends; without another failure the test is skipped. */
_Noreturn void stage_untold(const char *why);

struct lab *stage_open(struct stage *s); /* with all nodes started and answering */
enum knock stage_knock(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns);
uint16_t stage_client(const struct topology *t, uint16_t vantage);
/* Datagrams of n that arrive over a path, one every two milliseconds. */
int stage_datagrams(struct lab *lab, uint16_t path, int n);
void stage_pass_ms(int ms);
/* By how much tolerances of time grow on this machine: DRTEST_SLOW, 1 if unset. */
int stage_slow(void);
