/* SPDX-License-Identifier: MIT */
/* The part of the fake lab that are files: configurations on disks, and what the
 * control plane wants. Rows of struct lab_ops. */
#pragma once
#include "tests/unit/lab/fake_lab.h"

const char *fake_file_word(const struct fake_node *n);
int fake_config_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int fake_config_first(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int fake_file_get(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e);
int fake_file_set(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e);
int fake_desired_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int fake_desired_set(struct lab *lab, uint16_t node, const json_t *config, struct err *e);
int fake_patch(struct fake_lab *f, struct fake_node *n, const json_t *order); /* PUT /config; HTTP status */
