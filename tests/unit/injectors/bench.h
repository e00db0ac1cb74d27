/* SPDX-License-Identifier: MIT */
/* A workbench: the fake lab with a fabric, and an injection on it. */
#pragma once
#include "harness/base/err.h"
#include "injectors/injector.h"
#include "tests/unit/lab/fake_lab.h"

struct bench {
    struct fake_lab *lab;
    struct fabric *fabric;
    struct action action;
    struct injection in;
    const struct injector *injector;
    struct err err;
};

void bench_new(struct bench *b, const char *verb, const struct action *a);
void bench_free(struct bench *b);
int bench_apply(struct bench *b);
int bench_heal(struct bench *b);
/* Prove as the conductor does, every 20 ms for at most 3 s of virtual time. */
enum proof bench_prove(struct bench *b, bool healed);
