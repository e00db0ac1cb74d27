/* SPDX-License-Identifier: MIT */
/*
 * What the injectors share: whom an action hits, and knocking on nodes without blocking. Private to this room.
 *
 * A round of looks asks several nodes at once; its answers lie in injection.state until all have come. Looks that are
 * under way when the conductor frees the state are dropped by the lab, whose loop does not run any more by then.
 */
#pragma once
#include "injectors/injector.h"

#define TARGET_NODES_MAX 64

/* The gateways and origins that an action hits; at most max. */
size_t target_nodes(const struct topology *t, const struct action *a, uint16_t *nodes, size_t max);

/* Those of them that are gateways. */
size_t target_gateways(const struct topology *t, const struct action *a, uint16_t nodes[TARGET_NODES_MAX]);

struct look {
    uint16_t node;
    uint16_t from, port; /* of a look_round_port */
    int status; /* of the answer: an enum knock or an HTTP status */
    int64_t took_ns;
    bool answered;
    char config[65]; /* of a /status: the fingerprint of the running configuration */
    char applied[65]; /* and of the one that it took over last from file or control plane; empty: it does not say */
    char desired[65], refused[65]; /* and of the desired one in force, and of one that was not let in; empty: none */
    char file[65], file_state[12]; /* of its own file, and how that is; empty: it does not say */
    bool desired_late; /* a fault keeps the desired configuration from it */
    int64_t time_ns, at_ns; /* wall time as the node says it; when it said so (run time), give or take half of took */
    bool leader;     /* of a /status */
    char certificate[65]; /* of a handshake, or what a /status says is shown: the fingerprint */
    int verify;      /* of a handshake: the X509_V_ code of what a customer would say, 0 well */
    bool stall;      /* of a /status: handshakes are told to stall */
    int rcode, ttl;  /* of the DNS, */
    char answer[160]; /* and its addresses, with blanks between them */
};

struct look_round {
    size_t n;
    bool open;   /* asked, and not yet judged */
    bool healed; /* what it was asked for: the fault, or its heal */
    struct look at[TARGET_NODES_MAX + 1];
};

/* Knock on nodes from a place that no cut separates from them, or read their running configuration. Returns false
 * when not even asking worked. */
bool look_round_knock(struct look_round *r, struct fabric *f, const uint16_t *nodes, size_t n);
bool look_round_status(struct look_round *r, struct fabric *f, const uint16_t *nodes, size_t n);
bool look_round_over(struct look_round *r); /* all have answered; the next round may begin */
/* For prove. PENDING: answers are out; PROVEN: a round for this question is complete and to be judged now; REFUTED:
 * there is none, begin one. */
enum proof look_round_stand(struct look_round *r, bool healed);
void look_round_new(struct look_round *r);
/* Add one call of an admin port to an open round. */
int look_round_call(struct look_round *r, struct fabric *f, uint16_t node, const char *method, const char *target,
                    const char *body, struct err *e);
/* Add one handshake, from where knocks come from; its status is an enum handshake_end. */
int look_round_handshake(struct look_round *r, struct fabric *f, uint16_t node, struct err *e);
/* Add one knock on a TCP port of a node from another node to an open round;
 * false: no room, or it could not be asked. */
bool look_round_port(struct look_round *r, struct fabric *f, uint16_t from, uint16_t node, uint16_t port);
/* For apply: run the lab's loop until the round is over; calls end by themselves within half a second. */
int look_round_wait(struct look_round *r, struct fabric *f, struct err *e);

/* For apply: ask the nodes for their status again and again until all have taken up what they were given, for three
 * seconds at most. taken_up says how many have, by the answers in r. */
int look_round_until(struct look_round *r, struct injection *in, const uint16_t *nodes, size_t n,
                     size_t (*taken_up)(const struct injection *in), struct err *e);

/* The round of an injection that keeps nothing else, made on first use. */
/* Whether the calls of a round all came back with a 2xx. */
int look_round_accepted(const struct look_round *r, struct fabric *f, const char *doing, struct err *e);
/* The origin that says it leads, TOPO_NONE if nobody does. */
uint16_t look_round_leader(struct look_round *r, struct fabric *f, struct err *e);
struct look_round *look_round_of(struct injection *in);

/* A node that nothing holds, in another region if there is one, to show that the world as such still answers. */
uint16_t target_bystander(struct fabric *f, const uint16_t *nodes, size_t n);
/* What the fabric makes of the way between two nodes and back, and by how much that varies. */
int64_t target_round_trip_ns(const struct fabric *f, uint16_t from, uint16_t to, int64_t *jitter_ns);
/* Where to look from: a vantage, else another region, that is not cut off from the node; TOPO_NONE if all are. */
uint16_t target_observer(struct fabric *f, uint16_t node);
