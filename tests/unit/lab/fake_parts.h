/* SPDX-License-Identifier: MIT */
/* What the files of the fake lab share; private to them. */
#pragma once
#include "tests/unit/lab/fake_lab.h"

static inline struct fake_lab *fake_of(struct lab *lab)
{
    return (struct fake_lab *)(void *)lab;
}

/* Each operation that can fail asks here: 0 go on, 1 pretend, -1 fail. */
int fake_permit(struct fake_lab *f, struct err *e);

/* fake_files.c: what lies on a node's disk, and what is desired of it. */
const char *fake_file_word(const struct fake_node *n);
int fake_config_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int fake_config_first(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int fake_file_get(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e);
int fake_file_set(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e);
int fake_desired_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int fake_desired_set(struct lab *lab, uint16_t node, const json_t *config, struct err *e);

/* fake_late.c: who is late or has the wrong time, as its admin port takes and tells it. */
json_t *fake_lateness(const struct fake_lab *f, uint16_t node);     /* for /status; new reference */
int fake_lag_order(struct fake_lab *f, uint16_t node, json_t *doc); /* HTTP status */
int64_t fake_wall_ns(const struct fake_lab *f, uint16_t node);
int fake_clock_order(struct fake_lab *f, uint16_t node, const json_t *doc);
