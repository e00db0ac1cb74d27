/* SPDX-License-Identifier: MIT */
/*
 * What every process is, whatever its role: a loop, a configuration, a service port, an admin port, counters; a gateway
 * may offer its service over TLS on a port beside it.
 *
 * main.c makes one; the role (gateway.c, origin.c, witness.c) hangs on it by struct role_ops. The node answers
 * /livez, /healthz, /readyz and /metrics on both ports and /status, /config on the admin port; the rest is the role's.
 */
#pragma once
#include "gateway-under-test/config.h"
#include "gateway-under-test/metrics.h"
#include "gateway-under-test/server.h"
#include "gateway-under-test/wall.h"
#include "harness/base/loop.h"
#include "harness/base/rng.h"

struct node;
struct text;

struct role_ops {
    int (*open)(struct node *n, struct err *e);
    void (*close)(struct node *n);
    void (*handle)(struct node *n, struct exchange *x); /* a request on the service port */
    bool (*takes)(struct node *n, struct exchange *x);  /* one before anybody else sees it; false: not. NULL: never */
    bool (*admin)(struct node *n, struct exchange *x);  /* on the admin port; false: not ours. NULL: none */
    void (*status)(struct node *n, json_t *into);
    bool (*ready)(struct node *n);
    void (*deep)(struct node *n, struct exchange *x); /* /healthz?deep=1: with all that it needs; NULL: as without */
    void (*role_fields)(struct node *n, struct text *out); /* header lines for /healthz and /readyz; NULL: none */
    void (*gauges)(struct node *n, struct text *out);      /* NULL: none */
    /* Header lines of every answer on a service port; NULL: none. */
    void (*sign)(struct node *n, const struct exchange *x, struct text *out);
    /* A request on a service port got its answer; NULL: not of interest. */
    void (*answered)(struct node *n, struct exchange *x, int status, size_t len);
    int (*reload)(struct node *n, struct config *next, struct err *e); /* before n->config is swapped; NULL: nothing */
    void (*applied)(struct node *n); /* n->config came from file or control plane, not by a patch; NULL: nothing */
};

extern const struct role_ops gateway_ops, origin_ops, witness_ops, control_ops;

struct node {
    struct loop *loop;
    struct config *config;
    const char *config_path, *desired_path, *data_dir; /* the last two may be NULL */
    const char *backup_dir; /* the second medium; NULL: none */
    bool restore;           /* a store without a log starts with the newest backup there */
    char applied[SHA256_HEX]; /* the last configuration that came from there: differs from config's after a patch */
    const struct role_ops *ops;
    void *self; /* of the role */
    struct server service, secure, admin; /* secure: over TLS, where the configuration has it */
    struct tls_identity *identity;        /* what it shows there */
    struct loop_timer drain_timer;
    struct rng rng;
    struct wall wall;
    int64_t started_ns, drain_until;
    int64_t counters[COUNTER_COUNT];
    bool draining, standby, stop;
};

/* Open ports and role. config is taken; the paths are borrowed. */
int node_open(struct node *n, struct loop *l, struct config *config, struct err *e);
void node_close(struct node *n);
void node_drain(struct node *n);                                    /* SIGTERM: sets stop when all is done */
int node_reload(struct node *n, struct err *e);                     /* SIGHUP: the file, or the running one kept */
int node_adopt(struct node *n, struct config *next, struct err *e); /* takes next on success only */
/* Replace what runs and nothing else (PUT /config): not the file, not the last good one. Borrows doc. */
int node_patch(struct node *n, json_t *doc, struct err *e);
/* last_good.c: what was taken over last, in the data directory. read: -1 leaves e as it is, 0 clears it. */
void last_good_keep(const struct node *n, const struct config *c);
int last_good_read(const struct node *n, struct config **out, struct err *e);
void node_log(const struct node *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The file that a name in the configuration means. */
void node_beside_config(const struct node *n, const char *name, struct text *path);
void node_serve(struct node *n, struct exchange *x); /* a request on the service port, as if nobody had taken it */
/* Answers that every role gives the same way. False: not such a path. */
bool node_answer_health(struct node *n, struct exchange *x);
bool health_is_deep(const struct exchange *x);
void answer_health(struct node *n, struct exchange *x, bool fine);
void node_answer_admin(struct node *n, struct exchange *x);
void answer_json(struct exchange *x, int status, json_t *take);
void answer_error(struct exchange *x, int status, const char *fields, const char *what);
