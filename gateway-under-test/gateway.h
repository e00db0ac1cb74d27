/* SPDX-License-Identifier: MIT */
/*
 * The role gateway: routes, pools, a proxy with retries, drift. Hangs on a node (node->self) and owns its table.
 */
#pragma once
#include "gateway-under-test/access_log.h"
#include "gateway-under-test/alerts.h"
#include "gateway-under-test/budget.h"
#include "gateway-under-test/desired.h"
#include "gateway-under-test/identity.h"
#include "gateway-under-test/pool.h"

struct node;
struct exchange;
struct proxied;

/* The first that holds is told (drift_kind.c). */
#define DRIFT_KINDS(X) X(lagging) X(secret) X(runtime_patch) X(file_edit) X(foreign) X(partial_apply)

#define DRIFT_ENUM(name) DRIFT_##name,
enum drift_kind { DRIFT_none, DRIFT_KINDS(DRIFT_ENUM) DRIFT_KINDS_COUNT };
#undef DRIFT_ENUM

struct drift {
    struct node *node;
    struct loop_timer timer;
    struct desired desired;
    enum { FILE_OK, FILE_MISSING, FILE_UNREADABLE, FILE_BROKEN } file;
    char effective[SHA256_HEX], of_file[SHA256_HEX]; /* hashed at the last look; of_file empty: it says nothing */
    char reached[SHA256_HEX]; /* the desired configuration that was seen running last; empty: none */
    struct drift_secrets {
        char running[SHA256_HEX];  /* at the last take-over */
        char of_files[SHA256_HEX]; /* at the last look */
        char reached[SHA256_HEX];  /* when the desired configuration was seen running first */
    } secrets;
    char at_start[SHA256_HEX];              /* of what takes effect when the process starts, as it was then */
    bool unwritten;                         /* what runs is desired, and the file does not take it */
    bool keys_in_file;                      /* the file differs from what runs in its hashed API keys alone */
    enum drift_kind kind;                   /* at the last look */
    int64_t since, seen[DRIFT_KINDS_COUNT]; /* since when some drift lasts; how often each kind began */
};

struct gateway {
    struct node *node;
    struct table *table;
    struct drift drift;
    struct retry_budget budget;
    LIST_HEAD(proxied_list, proxied) proxied; /* requests that proxy.c has and has not yet answered */
    int in_flight;                /* their number */
    struct callers callers;
    struct alerts alerts;
    struct access_log access_log;
    struct text signature; /* what it says of itself in every answer, up to the attempts */
    int64_t writes; /* seen by the flaw duplicate_on_retry */
};

/* proxy.c: pass a request on; answers it exactly once, at most total_ms later. */
void proxy_start(struct gateway *g, struct exchange *x, struct route *route);
void proxy_close(struct gateway *g); /* forget them all, unanswered */

/* drift_kind.c: of which kind a difference is, by what drift.c has found at its last look. Private to drift.c. */
enum drift_kind drift_kind_of(const struct drift *d);
bool drift_runs_desired(const struct drift *d);
bool drift_file_as_running(const struct drift *d);
const char *drift_secrets_wanted(const struct drift *d);              /* empty: none */
void drift_print_fixed(const struct config *c, char out[SHA256_HEX]); /* of what takes effect at a start only */
extern const char *const drift_kind_words[];                          /* by enum drift_kind, NULL for none */

/* drift.c: compare, report and repair. */
int drift_open(struct drift *d, struct node *n, struct err *e);
void drift_close(struct drift *d);
void drift_status(const struct drift *d, json_t *into);
void drift_reloaded(struct drift *d, const struct config *next); /* another one is about to run */
bool drift_told(const struct drift *d);                          /* there is some, and it is not concealed */
void drift_gauges(const struct drift *d, struct text *out);
bool drift_keeps_out(const struct drift *d); /* quarantine: drifted, so not ready */
/* No word from the control plane for too long, and told to refuse then. */
bool drift_out_of_touch(const struct drift *d);
