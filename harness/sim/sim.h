/* SPDX-License-Identifier: MIT */
/*
 * The sim lab from inside: a model of the reference system on a virtual clock. Internal to harness/sim; everyone else
 * sees lab_sim.
 *
 * What the model knows of the world is exactly what a scripted truth needs: which nodes are up, what each path does to
 * packets, one log per region, who leads with which epoch and until when. Loop time is run time. Nothing here draws on
 * the real clock, the kernel or the disk, so equal plans and seeds give equal evidence.
 */
#pragma once
#include "harness/base/json.h"
#include "harness/base/loop.h"
#include "harness/base/rng.h"
#include "harness/base/vec.h"
#include "harness/lab/lab.h"
#include "harness/load/client.h"

#define SIM_KEYS 16
#define SIM_BUNDLE 24
#define SIM_STARTUP_NS (300 * INT64_C(1000000)) /* from start to serving */
#define SIM_HOP_NS (500 * INT64_C(1000))        /* what each way costs beside the links' own delays */
#define SIM_TRY_NS (800 * INT64_C(1000000))     /* how long a gateway waits for one answer of an origin */
#define SIM_RETRIES 2
#define SIM_BUDGET_NS (950 * INT64_C(1000000))  /* how long a gateway keeps trying before it answers 503 */

struct sim_op {
    char op[32], value[32];
    uint32_t version, epoch;
    uint16_t key;
    int64_t at_ns; /* when the leader appended it */
};

/* The log of one region; position i holds lsn i + 1. */
struct sim_store {
    vec_of(struct sim_op) log;
    vec_of(struct sim_op) aside;  /* cut off its log when it followed another history */
    vec_of(struct sim_op) medium; /* the newest backup in this region */
    int64_t away_since_ns; /* as a standby: since when its leader cannot reach it, 0 reachable */
    bool in_sync;
};

#define SIM_SLOTS 16

/* A fault's wish for what is sent to a region, or fetched in it. */
struct sim_slot {
    char fault[24];
    uint16_t to;
    bool stop;
    int64_t delay_ns, corrupt_ppm, duplicate_ppm;
};

struct sim_node {
    enum node_state state;
    bool unplugged, standby;
    int64_t ready_at_ns, drift_since_ns;
    int64_t leave_at_ns; /* told to stop: when it is gone; 0 not told */
    json_t *config, *file, *desired; /* running, on its disk, desired; gateways drift */
    json_t *applied;          /* what ran last that came from file or control plane, not by a patch */
    json_t *reached;          /* the desired one that was seen running last */
    enum lab_file_state file_state;
    char *broken;             /* bytes in the file that are no configuration; NULL: `file` is what it says */
    json_t *published;        /* handed out by the control plane, not yet seen by the gateway */
    json_t *refused;          /* seen and not taken */
    int64_t published_ns, desired_as_of_ns;
    int64_t asked_at_ns, warm_at_ns; /* serverless: last request, and since when an instance is up */
    int64_t clock_step_ns, clock_gain_ppm, clock_since_ns; /* of its wall clock */
    struct sim_slot slots[SIM_SLOTS];
    size_t slot_count;
    uint64_t frames, damaged, doubled, noticed; /* messages sent under a lag that damages; found wrong here */
    char bundle[SIM_BUNDLE], shown[SIM_BUNDLE]; /* its certificate on disk, and what it read of it */
    bool stall;               /* its handshakes are never answered */
    json_t *ills;             /* origins: how it misbehaves, knobs by name */
    struct rng dice;
};

struct sim {
    struct lab lab;
    const struct topology *topology;
    struct loop *loop;
    struct loop_timer tick;
    struct sim_node *nodes;
    struct path_state *paths;
    struct sim_store *stores; /* by site */
    uint16_t leader;          /* site, TOPO_NONE: nobody */
    uint32_t epoch;
    int64_t lease_until_ns, ship_at_ns, caught_up_since_ns, backup_at_ns;
    bool stay;                /* an operator moved the lead: no automatic fail-back */
    unsigned certificates;    /* issued so far */
    uint64_t writes, reads;   /* counted for the flaws that hit every n-th of them */
    struct sim_callers *callers;
    struct sim_transport *transports; /* by site */
    struct sim_pending *pending;      /* everything under way */
};

/* sim_world.c */
bool sim_serving(const struct sim *s, uint16_t node); /* up, started, plugged in */
bool sim_path_open(const struct sim *s, uint16_t from_site, uint16_t to_site, uint16_t port); /* in both directions */
/* With an error, at once. */
bool sim_turned_away(const struct sim *s, uint16_t from_site, uint16_t to_site, uint16_t port);
bool sim_lets_in(const struct sim *s, uint16_t from_site, uint16_t to_site); /* new connections begun there */
int64_t sim_round_trip_ns(const struct sim *s, uint16_t from_site, uint16_t to_site);
bool sim_flaw(const struct sim *s, const char *name);

/* sim_store.c */
uint16_t sim_store_node(const struct sim *s, uint16_t site); /* its first origin */
bool sim_may_serve(const struct sim *s, uint16_t gateway_site); /* that gateway reaches a leader whose lease holds */
uint16_t sim_reader(struct sim *s, uint16_t gateway_site); /* the region whose store answers its next read */
/* Append at the leader and, in sync mode, at every standby in sync; false: not now, ask again. lsn is the position. */
bool sim_append(struct sim *s, const struct sim_op *op, uint32_t *version, uint64_t *lsn);
const struct sim_op *sim_latest(const struct sim *s, uint16_t site, uint16_t key); /* NULL: never written */
void sim_store_tick(struct sim *s, int64_t now); /* lease, shipping, fail-back */
bool sim_hand_over(struct sim *s, uint16_t to);
void sim_store_leaves(struct sim *s, uint16_t site); /* its store was told to stop: who leads passes the lead on */
json_t *sim_ops_page(const struct sim *s, uint16_t site, uint64_t from, size_t limit);
json_t *sim_lost_page(const struct sim *s, uint16_t site, uint64_t from, size_t limit);

/* sim_backup.c */
void sim_backup_tick(struct sim *s, int64_t now);
void sim_store_starts(struct sim *s, uint16_t site, unsigned how); /* of enum lab_start */

/* sim_service.c */
void sim_service_new(struct sim *s);
void sim_service_free(struct sim *s);
struct transport *sim_transport(struct lab *lab, uint16_t site);

/* sim_platform.c */
bool sim_hears(const struct sim *s, uint16_t gateway);        /* from a control endpoint, or none is planned */
bool sim_out_of_touch(const struct sim *s, uint16_t gateway); /* for too long, and told to refuse then */
bool sim_warm(struct sim *s, uint16_t site, int64_t now);     /* a request comes: can the region's origin take it? */
bool sim_deep_well(struct sim *s);                            /* what a probe sees that looks behind the gateways */

/* sim_tls.c */
void sim_tls_furnish(struct sim *s, uint16_t node); /* a good certificate, shown at once */
void sim_tls_read(struct sim_node *n);
bool sim_tls_accepted(const struct sim *s, uint16_t node); /* would a customer go on? */
json_t *sim_tls_status(const struct sim *s, uint16_t node);
json_t *sim_tls_seen(const struct sim *s, uint16_t node); /* by a handshake */
int sim_tls_issue(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                  struct err *e);
int sim_tls_get(struct lab *lab, uint16_t node, struct text *bundle, struct err *e);
int sim_tls_set(struct lab *lab, uint16_t node, const char *bundle, struct err *e);
const char *sim_tls_authority(struct lab *lab);
/* sim_misbehave.c: what becomes of one request to an origin. Zeroed but for the -1 is well. */
struct sim_fate {
    bool hangs, is_short;
    int status; /* 0: as usual */
    int64_t first_byte_ns, body_ns, reset_after, retry_after_s; /* -1: no reset, not told */
};
struct sim_fate sim_draw(struct sim *s, uint16_t node);
/* Returns a status. */
int sim_misbehave_call(struct sim *s, uint16_t node, const char *method, const char *name, json_t *knobs);
/* An origin asked from elsewhere: fills what is not zero for a node that
 * answers; *after_ns is the time-out, then when. */
void sim_answer_course(struct sim *s, uint16_t from, uint16_t to, const char *target, struct lab_answer *a,
                       int64_t *after_ns);

/* sim_callers.c */
void sim_callers_new(struct sim *s);
void sim_callers_free(struct sim *s);
void sim_callers_tick(struct sim *s, int64_t now);
int sim_callers_revoke(struct sim *s, uint16_t node); /* ordered at this origin; HTTP status */
int sim_callers_rule(struct sim *s, uint16_t gateway, const char *key); /* the status to refuse with, 0: let in */

/* sim_admin.c */
int sim_admin(struct lab *lab, uint16_t node, const char *method, const char *target, const char *body,
              int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e);
int sim_knock(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
              lab_answer_fn *done, void *arg, struct err *e);
int sim_handshake(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                  struct err *e);
int sim_ask(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
            lab_answer_fn *done, void *arg, struct err *e);
json_t *sim_node_config(const struct topology *t, uint16_t node); /* new reference */

/* sim_config.c */
void sim_config_new(struct sim *s, uint16_t node);
void sim_config_free(struct sim_node *n);
void sim_config_reload(struct sim_node *n); /* the file, if it is a configuration */
int sim_config_patch(struct sim_node *n, const json_t *order); /* of what runs; HTTP status */
const char *sim_drift_kind(const struct sim_node *n); /* as a gateway tells it, by its configurations alone */
const char *sim_file_word(const struct sim_node *n);
void sim_config_tick(struct sim *s, int64_t now);
int sim_node_config_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int sim_node_config_first(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int sim_node_file_get(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e);
int sim_node_file_set(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e);
int sim_node_desired_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int sim_node_desired_set(struct lab *lab, uint16_t node, const json_t *config, struct err *e);

/* sim_lag.c */
int sim_lag_order(struct sim *s, uint16_t node, const json_t *body); /* HTTP status */
struct sim_slot sim_lag(const struct sim *s, uint16_t node, uint16_t to); /* of all faults */
json_t *sim_lag_status(const struct sim *s, uint16_t node, uint16_t to);
bool sim_lag_spoils(struct sim *s, uint16_t from, uint16_t to_site); /* the next message; counted on both sides */

/* One thing that ends later: owned by the sim until `end` has run. */
struct sim_pending {
    struct loop_timer timer;
    struct sim *sim;
    struct sim_pending *next, **link;
    void (*end)(struct sim_pending *p, int64_t now); /* may set the timer again, else calls sim_pending_free */
};
void sim_pending_start(struct sim *s, struct sim_pending *p, int64_t at_ns);
void sim_pending_free(struct sim_pending *p);
