/* SPDX-License-Identifier: MIT */
/*
 * What a step of the timeline may do. Each verb is a row (struct action_type) that an injector brings along; the loader
 * is handed the rows and so parses, checks, explains and documents a new verb without knowing it.
 */
#pragma once
#include "harness/spec/topology.h"
#include <jansson.h>

enum action_target {
    TARGET_NONE = 0,
    TARGET_REGION = 1,  /* region: R        every node of the region */
    TARGET_NODE = 2,    /* gateway: R/N */
    TARGET_LINK = 4,    /* between: [A, B], isolate: A, split: [[A], [B, C]]; direction: both | forward | backward */
    TARGET_ORIGIN = 8,  /* origin: R/N; only in the mask of a verb, the action then says TARGET_NODE */
    TARGET_DNS = 16,    /* dns: dns/1, the traffic manager; likewise */
    TARGET_CONTROL = 32, /* control: R/1, a control endpoint; likewise */
};

enum kill_how { KILL_DEFAULT, KILL_POWER, KILL_CRASH }; /* default: power for a region, crash for one node */
/* dns: how the answers change; live: they do not, save what else the step says. */
enum dns_answer { DNS_LIVE, DNS_SILENT, DNS_NXDOMAIN, DNS_EMPTY, DNS_OTHER, DNS_STALE };
enum disk_fate { DISK_KEPT, DISK_LOST, DISK_LOST_WITH_BACKUPS };
enum restore_from { RESTORE_AS_IS, RESTORE_BACKUP }; /* as is: with what its disk has */
enum disk_state { DISK_WELL, DISK_FULL, DISK_READONLY };

enum io_state { IO_WELL, IO_SLOW, IO_ERROR, IO_LOST_WRITES };

/* starve: one of them. 0: not given; inodes may be 0, so there is a word for it. */
struct starve_wish {
    int64_t descriptors, inodes, ports, backlog, processes, cpu_ppm, memory_bytes;
    bool inodes_given;
    enum disk_state disk;
    enum io_state io;
    int64_t io_delay_ns; /* beside io: slow */
};

enum drift_via { DRIFT_VIA_FILE, DRIFT_VIA_CONTROL, DRIFT_VIA_RUNTIME };
enum drift_file { DRIFT_CONTENT, DRIFT_TRUNCATED, DRIFT_MISSING, DRIFT_UNREADABLE, DRIFT_STALE };
enum link_direction { DIRECTION_BOTH, DIRECTION_FORWARD, DIRECTION_BACKWARD };

/* misbehave: how an origin serves instead of well. Zeroed is well. */
enum health_lie { HEALTH_HONEST, HEALTH_GOOD, HEALTH_BAD };
struct service_fault {
    int64_t status;            /* instead of the answer; 0 none */
    int64_t retry_after_ns;    /* beside 429 or 503; whole seconds */
    int64_t share_ppm;         /* of the requests; 0 stands for all */
    int64_t first_byte_ns, body_ns; /* the first byte so much later; the body spread over so long */
    int64_t reset_after_bytes; /* of the body */
    bool has_reset, hang, short_body;
    enum health_lie health;    /* what the health check says whatever the requests get */
};

/* surge: extra customers. What is for one vantage is set when the plan is compiled. */
struct surge_wish {
    int64_t pace;           /* as written: 1e-6 per second over all vantages, or minus the ppm of the workload */
    int64_t slow_in_all;    /* slow clients over all vantages */
    int64_t retries;        /* made at once after a failure */
    bool herd;              /* who failed comes back when a fault is healed, all at once */
    int64_t rate_micro, slow_clients; /* of one vantage */
    int64_t timeout_ns;
    const char *path;       /* in the plan's arena */
};

struct yaml_node;
/* flap: when the fault that it names is in force. */
struct flap {
    int64_t period_ns, on_ppm, jitter_ns;
    const struct yaml_node *fault; /* as written */
};

/* The parameters of one step; every verb uses the members its field table names. Zeroed is "nothing given". */
struct action {
    const struct action_type *type;
    enum action_target target;
    uint16_t site;             /* TARGET_REGION; fail_over: the region to go to */
    uint16_t node;             /* TARGET_NODE */
    uint16_t link;             /* TARGET_LINK by `between` */
    const uint8_t *sides;      /* TARGET_LINK by `isolate` or `split`: by site, the side it is on, 1..; 0: on none. The
                                * links between sides are hit. NULL: `link` is */
    enum link_direction direction; /* seen from the first name of `between`, already turned to a-to-b of the link; with
                                    * sides, forward is from a side to a later one */
    uint16_t port;             /* TARGET_LINK, `only`: TCP to and from this port; 0: all */
    enum gate_way way;         /* reject; what is left at GATE_DROP lets packets vanish */
    struct path_state shape;   /* partition, reject (cut or gate is set by the loader), degrade; lag: delay, corrupt,
                                * duplicate */
    int64_t burst, loss_correlation_ppm; /* degrade: two spellings of the shape's burst, packets or chance */
    enum topo_alert alert;     /* the rule that must raise an alert about it; NONE: none is asked for */
    enum kill_how how;
    enum disk_fate disk;       /* kill */
    int64_t grace_ns;          /* stop: between SIGTERM and SIGKILL */
    enum certificate certificate; /* tls: what gateways show; or */
    bool stall;                /* tls: they never answer a handshake */
    int64_t every_ns;          /* kill, disconnect: once more after this time, as long as the fault lasts; 0 once */
    int64_t stagger_ns;        /* kill: between one node and the next; 0 all at once */
    int64_t ready_after_ns;    /* restore: how long its nodes are held back */
    enum restore_from from;    /* restore */
    struct starve_wish starve;
    struct flap flap;          /* only while a scenario is bound: the plan holds its rounds */
    enum drift_via via;        /* drift: in the node's own file, in what the control plane hands out, in the process */
    enum dns_answer answer;    /* dns */
    int64_t ttl_ns, slow_ns;   /* dns: 0 as before */
    const char *name;          /* dns: the name that is hit, a region's; NULL: the one clients ask for */
    struct service_fault service; /* misbehave */
    struct surge_wish surge;
    int64_t step_ns, clock_ppm; /* clock: how far it jumps; how fast it runs, 0 or a million: as time does */
    bool of_config, stop;      /* lag: of the desired state, else of replication; nothing comes at all */
    bool not_reloaded;         /* drift: the process is not told of its new file */
    enum drift_file file;      /* drift: what becomes of the file, beside a change of its content */
    json_t *patch, *merge;     /* drift; borrowed, owned by the plan */
};

/* Whether it hits a path, or a link in any direction (action.c). False for other targets. */
bool action_hits_path(const struct topology *t, const struct action *a, uint16_t path);
bool action_hits_link(const struct topology *t, const struct action *a, uint16_t link);
bool action_hits_node(const struct topology *t, const struct action *a, uint16_t node); /* a node, or one of a region */
/* May it separate acknowledged writes from those who survive? A control endpoint holds none. */
bool action_severs(const struct topology *t, const struct action *a);
/* The site that is cut off from all others, whichever way that was written; TOPO_NONE: it is not that. */
uint16_t action_isolates(const struct topology *t, const struct action *a);

/* What crosses links, by port: the words of `only`. The lease is asked of the witness, replication goes between
 * regions; gateways fetch their configuration between regions where their own endpoint fails; health checks ask the
 * port that clients ask. NULL-terminated by word. */
struct action_plane {
    const char *word;
    uint16_t port;
};
extern const struct action_plane action_planes[];
const char *action_plane_word(uint16_t port); /* NULL: nothing speaks on it across links */
bool action_plane_crosses(const struct topology *t, uint16_t link, uint16_t port);

#define ACTION_WHY 160

enum action_class {
    ACTION_FAULT,    /* applied, proven, healed */
    ACTION_RESTORE,  /* ends every open fault on its target */
    ACTION_OPERATOR, /* fail_over, fail_back: never healed, never proven as a fault */
    ACTION_NOTHING,  /* null drill: proof and floor waived */
    ACTION_FLAP,     /* stands for rounds of another fault; no step of a plan has it */
};

struct field;
struct action_type {
    const char *verb, *summary;
    enum action_class class;
    unsigned targets;             /* mask of enum action_target the verb accepts */
    const struct field *fields;   /* its own keys, bound into struct action; see harness/spec/field.h */
    size_t field_count;
    bool selective;               /* on links: takes `only` */
    bool severing;                /* may separate acknowledged writes from the survivors */
    bool of_tls;                  /* needs gateways that speak TLS (topology.tls) */
    bool of_identity;             /* needs gateways that ask who calls (topology.identity) */
    bool of_process;              /* lives in the node's process and would die with it */
    bool proven_once;             /* kill, drift: no need to stay in force until the heal */
    int64_t momentary_ns;         /* it happens and is over, at the latest after this time; 0: it lasts */
    int64_t (*proof_bound_ns)(const struct action *a); /* NULL: 2 s */
    /* Two of this verb on one target at a time that set different keys: what of it
     * both set nevertheless, NULL if nothing. */
    const char *(*clash)(const struct action *a, const struct action *b);
    /* True: its parameters contradict each other; NULL: never. */
    bool (*objects)(const struct action *a, char why[ACTION_WHY]);
    bool (*spares)(const struct action *a); /* severing, yet whoever is hit so serves on, if worse; NULL: never */
    /* Two on one target are about different things; NULL: never. */
    bool (*apart)(const struct action *a, const struct action *b);
};
