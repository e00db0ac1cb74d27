/* SPDX-License-Identifier: MIT */
/*
 * The compiled scenario: immutable, complete, in the order things are due. Made by plan_compile from a scenario,
 * const from then on, owns one arena. Everyone after the spec room reads this and never YAML.
 *
 * Times are scenario time: 0 is the end of the steady-state check plus a short seeded random phase. All durations ns.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/spec/action.h"
#include "harness/spec/topology.h"

enum stream_kind { STREAM_READ_FRESH, STREAM_READ_KEEPALIVE, STREAM_WRITE };

/* One open-loop stream of one vantage; its index in plan->streams is its id in the evidence. plan_due_ns says when
 * request k leaves. */
struct plan_stream {
    enum stream_kind kind;
    uint16_t vantage;      /* site index */
    uint16_t client;       /* writes: number of the ledger client, 0.. */
    int64_t rate_micro;    /* requests per second * 1e6 */
    int64_t timeout_ns;    /* T_req */
    const char *path;
    enum dns_class dns;    /* of its vantage; only those that honour are judged */
};

/* Requests with the key of one caller at one gateway, to see whether it is let in: no part of any number but those
 * about keys. Its index in plan->patrols is its id in the evidence. */
struct plan_patrol {
    enum caller who;
    uint16_t gateway;          /* node */
    struct plan_stream stream; /* vantage, rate, time-out, path */
};

struct plan_step {
    uint16_t id;           /* 1.. in file order, later rounds of a step behind all others; the fault's id */
    struct action action;
    int64_t at_ns;
    int64_t until_ns;      /* faults: when it ends by `for:` or by a later restore; INT64_MAX: by rollback */
    bool has_for;
    uint16_t ended_by;     /* id of the restore step that ends it, 0 if none */
    int64_t hold_ns;       /* H of this fault (measurement section 7); faults and the null drill's `nothing` */
    const char *note;
    uint16_t of;           /* id of the step as written; not its own in later rounds of a flap or a repetition */
    const char *text;      /* "kill us-east": for people */
    int line, column;      /* in the scenario file, 1..; 0: from an override */
};

enum target_key {
    TARGET_RTO, TARGET_RPO, TARGET_LOST_WRITES, TARGET_LOST_AFTER, TARGET_CONFLICTING_WRITES, TARGET_STALE_READS,
    TARGET_CONVERGED, TARGET_FAILBACK, TARGET_AVAILABILITY, TARGET_P99, TARGET_DETECTED, TARGET_REPAIRED,
    TARGET_DUPLICATED_WRITES, TARGET_RETRIES, TARGET_MOVED_USERS, TARGET_REVOKED, TARGET_OVERSHOOT, TARGET_ALERTED,
    TARGET_FALSE_ALARMS, TARGET_KEYS
};
enum target_unit { TARGET_S, TARGET_MS, TARGET_RATIO, TARGET_COUNT };

/* name, unit, direction (true: at least), title with %s for the printed target */
struct target_type {
    const char *key;
    enum target_unit unit;
    bool at_least;
    const char *title;   /* "RTO is at most %s" */
    const char *summary;
};
extern const struct target_type target_types[TARGET_KEYS];

struct plan_target {
    enum target_key key;
    int64_t value;       /* ns, ppm or count, by the key's unit (ns for s and ms) */
    bool implied;        /* lost_after 0, implied by rpo or lost_writes */
    const char *file;    /* in which it is written; NULL: the scenario's own, or none */
    const char *assignment; /* of --set, which is no file: KEY=VALUE; else NULL */
    int line, column;       /* in the file, 1..; 0: it comes from --set */
};

struct plan {
    struct arena arena;
    const char *name, *title, *description, *owner; /* the last two may be NULL */
    const char **tags;
    size_t tag_count;
    const char *file;                 /* as given on the command line */
    const char *text;                 /* the scenario file, verbatim */
    const char *yaml;                 /* the scenario as run: overrides and defaults resolved, can be run again */
    char sha256[65];                  /* of text and overrides */
    char targets_sha256[65];
    uint64_t seed;
    struct topology *topology;
    struct plan_stream *streams;
    size_t stream_count;
    struct plan_patrol *patrols;
    size_t patrol_count;
    struct plan_step *steps;          /* by at_ns, then file order */
    size_t step_count;
    struct plan_target *targets;
    size_t target_count;

    /* steady state (measurement section 5 and 7) */
    int64_t good_ratio_ppm;           /* rho */
    int64_t baseline_p50_ns, baseline_p95_ns, baseline_p99_ns; /* 0: no such condition; p99 is L_p99 */
    bool expect_no_drift;
    int64_t baseline_hold_ns;         /* B, already lengthened to min(3 / (eps * Lambda), 30 s) */
    int64_t baseline_within_ns;
    /* derived */
    int64_t window_ns;                /* w = max(1 s, 5 / lambda_min) */
    int64_t hold_max_ns;              /* the largest H; without a fault what an unhealed one would have */
    int64_t recovery_within_ns, converge_within_ns;
    int64_t timeline_end_ns;          /* last step's end: at, or at + for */
    int64_t observe_ns;               /* scenario time at which observation ends and rollback heals what is open */
    int64_t drill_ns;                 /* T_drill: planned timeline + failback window */
    int64_t phase_max_ns;             /* seeded U(0, this) before scenario time 0 */
    int64_t abort_availability_ppm, abort_for_ns; /* abort_when; 0: none */
    json_t *overrides;                /* --set and suite values, for the record; owned */
};

void plan_free(struct plan *p);

const struct plan_target *plan_target_find(const struct plan *p, enum target_key key); /* NULL if not promised */
double plan_rate_total(const struct plan *p);  /* Lambda, requests per second */
double plan_rate_writes(const struct plan *p); /* lambda_w */
double plan_rate_patrols(const struct plan *p); /* of all patrols, per second */
double plan_rate_min(const struct plan *p);    /* lambda_min, 0 without streams */
/* Requests of one vantage under way at once while nothing answers. */
double plan_under_way(const struct plan *p, uint16_t vantage);
/* The same of the surges that are open at once at the worst, and their attempts per second. */
double plan_surge_under_way(const struct plan *p);
double plan_surge_rate(const struct plan *p);
/* Local ports that a vantage may hold towards one destination, with as many addresses as it takes: connections opened
 * within a minute (whoever closes first, here the client, keeps a port for 60 s in TIME_WAIT), and twice those under
 * way. All new connections of a vantage go to one gateway at a time. */
uint64_t plan_ports(const struct plan *p, uint16_t vantage);
/* Once per gateway and caller, from the vantage that is near to it (plan_patrols.c). */
void plan_make_patrols(struct plan *p);
void plan_make_keys(struct plan *p); /* credential.c */
int64_t plan_interval_ns(const struct plan_stream *s); /* Delta, rounded down */

/* The planned send of request k of a stream whose first is at start_ns: start + floor(k * 1e15 / rate_micro) ns, with
 * no error accumulating. The one definition that pacer and measures share. */
int64_t plan_due_ns(const struct plan_stream *s, int64_t start_ns, uint64_t k);
