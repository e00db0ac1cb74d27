/* SPDX-License-Identifier: MIT */
/*
 * What the files of the netns lab share; private to them.
 *
 * One network namespace per node and one router per site. The router of a site has a device per node (dr-n<node>) and
 * one per link to another site (dr-m<link>); a node has eth0. Interface indexes are ours: a node's eth0 is 2, the
 * router's device of its i-th node 2 + i, its mesh devices follow. The two devices of a wired link do not end in each
 * other but in the middle, the wire's namespace, in dr-w<link>a and dr-w<link>b.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/lab/answerer.h"
#include "harness/lab/ask.h"
#include "harness/lab/authority.h"
#include "harness/lab/caps.h"
#include "harness/lab/cell.h"
#include "harness/lab/cgroup.h"
#include "harness/lab/handshake.h"
#include "harness/lab/lab.h"
#include "harness/lab/nl.h"
#include "harness/lab/tap.h"
#include "harness/lab/wire.h"

#include <string.h>

#define NETNS_TRIPWIRE "dr-trip"

struct place {
    int fd; /* the namespace */
    struct netlink *nl; /* routers keep theirs; a node's is closed once the world is built */
};

struct mesh_end {
    int index; /* of the device in the router */
    char name[16];
    enum path_spread spread; /* last asked for: netem does not tell */
    struct netlink_kept *kept; /* while it is down: what to put back */
};

struct node_disk {
    bool mounted;
    int ballast_fd; /* the file that fills it up; valid once mounted */
};

/* Who tries a limit of a node's control group. */
struct node_guest {
    struct child process;
    int64_t felt;     /* what the kernel had counted before */
    int64_t until_ns;
    int file; /* of a trial of the disk */
};

struct crowd;
struct node_run {
    struct child process;
    int64_t started_ns;          /* monotonic clock; the last time */
    int64_t descriptors;         /* that it may have, while that is kept */
    struct loop_timer keeping;   /* sees to that while the process may still be starting */
    struct loop *loop;           /* on which it does */
    int64_t keep_until_ns;
    unsigned disks; /* lost so far */
    struct node_disk disk;
    struct node_guest guest;
    struct tap *tap;     /* on its disk; NULL: none in this run */
    struct crowd *crowd; /* of idle connections to it; NULL: none */
};

struct netns_lab {
    struct lab lab; /* first: the ops cast back and forth */
    const struct topology *topo;
    struct lab_options options;
    char *run_path, *gateway_path;
    struct cell cell;
    struct loop *loop;
    struct lab_caps caps;
    struct place *nodes, *routers;
    struct place middle;
    struct wire *wire;     /* NULL: no link is wired */
    bool *wired;           /* by link */
    uint16_t *wired_links; /* their numbers */
    size_t wired_count;
    struct mesh_end *mesh; /* by path: the device on which it leaves the router of its first site */
    struct node_run *runs;
    int64_t published; /* documents, after those of the first day */
    struct ask_list asks;
    struct authority *authority; /* NULL: a world without TLS */
    char *authority_path;        /* its root, for customers */
    struct handshake_list handshakes;
    struct token_key *token_key; /* NULL: a world without tokens */
    struct answerer *answerer; /* NULL: nothing is rejected in this run */
    bool *rejecting;           /* by site: the answerer listens in its router */
    bool *gated;               /* by path: it has gates, or driving them failed */
    struct cgroups groups;
    bool grouped[CGROUP_KINDS]; /* each node is in a control group of this kind */
    struct cgroup_keeper keeper;
    bool netem, tbf;   /* neutral plumbing in place on every mesh device */
    bool *filtered;    /* by link: and a filter on its two devices */
    bool cut_by_netem; /* else by FIB rules */
};

static inline bool netns_does(const struct netns_lab *l, enum lab_effect effect, const char *mechanism)
{
    return strcmp(l->caps.effects[effect].name, mechanism) == 0;
}

static inline struct netns_lab *netns_of(struct lab *lab)
{
    return (struct netns_lab *)lab;
}

static inline const struct topo_site *netns_site(const struct netns_lab *l, uint16_t node)
{
    return &l->topo->sites[l->topo->nodes[node].site];
}

/* netns_build.c: namespaces, links, addresses, routes, neutral plumbing. What was made is the caller's to close. */
int netns_build(struct netns_lab *l, struct err *e);
void netns_tear_down(struct netns_lab *l);
uint32_t netns_address(const struct netns_lab *l, uint16_t node); /* host byte order */

void netns_offloads_off(int control, const char *device); /* control: a socket in the device's namespace */

/* A socket made inside a namespace: it stays there wherever we go. -1 on failure. */
int netns_socket(struct netns_lab *l, int netns_fd, int type, struct err *e);

/* netns_node.c */
int netns_node_start(struct lab *lab, uint16_t node, unsigned how, struct err *e);
int netns_node_kill(struct lab *lab, uint16_t node, struct err *e);
int netns_node_freeze(struct lab *lab, uint16_t node, bool frozen, struct err *e);
int netns_node_signal(struct lab *lab, uint16_t node, int sig, struct err *e);
enum node_state netns_node_state(struct lab *lab, uint16_t node);
int netns_node_exit(struct lab *lab, uint16_t node);
int netns_config_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int netns_config_first(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int netns_file_get(struct lab *lab, uint16_t node, struct lab_file *file, struct err *e);
int netns_file_set(struct lab *lab, uint16_t node, const struct lab_file *file, struct err *e);
int netns_desired_get(struct lab *lab, uint16_t node, json_t **config, struct err *e);
int netns_desired_set(struct lab *lab, uint16_t node, const json_t *config, struct err *e);
int netns_tls_get(struct lab *lab, uint16_t node, struct text *bundle, struct err *e);
int netns_tls_set(struct lab *lab, uint16_t node, const char *bundle, struct err *e);
int netns_client_fork(struct lab *lab, uint16_t node, struct child *c, struct err *e);

/* In the node's own folder. */
int netns_desired_keep(struct netns_lab *l, uint16_t node, const json_t *config, struct err *e);
int netns_put_json(const char *path, const json_t *doc, struct err *e);

/* netns_control.c: what the control endpoints hand out, where there are any */
int netns_control_furnish(struct netns_lab *l, uint16_t node, struct err *e); /* on the new disk of an endpoint */
int netns_control_publish(struct netns_lab *l, uint16_t gateway, const json_t *config, struct err *e);

/* netns_tls.c */
int netns_tls_open(struct netns_lab *l, struct err *e);
void netns_tls_close(struct netns_lab *l);
int netns_tls_furnish(struct netns_lab *l, uint16_t node, struct err *e); /* a good certificate on a new disk */
int netns_tls_issue(struct lab *lab, uint16_t node, enum certificate kind, struct text *bundle, char fingerprint[65],
                    struct err *e);
const char *netns_tls_authority(struct lab *lab);
int netns_handshake(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                    struct err *e);

/* netns_tokens.c */
int netns_tokens_open(struct netns_lab *l, struct err *e);
/* What a gateway checks by, on a new disk. */
int netns_tokens_furnish(struct netns_lab *l, uint16_t node, struct err *e);
const struct token_key *netns_token_key(struct lab *lab);

/* For child_exec: into the node's control groups and network namespace; arg is a struct netns_entry. */
struct netns_entry {
    const struct netns_lab *lab;
    uint16_t node;
};
int netns_enter(void *arg);
void netns_node_path(const struct netns_lab *l, uint16_t node, const char *file, struct text *path);
int netns_make_folders(const char *path, struct err *e);

/* netns_dns.c: the node of the traffic manager, whose program is not ours. */
int netns_dns_furnish(struct netns_lab *l, uint16_t node, struct err *e); /* its files, from its config.json */
int netns_dns_start(struct netns_lab *l, uint16_t node, int log_fd, struct err *e);
int netns_dns_reload(struct netns_lab *l, uint16_t node, int log_fd, struct err *e); /* its config.json has changed */

/* netns_wire.c: which links, what they are made of, and the process that carries them. */
void netns_wire_choose(struct netns_lab *l);
void netns_wire_pairs(const struct netns_lab *l, struct netlink *nl, size_t i, const struct netlink_end ends[2]);
int netns_wire_furnish(struct netns_lab *l, int control, struct err *e); /* the middle's devices go up */
int netns_wire_start(struct netns_lab *l, struct err *e);
int netns_carriage(struct lab *lab, struct wire_counts *counts, struct err *e);

/* The network of a site's nodes, 10.<site+1>.0.0/16. */
static inline uint32_t netns_network(uint16_t site)
{
    return 10u << 24 | (site + 1u) << 16;
}

/* netns_gate.c: the gates of a path, and who answers for them. */
int netns_gates_furnish(struct netns_lab *l, struct err *e);
int netns_gates_set(struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct err *e);
int netns_gates_get(const struct netns_lab *l, uint16_t path, struct path_state *actual, struct err *e);

/* netns_path.c */
int netns_path_plumb(struct netns_lab *l, struct err *e); /* all paths neutral: at their baselines */
int netns_path_set(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e);
int netns_path_get(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e);
int netns_node_unplug(struct lab *lab, uint16_t node, bool unplugged, struct err *e);
int netns_path_sockets(struct lab *lab, uint16_t path, uint16_t port, int *send_fd, int *receive_fd, struct err *e);

/* netns_disk.c: the file system under a node's data/. */
int disk_mount(struct node_disk *d, const char *path, struct err *e); /* there already: nothing */
void disk_unmount(struct node_disk *d, const char *path);
int disk_starve(struct node_disk *d, const char *path, enum lab_resource r, int64_t limit, struct err *e);
int disk_supply(const char *path, enum lab_resource r, int64_t want, struct lab_supply *s, struct err *e);
int netns_disk_starve(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t limit, struct err *e);
int netns_disk_supply(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                      struct err *e);

/* netns_io.c: the tap on a node's disk, in runs that need it. */
int netns_tap_furnish(struct netns_lab *l, uint16_t node, struct err *e); /* before each start */
int netns_tap_settle(struct netns_lab *l, uint16_t node, struct err *e);  /* what died has lost what it is to lose */
int netns_io_starve(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t limit, struct err *e);
int netns_io_supply(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                    struct err *e);

/* netns_starve.c, netns_crowd.c */
int netns_node_starve(struct lab *lab, uint16_t node, enum lab_resource r, int64_t limit, struct err *e);
int netns_node_supply(struct lab *lab, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                      struct err *e);
int netns_node_crowd(struct lab *lab, uint16_t from, uint16_t to, size_t connections, struct err *e);
void netns_crowd_free(struct crowd *c);
void netns_descriptors_let_go(struct node_run *run); /* nobody sees to its limit any more */
/* netns_plug.c: the router's device of a path down, and up again as it was. */
int netns_plug_drive(struct netns_lab *l, uint16_t path, bool down, struct err *e);
int netns_plug_read(struct netns_lab *l, uint16_t path, bool *down, struct err *e);

/* netns_connection.c */
int netns_node_socket(struct lab *lab, uint16_t node, int type, struct err *e);
int netns_connections(struct lab *lab, uint16_t node, uint16_t peer, uint64_t *cookies, size_t max, size_t *n,
                      struct err *e);
int netns_disconnect(struct lab *lab, uint16_t node, uint16_t peer, struct err *e);
bool netns_listens(struct netns_lab *l, uint16_t node); /* on the port where it serves; false also if nobody can tell */
