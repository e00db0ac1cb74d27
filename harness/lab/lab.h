/* SPDX-License-Identifier: MIT */
/*
 * The world we break, behind one table of operations. Two labs exist: `netns`, real namespaces with real processes and
 * packets, and `sim`, a virtual clock with a scripted model whose truth is known.
 *
 * The conductor opens a lab for one run and closes it; injectors and canaries act through it. Faults on paths are
 * layers: each active fault lays its wish on the fabric, the lab is driven to the merge of all layers and the baseline,
 * and lifting one fault restores what the others still want. Everything the lab makes dies with the process that
 * opened it, SIGKILL included. Nodes are topology node indexes, paths as in topology.h.
 */
#pragma once
#include "harness/base/child.h"
#include "harness/base/loop.h"
#include "harness/base/text.h"
#include "harness/spec/topology.h"
#include <jansson.h>
#include <stddef.h>

struct err;
struct residue;
struct text;
struct wire_counts;

/* Where link faults are made: the first that this machine can do, or the one forced with --mechanism. */
enum lab_effect {
    EFFECT_KILL, EFFECT_FREEZE,
    EFFECT_CUT, EFFECT_CUT_ONLY, EFFECT_REJECT, EFFECT_DEGRADE, EFFECT_RATE,
    EFFECT_DEGRADE_ONLY, /* packets of one port shaped */
    EFFECT_FILTER,     /* packets told apart: first ones of connections, long ones */
    EFFECT_UNPLUG, EFFECT_DISCONNECT, EFFECT_STALL,
    EFFECT_DRIFT, EFFECT_LAG, EFFECT_CLOCK, EFFECT_FAIL_OVER, EFFECT_REVOKE, EFFECT_PATCH, EFFECT_DNS, EFFECT_TLS,
    EFFECT_MISBEHAVE, EFFECT_SURGE, EFFECT_SLOW_CLIENTS,
    EFFECT_DESCRIPTORS, EFFECT_DISK, EFFECT_PORTS, EFFECT_BACKLOG, EFFECT_PROCESSES, EFFECT_CPU, EFFECT_MEMORY,
    EFFECT_IO,         /* how the disk behaves, not how much of it there is */
    LAB_EFFECTS
};
extern const char *const lab_effect_words[LAB_EFFECTS];

struct lab_mechanism {
    const char *name; /* signal cgroup freezer netem wire fib tbf bpf link diag file admin gdnsd load openssl prlimit
                       * tmpfs sysctl seccomp sim; "none": cannot be done here */
    const char *why;  /* how we know, or why not and the remedy */
    bool available;
};

/* What this machine can do for the netns lab, probed in a throwaway child
 * (fork), never assumed. For doctor and plan. */
struct lab_caps {
    bool usable;              /* a netns lab can be opened at all */
    bool rootless;
    char reason[256], remedy[256]; /* when it cannot */
    struct lab_mechanism effects[LAB_EFFECTS];
};
int lab_caps_probe(struct lab_caps *caps, struct err *e);

/* What was forced in place of the machine's own choice, tried the same way; what cannot be had is ERR_MACHINE. The lab
 * looks again when it opens; this is for those who want to know before anything is started. */
int lab_caps_force(struct lab_caps *caps, const char *const forced[LAB_EFFECTS], struct err *e);
bool lab_mechanism_known(const char *word); /* the name of any mechanism of any effect, here or elsewhere */

/* Settle the choice for one run. Where the wire stands in for netem, it carries only links that have to be shaped, and
 * then their rates too. link_effects, by link, is an or of 1u << effect for what faults will do to it (NULL: nothing);
 * wired, by link (may be NULL), says which the wire carries. Returns whether any. */
bool lab_caps_settle(struct lab_caps *caps, const struct topology *t, const unsigned *link_effects,
                     const char *const forced[LAB_EFFECTS], bool *wired);

struct lab_options {
    const char *run_path;      /* the run directory: node logs go to nodes/, private data to a tmpfs at lab/ */
    const char *gateway_path;  /* drgateway */
    uint64_t seed;
    int64_t zero_ns;           /* loop time of run time 0; every instant the lab returns is run time */
    const char *forced[LAB_EFFECTS]; /* --mechanism, NULL: probe */
    const unsigned *link_effects;    /* by link: an or of 1u << effect for what faults will do to it; NULL: nothing */
    unsigned effects;                /* an or of 1u << effect for what faults will do at all */
};

/* What a node can run short of. A limit is how much it may have: a number of descriptors, ports, connections that
 * wait to be accepted, processes; for the disk what is left, in bytes or files; for a disk that may be written 0 is
 * no; for the processor ppm of one; for memory bytes; for a disk's time the ns that each read, write and sync takes
 * longer; 0 for a disk on which they fail, and for one that has lost what was not synced when the node dies.
 * LAB_PLENTY is no limit. */
enum lab_resource {
    RESOURCE_DESCRIPTORS, RESOURCE_DISK, RESOURCE_INODES, RESOURCE_WRITING, RESOURCE_PORTS, RESOURCE_BACKLOG,
    RESOURCE_PROCESSES, RESOURCE_CPU, RESOURCE_MEMORY, RESOURCE_IO_TIME, RESOURCE_IO, RESOURCE_IO_KEPT, LAB_RESOURCES
};
#define LAB_PLENTY INT64_C(-1)
/* Whether a leaves a node no more than b does; neither is LAB_PLENTY. */
static inline bool lab_as_scarce(enum lab_resource r, int64_t a, int64_t b)
{
    return r == RESOURCE_IO_TIME ? a >= b : a <= b;
}
struct lab_supply {
    int64_t limit;  /* read back from the kernel */
    bool short_of;  /* who tries to take more than was asked for does not get it */
    char seen[80];  /* by the trial: "write: No space left on device" */
};

/* How a node starts: as it lies there, or an or of these. Restore: a store without a log begins with the newest good
 * backup on its region's second medium; no backups: that medium is lost before. */
enum lab_start { LAB_START_FRESH = 1, LAB_START_RESTORE = 2, LAB_START_NO_BACKUPS = 4 };

enum node_state { NODE_DOWN, NODE_UP, NODE_FROZEN };

/* How an exchange came to its end: whole as announced; closed or reset by the peer before that; not over in time; no
 * connection came about. */
enum lab_end { END_WHOLE, END_SHORT, END_RESET, END_TIMEOUT, END_REFUSED };

/* What a client sees of an answer beside its status. Run time; 0: it did not come to that. */
struct lab_course {
    enum lab_end end;
    int64_t connected_ns, first_byte_ns;
    size_t body_len;
    int64_t retry_after_s; /* -1: not told */
};

/* One answer of an admin port. sent_ns..done_ns bracket the exchange. status 0: no answer in time. */
struct lab_answer {
    int status;
    json_t *body; /* borrowed during the callback; NULL if there was none */
    int64_t sent_ns, done_ns;
    struct lab_course course; /* of lab_ops.ask only */
};
typedef void lab_answer_fn(void *arg, const struct lab_answer *answer);

/* How a TCP connect plus optional HTTP GET on a node's own port went, asked from another node past every gateway.
 * Refused: by a reset; unreachable: so said an ICMP message. */
enum knock { KNOCK_ANSWERED, KNOCK_REFUSED, KNOCK_SILENT, KNOCK_CONNECTED_SILENT, KNOCK_UNREACHABLE };

/* How a TLS handshake with a gateway went, seen from another node. */
enum handshake_end {
    HANDSHAKE_DONE,    /* body: verify (an X509_V_ code, 0 well), why (in words), certificate (SHA-256), version */
    HANDSHAKE_REFUSED, /* no connection */
    HANDSHAKE_SILENT,  /* no connection in time */
    HANDSHAKE_STALLED, /* connected, and no end of the handshake in time */
    HANDSHAKE_BROKEN,  /* an alert, the end, or no TLS */
};

/* A configuration file as it lies on the disk of its node. */
enum lab_file_state { LAB_FILE_READABLE, LAB_FILE_MISSING, LAB_FILE_UNREADABLE };
struct lab_file {
    enum lab_file_state state;
    unsigned mode;     /* permission bits; of a readable one, as is */
    struct text bytes; /* owned by whoever has the struct */
};

struct lab;
struct lab_ops {
    const char *kind; /* "netns" | "sim" */
    /* Build the world of the topology: namespaces, links, addresses, routes, all neutral plumbing. No node runs yet. */
    int (*open)(struct lab **lab, const struct topology *t, const struct lab_options *o, struct err *e);
    void (*close)(struct lab *lab); /* everything gone when it returns; NULL is fine */

    struct loop *(*loop)(struct lab *lab);
    struct lab_mechanism (*mechanism)(struct lab *lab, enum lab_effect effect);

    /* Processes. start: render the node's configuration and start it (again); it is ready when /healthz answers.
     * kill: SIGKILL to every process of the node, frozen or not, returns when the pidfd says dead. freeze, thaw: by its
     * control group, or SIGSTOP and SIGCONT. */
    int (*node_start)(struct lab *lab, uint16_t node, unsigned how, struct err *e); /* of enum lab_start */
    int (*node_kill)(struct lab *lab, uint16_t node, struct err *e);
    int (*node_freeze)(struct lab *lab, uint16_t node, bool frozen, struct err *e);
    int (*node_signal)(struct lab *lab, uint16_t node, int sig, struct err *e);
    enum node_state (*node_state)(struct lab *lab, uint16_t node); /* from the kernel, not from memory */
    /* How the process of a node that is down has ended, as waitpid(2) says it; -1: somebody else has asked first. */
    int (*node_exit)(struct lab *lab, uint16_t node);

    /* Limit what a node may have; needs lab_options.effects to name it. A process feels descriptors, disk, ports,
     * and limits of its group at once, RESOURCE_WRITING and RESOURCE_BACKLOG from its next start on. sim: taken note
     * of, no supply. supply: read the limit back and try to take more than `want` beside the node (LAB_PLENTY: only
     * read). 0 judged, 1 the trial is under way, ask again; one trial per node at a time. */
    int (*node_starve)(struct lab *lab, uint16_t node, enum lab_resource r, int64_t limit, struct err *e);
    int (*node_supply)(struct lab *lab, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                       struct err *e);
    /* Idle connections from a node's namespace to another's serving port, opened
     * again when they are closed; 0 ends them. */
    int (*node_crowd)(struct lab *lab, uint16_t from, uint16_t to, size_t connections, struct err *e);

    /* Configuration file of a node: as JSON (new reference), as it lies on the disk, and put another in its place
     * atomically. first: the one with which the node was first started. */
    int (*node_config_get)(struct lab *lab, uint16_t node, json_t **config, struct err *e);
    int (*node_config_first)(struct lab *lab, uint16_t node, json_t **config, struct err *e);
    int (*node_file_get)(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e);
    int (*node_file_set)(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e);
    /* What the control plane wants of a gateway, as JSON. */
    int (*node_desired_get)(struct lab *lab, uint16_t node, json_t **config, struct err *e);
    int (*node_desired_set)(struct lab *lab, uint16_t node, const json_t *config, struct err *e);

    /* Paths: drive one path to a wanted state (an absolute state, not a
     * difference), and read it back from the kernel. */
    int (*path_set)(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e);
    int (*path_get)(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e);
    /* The power of a whole node or region: its link to the router cut silently in both directions. */
    int (*node_unplug)(struct lab *lab, uint16_t node, bool unplugged, struct err *e);

    /* Ask a node's admin port from inside its own namespace. Asynchronous; exactly one callback, within timeout_ns.
     * The traffic manager has none: a GET of /NAME is answered, with status 200, by what the DNS says about that
     * name of the zone (/status: about the clients' own), {"rcode": 0, "answer": [sorted addresses], "ttl": s}. */
    int (*admin)(struct lab *lab, uint16_t node, const char *method, const char *target, const char *body,
                 int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e);
    /* Knock on a node's serving port from another node's namespace; callback as above, status holds enum knock. */
    int (*knock)(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
                 lab_answer_fn *done, void *arg, struct err *e);
    /* Ask a node's serving port as a client would, from another node's namespace: status is the HTTP status, 0 if none
     * came, and course says how it went. At most 64 KiB of answer. */
    int (*ask)(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
               lab_answer_fn *done, void *arg, struct err *e);

    /* The same on any TCP port of a node; the connection is closed as soon as it stands. NULL in sim. */
    int (*knock_port)(struct lab *lab, uint16_t from, uint16_t to, uint16_t port, int64_t timeout_ns,
                      lab_answer_fn *done, void *arg, struct err *e);

    /* TLS of the gateways, in a world that has it; fails elsewhere. What a gateway shows is a bundle: PEM of key,
     * certificate and chain in one file, replaced atomically, read by the gateway on SIGHUP. issue: a new one, of
     * the kind; fingerprint is SHA-256 of the certificate in hex. authority: the file with the root that customers
     * believe. */
    int (*tls_issue)(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                     struct err *e);
    int (*tls_get)(struct lab *lab, uint16_t node, struct text *bundle, struct err *e);
    int (*tls_set)(struct lab *lab, uint16_t node, const char *bundle, struct err *e);
    const char *(*tls_authority)(struct lab *lab); /* NULL: none, or not by files */
    /* What tokens of callers are signed with, in a world that has them; borrowed, NULL elsewhere. NULL in sim. */
    const struct token_key *(*token_key)(struct lab *lab);
    /* Shake hands with a gateway's TLS port from another node's namespace; callback as of admin. */
    int (*handshake)(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                     struct err *e);

    /* A UDP socket pair whose ends stand in the first nodes of the two sites of a path; see canary.h. port: at which
     * the far one hears, 0 any. NULL in sim. */
    int (*path_sockets)(struct lab *lab, uint16_t path, uint16_t port, int *send_fd, int *receive_fd, struct err *e);

    /* A non-blocking IPv4 socket that stands in a node's namespace, whatever its processes do. NULL in sim. */
    int (*node_socket)(struct lab *lab, uint16_t node, int type, struct err *e);

    /* TCP connections of a node with the site `peer` (TOPO_NONE: with any other node), those of its admin port
     * apart: the first max of their cookies, and how many there are. No two connections ever have the same. And
     * break them: both sides learn it at once, and new ones are let in. NULL in sim. */
    int (*connections)(struct lab *lab, uint16_t node, uint16_t peer, uint64_t *cookies, size_t max, size_t *n,
                       struct err *e);
    int (*disconnect)(struct lab *lab, uint16_t node, uint16_t peer, struct err *e);

    /* fork(2) into a client node's namespaces: 0 in the child, 1 in the parent. NULL in sim: load runs in-process. */
    int (*client_fork)(struct lab *lab, uint16_t node, struct child *c, struct err *e);
    /* sim only, else NULL: a transport for load/client.h that talks to the model. */
    struct transport *(*transport)(struct lab *lab, uint16_t vantage_site);

    /* The process that carries shaped links, where there is one: 1 there is none, 0 it lives, -1 it has died or does
     * not answer, and what it carried cannot be believed. counts (NULL: only whether it
     * lives) is what became of all frames. NULL in sim. */
    int (*carriage)(struct lab *lab, struct wire_counts *counts, struct err *e);

    /* The audit of the host, begun before open; see residue.h. NULL in sim. */
    int (*residue_begin)(struct residue **r, const char *run_path, char *left, size_t len, struct err *e);
};

struct lab {
    const struct lab_ops *ops;
    int64_t zero_ns; /* loop time of run time 0 */
    uint64_t seed;   /* of the run */
};

/* Run time at which the loop's turn began. */
static inline int64_t lab_now(struct lab *lab)
{
    return loop_now(lab->ops->loop(lab)) - lab->zero_ns;
}

static inline const struct token_key *lab_token_key(struct lab *lab)
{
    return lab->ops->token_key ? lab->ops->token_key(lab) : NULL;
}

extern const struct lab_ops lab_netns;
extern const struct lab_ops lab_sim;
