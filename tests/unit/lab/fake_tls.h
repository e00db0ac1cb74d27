/* SPDX-License-Identifier: MIT */
/* TLS in the lab of arrays: a bundle is "<kind> <number>", a handshake looks at the kind. */
#pragma once
#include "tests/unit/lab/fake_lab.h"

void fake_tls_furnish(struct fake_node *n);
void fake_tls_read(struct fake_node *n); /* what stands there is shown from now on */
void fake_tls_forget(struct fake_node *n);
json_t *fake_tls_status(const struct fake_node *n);
int fake_tls_issue(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                   struct err *e);
int fake_tls_get(struct lab *lab, uint16_t node, struct text *bundle, struct err *e);
int fake_tls_set(struct lab *lab, uint16_t node, const char *bundle, struct err *e);
int fake_handshake(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                   struct err *e);
