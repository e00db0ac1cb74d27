/* SPDX-License-Identifier: MIT */
/*
 * A little world on 127.0.0.1 for the live tests of the gateway: a witness, two origins with stores, two gateways, each
 * a process of its own on ports of its own, with short time-outs; and a blocking HTTP client that shares no code with
 * the gateway. Everything is bounded; whatever fails ends the test with a message and the world with it.
 */
#pragma once
#include "harness/base/child.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum stage_node { WITNESS, STORE_US, STORE_EU, GATE_US, GATE_EU, STAGE_NODES };

struct stage {
    const char *binary;
    char dir[64];
    int base_port;
    struct child nodes[STAGE_NODES];
    pid_t detour; /* the process by which the store of us-east reaches the witness, if wished for */
    struct rng rng;
};

struct stage_wish {
    bool sync;
    int every_ms;
    const char *flaw; /* of all nodes; NULL: none */
    bool detour;
};

struct reply {
    int status; /* 0: no answer */
    char head[4096];
    char body[128 * 1024];
};

#define check(what) ((what) ? (void)0 : stage_fail(#what, __FILE__, __LINE__))
_Noreturn void stage_fail(const char *what, const char *file, int line);

void stage_open(struct stage *s, const char *binary, struct stage_wish wish);
void stage_close(struct stage *s); /* also on exit(3) */
void stage_start(struct stage *s, enum stage_node n);
void stage_signal(struct stage *s, enum stage_node n, int sig);
/* The main of a program of drills: PROGRAM DRGATEWAY NAME runs the one of that
 * name on a stage that is closed afterwards. */
struct stage_drill {
    const char *name;
    void (*run)(void);
};
int stage_main(struct stage *s, int argc, char **argv, const struct stage_drill *drills, size_t n);
void stage_silence(struct stage *s, enum stage_node a, enum stage_node b); /* SIGSTOP for both */
void stage_kill(struct stage *s, enum stage_node n); /* SIGKILL, and dead when it returns */
int stage_port(const struct stage *s, enum stage_node n);
int stage_admin(const struct stage *s, enum stage_node n);
void stage_path(const struct stage *s, enum stage_node n, const char *suffix, char out[128]);

/* Merge this into the configuration of a node, file and desired state; takes the patch. A gateway runs it then. */
void stage_change(struct stage *s, enum stage_node n, json_t *patch);
int stage_dial(int port); /* a connection */

int64_t now_ms(void);
void pause_ms(int64_t ms);
bool ask(int port, const char *method, const char *target, const char *fields, const char *body, int timeout_ms,
         struct reply *r); /* false: no whole answer */
bool field(const struct reply *r, const char *name, char *out, size_t size);
/* Write op through a port; the answer's status, 0 without one. */
int write_op(int port, const char *op, const char *key, struct reply *r);
json_t *status_of(struct stage *s, enum stage_node n); /* new reference; NULL without an answer */
/* How often a gateway has found a drift of this kind. A drift that is put right may be gone before anybody looks. */
json_int_t drifts_of(struct stage *s, enum stage_node gate, const char *kind);
bool leads(struct stage *s, enum stage_node n);
void wait_leader(struct stage *s, enum stage_node n, int64_t limit_ms);
void wait_in_sync(struct stage *s, int64_t limit_ms); /* both regions in the witness's list, and the gateways ready */
/* All ops of a store, in order: an array of [op, lsn, epoch, key, version, value]. */
json_t *all_ops(struct stage *s, enum stage_node n);
