/* SPDX-License-Identifier: MIT */
/* What the files of the lab of arrays share; private to them. */
#pragma once
#include "tests/unit/lab/fake_lab.h"

static inline struct fake_lab *fake_lab_of(struct lab *lab)
{
    return (struct fake_lab *)(void *)lab;
}

/* Each operation that can fail asks here: 0 go on, 1 pretend, -1 fail. */
int fake_permit(struct fake_lab *f, struct err *e);
int fake_answer_later(struct fake_lab *f, int status, json_t *take_body, int64_t after_ns, lab_answer_fn *done, void *arg);
bool fake_open_between(const struct fake_lab *f, uint16_t a, uint16_t b);

/* fake_links.c */
int fake_path_set(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e);
int fake_path_get(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e);
int fake_unplug(struct lab *lab, uint16_t node, bool unplugged, struct err *e);
int fake_connections(struct lab *lab, uint16_t node, uint16_t peer, uint64_t *cookies, size_t max, size_t *n, struct err *e);
int fake_disconnect(struct lab *lab, uint16_t node, uint16_t peer, struct err *e);

/* fake_tls.c */
int fake_tls_issue(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                   struct err *e);
int fake_tls_get(struct lab *lab, uint16_t node, struct text *bundle, struct err *e);
int fake_tls_set(struct lab *lab, uint16_t node, const char *bundle, struct err *e);
int fake_handshake(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                   struct err *e);
