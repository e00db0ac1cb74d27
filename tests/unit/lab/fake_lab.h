/* SPDX-License-Identifier: MIT */
/*
 * A lab of arrays: what it is told is what it is, at once, on a virtual clock. It can be told to fail or to lie, and it
 * counts. Vantage "clients" sees region "east" (gateways 0, 1, origin 2) and "west" (gateways 3, 4, origin 5).
 */
#pragma once
#include "harness/base/rng.h"
#include "harness/lab/lab.h"

enum { FAKE_SITES = 3, FAKE_NODES = 7, FAKE_LINKS = 3, FAKE_PATHS = 2 * FAKE_LINKS, FAKE_CLIENT = 6 };

struct fake_node {
    enum node_state state;
    int exit; /* how its process ends when it is told to leave: waitpid(2) */
    bool unplugged;
    unsigned starts, fresh_starts, started; /* the last: how, the last time */
    json_t *file, *running, *desired, *refused;
    enum lab_file_state file_state;
    char *broken; /* bytes in the file that are no configuration; NULL: `file` is what it says */
    bool silent_about_files;
    char applied[65];     /* patched since: what it had taken over; empty: what it runs */
    json_t *slots;        /* of POST /lag, by fault */
    int64_t clock_step_ns, clock_gain_ppm, clock_since_ns;
    int64_t slots_since_ns; /* when the last one was ordered */
    bool guards; /* refuses any other desired configuration */
    bool standby;
    int64_t limits[LAB_RESOURCES];
    bool unfelt;             /* limits read back and do not bite */
    bool trying;             /* a trial takes two calls */
    size_t crowd;
    json_t *ills; /* how it misbehaves, by name */
    struct rng dice;
    char *bundle, *shown; /* tls.pem, and what was read of it: "<kind> <number>" */
    bool stall;
    uint64_t connection; /* the cookie of the one that it has; 0: none */
};

struct fake_lab {
    struct lab lab;
    struct topology topo;
    struct topo_site sites[FAKE_SITES];
    struct topo_node nodes_on_paper[FAKE_NODES];
    struct topo_link links[FAKE_LINKS];
    struct loop *loop;
    struct fake_node nodes[FAKE_NODES];
    struct path_state paths[FAKE_PATHS];
    struct fake_call *pending;
    unsigned issued;         /* certificates so far */
    int leader;              /* node */
    char revoked[64];        /* the subject of the last revocation that was taken */
    bool leaky;              /* paths are as asked for, and everything passes all the same */
    bool deaf;               /* acknowledges everything and does nothing */
    int fail_after;          /* operations until one fails; -1 never */
    bool ignores_hangup;
    bool ships_all_the_same; /* takes orders to be late and is not */
    bool all_late;           /* each follower and gateway is late, whatever was ordered */
    unsigned stalling;       /* by node, bits: starting it takes a minute */
    unsigned operations;
};

struct fake_lab *fake_lab_new(void); /* every node up */
void fake_lab_free(struct fake_lab *f);
void fake_lab_pass(struct fake_lab *f, int64_t ns); /* run its loop for so long */

/* For the parts of the lab in files of their own. */
struct fake_lab *fake_of(struct lab *lab);
int fake_answer_later(struct fake_lab *f, int status, json_t *take_body, int64_t after_ns, lab_answer_fn *done,
                      void *arg);
int fake_permit(struct fake_lab *f, struct err *e); /* each operation that can fail asks: 0 go on, 1 pretend, -1 fail */
int fake_connections(struct lab *lab, uint16_t node, uint16_t peer, uint64_t *cookies, size_t max, size_t *n,
                     struct err *e);
int fake_disconnect(struct lab *lab, uint16_t node, uint16_t peer, struct err *e);
